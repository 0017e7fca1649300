/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stamp.h"

static const struct stamp mark = {.flow = 4711, .number = UINT64_C(0x123456789)};

static void is_a_sound_rtp_packet(void **state)
{
    (void)state;
    uint8_t packet[STAMP_PACKET_MIN + 8] = {0};
    struct rtp_packet parsed;
    stamp_write(packet, &mark, 111, 0xdeadbeef);
    assert_int_equal(rtp_parse(bytes_of(packet, sizeof(packet)), &parsed), RTP_OK);
    assert_int_equal(parsed.seq, 0x6789);
    assert_int_equal(parsed.ssrc, 0xdeadbeef);
    assert_int_equal(parsed.payload_type, 111);
    assert_false(parsed.marker);
    assert_int_equal(parsed.timestamp, (uint32_t)(mark.number * 160));
    assert_int_equal(parsed.payload.len, STAMP_SIZE + 8);
}

static void comes_back(struct bytes packet)
{
    struct stamp read;
    assert_true(stamp_read(packet, &read));
    assert_int_equal(read.flow, mark.flow);
    assert_true(read.number == mark.number);
}

static void survives_what_a_relay_does(void **state)
{
    (void)state;
    uint8_t packet[STAMP_PACKET_MIN + 8] = {0}, extended[sizeof(packet) + 8] = {0};
    stamp_write(packet, &mark, 0, 1);
    comes_back(bytes_of(packet, sizeof(packet)));

    rtp_set_ssrc(packet, 99);
    rtp_set_seq(packet, 99);
    rtp_set_marker(packet, true);
    comes_back(bytes_of(packet, sizeof(packet)));

    /* With a header extension of one word. */
    memcpy(extended, packet, RTP_HEADER_SIZE);
    memcpy(
        extended + RTP_HEADER_SIZE + 8, packet + RTP_HEADER_SIZE, sizeof(packet) - RTP_HEADER_SIZE);
    extended[0] |= 0x10;
    memcpy(extended + RTP_HEADER_SIZE, "\xbe\xde\x00\x01", 4);
    comes_back(bytes_of(extended, sizeof(extended)));
}

static void knows_its_own(void **state)
{
    (void)state;
    uint8_t packet[STAMP_PACKET_MIN] = {0};
    struct stamp read;
    stamp_write(packet, &mark, 0, 1);
    for (size_t len = 0; len < sizeof(packet); len++)
        assert_false(stamp_read(bytes_of(packet, len), &read));
    packet[RTP_HEADER_SIZE] ^= 1;
    assert_false(stamp_read(bytes_of(packet, sizeof(packet)), &read));
    packet[RTP_HEADER_SIZE] ^= 1;
    packet[0] = 0x40;
    assert_false(stamp_read(bytes_of(packet, sizeof(packet)), &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_a_sound_rtp_packet),
        cmocka_unit_test(survives_what_a_relay_does),
        cmocka_unit_test(knows_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
