/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/rtcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

#define SR "80c80006 11223344 e1e2e3e4f1f2f3f4 00000140 00000064 00003e80"
#define BLOCK "aabbccdd 40fffffe 0001ffff 00000020 e3e4f1f2 00008000"
#define RR "81c90007 55667788" BLOCK
#define CNAME "81ca0003 11223344 0103616263 000000"
#define BYE "81cb0001 11223344"
#define NACK "81cd0003 55667788 11223344 00050003"
#define PLI "81ce0002 55667788 11223344"
#define XR "80cf0005 55667788 04000002 e1e2e3e4f1f2f3f4 05000000"

static const struct {
    const char *hex;
    enum rtcp_status expected;
} cases[] = {
    {SR, RTCP_OK},
    {SR CNAME, RTCP_OK},
    {RR CNAME NACK PLI, RTCP_OK},
    {PLI, RTCP_OK}, /* reduced size: RFC 5506 */
    {RR XR BYE, RTCP_OK},
    {"80c90001 55667788", RTCP_OK},
    {"80cb0000", RTCP_OK}, /* BYE of nobody */
    {"81cb0003 11223344 0568656c6c6f0000", RTCP_OK},
    {"80cc0002 55667788 6e616d65", RTCP_OK},
    {"80d20000", RTCP_OK}, /* a type of tomorrow */
    {"80ca0000", RTCP_OK},
    {"", RTCP_TRUNCATED},
    {"80c900", RTCP_TRUNCATED},
    {"80c90001 556677", RTCP_TRUNCATED},
    {"80c9ffff 55667788", RTCP_TRUNCATED},
    {SR "80", RTCP_TRUNCATED},
    {SR "81ca0003 11223344", RTCP_TRUNCATED},
    {"00c90001 55667788", RTCP_BAD_VERSION},
    {SR "c0c90001 55667788", RTCP_BAD_VERSION},
    {"80000001 55667788", RTCP_BAD_TYPE},
    {"80bf0001 55667788", RTCP_BAD_TYPE},
    {"80e00001 55667788", RTCP_BAD_TYPE},
    {"a0c90002 55667788 00000004", RTCP_OK},
    {RR "a1cb0002 11223344 00000004", RTCP_OK},
    {"a0c90002 55667788 00000004" BYE, RTCP_BAD_PADDING}, /* only the last packet is padded */
    {"a0c90002 55667788 00000000", RTCP_BAD_PADDING},
    /* Chromium's transport-wide feedback: three bytes of padding, to the next word. */
    {"afcd0006 06080497 36377f54 00020003 00e42300 2003d650 4f000003", RTCP_OK},
    {"a0c90002 55667788 0000000c", RTCP_BAD_PADDING},
    {"a0c90002 55667788 00000008", RTCP_BAD_CONTENTS}, /* the padding swallows the SSRC */
    {"a0c90000", RTCP_BAD_PADDING},
    {"80c80005 11223344 e1e2e3e4f1f2f3f4 00000140 00000064", RTCP_BAD_CONTENTS},
    {"81c80006 11223344 e1e2e3e4f1f2f3f4 00000140 00000064 00003e80", RTCP_BAD_CONTENTS},
    {"80c90000", RTCP_BAD_CONTENTS},
    {"82c90007 55667788" BLOCK, RTCP_BAD_CONTENTS},
    {"81ca0002 11223344 01036162", RTCP_BAD_CONTENTS},          /* an item overruns */
    {"81ca0002 11223344 01026162", RTCP_BAD_CONTENTS},          /* no end of the items */
    {"82ca0003 11223344 0103616263 000000", RTCP_BAD_CONTENTS}, /* one chunk of two */
    {"82cb0001 11223344", RTCP_BAD_CONTENTS},
    {"81cb0002 11223344 04616263", RTCP_BAD_CONTENTS}, /* the reason overruns */
    {"80cc0001 55667788", RTCP_BAD_CONTENTS},
    {"81cd0001 55667788", RTCP_BAD_CONTENTS},
    {"81ce0000", RTCP_BAD_CONTENTS},
    {"80cf0000", RTCP_BAD_CONTENTS},
    {"80cf0002 55667788 04000001", RTCP_BAD_CONTENTS},
};

static void checks_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes datagram = from_hex(cases[i].hex);
        enum rtcp_status status = rtcp_check(datagram);
        if (status != cases[i].expected)
            print_message("# case %zu\n", i);
        assert_int_equal(status, cases[i].expected);
        free((void *)datagram.data);
    }
}

/* The one packet of `hex`; the caller frees `datagram->data`. */
static struct rtcp_packet only_packet(const char *hex, struct bytes *datagram)
{
    struct rtcp_packet p;
    *datagram = from_hex(hex);
    struct reader r = reader_over(*datagram);
    assert_int_equal(rtcp_check(*datagram), RTCP_OK);
    assert_true(rtcp_next(&r, &p));
    assert_false(reader_left(&r) > 0);
    return p;
}

static void walks_a_compound(void **state)
{
    static const uint8_t types[] = {RTCP_RR, RTCP_SDES, RTCP_RTPFB, RTCP_PSFB};
    struct bytes datagram = from_hex(RR CNAME NACK PLI);
    struct reader r = reader_over(datagram);
    struct rtcp_packet p;
    size_t total = 0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        assert_true(rtcp_next(&r, &p));
        assert_int_equal(p.type, types[i]);
        assert_int_equal(p.count, 1);
        assert_int_equal(p.whole.len, p.body.len + 4);
        total += p.whole.len;
    }
    assert_false(rtcp_next(&r, &p));
    assert_int_equal(total, datagram.len);
    free((void *)datagram.data);
}

static void reads_a_sender_report(void **state)
{
    struct bytes datagram;
    struct rtcp_packet p = only_packet(
        "81c8000c 11223344 e1e2e3e4f1f2f3f4 00000140 00000064 00003e80" BLOCK, &datagram);
    struct rtcp_sender s;
    struct rtcp_report report;
    struct reader reports = rtcp_reports(&p);
    (void)state;
    assert_true(rtcp_read_sender(&p, &s));
    assert_int_equal(s.ssrc, 0x11223344);
    assert_true(s.ntp == 0xe1e2e3e4f1f2f3f4u);
    assert_int_equal(s.rtp_timestamp, 0x140);
    assert_int_equal(s.packets, 100);
    assert_int_equal(s.octets, 16000);
    assert_true(rtcp_next_report(&reports, &report));
    assert_int_equal(report.ssrc, 0xaabbccdd);
    assert_int_equal(report.fraction_lost, 64);
    assert_int_equal(report.lost, -2);
    assert_int_equal(report.highest_seq, 0x1ffff);
    assert_int_equal(report.jitter, 32);
    assert_int_equal(report.last_sr, 0xe3e4f1f2);
    assert_int_equal(report.delay_last_sr, 0x8000);
    assert_false(rtcp_next_report(&reports, &report));
    free((void *)datagram.data);
}

static void reads_descriptions(void **state)
{
    /* two chunks; the first ends exactly at a word, so a whole word of zeros follows */
    struct bytes datagram;
    struct rtcp_packet p =
        only_packet("82ca0006 11223344 01026162 00000000 55667788 0100 0803787979 00", &datagram);
    struct rtcp_sdes walk = rtcp_sdes(&p);
    struct rtcp_sdes_item item;
    uint32_t ssrc;
    (void)state;
    assert_true(rtcp_next_sdes_item(&walk, &item));
    assert_int_equal(item.ssrc, 0x11223344);
    assert_int_equal(item.type, RTCP_CNAME);
    assert_true(text_is(item.value, "ab"));
    assert_true(rtcp_next_sdes_item(&walk, &item));
    assert_int_equal(item.ssrc, 0x55667788);
    assert_true(text_is(item.value, ""));
    assert_true(rtcp_next_sdes_item(&walk, &item));
    assert_int_equal(item.type, 8);
    assert_true(text_is(item.value, "xyy"));
    assert_false(rtcp_next_sdes_item(&walk, &item));
    assert_false(rtcp_sender_ssrc(&p, &ssrc));
    free((void *)datagram.data);
}

static void reads_byes_feedback_and_xr(void **state)
{
    struct bytes datagram;
    struct rtcp_packet p = only_packet("82cb0002 11223344 55667788", &datagram);
    struct reader r = rtcp_bye_sources(&p);
    struct rtcp_feedback f;
    struct rtcp_xr_block block;
    uint32_t ssrc;
    (void)state;
    assert_true(rtcp_next_source(&r, &ssrc) && ssrc == 0x11223344);
    assert_true(rtcp_next_source(&r, &ssrc) && ssrc == 0x55667788);
    assert_false(rtcp_next_source(&r, &ssrc));
    assert_false(rtcp_read_feedback(&p, &f));
    free((void *)datagram.data);

    p = only_packet(NACK, &datagram);
    assert_true(rtcp_read_feedback(&p, &f));
    assert_int_equal(f.sender_ssrc, 0x55667788);
    assert_int_equal(f.media_ssrc, 0x11223344);
    assert_int_equal(f.control.len, 4);
    assert_int_equal(rtcp_reports(&p).rest.len, 0);
    assert_true(rtcp_sender_ssrc(&p, &ssrc) && ssrc == 0x55667788);
    free((void *)datagram.data);

    p = only_packet(XR, &datagram);
    r = rtcp_xr_blocks(&p);
    assert_true(rtcp_next_xr_block(&r, &block));
    assert_int_equal(block.type, 4);
    assert_int_equal(block.contents.len, 8);
    assert_true(rtcp_next_xr_block(&r, &block));
    assert_int_equal(block.type, 5);
    assert_int_equal(block.contents.len, 0);
    assert_false(rtcp_next_xr_block(&r, &block));
    free((void *)datagram.data);

    p = only_packet("80cb0000", &datagram);
    assert_false(rtcp_sender_ssrc(&p, &ssrc));
    free((void *)datagram.data);
}

static void strips_feedback_and_keeps_the_rest(void **state)
{
    static const struct {
        const char *hex, *expected;
    } strips[] = {
        {RR CNAME NACK PLI, RR CNAME},
        {NACK RR PLI CNAME, RR CNAME},
        {SR CNAME, SR CNAME},
        {PLI, ""},
        {NACK PLI, ""},
        {PLI RR "a1cb0002 11223344 00000004", RR "a1cb0002 11223344 00000004"},
        {RR "a1ce0003 55667788 11223344 00000004", RR}, /* its padding goes with it */
        {PLI XR, XR},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(strips); i++) {
        struct bytes datagram = from_hex(strips[i].hex);
        struct bytes expected = from_hex(strips[i].expected);
        assert_int_equal(rtcp_check(datagram), RTCP_OK);
        size_t len = rtcp_strip_feedback((uint8_t *)datagram.data, datagram.len);
        assert_true(bytes_equal(bytes_of(datagram.data, len), expected));
        if (len > 0)
            assert_int_equal(rtcp_check(bytes_of(datagram.data, len)), RTCP_OK);
        free((void *)datagram.data);
        free((void *)expected.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_as_expected),
        cmocka_unit_test(walks_a_compound),
        cmocka_unit_test(reads_a_sender_report),
        cmocka_unit_test(reads_descriptions),
        cmocka_unit_test(reads_byes_feedback_and_xr),
        cmocka_unit_test(strips_feedback_and_keeps_the_rest),
    };
    return cmocka_run_group_tests_name("rtcp", tests, NULL, NULL);
}
