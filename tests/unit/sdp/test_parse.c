/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/sdp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exact_text.h"

#define HEAD "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\n"
#define C "c=IN IP4 192.0.2.1\r\n"
#define T "t=0 0\r\n"
#define M "m=audio 5004 RTP/AVP 0 8\r\n"

static const struct {
    const char *name;
    const char *text;
    enum sdp_status expected;
    unsigned line; /* of the failure */
    size_t media;
} cases[] = {
    {"nothing", "", SDP_EMPTY, 0, 0},
    {"a blank line first", "\r\n" HEAD C T, SDP_EMPTY, 0, 0},
    {"only a version", "v=0", SDP_OK, 0, 0},
    {"usual", HEAD C T M, SDP_OK, 0, 1},
    {"bare line feeds",
        "v=0\no=- 1 2 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
        "m=audio 5004 RTP/AVP 0\n",
        SDP_OK, 0, 1},
    {"doubled carriage returns", "v=0\r\r\nc=IN IP4 192.0.2.1\r\r\nm=audio 1 RTP/AVP 0\r\r\n",
        SDP_OK, 0, 1},
    {"no line end at the end", HEAD C T "m=audio 5004 RTP/AVP 0", SDP_OK, 0, 1},
    {"any order", "v=0\r\n" T C "s=-\r\no=- 1 2 IN IP4 192.0.2.1\r\n" M, SDP_OK, 0, 1},
    {"without o= s= t=", "v=0\r\n" C M, SDP_OK, 0, 1},
    {"stops at a blank line", HEAD C T M "\r\nx=not read\r\n", SDP_OK, 0, 1},
    {"stops at a line of spaces", HEAD C T M "  \r\nx=not read\r\n", SDP_OK, 0, 1},
    {"every letter of a session",
        HEAD "i=i\r\nu=u\r\ne=e\r\np=p\r\n" C "b=AS:1\r\n" T "r=r\r\nz=z\r\nk=k\r\na=a\r\n", SDP_OK,
        0, 0},
    {"every letter of a section", HEAD T M "i=i\r\n" C "b=AS:1\r\nk=k\r\na=a\r\n", SDP_OK, 0, 1},
    {"version of something else", "v=1\r\n", SDP_BAD_VERSION, 1, 0},
    {"no version", "o=- 1 2 IN IP4 192.0.2.1\r\n", SDP_BAD_VERSION, 1, 0},
    {"not SDP at all", "INVITE sip:x SIP/2.0\r\n", SDP_BAD_VERSION, 1, 0},
    {"unknown letter", HEAD "x=y\r\n", SDP_BAD_LINE, 4, 0},
    {"upper case letter", HEAD "A=y\r\n", SDP_BAD_LINE, 4, 0},
    {"no equals sign", HEAD "a\r\n", SDP_BAD_LINE, 4, 0},
    {"a longer name", HEAD "ab=c\r\n", SDP_BAD_LINE, 4, 0},
    {"leading space", HEAD " a=c\r\n", SDP_BAD_LINE, 4, 0},
    {"lone CR", HEAD "a=c\rd\r\n", SDP_BAD_CHARACTER, 4, 0},
    {"o= in a section", HEAD C T M "o=- 1 2 IN IP4 192.0.2.1\r\n", SDP_MISPLACED, 7, 0},
    {"s= in a section", HEAD C T M "s=-\r\n", SDP_MISPLACED, 7, 0},
    {"t= in a section", HEAD C M T, SDP_MISPLACED, 6, 0},
    {"u= in a section", HEAD C T M "u=-\r\n", SDP_MISPLACED, 7, 0},
    {"e= in a section", HEAD C T M "e=-\r\n", SDP_MISPLACED, 7, 0},
    {"p= in a section", HEAD C T M "p=-\r\n", SDP_MISPLACED, 7, 0},
    {"o= too short", "v=0\r\no=- 1 2 IN IP4\r\n", SDP_BAD_ORIGIN, 2, 0},
    {"c= too short", HEAD "c=IN IP4\r\n", SDP_BAD_CONNECTION, 4, 0},
    {"c= of another net", HEAD "c=ATM NSAP 47.0091\r\n", SDP_BAD_CONNECTION, 4, 0},
    {"c= of another family", HEAD "c=IN IP5 192.0.2.1\r\n", SDP_BAD_CONNECTION, 4, 0},
    {"c= without host", HEAD "c=IN IP4 /127\r\n", SDP_BAD_CONNECTION, 4, 0},
    {"c= with a name", HEAD "c=IN IP4 host.example\r\n" T M, SDP_OK, 0, 1},
    {"m= without protocol", HEAD C T "m=audio 5004\r\n", SDP_BAD_MEDIA, 6, 0},
    {"m= without formats", HEAD C T "m=audio 5004 RTP/AVP\r\n", SDP_OK, 0, 1},
    {"m= with a wild port", HEAD C T "m=audio 65536 RTP/AVP 0\r\n", SDP_BAD_MEDIA, 6, 0},
    {"m= with a negative port", HEAD C T "m=audio -1 RTP/AVP 0\r\n", SDP_BAD_MEDIA, 6, 0},
    {"m= with no ports", HEAD C T "m=audio 5004/0 RTP/AVP 0\r\n", SDP_BAD_MEDIA, 6, 0},
    {"no c= anywhere", HEAD T M "a=x\r\n", SDP_INCOMPLETE, 5, 0},
    {"no c= for the first", HEAD T M M C, SDP_INCOMPLETE, 5, 0},
    {"no c= for the last", HEAD T M C M, SDP_INCOMPLETE, 7, 0},
    {"no c= in the first of two sessions", HEAD T M "v=0\r\n" C M, SDP_INCOMPLETE, 5, 0},
};

static void parses_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text text = exact_text(cases[i].text);
        struct sdp sdp = {.media_count = 77};
        struct sdp_error error;
        enum sdp_status status = sdp_parse(text, &sdp, &error);

        if (status != cases[i].expected || error.status != status)
            fail_msg("%s: %s", cases[i].name, sdp_status_text(status));
        if (status != SDP_OK && error.line != cases[i].line)
            fail_msg("%s: in line %u", cases[i].name, error.line);
        if (sdp.media_count != (status == SDP_OK ? cases[i].media : 77))
            fail_msg("%s: %zu sections", cases[i].name, sdp.media_count);
        free((void *)text.data);
    }
}

static void tells_where_it_failed(void **state)
{
    (void)state;
    struct text text = TEXT(HEAD C T M "?\r\n");
    struct sdp sdp;
    struct sdp_error error;
    assert_int_equal(sdp_parse(text, &sdp, &error), SDP_BAD_LINE);
    assert_int_equal(error.offset, strlen(HEAD C T M));
    assert_int_equal(error.line, 7);

    text = TEXT(HEAD T M "a=x\r\n");
    assert_int_equal(sdp_parse(text, &sdp, &error), SDP_INCOMPLETE);
    assert_int_equal(error.offset, strlen(HEAD T));
}

static void a_nul_byte_is_refused(void **state)
{
    (void)state;
    struct sdp sdp;
    const char text[] = HEAD "a=x\0y\r\n";
    assert_int_equal(sdp_parse(text_of(text, sizeof(text) - 1), &sdp, NULL), SDP_BAD_CHARACTER);
}

static void session_fields(void **state)
{
    (void)state;
    struct sdp sdp;
    struct text text = TEXT("v=0\r\n"
                            "o=alice 12 34 IN IP6 2001:db8::1\r\n"
                            "o=bob 1 1 IN IP4 192.0.2.9\r\n"
                            "s=a name \r\n"
                            "i=info\r\nu=uri\r\ne=mail\r\np=phone\r\n"
                            "c=IN IP6 2001:db8::2\r\n"
                            "c=IN IP4 192.0.2.9\r\n"
                            "t=1 2\r\nt=3 4\r\n");
    assert_int_equal(sdp_parse(text, &sdp, NULL), SDP_OK);
    assert_true(text_is(sdp.origin.user, "alice"));
    assert_true(text_is(sdp.origin.session_id, "12"));
    assert_true(text_is(sdp.origin.version, "34"));
    assert_true(text_is(sdp.origin.net_type, "IN"));
    assert_true(text_is(sdp.origin.addr_type, "IP6"));
    assert_true(text_is(sdp.origin.host, "2001:db8::1"));
    assert_true(text_is(sdp.name, "a name "));
    assert_true(text_is(sdp.info, "info"));
    assert_true(text_is(sdp.uri, "uri"));
    assert_true(text_is(sdp.email, "mail"));
    assert_true(text_is(sdp.phone, "phone"));
    assert_true(text_is(sdp.time, "1 2"));
    assert_int_equal(sdp.connection.family, ADDRESS_IP6);
    assert_true(text_is(sdp.connection.host, "2001:db8::2"));

    struct text it = sdp.lines, time;
    assert_true(sdp_next_line(&it, 't', &time));
    assert_true(sdp_next_line(&it, 't', &time));
    assert_true(text_is(time, "3 4"));
    assert_false(sdp_next_line(&it, 't', &time));
}

static void media_fields(void **state)
{
    (void)state;
    struct sdp sdp;
    struct text text = TEXT(HEAD C T "m=audio 5004/3  rtp/savpf 0 8\t101 \r\n"
                                     "i=info\r\n"
                                     "c=IN IP4 198.51.100.1/127\r\n"
                                     "c=IN IP4 198.51.100.2\r\n"
                                     "m=application 0 TCP/MSRP *\r\n");
    assert_int_equal(sdp_parse(text, &sdp, NULL), SDP_OK);
    assert_int_equal(sdp.media_count, 2);

    const struct sdp_media *m = &sdp.media[0];
    assert_true(text_is(m->type, "audio"));
    assert_int_equal(m->port, 5004);
    assert_int_equal(m->port_count, 3);
    assert_int_equal(m->protocol, SDP_RTP_SAVPF);
    assert_true(text_is(m->protocol_name, "rtp/savpf"));
    assert_true(text_is(m->info, "info"));
    assert_true(m->has_own_connection);
    assert_true(text_is(m->connection.host, "198.51.100.1"));
    assert_int_equal(m->connection.address.ip[0], 198);
    assert_int_equal(m->line, 6);

    struct text it = m->formats, format;
    static const char *const formats[] = {"0", "8", "101"};
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        assert_true(sdp_next_word(&it, &format));
        assert_true(text_is(format, formats[i]));
    }
    assert_false(sdp_next_word(&it, &format));

    m = &sdp.media[1];
    assert_int_equal(m->port, 0);
    assert_int_equal(m->port_count, 1);
    assert_int_equal(m->protocol, SDP_PROTOCOL_OTHER);
    assert_false(m->has_own_connection);
    assert_true(text_is(m->connection.host, "192.0.2.1"));
    assert_int_equal(m->line, 10);
}

static void attributes_stay_in_their_section(void **state)
{
    (void)state;
    struct sdp sdp;
    struct sdp_attr attr;
    struct text text =
        TEXT("v=0\r\na=first\r\n" C "a=group:BUNDLE 0 1\r\n"
             "m=audio 1 RTP/AVP 0\r\na=mid:0\r\nb=AS:x\r\nb=A S:1\r\nb=:1\r\nb=AS:64\r\na=\r\n"
             "a=x-y:z:w\r\n"
             "m=audio 2 RTP/AVP 0\r\na=mid:1");
    assert_int_equal(sdp_parse(text, &sdp, NULL), SDP_OK);

    struct text it = sdp.lines;
    assert_true(sdp_next_attr(&it, &attr));
    assert_true(text_is(attr.whole, "first"));
    assert_int_equal(attr.value.len, 0);
    assert_true(sdp_next_attr(&it, &attr));
    assert_int_equal(attr.kind, SDP_ATTR_GROUP);
    assert_false(sdp_next_attr(&it, &attr));

    it = sdp.media[0].lines;
    assert_true(sdp_next_attr(&it, &attr));
    assert_int_equal(attr.kind, SDP_ATTR_MID);
    assert_true(text_is(attr.value, "0"));
    assert_true(sdp_next_attr(&it, &attr)); /* the empty one is no attribute */
    assert_int_equal(attr.kind, SDP_ATTR_OTHER);
    assert_true(text_is(attr.name, "x-y"));
    assert_true(text_is(attr.value, "z:w"));
    assert_true(text_is(attr.whole, "x-y:z:w"));
    assert_false(sdp_next_attr(&it, &attr));

    struct sdp_bandwidth b;
    it = sdp.media[0].lines;
    assert_true(sdp_next_bandwidth(&it, &b)); /* the broken ones are skipped */
    assert_true(text_is(b.type, "AS"));
    assert_int_equal(b.value, 64);
    assert_false(sdp_next_bandwidth(&it, &b));

    assert_true(sdp_find_attr(sdp.media[1].lines, SDP_ATTR_MID, &attr));
    assert_true(text_is(attr.value, "1"));
    assert_false(sdp_find_attr(sdp.media[1].lines, SDP_ATTR_GROUP, &attr));
}

static void a_second_session_is_left_over(void **state)
{
    (void)state;
    struct sdp sdp;
    struct text text = TEXT(HEAD C T M "v=0\r\n" C "m=video 6 RTP/AVP 31\r\n");
    assert_int_equal(sdp_parse(text, &sdp, NULL), SDP_OK);
    assert_int_equal(sdp.media_count, 1);
    assert_int_equal(sdp.media[0].lines.len, 0);
    assert_int_equal(sdp_parse(sdp.rest, &sdp, NULL), SDP_OK);
    assert_true(text_is(sdp.media[0].type, "video"));
    assert_int_equal(sdp.rest.len, 0);

    assert_int_equal(sdp_parse(TEXT("v=0\r\nv=0\r\n" C M), &sdp, NULL), SDP_OK);
    assert_int_equal(sdp.media_count, 0);
    assert_int_equal(sdp.rest.len, strlen("v=0\r\n" C M));
}

static void iterators_skip_what_is_no_line(void **state)
{
    (void)state;
    struct text it = TEXT("\r\na\na:b\nax=c\nb=d\n=\na=e"), value;
    assert_true(sdp_next_line(&it, 'a', &value));
    assert_true(text_is(value, "e"));
    assert_false(sdp_next_line(&it, 'a', &value));
}

static void counts_its_sections(void **state)
{
    (void)state;
    struct sdp sdp;
    char text[4096] = "v=0\r\n" C;
    for (unsigned i = 0; i < SDP_MAX_MEDIA; i++)
        strcat(text, "m=audio 1 RTP/AVP 0\r\n");
    assert_int_equal(sdp_parse(text_from(text), &sdp, NULL), SDP_OK);
    assert_int_equal(sdp.media_count, SDP_MAX_MEDIA);
    strcat(text, "m=audio 1 RTP/AVP 0\r\n");
    assert_int_equal(sdp_parse(text_from(text), &sdp, NULL), SDP_TOO_MANY);
}

static void fragments(void **state)
{
    (void)state;
    struct sdp sdp;
    struct sdp_attr attr;
    struct text text = TEXT("a=ice-ufrag:abcd\r\na=ice-pwd:x\r\n"
                            "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1\r\n"
                            "m=audio 9 RTP/AVP 0\r\na=mid:1\r\na=end-of-candidates\r\n");
    assert_int_equal(sdp_parse(text, &sdp, NULL), SDP_BAD_VERSION);
    assert_int_equal(sdp_parse_fragment(text, &sdp, NULL), SDP_OK);
    assert_int_equal(sdp.media_count, 2);
    assert_true(sdp_find_attr(sdp.lines, SDP_ATTR_ICE_UFRAG, &attr));
    assert_true(sdp_find_attr(sdp.media[0].lines, SDP_ATTR_CANDIDATE, &attr));
    assert_false(sdp_find_attr(sdp.media[0].lines, SDP_ATTR_END_OF_CANDIDATES, &attr));
    assert_true(sdp_find_attr(sdp.media[1].lines, SDP_ATTR_END_OF_CANDIDATES, &attr));
    assert_int_equal(sdp.media[0].connection.family, ADDRESS_NONE);

    text = TEXT("v=0\r\n" C "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n");
    assert_int_equal(sdp_parse_fragment(text, &sdp, NULL), SDP_OK);
    assert_int_equal(sdp.media_count, 1);
    assert_int_equal(sdp_parse_fragment(TEXT(""), &sdp, NULL), SDP_EMPTY);
    assert_int_equal(sdp_parse_fragment(TEXT("x=y"), &sdp, NULL), SDP_BAD_LINE);
}

static void fragments_without_media_lines(void **state)
{
    (void)state;
    struct sdp sdp;
    struct sdp_attr attr;
    struct text text = TEXT("a=ice-ufrag:abcd\r\n"
                            "a=mid:0\r\na=candidate:1\r\n"
                            "a=mid:1\r\na=end-of-candidates\r\n");
    assert_int_equal(sdp_parse_fragment(text, &sdp, NULL), SDP_OK);
    assert_int_equal(sdp.media_count, 2);
    assert_int_equal(sdp.media[0].type.len, 0);
    assert_true(sdp_find_attr(sdp.media[0].lines, SDP_ATTR_MID, &attr));
    assert_true(text_is(attr.value, "0"));
    assert_false(sdp_find_attr(sdp.media[0].lines, SDP_ATTR_END_OF_CANDIDATES, &attr));
    assert_true(sdp_find_attr(sdp.media[1].lines, SDP_ATTR_MID, &attr));
    assert_true(text_is(attr.value, "1"));
    assert_false(sdp_find_attr(sdp.lines, SDP_ATTR_MID, &attr));
}

static void protocols(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned bits;
    } known[] = {
        {"RTP/AVP", 0},
        {"RTP/AVPF", SDP_FEEDBACK},
        {"RTP/SAVP", SDP_SECURE},
        {"RTP/SAVPF", SDP_SECURE | SDP_FEEDBACK},
        {"UDP/TLS/RTP/SAVP", SDP_SECURE | SDP_DTLS},
        {"UDP/TLS/RTP/SAVPF", SDP_SECURE | SDP_DTLS | SDP_FEEDBACK},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        enum sdp_protocol protocol = sdp_protocol_of(text_from(known[i].name));
        assert_string_equal(sdp_protocol_name(protocol), known[i].name);
        assert_int_equal(sdp_protocol_bits(protocol), known[i].bits);
        assert_int_equal(sdp_protocol_from_bits(known[i].bits), protocol);
    }
    assert_int_equal(sdp_protocol_from_bits(SDP_DTLS), SDP_UDP_TLS_RTP_SAVP);
    assert_int_equal(sdp_protocol_of(TEXT("udp/tls/rtp/savpf")), SDP_UDP_TLS_RTP_SAVPF);
    assert_int_equal(sdp_protocol_of(TEXT("udptl")), SDP_PROTOCOL_OTHER);
    assert_int_equal(sdp_protocol_of(TEXT("")), SDP_PROTOCOL_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_as_expected),
        cmocka_unit_test(tells_where_it_failed),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(session_fields),
        cmocka_unit_test(media_fields),
        cmocka_unit_test(attributes_stay_in_their_section),
        cmocka_unit_test(a_second_session_is_left_over),
        cmocka_unit_test(iterators_skip_what_is_no_line),
        cmocka_unit_test(counts_its_sections),
        cmocka_unit_test(fragments),
        cmocka_unit_test(fragments_without_media_lines),
        cmocka_unit_test(protocols),
    };
    return cmocka_run_group_tests_name("sdp/parse", tests, NULL, NULL);
}
