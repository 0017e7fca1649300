/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/sdp_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static char buffer[512];

static struct writer fresh(void)
{
    memset(buffer, 'x', sizeof(buffer));
    return writer_over(buffer, sizeof(buffer));
}

static void assert_written(const struct writer *w, const char *expected)
{
    struct text written = text_from_bytes(writer_bytes(w));
    if (!text_is(written, expected))
        fail_msg("written: %.*s", TEXT_ARG(written));
}

static void writes_lines(void **state)
{
    (void)state;
    struct writer w = fresh();
    struct address ip6;
    struct sdp_origin origin = {
        TEXT("-"), TEXT("1"), TEXT("2"), TEXT("IN"), TEXT("IP4"), TEXT("192.0.2.1")};
    struct sdp_media_line media = {
        .type = TEXT("audio"), .port = 30000, .protocol = TEXT("RTP/AVP"), .formats = TEXT("0 8")};

    assert_true(address_parse(TEXT("2001:db8::1"), &ip6));
    sdp_write_line(&w, 'v', TEXT("0"));
    sdp_write_origin(&w, &origin);
    sdp_write_linef(&w, 's', "%s-%d", "call", 7);
    sdp_write_media(&w, &media);
    media.port_count = 2;
    media.formats = TEXT("");
    sdp_write_media(&w, &media);
    sdp_write_connection(&w, &ip6);
    sdp_write_bandwidth(&w, &(struct sdp_bandwidth){.type = TEXT("TIAS"), .value = 64000});
    sdp_write_attr(&w, "sendrecv", TEXT(""));
    sdp_write_attr(&w, "mid", TEXT("0"));
    sdp_write_attrf(&w, "rtcp", "%u", 30001u);
    assert_written(&w, "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=call-7\r\n"
                       "m=audio 30000 RTP/AVP 0 8\r\nm=audio 30000/2 RTP/AVP 0\r\n"
                       "c=IN IP6 2001:db8::1\r\nb=TIAS:64000\r\n"
                       "a=sendrecv\r\na=mid:0\r\na=rtcp:30001\r\n");
}

/* A candidate made here has no text of its own. */
static void writes_a_made_candidate(void **state)
{
    (void)state;
    struct writer w = fresh();
    struct sdp_candidate c = {.foundation = TEXT("abc"),
        .component = 1,
        .priority = 2130706431,
        .type = SDP_CANDIDATE_HOST};
    assert_true(address_parse_with_port(TEXT("192.0.2.1:5004"), 0, &c.address));
    sdp_write_candidate(&w, &c);
    c.transport = SDP_CANDIDATE_TCP;
    c.tcp_type = SDP_TCP_PASSIVE;
    c.type = SDP_CANDIDATE_RELAY;
    c.related = c.address;
    sdp_write_candidate(&w, &c);
    assert_written(&w,
        "a=candidate:abc 1 UDP 2130706431 192.0.2.1 5004 typ host\r\n"
        "a=candidate:abc 1 TCP 2130706431 192.0.2.1 5004 typ relay raddr 192.0.2.1 rport 5004 "
        "tcptype passive\r\n");
}

static void refuses_smuggled_lines(void **state)
{
    (void)state;
    const struct text evil[] = {TEXT("x\r\na=evil"), TEXT("x\ny"), TEXT("x\r"), TEXT("x\0y")};
    for (size_t i = 0; i < COUNT_OF(evil); i++) {
        struct writer w = fresh();
        sdp_write_line(&w, 's', evil[i]);
        assert_false(writer_ok(&w));
        w = fresh();
        sdp_write_attr(&w, "x", evil[i]);
        assert_false(writer_ok(&w));
        w = fresh();
        sdp_write_fmtp(&w, &(struct sdp_fmtp){.params = evil[i]});
        assert_false(writer_ok(&w));
    }
    struct writer w = fresh();
    sdp_write_attrf(&w, "x", "%s", "a\r\nb");
    assert_false(writer_ok(&w));
    w = fresh();
    sdp_write_attrf(&w, "x", "%c", 0);
    assert_false(writer_ok(&w));
}

static void refuses_words_that_are_none(void **state)
{
    (void)state;
    struct sdp_origin origin = {
        TEXT("a b"), TEXT("1"), TEXT("2"), TEXT("IN"), TEXT("IP4"), TEXT("192.0.2.1")};
    struct writer w = fresh();
    sdp_write_origin(&w, &origin);
    assert_false(writer_ok(&w));
    origin.user = TEXT("");
    w = fresh();
    sdp_write_origin(&w, &origin);
    assert_false(writer_ok(&w));
    w = fresh();
    sdp_write_media(&w, &(struct sdp_media_line){.type = TEXT("audio")});
    assert_false(writer_ok(&w));
    w = fresh();
    sdp_write_connection(&w, &(struct address){.family = ADDRESS_NONE});
    assert_false(writer_ok(&w));
}

/* Every capacity below the need fails, and nothing is written beyond it. */
static void stays_within_its_capacity(void **state)
{
    (void)state;
    const char expected[] = "a=x:12345\r\nb=AS:64\r\n";
    for (size_t capacity = 0; capacity <= sizeof(expected) - 1; capacity++) {
        struct writer w = fresh();
        w.capacity = capacity;
        sdp_write_attrf(&w, "x", "%d", 12345);
        sdp_write_bandwidth(&w, &(struct sdp_bandwidth){.type = TEXT("AS"), .value = 64});
        assert_int_equal(writer_ok(&w), capacity == sizeof(expected) - 1);
        for (size_t i = capacity; i < sizeof(buffer); i++)
            assert_int_equal(buffer[i], 'x');
    }
    struct writer none = writer_over(NULL, 0);
    sdp_write_attrf(&none, "x", "%d", 1);
    assert_false(writer_ok(&none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_lines),
        cmocka_unit_test(writes_a_made_candidate),
        cmocka_unit_test(refuses_smuggled_lines),
        cmocka_unit_test(refuses_words_that_are_none),
        cmocka_unit_test(stays_within_its_capacity),
    };
    return cmocka_run_group_tests_name("sdp/write", tests, NULL, NULL);
}
