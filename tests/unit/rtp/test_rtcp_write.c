/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "mediaferry/rtcp.h"

static const struct rtcp_report report = {
    .ssrc = 0xaabbccdd,
    .fraction_lost = 64,
    .lost = -2,
    .highest_seq = 0x1ffff,
    .jitter = 32,
    .last_sr = 0xe3e4f1f2,
    .delay_last_sr = 0x8000,
};

static void writes_a_compound(void **state)
{
    const struct rtcp_sender sender = {
        .ssrc = 0x11223344,
        .ntp = 0xe1e2e3e4f1f2f3f4,
        .rtp_timestamp = 0x140,
        .packets = 100,
        .octets = 16000,
    };
    struct bytes expected = from_hex("81c8000c 11223344 e1e2e3e4f1f2f3f4 00000140 00000064 00003e80"
                                     "aabbccdd 40fffffe 0001ffff 00000020 e3e4f1f2 00008000"
                                     "81c90007 55667788"
                                     "aabbccdd 40fffffe 0001ffff 00000020 e3e4f1f2 00008000"
                                     "80c90001 55667788"
                                     "81cb0001 11223344");
    uint8_t memory[256];
    struct writer w = writer_over(memory, sizeof(memory));
    (void)state;
    rtcp_write_sr(&w, &sender, &report, 1);
    rtcp_write_rr(&w, 0x55667788, &report, 1);
    rtcp_write_rr(&w, 0x55667788, NULL, 0);
    rtcp_write_bye(&w, 0x11223344);
    assert_true(bytes_equal(writer_bytes(&w), expected));
    assert_int_equal(rtcp_check(writer_bytes(&w)), RTCP_OK);
    free((void *)expected.data);
}

static void pads_names_of_every_length(void **state)
{
    static const char name[255] = "cname";
    (void)state;
    for (size_t len = 0; len <= sizeof(name); len++) {
        uint8_t memory[512];
        struct writer w = writer_over(memory, sizeof(memory));
        struct rtcp_packet p;
        struct rtcp_sdes_item item;
        rtcp_write_cname(&w, 7, text_of(name, len));
        assert_int_equal(rtcp_check(writer_bytes(&w)), RTCP_OK);
        struct reader r = reader_over(writer_bytes(&w));
        assert_true(rtcp_next(&r, &p));
        struct rtcp_sdes walk = rtcp_sdes(&p);
        assert_true(rtcp_next_sdes_item(&walk, &item));
        assert_int_equal(item.ssrc, 7);
        assert_int_equal(item.value.len, len);
        assert_false(rtcp_next_sdes_item(&walk, &item));
    }
}

static void losses_are_clamped_to_24_bits(void **state)
{
    static const struct {
        int32_t lost, read;
    } cases[] = {
        {0, 0},
        {-1, -1},
        {0x7fffff, 0x7fffff},
        {0x800000, 0x7fffff},
        {INT32_MAX, 0x7fffff},
        {-0x800000, -0x800000},
        {-0x800001, -0x800000},
        {INT32_MIN, -0x800000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t memory[64];
        struct writer w = writer_over(memory, sizeof(memory));
        struct rtcp_report written = {.fraction_lost = 0xab, .lost = cases[i].lost}, read;
        struct rtcp_packet p;
        rtcp_write_rr(&w, 7, &written, 1);
        struct reader r = reader_over(writer_bytes(&w));
        assert_true(rtcp_next(&r, &p));
        r = rtcp_reports(&p);
        assert_true(rtcp_next_report(&r, &read));
        assert_int_equal(read.lost, cases[i].read);
        assert_int_equal(read.fraction_lost, 0xab);
    }
}

static void a_full_writer_fails(void **state)
{
    uint8_t memory[32];
    (void)state;
    for (size_t room = 0; room < sizeof(memory); room++) {
        struct writer w = writer_over(memory, room);
        rtcp_write_rr(&w, 7, &report, 1);
        assert_false(writer_ok(&w));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_compound),
        cmocka_unit_test(pads_names_of_every_length),
        cmocka_unit_test(losses_are_clamped_to_24_bits),
        cmocka_unit_test(a_full_writer_fails),
    };
    return cmocka_run_group_tests_name("rtcp write", tests, NULL, NULL);
}
