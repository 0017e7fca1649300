/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/rtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

#define REST "0007 000000a0 11223344"

static const struct {
    const char *hex;
    enum rtp_status clear, protected;
    size_t header_len, payload_len, padding_len;
} cases[] = {
    {"8000" REST, RTP_OK, RTP_OK, 12, 0, 0},
    {"8000" REST "d5d5d5", RTP_OK, RTP_OK, 12, 3, 0},
    {"8100" REST "55667788 d5", RTP_OK, RTP_OK, 16, 1, 0},
    {"8f00" REST, RTP_TRUNCATED, RTP_TRUNCATED, 0, 0, 0},
    {"8100" REST "556677", RTP_TRUNCATED, RTP_TRUNCATED, 0, 0, 0},
    {"9000" REST "bede0001 10ff0000 d5", RTP_OK, RTP_OK, 20, 1, 0},
    {"9000" REST "bede0000 d5", RTP_OK, RTP_OK, 16, 1, 0},
    {"9000" REST "bede0002 10ff0000 d5", RTP_TRUNCATED, RTP_TRUNCATED, 0, 0, 0},
    {"9000" REST "bedeffff 10ff0000 d5", RTP_TRUNCATED, RTP_TRUNCATED, 0, 0, 0},
    {"9000" REST "bede00", RTP_TRUNCATED, RTP_TRUNCATED, 0, 0, 0},
    {"9000" REST, RTP_TRUNCATED, RTP_TRUNCATED, 0, 0, 0},
    {"9200" REST "55667788 99aabbcc bede0001 10ff0000", RTP_OK, RTP_OK, 28, 0, 0},
    {"a000" REST "d5d50002", RTP_OK, RTP_OK, 12, 2, 2},
    {"a000" REST "01", RTP_OK, RTP_OK, 12, 0, 1},
    {"a000" REST "02", RTP_BAD_PADDING, RTP_OK, 12, 1, 0},
    {"a000" REST "d5d50000", RTP_BAD_PADDING, RTP_OK, 12, 4, 0},
    {"a000" REST "d5d50005", RTP_BAD_PADDING, RTP_OK, 12, 4, 0},
    {"a000" REST, RTP_BAD_PADDING, RTP_OK, 12, 0, 0},
    {"", RTP_TRUNCATED, RTP_TRUNCATED, 0, 0, 0},
    {"80", RTP_TRUNCATED, RTP_TRUNCATED, 0, 0, 0},
    {"8000 0007 000000a0 112233", RTP_TRUNCATED, RTP_TRUNCATED, 0, 0, 0},
    {"0000" REST, RTP_BAD_VERSION, RTP_BAD_VERSION, 0, 0, 0},
    {"4000" REST, RTP_BAD_VERSION, RTP_BAD_VERSION, 0, 0, 0},
    {"c000" REST, RTP_BAD_VERSION, RTP_BAD_VERSION, 0, 0, 0},
};

static void check_lengths(size_t i, const struct rtp_packet *p, bool protected)
{
    assert_int_equal(p->header_len, cases[i].header_len);
    if (protected)
        assert_int_equal(p->payload.len, cases[i].payload_len + cases[i].padding_len);
    else
        assert_int_equal(p->payload.len, cases[i].payload_len);
    assert_int_equal(p->padding_len, protected ? 0 : cases[i].padding_len);
}

static void parses_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes packet = from_hex(cases[i].hex);
        struct rtp_packet p = {.ssrc = 7};
        enum rtp_status status = rtp_parse(packet, &p);
        if (status != cases[i].clear)
            print_message("# case %zu\n", i);
        assert_int_equal(status, cases[i].clear);
        if (status == RTP_OK)
            check_lengths(i, &p, false);
        else
            assert_int_equal(p.ssrc, 7);
        assert_int_equal(rtp_parse_protected(packet, &p), cases[i].protected);
        if (cases[i].protected == RTP_OK)
            check_lengths(i, &p, true);
        free((void *)packet.data);
    }
}

/* The short way and the long one agree on every packet. */
static void reads_the_header_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes packet = from_hex(cases[i].hex);
        struct rtp_header header = {.ssrc = 7};
        assert_int_equal(rtp_read_header(packet, &header), cases[i].protected);
        if (cases[i].protected != RTP_OK) {
            assert_int_equal(header.ssrc, 7);
            free((void *)packet.data);
            continue;
        }
        assert_int_equal(header.len, cases[i].header_len);
        assert_int_equal(header.ssrc, 0x11223344);
        assert_int_equal(header.timestamp, 0xa0);
        assert_int_equal(header.seq, 7);
        assert_int_equal(header.payload_type, packet.data[1] & 0x7f);
        assert_int_equal(rtp_padding_is_sound(packet, &header), cases[i].clear == RTP_OK);
        free((void *)packet.data);
    }
}

static void reads_every_field(void **state)
{
    struct bytes packet = from_hex("b2e0 fffe 01020304 11223344 55667788 99aabbcc"
                                   "1000 0001 01020304 d5d6 0002");
    struct rtp_packet p;
    uint8_t memory[64];
    struct writer w = writer_over(memory, sizeof(memory));
    (void)state;

    assert_int_equal(rtp_parse(packet, &p), RTP_OK);
    assert_true(p.marker && p.has_extension);
    assert_int_equal(p.payload_type, 96);
    assert_int_equal(p.seq, 0xfffe);
    assert_int_equal(p.timestamp, 0x01020304);
    assert_int_equal(p.ssrc, 0x11223344);
    assert_int_equal(p.csrcs.len, 8);
    assert_int_equal(p.extension_profile, 0x1000);
    assert_int_equal(p.extension.len, 4);
    assert_int_equal(p.payload.data[0], 0xd5);
    assert_int_equal(p.padding_len, 2);

    rtp_write(&w, &p);
    assert_true(bytes_equal(writer_bytes(&w), packet));
    free((void *)packet.data);
}

static void sets_fields_and_nothing_else(void **state)
{
    struct bytes packet = from_hex("80e0 0001 00000002 00000003 d5");
    struct bytes expected = from_hex("8008 fffe 01020304 a1a2a3a4 d5");
    uint8_t *data = (uint8_t *)packet.data;
    (void)state;
    rtp_set_payload_type(data, 8);
    assert_int_equal(data[1], 0x88); /* the marker stays */
    rtp_set_payload_type(data, 0xff);
    assert_int_equal(data[1], 0xff);
    rtp_set_payload_type(data, 8);
    rtp_set_marker(data, false);
    rtp_set_seq(data, 0xfffe);
    rtp_set_timestamp(data, 0x01020304);
    rtp_set_ssrc(data, 0xa1a2a3a4);
    assert_true(bytes_equal(packet, expected));
    rtp_set_marker(data, true);
    assert_int_equal(data[1], 0x88);
    free((void *)packet.data);
    free((void *)expected.data);
}

static void strips_the_extension_in_place(void **state)
{
    static const struct {
        const char *packet, *stripped;
        size_t offset;
    } strips[] = {
        {"9000" REST "bede0001 10ff0000 d5d6", "8000" REST "d5d6", 8},
        {"9000" REST "bede0000 d5d6", "8000" REST "d5d6", 4},
        {"b280" REST "55667788 99aabbcc 10000003 0102 0304 0506 0708 090a 0b0c d5d6 0002",
            "a280" REST "55667788 99aabbcc d5d6 0002", 16},
        {"9000" REST "abcd0001 01020304", "8000" REST, 8},
        {"8000" REST "d5d6", "8000" REST "d5d6", 0},
        {"9000" REST "bede0005 10ff0000", "9000" REST "bede0005 10ff0000", 0}, /* truncated */
        {"5000" REST "bede0000 d5d6", "5000" REST "bede0000 d5d6", 0},
        {"", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(strips); i++) {
        struct bytes packet = from_hex(strips[i].packet);
        struct bytes expected = from_hex(strips[i].stripped);
        size_t offset = rtp_strip_extension((uint8_t *)packet.data, packet.len);
        assert_int_equal(offset, strips[i].offset);
        assert_true(bytes_equal(bytes_of(packet.data + offset, packet.len - offset), expected));
        free((void *)packet.data);
        free((void *)expected.data);
    }
}

static void refuses_to_write_the_impossible(void **state)
{
    static const uint8_t zeros[64];
    const struct rtp_packet wrong[] = {
        {.csrcs = bytes_of(zeros, 3)},
        {.csrcs = bytes_of(zeros, 64)},
        {.has_extension = true, .extension = bytes_of(zeros, 5)},
        {.padding_len = 256},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        uint8_t memory[512];
        struct writer w = writer_over(memory, sizeof(memory));
        rtp_write(&w, &wrong[i]);
        assert_false(writer_ok(&w));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_as_expected),
        cmocka_unit_test(reads_the_header_alone),
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(sets_fields_and_nothing_else),
        cmocka_unit_test(strips_the_extension_in_place),
        cmocka_unit_test(refuses_to_write_the_impossible),
    };
    return cmocka_run_group_tests_name("rtp packet", tests, NULL, NULL);
}
