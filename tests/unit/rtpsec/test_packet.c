/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

static const struct {
    const char *what, *hex;
    bool is_rtcp;
    size_t header_len; /* 0: refused */
} cases[] = {
    {"bare RTP", "8000 1234 00000001 cafebabe", false, 12},
    {"RTP with payload", "8000 1234 00000001 cafebabe 0102", false, 12},
    {"one byte short", "8000 1234 00000001 cafeba", false, 0},
    {"a contributing source", "8100 1234 00000001 cafebabe 00000001", false, 16},
    {"a contributing source, cut", "8100 1234 00000001 cafebabe 000000", false, 0},
    {"an empty extension", "9000 1234 00000001 cafebabe bede0000", false, 16},
    {"an extension", "9000 1234 00000001 cafebabe bede0001 10aa0000 00", false, 20},
    {"an extension, cut", "9000 1234 00000001 cafebabe bede0001 10aa00", false, 0},
    {"both", "9100 1234 00000001 cafebabe 00000007 bede0000", false, 20},
    {"version 1", "4000 1234 00000001 cafebabe", false, 0},
    {"bare RTCP", "81c9 0001 cafebabe", true, 8},
    {"RTCP with more", "81c9 0007 cafebabe 00000000", true, 8},
    {"RTCP cut", "81c9 0001 cafeba", true, 0},
    {"RTCP version 3", "c1c9 0001 cafebabe", true, 0},
};

static void reads_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes packet = from_hex(cases[i].hex);
        struct rtpsec_header header = {.ssrc = 1};
        bool ok =
            cases[i].is_rtcp ? rtpsec_read_rtcp(packet, &header) : rtpsec_read_rtp(packet, &header);
        assert_int_equal(ok, cases[i].header_len > 0);
        assert_int_equal(header.ssrc, ok ? 0xcafebabe : 1);
        if (ok)
            assert_int_equal(header.len, cases[i].header_len);
        if (ok && !cases[i].is_rtcp)
            assert_int_equal(header.seq, 0x1234);
        free((void *)packet.data);
    }
}

static void reads_the_rtcp_index(void **state)
{
    (void)state;
    struct bytes cm = from_hex("81c90001 cafebabe 8000002a 0102030405060708090a");
    struct bytes gcm = from_hex("81c90001 cafebabe 000102030405060708090a0b0c0d0e0f 0000002b");
    assert_int_equal(rtpsec_read_rtcp_index(rtpsec_suite(RTPSEC_AES_128_CM_32), cm), 42);
    assert_int_equal(rtpsec_read_rtcp_index(rtpsec_suite(RTPSEC_AEAD_AES_128_GCM), gcm), 43);
    free((void *)cm.data);
    free((void *)gcm.data);
}

static void moves_the_tag_around_the_mki(void **state)
{
    (void)state;
    uint8_t data[16] = "payloadTAG";
    assert_int_equal(rtpsec_insert_mki(data, 10, bytes_of("mki12", 5), 3), 15);
    assert_memory_equal(data, "payloadmki12TAG", 15);
    assert_int_equal(rtpsec_remove_mki(data, 15, 5, 3), 10);
    assert_memory_equal(data, "payloadTAG", 10);
    assert_int_equal(rtpsec_insert_mki(data, 10, bytes_of("mki12", 5), 0), 15);
    assert_memory_equal(data, "payloadTAGmki12", 15);
    assert_int_equal(rtpsec_remove_mki(data, 15, 5, 0), 10);
    assert_memory_equal(data, "payloadTAG", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_headers),
        cmocka_unit_test(reads_the_rtcp_index),
        cmocka_unit_test(moves_the_tag_around_the_mki),
    };
    return cmocka_run_group_tests_name("rtpsec packet", tests, NULL, NULL);
}
