/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of single attributes, by tables: what is written again tells what was read. */
#include "mediaferry/sdp_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exact_text.h"

/* Reads a value and, when that works, writes the line again. */
typedef bool reread(struct writer *w, struct text value);

#define REREAD(noun)                                                                               \
    static bool reread_##noun(struct writer *w, struct text value)                                 \
    {                                                                                              \
        struct sdp_##noun parsed;                                                                  \
        bool ok = sdp_read_##noun(value, &parsed);                                                 \
        if (ok)                                                                                    \
            sdp_write_##noun(w, &parsed);                                                          \
        return ok;                                                                                 \
    }

REREAD(rtpmap)
REREAD(fmtp)
REREAD(rtcp_fb)
REREAD(candidate)
REREAD(crypto)
REREAD(fingerprint)
REREAD(extmap)

#define SHA1 "A1:b2:C3:D4:E5:F6:07:18:29:3A:4B:5C:6D:7E:8F:90:A1:B2:C3:D4"
#define SHA1_UP "A1:B2:C3:D4:E5:F6:07:18:29:3A:4B:5C:6D:7E:8F:90:A1:B2:C3:D4"
#define KEY30 "MDEyMzQ1Njc4OWFiY2RlZnNhbHRzYWx0c2FsdHN0"
#define KEY46 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZzYWx0c2FsdHNhbHRzdA=="
#define KEY28 "MDEyMzQ1Njc4OWFiY2RlZnNhbHRzYWx0c2FsdA=="
#define KEY44 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZzYWx0c2FsdHNhbHQ="

static const struct {
    reread *function;
    const char *value;
    const char *expected; /* the value written again; NULL: refused */
} cases[] = {
    {reread_rtpmap, "0 PCMU/8000", "0 PCMU/8000"},
    {reread_rtpmap, "111 opus/48000/2", "111 opus/48000/2"},
    {reread_rtpmap, "111  opus/48000/1 ", "111 opus/48000"},
    {reread_rtpmap, "127 x/4294967295/255", "127 x/4294967295/255"},
    {reread_rtpmap, "128 x/8000", NULL},
    {reread_rtpmap, "0 x/0", NULL},
    {reread_rtpmap, "0 x/8000/0", NULL},
    {reread_rtpmap, "0 x/8000/256", NULL},
    {reread_rtpmap, "0 x/4294967296", NULL},
    {reread_rtpmap, "0 /8000", NULL},
    {reread_rtpmap, "0 x", NULL},
    {reread_rtpmap, "0", NULL},
    {reread_rtpmap, "", NULL},
    {reread_rtpmap, "x y/8000", NULL},

    {reread_fmtp, "111 minptime=10;useinbandfec=1", "111 minptime=10;useinbandfec=1"},
    {reread_fmtp, "101 0-15", "101 0-15"},
    {reread_fmtp, "101", "101"},
    {reread_fmtp, "t38 x", NULL},

    {reread_rtcp_fb, "96 nack pli", "96 nack pli"},
    {reread_rtcp_fb, "96 goog-remb", "96 goog-remb"},
    {reread_rtcp_fb, "* trr-int 100", "* trr-int 100"},
    {reread_rtcp_fb, "*", NULL},
    {reread_rtcp_fb, "96", NULL},
    {reread_rtcp_fb, "nack pli", NULL},

    {reread_candidate, "1 1 UDP 2130706431 192.0.2.1 5004 typ host",
        "1 1 UDP 2130706431 192.0.2.1 5004 typ host"},
    {reread_candidate, "a+/ 2 udp 0 2001:db8::1 0 typ srflx raddr 10.0.0.1 rport 9",
        "a+/ 2 udp 0 2001:db8::1 0 typ srflx raddr 10.0.0.1 rport 9"},
    {reread_candidate,
        "1 256 udp 4294967295 x.local 65535 typ host generation 0 network-id 1 network-cost 10",
        "1 256 udp 4294967295 x.local 65535 typ host generation 0 network-id 1 network-cost 10"},
    {reread_candidate, "1 1 tcp 9 192.0.2.1 9 typ host tcptype active generation 0",
        "1 1 tcp 9 192.0.2.1 9 typ host tcptype active generation 0"},
    {reread_candidate, "1 1 sctp 9 host.example 9 typ new x y",
        "1 1 sctp 9 host.example 9 typ new x y"},
    {reread_candidate, "1 1 udp 9 192.0.2.1 9 typ relay raddr x.local rport 4",
        "1 1 udp 9 192.0.2.1 9 typ relay"},
    {reread_candidate, "1 1 udp 9 192.0.2.1 9 typ prflx raddr ::1",
        "1 1 udp 9 192.0.2.1 9 typ prflx raddr ::1 rport 0"},
    {reread_candidate, "1 0 udp 9 192.0.2.1 9 typ host", NULL},
    {reread_candidate, "1 257 udp 9 192.0.2.1 9 typ host", NULL},
    {reread_candidate, "1 1 udp 4294967296 192.0.2.1 9 typ host", NULL},
    {reread_candidate, "1 1 udp 9 192.0.2.1 65536 typ host", NULL},
    {reread_candidate, "1 1 udp 9 192.0.2.1 9 host", NULL},
    {reread_candidate, "1 1 udp 9 192.0.2.1 9 typ", NULL},
    {reread_candidate, "1 1 udp 9 192.0.2.1 9", NULL},
    {reread_candidate, "1 1 udp 9 192.0.2.1 9 typ host raddr 10.0.0.1 rport 65536", NULL},
    {reread_candidate, "", NULL},

    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30},
    {reread_crypto, "2 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|2^31|1:1 KDR=2 WSH=64",
        "2 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|2^31|1:1 KDR=2 WSH=64"},
    {reread_crypto, "3 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|1000",
        "3 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|1000"},
    {reread_crypto, "4 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|1024|255:1;inline:" KEY30 "|3:128",
        "4 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|2^10|255:1;inline:" KEY30 "|3:128"},
    {reread_crypto, "5 AES_256_CM_HMAC_SHA1_80 inline:" KEY46,
        "5 AES_256_CM_HMAC_SHA1_80 inline:" KEY46},
    {reread_crypto,
        "6 AES_256_CM_HMAC_SHA1_32 "
        "inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZzYWx0c2FsdHNhbHRzdA",
        "6 AES_256_CM_HMAC_SHA1_32 inline:" KEY46},
    {reread_crypto, "7 AEAD_AES_128_GCM inline:" KEY28, "7 AEAD_AES_128_GCM inline:" KEY28},
    {reread_crypto, "8 AEAD_AES_256_GCM inline:" KEY44 " UNENCRYPTED_SRTCP",
        "8 AEAD_AES_256_GCM inline:" KEY44 " UNENCRYPTED_SRTCP"},
    {reread_crypto, "9 SOME_NEW_SUITE inline:Zm9v -x=y", "9 SOME_NEW_SUITE inline:Zm9v -x=y"},
    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY46, NULL},
    {reread_crypto, "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY30, NULL},
    {reread_crypto, "1 AEAD_AES_128_GCM inline:" KEY30, NULL},
    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 ";" KEY30, NULL},
    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|2^64", NULL},
    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|x", NULL},
    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|1:0", NULL},
    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|1:129", NULL},
    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|256:1", NULL},
    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|2^3|1:1|5", NULL},
    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " KDR=25", NULL},
    {reread_crypto, "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " WSH=63", NULL},
    {reread_crypto, "1 X inline:Zm9v;inline:Zm9v;inline:Zm9v;inline:Zm9v",
        "1 X inline:Zm9v;inline:Zm9v;inline:Zm9v;inline:Zm9v"},
    {reread_crypto, "1 X inline:Zm9v;inline:Zm9v;inline:Zm9v;inline:Zm9v;inline:Zm9v", NULL},
    {reread_crypto, "1 X inline:", NULL},
    {reread_crypto, "1 X uri:Zm9v", NULL},
    {reread_crypto, "1 X", NULL},
    {reread_crypto, "1000000000 X inline:Zm9v", NULL},
    {reread_crypto, "x X inline:Zm9v", NULL},

    {reread_fingerprint, "sha-1 " SHA1, "sha-1 " SHA1_UP},
    {reread_fingerprint, "SHA-1 " SHA1, "sha-1 " SHA1_UP},
    {reread_fingerprint, "md5 00:ff", "md5 00:FF"},
    {reread_fingerprint, "sha-1 " SHA1 ":00", NULL},
    {reread_fingerprint, "sha-256 " SHA1, NULL},
    {reread_fingerprint, "md5 0:ff", NULL},
    {reread_fingerprint, "md5 00ff", NULL},
    {reread_fingerprint, "md5 00::ff", NULL},
    {reread_fingerprint, "md5 00:gg", NULL},
    {reread_fingerprint, "sha-1", NULL},
    {reread_fingerprint,
        "x " SHA1 ":" SHA1 ":" SHA1 ":01:02:03:04", /* 64 bytes, and then one more */
        "x " SHA1_UP ":" SHA1_UP ":" SHA1_UP ":01:02:03:04"},
    {reread_fingerprint, "x " SHA1 ":" SHA1 ":" SHA1 ":01:02:03:04:05", NULL},

    {reread_extmap, "1 urn:x", "1 urn:x"},
    {reread_extmap, "255/sendonly urn:x a b", "255/sendonly urn:x a b"},
    {reread_extmap, "4351/inactive urn:x", "4351/inactive urn:x"},
    {reread_extmap, "0 urn:x", NULL},
    {reread_extmap, "256 urn:x", NULL},
    {reread_extmap, "4095 urn:x", NULL},
    {reread_extmap, "4352 urn:x", NULL},
    {reread_extmap, "1/mid urn:x", NULL},
    {reread_extmap, "1", NULL},
};

static void reads_and_writes_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text value = exact_text(cases[i].value);
        char line[512];
        struct writer w = writer_over(line, sizeof(line));

        bool ok = cases[i].function(&w, value);
        if (ok != (cases[i].expected != NULL))
            fail_msg("%s: %s", cases[i].value, ok ? "accepted" : "refused");
        if (ok) {
            struct text written = text_from_bytes(writer_bytes(&w));
            assert_true(writer_ok(&w) && text_starts_with(written, "a="));
            text_cut(&written, ':');
            written.len -= 2;
            if (!text_is(written, cases[i].expected))
                fail_msg("%s: written as %.*s", cases[i].value, TEXT_ARG(written));
        }
        free((void *)value.data);
    }
}

static void static_types(void **state)
{
    (void)state;
    struct sdp_rtpmap map;
    unsigned known = 0;
    for (unsigned i = 0; i < 256; i++)
        known += sdp_static_rtpmap(i, &map);
    assert_int_equal(known, 24); /* RFC 3551, tables 4 and 5 */
    assert_true(sdp_static_rtpmap(9, &map));
    assert_true(text_is(map.encoding, "G722"));
    assert_int_equal(map.clock, 8000);
    assert_true(sdp_static_rtpmap(10, &map));
    assert_int_equal(map.channels, 2);
    assert_false(sdp_static_rtpmap(96, &map));
}

static void fmtp_params(void **state)
{
    (void)state;
    struct text value;
    struct text params = TEXT("minptime=10; UseInbandFEC = 1;flag;apt=96");
    assert_true(sdp_fmtp_param(params, "minptime", &value) && text_is(value, "10"));
    assert_true(sdp_fmtp_param(params, "useinbandfec", &value) && text_is(value, "1"));
    assert_true(sdp_fmtp_param(params, "flag", &value) && value.len == 0);
    assert_true(sdp_fmtp_param(params, "apt", &value) && text_is(value, "96"));
    assert_false(sdp_fmtp_param(params, "ap", &value));
}

static void candidate_details(void **state)
{
    (void)state;
    struct sdp_candidate c;
    struct text value;

    assert_true(sdp_read_candidate(
        TEXT("f 1 TCP 7 192.0.2.1 9 typ SRFLX raddr 10.0.0.1 rport 8 generation 3 ufrag ab "
             "tcptype passive"),
        &c));
    assert_int_equal(c.transport, SDP_CANDIDATE_TCP);
    assert_int_equal(c.type, SDP_CANDIDATE_SRFLX);
    assert_int_equal(c.tcp_type, SDP_TCP_PASSIVE);
    assert_int_equal(c.address.family, ADDRESS_IP4);
    assert_int_equal(c.address.port, 9);
    assert_int_equal(c.related.port, 8);
    assert_false(c.is_mdns);
    assert_true(sdp_candidate_extension(&c, "ufrag", &value) && text_is(value, "ab"));
    assert_false(sdp_candidate_extension(&c, "ab", &value)); /* a value, not a name */

    assert_true(sdp_read_candidate(TEXT("f 1 udp 7 A.LOCAL 50123 typ host"), &c));
    assert_true(c.is_mdns);
    assert_int_equal(c.address.family, ADDRESS_NONE);
    assert_int_equal(c.address.port, 50123);
    assert_true(sdp_read_candidate(TEXT("f 1 udp 7 host.example 1 typ host"), &c));
    assert_false(c.is_mdns);
    assert_int_equal(c.address.family, ADDRESS_NONE);
}

static void crypto_details(void **state)
{
    (void)state;
    struct sdp_crypto c;
    assert_true(sdp_read_crypto(TEXT("7 aes_cm_128_hmac_sha1_80 inline:" KEY30
                                     "|2^20|258:2 UNENCRYPTED_SRTP UNENCRYPTED_SRTCP "
                                     "UNAUTHENTICATED_SRTP KDR=3 WSH=128 -ours"),
        &c));
    assert_int_equal(c.tag, 7);
    assert_string_equal(c.suite->name, "AES_CM_128_HMAC_SHA1_80");
    assert_int_equal(c.key_count, 1);
    assert_memory_equal(c.keys[0].bytes, "0123456789abcdefsaltsaltsaltst", 30);
    assert_int_equal(c.keys[0].lifetime, 1 << 20);
    assert_int_equal(c.keys[0].mki, 258);
    assert_int_equal(c.keys[0].mki_len, 2);
    assert_true(c.unencrypted_srtp && c.unencrypted_srtcp && c.unauthenticated_srtp);
    assert_false(c.has_unknown_params);
    assert_int_equal(c.kdr, 3);
    assert_int_equal(c.wsh, 128);

    assert_true(sdp_read_crypto(TEXT("1 X inline:Zm9v FEC_ORDER=FEC_SRTP"), &c));
    assert_null(c.suite);
    assert_true(c.has_unknown_params);
}

static void rtcp_and_connection(void **state)
{
    (void)state;
    struct sdp_rtcp rtcp;
    assert_true(sdp_read_rtcp(TEXT("9 IN IP4 0.0.0.0"), &rtcp));
    assert_int_equal(rtcp.port, 9);
    assert_true(rtcp.has_connection);
    assert_int_equal(rtcp.connection.address.port, 9);
    assert_true(sdp_read_rtcp(TEXT("5005 "), &rtcp));
    assert_false(rtcp.has_connection);
    assert_false(sdp_read_rtcp(TEXT("65536"), &rtcp));
    assert_false(sdp_read_rtcp(TEXT("5005 IN IP4"), &rtcp));
    assert_false(sdp_read_rtcp(TEXT(""), &rtcp));

    struct sdp_connection c;
    assert_true(sdp_read_connection(TEXT("in ip4 2001:db8::1"), &c));
    assert_int_equal(c.family, ADDRESS_IP6); /* the literal knows better */
    assert_true(sdp_read_connection(TEXT("IN IP6 host.example"), &c));
    assert_int_equal(c.family, ADDRESS_IP6);
    assert_int_equal(c.address.family, ADDRESS_NONE);
}

static void setup_and_direction(void **state)
{
    (void)state;
    enum sdp_setup setup;
    enum sdp_direction direction;
    static const char *const setups[] = {"active", "passive", "actpass", "holdconn"};
    for (size_t i = 0; i < COUNT_OF(setups); i++) {
        assert_true(sdp_read_setup(text_from(setups[i]), &setup));
        assert_string_equal(sdp_setup_name(setup), setups[i]);
    }
    assert_false(sdp_read_setup(TEXT("activ"), &setup));

    static const char *const directions[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    for (size_t i = 0; i < COUNT_OF(directions); i++) {
        assert_true(sdp_direction_of(sdp_attr_kind_of(text_from(directions[i])), &direction));
        assert_string_equal(sdp_direction_name(direction), directions[i]);
    }
    assert_false(sdp_direction_of(SDP_ATTR_MID, &direction));
}

static void names_of_attributes(void **state)
{
    (void)state;
    assert_int_equal(sdp_attr_kind_of(TEXT("rtcp")), SDP_ATTR_RTCP);
    assert_int_equal(sdp_attr_kind_of(TEXT("rtcp-fb")), SDP_ATTR_RTCP_FB);
    assert_int_equal(sdp_attr_kind_of(TEXT("RTCP")), SDP_ATTR_OTHER);
    assert_int_equal(sdp_attr_kind_of(TEXT("T38FaxVersion")), SDP_ATTR_T38);
    assert_int_equal(sdp_attr_kind_of(TEXT("t38maxbitrate")), SDP_ATTR_T38);
    assert_int_equal(sdp_attr_kind_of(TEXT("T3")), SDP_ATTR_OTHER);
    assert_int_equal(sdp_attr_kind_of(TEXT("")), SDP_ATTR_OTHER);
}

static void small_values(void **state)
{
    (void)state;
    struct sdp_group group;
    struct sdp_ssrc ssrc;
    struct text word;
    unsigned ms = 1;

    assert_true(sdp_read_group(TEXT("BUNDLE 0 audio"), &group));
    assert_true(text_is(group.semantics, "BUNDLE") && text_is(group.mids, "0 audio"));
    assert_true(sdp_read_group(TEXT("BUNDLE"), &group) && group.mids.len == 0);
    assert_false(sdp_read_group(TEXT(" "), &group));

    assert_true(sdp_read_ssrc(TEXT("4294967295 msid:a b"), &ssrc));
    assert_int_equal(ssrc.ssrc, UINT32_MAX);
    assert_true(text_is(ssrc.name, "msid") && text_is(ssrc.value, "a b"));
    assert_false(sdp_read_ssrc(TEXT("4294967296 cname:x"), &ssrc));
    assert_false(sdp_read_ssrc(TEXT("1"), &ssrc));

    assert_true(sdp_read_ptime(TEXT("20"), &ms) && ms == 20);
    assert_true(sdp_read_ptime(TEXT("2.5"), &ms) && ms == 2);
    assert_false(sdp_read_ptime(TEXT("0"), &ms));
    assert_false(sdp_read_ptime(TEXT("x"), &ms));
    assert_false(sdp_read_ptime(TEXT(""), &ms));
    assert_int_equal(ms, 2); /* untouched on failure */

    assert_true(sdp_read_word(TEXT(" 0 "), &word) && text_is(word, "0"));
    assert_false(sdp_read_word(TEXT("0 1"), &word));
    assert_false(sdp_read_word(TEXT(""), &word));
    assert_true(sdp_has_word(TEXT("trickle ice2"), "ice2"));
    assert_false(sdp_has_word(TEXT("trickle ice2"), "ice"));
}

static void hashes(void **state)
{
    (void)state;
    assert_int_equal(sdp_hash_of(TEXT("Sha-256")), SDP_HASH_SHA_256);
    assert_string_equal(sdp_hash_name(SDP_HASH_SHA_384), "sha-384");
    assert_int_equal(sdp_hash_len(SDP_HASH_SHA_512), 64);
    assert_int_equal(sdp_hash_of(TEXT("")), SDP_HASH_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_again),
        cmocka_unit_test(static_types),
        cmocka_unit_test(fmtp_params),
        cmocka_unit_test(candidate_details),
        cmocka_unit_test(crypto_details),
        cmocka_unit_test(rtcp_and_connection),
        cmocka_unit_test(setup_and_direction),
        cmocka_unit_test(names_of_attributes),
        cmocka_unit_test(small_values),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests_name("sdp/attr", tests, NULL, NULL);
}
