/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/bencode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dump.h"
#include "hex.h"

struct flag_case {
    const char *flags;
    const char *tree;
};

/* What Kamailio 5.6 makes of each of these flags when it splits them itself, as recorded. */
static const struct flag_case as_the_proxy_splits[] = {
    {"replace-origin replace-session-connection", "{'replace': ['origin', 'session-connection']}"},
    {"replace-origin replace-session-connection replace-username replace-session-name "
     "replace-SDP-version",
        "{'replace': ['origin', 'session-connection', 'username', 'session-name', 'SDP-version']}"},
    {"trust-address", "{'flags': ['trust-address']}"},
    {"SIP-source-address", "{'flags': ['SIP-source-address']}"},
    {"symmetric", "{'flags': ['symmetric']}"},
    {"asymmetric", "{'flags': ['asymmetric']}"},
    {"unidirectional", "{'flags': ['unidirectional']}"},
    {"strict-source", "{'flags': ['strict-source']}"},
    {"media-handover", "{'flags': ['media-handover']}"},
    {"reset", "{'flags': ['reset']}"},
    {"port-latching", "{'flags': ['port-latching']}"},
    {"no-rtcp-attribute", "{'flags': ['no-rtcp-attribute']}"},
    {"full-rtcp-attribute", "{'flags': ['full-rtcp-attribute']}"},
    {"loop-protect", "{'flags': ['loop-protect']}"},
    {"original-sendrecv", "{'flags': ['original-sendrecv']}"},
    {"always-transcode", "{'flags': ['always-transcode']}"},
    {"record-call=on", "{'record-call': 'on'}"},
    {"generate-RTCP", "{'flags': ['generate-RTCP']}"},
    {"generate-mid", "{'flags': ['generate-mid']}"},
    {"trickle-ICE", "{'flags': ['trickle-ICE']}"},
    {"reject-ICE", "{'flags': ['reject-ICE']}"},
    {"inject-DTMF", "{'flags': ['inject-DTMF']}"},
    {"detect-DTMF", "{'flags': ['detect-DTMF']}"},
    {"no-redis-update", "{'flags': ['no-redis-update']}"},
    {"pad-crypto", "{'flags': ['pad-crypto']}"},
    {"ICE=force", "{'ICE': 'force'}"},
    {"ICE=remove", "{'ICE': 'remove'}"},
    {"ICE=optional", "{'ICE': 'optional'}"},
    {"ICE=force-relay", "{'ICE': 'force-relay'}"},
    {"ICE=default", "{'ICE': 'default'}"},
    {"ICE-lite=forward", "{'ICE-lite': 'forward'}"},
    {"DTLS=passive", "{'DTLS': 'passive'}"},
    {"DTLS=active", "{'DTLS': 'active'}"},
    {"DTLS=off", "{'DTLS': 'off'}"},
    {"DTLS-reverse=passive", "{'DTLS-reverse': 'passive'}"},
    {"DTLS-fingerprint=sha-256", "{'DTLS-fingerprint': 'sha-256'}"},
    {"SDES-off", "{'SDES': ['off']}"},
    {"SDES-unencrypted_srtp SDES-no-AES_256_CM_HMAC_SHA1_80",
        "{'SDES': ['unencrypted_srtp', 'no-AES_256_CM_HMAC_SHA1_80']}"},
    {"SDES-only-AES_CM_128_HMAC_SHA1_80", "{'SDES': ['only-AES_CM_128_HMAC_SHA1_80']}"},
    {"SDES-nonew", "{'SDES': ['nonew']}"},
    {"OSRTP-offer", "{'flags': ['OSRTP-offer']}"},
    {"OSRTP-accept", "{'flags': ['OSRTP-accept']}"},
    {"OSRTP-offer OSRTP-accept", "{'flags': ['OSRTP-offer', 'OSRTP-accept']}"},
    {"rtcp-mux-offer", "{'rtcp-mux': ['offer']}"},
    {"rtcp-mux-require", "{'rtcp-mux': ['require']}"},
    {"rtcp-mux-demux", "{'rtcp-mux': ['demux']}"},
    {"rtcp-mux-accept", "{'rtcp-mux': ['accept']}"},
    {"rtcp-mux-reject", "{'rtcp-mux': ['reject']}"},
    {"rtcp-mux-accept rtcp-mux-offer", "{'rtcp-mux': ['accept', 'offer']}"},
    {"RTP/AVP", "{'transport-protocol': 'RTP/AVP'}"},
    {"RTP/AVPF", "{'transport-protocol': 'RTP/AVPF'}"},
    {"RTP/SAVP", "{'transport-protocol': 'RTP/SAVP'}"},
    {"RTP/SAVPF", "{'transport-protocol': 'RTP/SAVPF'}"},
    {"UDP/TLS/RTP/SAVPF", "{'transport-protocol': 'UDP/TLS/RTP/SAVPF'}"},
    {"UDP/TLS/RTP/SAVP", "{'transport-protocol': 'UDP/TLS/RTP/SAVP'}"},
    {"transport-protocol=UDP/TLS/RTP/SAVPF", "{'transport-protocol': 'UDP/TLS/RTP/SAVPF'}"},
    {"transport-protocol=RTP/AVP", "{'transport-protocol': 'RTP/AVP'}"},
    {"force", "{'flags': ['force']}"},
    {"media-address=192.0.2.9", "{'media-address': '192.0.2.9'}"},
    {"address-family=IP4", "{'address-family': 'IP4'}"},
    {"address-family=IP6", "{'address-family': 'IP6'}"},
    {"direction=external direction=internal", "{'direction': ['external', 'internal']}"},
    {"interface=external", "{'interface': 'external'}"},
    {"from-interface=external to-interface=internal",
        "{'from-interface': 'external', 'to-interface': 'internal'}"},
    {"codec-strip-all codec-offer-PCMU", "{'codec': {'strip': ['all'], 'offer': ['PCMU']}}"},
    {"codec-mask-all codec-transcode-PCMU", "{'codec': {'mask': ['all'], 'transcode': ['PCMU']}}"},
    {"codec-transcode-opus/48000/2", "{'codec': {'transcode': ['opus/48000/2']}}"},
    {"codec-transcode-PCMU codec-set-opus--24000",
        "{'codec': {'transcode': ['PCMU'], 'set': ['opus--24000']}}"},
    {"codec-strip-opus codec-mask-G722", "{'codec': {'strip': ['opus'], 'mask': ['G722']}}"},
    {"transcode-PCMU", "{'codec': {'transcode': ['PCMU']}}"},
    {"transcode=PCMU", "{'codec': {'transcode': ['PCMU']}}"},
    {"codec=strip-all", "{'codec': 'strip-all'}"},
    {"ptime=20", "{'ptime': '20'}"},
    {"ptime-reverse=20", "{'ptime-reverse': '20'}"},
    {"packetize=20", "{'packetize': '20'}"},
    {"repacketize=20", "{'repacketize': 20}"},
    {"media-echo=both", "{'media-echo': 'both'}"},
    {"label=x", "{'label': 'x'}"},
    {"set-label=x", "{'set-label': 'x'}"},
    {"TOS=184", "{'TOS': 184}"},
    {"T.38=decode", "{'T.38': ['decode']}"},
    {"T.38=force", "{'T.38': ['force']}"},
    {"T38-decode", "{'T.38': ['decode']}"},
    {"delete-delay=0", "{'delete delay': 0, 'delete-delay': '0'}"},
    {"metadata=hello", "{'metadata': 'hello'}"},
    {"xmlrpc-callback=127.0.0.1", "{'xmlrpc-callback': '127.0.0.1'}"},
    {"record-call", "{'flags': ['record-call']}"},
    {"recording-file=x", "{'recording-file': 'x'}"},
    {"single-codec", "{'flags': ['single-codec']}"},
    {"allow-transcoding", "{'flags': ['allow-transcoding']}"},
    {"all", "{'flags': ['all']}"},
    {"pierce-NAT", "{'flags': ['pierce-NAT']}"},
    {"debug", "{'flags': ['debug']}"},
    {"NAT-wait", "{'flags': ['NAT-wait']}"},
    {"mirror-RTCP", "{'flags': ['mirror-RTCP']}"},
    {"sdp-attr-audio-remove-ssrc", "{'flags': ['sdp-attr-audio-remove-ssrc']}"},
    {"volume=5", "{'volume': '5'}"},
    {"drop-traffic=start", "{'drop-traffic': 'start'}"},
    {"foo", "{'flags': ['foo']}"},
    {"foo=bar", "{'foo': 'bar'}"},
    {"foo-bar", "{'flags': ['foo-bar']}"},
    {"1", "{'flags': ['1']}"},
};

/* Here the proxy would have used up the word itself; also the order of keys may differ. */
static const struct flag_case kept_for_the_relay[] = {
    {"to-tag", "{'flags': ['to-tag']}"},
    {"to-tag=abc", "{'flags': ['to-tag'], 'to-tag': 'abc'}"},
    {"from-tag=abc", "{'flags': ['directional'], 'from-tag': 'abc'}"},
    {"call-id=abc", "{'call-id': 'abc'}"},
    {"via-branch=1", "{}"},
    {"via-branch=extra", "{}"},
    {"received-from=198.51.100.9", "{'received-from': '198.51.100.9'}"},
    {"codec-except-opus codec-consume-opus codec-accept-PCMU",
        "{'codec': {'except': ['opus']}, 'flags': ['codec-consume-opus', 'codec-accept-PCMU']}"},
    {"via-branch=auto-next via-branch=none", "{}"},
    {"via-branch=z9hG4bK62", "{'via-branch': 'z9hG4bK62'}"},
};

static const struct flag_case syntax[] = {
    {"", "{}"},
    {" \t\r\n ", "{}"},
    {"  foo\tbar\r\n", "{'flags': ['foo', 'bar']}"},
    {"foo=", "{'foo': ''}"},
    {"=foo", "{'flags': ['=foo']}"},
    {"foo=a=b", "{'foo': 'a=b'}"},
    {"foo=a foo=b", "{'foo': 'b'}"},
    {"foo=[]", "{'foo': []}"},
    {"foo=[ a  b ]", "{'foo': ['a', 'b']}"},
    {"foo=[a b]bar", "{'foo': ['a', 'b'], 'flags': ['bar']}"},
    {"foo=[k=[a b] k2=v]", "{'foo': {'k': ['a', 'b'], 'k2': 'v'}}"},
    {"foo=[k=v bare]", "{'foo': {'k': 'v', 'bare': ''}}"},
    {"foo=[k=v [a]]", "{'foo': {'k': 'v', '': ['a']}}"},
    {"foo=[a k=v]", "{'foo': ['a', 'k=v']}"},
    {"foo=[=x]", "{'foo': ['=x']}"},
    {"foo=[[a b] [c d]]", "{'foo': [['a', 'b'], ['c', 'd']]}"},
    {"foo=[[type=audio codecs=[PCMA]] [type=video]]",
        "{'foo': [{'type': 'audio', 'codecs': ['PCMA']}, {'type': 'video'}]}"},
    {"sdp-attr=[audio=[add=[ptime:20 x] substitute=[[a b]]]]",
        "{'sdp-attr': {'audio': {'add': ['ptime:20', 'x'], 'substitute': [['a', 'b']]}}}"},
    {"foo]", "{'flags': ['foo]']}"},
    {"media-address=2001:db8::9", "{'media-address': '2001:db8::9'}"},
};

static const struct flag_case lists[] = {
    {"replace=origin", "{'replace': ['origin']}"},
    {"replace=[origin username] replace-sdp-version",
        "{'replace': ['origin', 'username', 'sdp-version']}"},
    {"SDES=off,nonew", "{'SDES': ['off', 'nonew']}"},
    {"sdes-off", "{'SDES': ['off']}"},
    {"SDES-", "{'flags': ['SDES-']}"},
    {"SDES", "{'flags': ['SDES']}"},
    {"rtcp-mux=[offer require]", "{'rtcp-mux': ['offer', 'require']}"},
    {"rtcp-mux=[a=b]", "{'rtcp-mux': {'a': 'b'}}"},
    {"T38=stop T.38-FEC", "{'T.38': ['stop', 'FEC']}"},
    {"flags=[a b] c", "{'flags': ['a', 'b', 'c']}"},
    {"direction=[internal external]", "{'direction': ['internal', 'external']}"},
    {"internal external", "{'direction': ['internal', 'external']}"},
    {"direction=pub internal", "{'direction': ['pub', 'internal']}"},
    {"ICE=force ICE=trickle", "{'ICE': ['force', 'trickle']}"},
    {"ICE=[force lite]", "{'ICE': ['force', 'lite']}"},
    {"codec-strip=opus", "{'codec': {'strip': ['opus']}}"},
    {"codec-strip=[opus G722] codec-strip-GSM", "{'codec': {'strip': ['opus', 'G722', 'GSM']}}"},
    {"codec=[strip=[all] offer=[PCMU]] codec-offer-PCMA",
        "{'codec': {'strip': ['all'], 'offer': ['PCMU', 'PCMA']}}"},
    {"codec-accept=all", "{'codec': {'accept': ['all']}}"},
    {"transcode=[PCMU PCMA]", "{'codec': {'transcode': ['PCMU', 'PCMA']}}"},
    {"codec=strip-all codec-offer-PCMU", "{'codec': 'strip-all', 'codec': {'offer': ['PCMU']}}"},
    {"codec-strip=[a=b]", "{'codec-strip': {'a': 'b'}}"},
    {"ICE=[a=b] ICE=force", "{'ICE': 'force'}"},
    {"TOS=0xb8", "{'TOS': 184}"},
    {"TOS=high", "{'TOS': 'high'}"},
    {"delete-delay=5 delete-delay=6", "{'delete delay': 6, 'delete-delay': '6'}"},
    {"delete-delay=never", "{'delete-delay': 'never'}"},
};

static const struct flag_case transports[] = {
    {"RTP", "{'transport-protocol': 'RTP/AVP'}"},
    {"AVP", "{'transport-protocol': 'RTP/AVP'}"},
    {"RTP AVP", "{'transport-protocol': 'RTP/AVP'}"},
    {"AVPF", "{'transport-protocol': 'RTP/AVPF'}"},
    {"SRTP", "{'transport-protocol': 'RTP/SAVP'}"},
    {"SRTP AVPF", "{'transport-protocol': 'RTP/SAVPF'}"},
    {"DTLS", "{'transport-protocol': 'UDP/TLS/RTP/SAVP'}"},
    {"DTLS AVPF", "{'transport-protocol': 'UDP/TLS/RTP/SAVPF'}"},
    {"SRTP DTLS AVPF", "{'transport-protocol': 'UDP/TLS/RTP/SAVPF'}"},
    {"RTP/AVP RTP/SAVPF", "{'transport-protocol': 'RTP/SAVPF'}"},
    {"SRTP RTP/AVP", "{'transport-protocol': 'RTP/AVP'}"},
    {"rtp/avp", "{'transport-protocol': 'RTP/AVP'}"},
    {"transport-protocol=accept", "{'transport-protocol': 'accept'}"},
    {"srtp", "{'flags': ['srtp']}"},
};

static void check(const struct flag_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes flags = exact_copy(text_bytes(text_from(cases[i].flags)));
        struct ng_arena arena;
        ng_arena_init(&arena, 1 << 20);
        struct ng_value *dict = ng_dict(&arena);
        enum ng_flags_status status = ng_parse_flags(text_from_bytes(flags), &arena, dict);

        if (status != NG_FLAGS_OK)
            fail_msg("%s: %s", cases[i].flags, ng_flags_status_text(status));
        if (strcmp(dump(dict), cases[i].tree) != 0)
            fail_msg("%s: %s", cases[i].flags, dump(dict));
        free((void *)flags.data);
        ng_arena_done(&arena);
    }
}

static void splits_as_the_proxy_does(void **state)
{
    (void)state;
    check(as_the_proxy_splits, COUNT_OF(as_the_proxy_splits));
}

static void keeps_what_the_relay_needs(void **state)
{
    (void)state;
    check(kept_for_the_relay, COUNT_OF(kept_for_the_relay));
}

static void understands_the_syntax(void **state)
{
    (void)state;
    check(syntax, COUNT_OF(syntax));
}

static void collects_lists(void **state)
{
    (void)state;
    check(lists, COUNT_OF(lists));
}

static void puts_transports_together(void **state)
{
    (void)state;
    check(transports, COUNT_OF(transports));
}

/* The whole string of a real configuration. */
static void splits_a_real_string(void **state)
{
    (void)state;
    static const struct flag_case real[] = {
        {"RTP/AVP ICE=remove rtcp-mux-demux replace-origin replace-session-connection "
         "direction=external direction=internal codec-strip-all codec-offer-PCMU "
         "codec-offer-PCMA codec-offer-telephone-event",
            "{'transport-protocol': 'RTP/AVP', 'ICE': 'remove', 'rtcp-mux': ['demux'], "
            "'replace': ['origin', 'session-connection'], 'direction': ['external', 'internal'], "
            "'codec': {'strip': ['all'], 'offer': ['PCMU', 'PCMA', 'telephone-event']}}"},
    };
    check(real, COUNT_OF(real));
}

static void refuses_wrong_brackets(void **state)
{
    (void)state;
    static const struct {
        const char *flags;
        enum ng_flags_status expected;
    } cases[] = {
        {"foo=[", NG_FLAGS_UNBALANCED},
        {"foo=[a", NG_FLAGS_UNBALANCED},
        {"foo=[a [b]", NG_FLAGS_UNBALANCED},
        {"foo=[k=[a]", NG_FLAGS_UNBALANCED},
        {"foo=[a]]", NG_FLAGS_UNBALANCED},
        {"]", NG_FLAGS_UNBALANCED},
        {"[a]", NG_FLAGS_UNBALANCED},
        {"a=[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", NG_FLAGS_TOO_DEEP},
        {"a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=[a=["
         "a=[a=[a=[a=[a=[a=[",
            NG_FLAGS_TOO_DEEP},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ng_arena arena;
        ng_arena_init(&arena, 1 << 20);
        struct ng_value *dict = ng_dict(&arena);
        assert_int_equal(
            ng_parse_flags(text_from(cases[i].flags), &arena, dict), cases[i].expected);
        ng_arena_done(&arena);
    }
}

/* With the dictionary around them, brackets nest as deeply as bencoding can. */
static void nests_as_deeply_as_bencoding(void **state)
{
    (void)state;
    for (size_t depth = 1; depth <= BENCODE_MAX_DEPTH; depth++) {
        char flags[2 + 2 * BENCODE_MAX_DEPTH], wire[256];
        struct ng_arena arena;
        struct writer text = writer_over(flags, sizeof(flags));
        struct writer w = writer_over(wire, sizeof(wire));

        writer_put(&text, bytes_of("a=", 2));
        memset(writer_reserve(&text, depth), '[', depth);
        memset(writer_reserve(&text, depth), ']', depth);
        ng_arena_init(&arena, 1 << 20);
        struct ng_value *dict = ng_dict(&arena);
        enum ng_flags_status status =
            ng_parse_flags(text_from_bytes(writer_bytes(&text)), &arena, dict);
        assert_int_equal(status, depth < BENCODE_MAX_DEPTH ? NG_FLAGS_OK : NG_FLAGS_TOO_DEEP);
        bencode_write(&w, dict);
        assert_true(writer_ok(&w));
        ng_arena_done(&arena);
    }
}

static void ends_when_memory_does(void **state)
{
    (void)state;
    struct text flags = TEXT("a=[b c] codec-strip-x SDES-off TOS=5 delete-delay=3 ICE=a ICE=b "
                             "direction=x SRTP to-tag=y foo codec-offer=[x y]");
    bool ok = false;
    for (size_t cap = 0; !ok; cap += 48) {
        struct ng_arena arena;
        ng_arena_init(&arena, cap);
        enum ng_flags_status status = ng_parse_flags(flags, &arena, ng_dict(&arena));
        ok = status == NG_FLAGS_OK;
        assert_true(ok || status == NG_FLAGS_NO_MEMORY);
        assert_true(cap < 8192);
        ng_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_as_the_proxy_does),
        cmocka_unit_test(keeps_what_the_relay_needs),
        cmocka_unit_test(understands_the_syntax),
        cmocka_unit_test(collects_lists),
        cmocka_unit_test(puts_transports_together),
        cmocka_unit_test(splits_a_real_string),
        cmocka_unit_test(refuses_wrong_brackets),
        cmocka_unit_test(nests_as_deeply_as_bencoding),
        cmocka_unit_test(ends_when_memory_does),
    };
    return cmocka_run_group_tests_name("bencode/flags", tests, NULL, NULL);
}
