/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/channel_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "mediaferry/stun.h"

#define STUN_HEAD(len) "0001" len "2112a442 0102030405060708090a0b0c"

static void datagrams_are_read_or_refused(void **state)
{
    static const struct {
        const char *name, *hex;
        bool ok;
        size_t len;
    } cases[] = {
        {"first number", "4000 0002 abcd", true, 2},
        {"last number", "4fff 0002 abcd", true, 2},
        {"padding is cut off", "4000 0001 ab000000", true, 1},
        {"any padding", "4000 0001 ab0000000000000000", true, 1},
        {"no data", "4000 0000", true, 0},
        {"too long for its datagram", "4000 0003 abcd", false, 0},
        {"half a header", "4000 00", false, 0},
        {"nothing", "", false, 0},
        {"below the numbers", "3fff 0002 abcd", false, 0},
        {"last number of RFC 5766", "7fff 0002 abcd", true, 2},
        {"above all numbers", "8000 0002 abcd", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes datagram = from_hex(cases[i].hex);
        struct channel_data c = {.number = 7};
        if (channel_data_parse(datagram, &c) != cases[i].ok)
            fail_msg("%s", cases[i].name);
        assert_int_equal(c.number, cases[i].ok ? datagram.data[0] << 8 | datagram.data[1] : 7);
        assert_int_equal(c.data.len, cases[i].len);
        free((void *)datagram.data);
    }
}

static void a_header_is_read_again(void **state)
{
    uint8_t memory[CHANNEL_HEADER_SIZE + 3] = {0};
    struct channel_data c;
    (void)state;
    channel_data_header(memory, 0x4a5b, 3);
    assert_true(channel_data_parse(bytes_of(memory, sizeof(memory)), &c));
    assert_int_equal(c.number, 0x4a5b);
    assert_int_equal(c.data.len, 3);
    assert_int_equal(channel_data_padding(0), 0);
    assert_int_equal(channel_data_padding(1), 3);
    assert_int_equal(channel_data_padding(3), 1);
    assert_int_equal(channel_data_padding(4), 0);
}

static void streams_are_cut_into_frames(void **state)
{
    static const struct {
        const char *name, *hex;
        enum turn_frame_kind kind;
        size_t len, size;
    } cases[] = {
        {"nothing yet", "", TURN_FRAME_NEED_MORE, 0, 4},
        {"one byte", "40", TURN_FRAME_NEED_MORE, 0, 4},
        {"STUN begins", "0001 00", TURN_FRAME_NEED_MORE, 0, 4},
        {"STUN without its cookie", "0001 0008", TURN_FRAME_NEED_MORE, 0, 20},
        {"STUN with half a cookie", "0001 0008 2112", TURN_FRAME_NEED_MORE, 0, 20},
        {"STUN header", STUN_HEAD("0008"), TURN_FRAME_NEED_MORE, 0, 28},
        {"STUN", STUN_HEAD("0000"), TURN_FRAME_STUN, 20, 20},
        {"STUN and more", STUN_HEAD("0004") "80220000 40", TURN_FRAME_STUN, 24, 24},
        {"the longest STUN", STUN_HEAD("fffc"), TURN_FRAME_NEED_MORE, 0, TURN_FRAME_MAX},
        {"channel header", "4000 0002", TURN_FRAME_NEED_MORE, 0, 8},
        {"channel without padding yet", "4000 0002 abcd", TURN_FRAME_NEED_MORE, 0, 8},
        {"channel", "4000 0002 abcd 0000", TURN_FRAME_CHANNEL_DATA, 6, 8},
        {"channel, padding of any value", "4000 0001 ab ffffff ff", TURN_FRAME_CHANNEL_DATA, 5, 8},
        {"empty channel", "4fff 0000", TURN_FRAME_CHANNEL_DATA, 4, 4},
        {"the longest channel", "4000 ffff", TURN_FRAME_NEED_MORE, 0, 65540},
        {"channel of RFC 5766", "7fff 0000", TURN_FRAME_CHANNEL_DATA, 4, 4},
        {"RTP", "80", TURN_FRAME_GARBAGE, 0, 0},
        {"odd length", "0001 0001", TURN_FRAME_GARBAGE, 0, 0},
        {"a request of HTTP", "47455420", TURN_FRAME_NEED_MORE, 0, 4 + 0x5420},
        {"no cookie", "0001 0008 21", TURN_FRAME_NEED_MORE, 0, 20},
        {"wrong cookie", "0001 0008 22", TURN_FRAME_GARBAGE, 0, 0},
        {"wrong end of cookie", "0001 0008 2112a443", TURN_FRAME_GARBAGE, 0, 0},
        {"TLS", "16030100 f4010000", TURN_FRAME_GARBAGE, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes stream = from_hex(cases[i].hex);
        struct turn_frame f = turn_frame_at(stream);
        if (f.kind != cases[i].kind || f.len != cases[i].len || f.size != cases[i].size)
            fail_msg("%s: %d, %zu, %zu", cases[i].name, (int)f.kind, f.len, f.size);
        free((void *)stream.data);
    }
}

/* What a frame needs is never less than it says, and it never changes its mind. */
static void every_prefix_asks_for_what_is_missing(void **state)
{
    static const char *const streams[] = {
        STUN_HEAD("0004") "80220000",
        "4000 0005 0102030405 000000",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        struct bytes stream = from_hex(streams[i]);
        size_t asked = 0;
        for (size_t len = 0; len < stream.len; len++) {
            struct turn_frame f = turn_frame_at(bytes_of(stream.data, len));
            assert_int_equal(f.kind, TURN_FRAME_NEED_MORE);
            assert_true(f.size > len && f.size >= asked && f.size <= stream.len);
            asked = f.size;
        }
        assert_int_equal(turn_frame_at(stream).size, stream.len);
        free((void *)stream.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_are_read_or_refused),
        cmocka_unit_test(a_header_is_read_again),
        cmocka_unit_test(streams_are_cut_into_frames),
        cmocka_unit_test(every_prefix_asks_for_what_is_missing),
    };
    return cmocka_run_group_tests_name("channel data", tests, NULL, NULL);
}
