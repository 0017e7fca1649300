/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as a kernel sent them over a pair of veth, and as they must not be. */
#include "xdp/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"
#include "hex.h"

#define ETHERNET(type) "02000000000b 02000000000a " type
#define IP4_ADDRESSES "c0000201 c0000202"
#define IP6_ADDRESSES "20010db8000000000000000000000001 20010db8000000000000000000000002"
#define PORTS "138c 9c40"
#define IP4(length, sum) ETHERNET("0800") "45b8 " length " 46bf 4000 4011 " sum IP4_ADDRESSES PORTS
#define IP6(length) ETHERNET("86dd") "6b800000 " length " 11 40" IP6_ADDRESSES PORTS

#define MEDIA4                                                                                     \
    IP4("0021", "6f51")                                                                            \
    "000d 9934"                                                                                    \
    "6d65646961"
#define MEDIA6 IP6("000d") "000d c1c3 6d65646961"

struct read_case {
    const char *name;
    const char *hex;
    enum drop_reason reason;
    uint8_t tos;
    const char *payload;
};

#define OK(name, hex, tos, payload)                                                                \
    {                                                                                              \
        name, hex, DROP_NONE, tos, payload                                                         \
    }
#define BAD(name, hex, reason)                                                                     \
    {                                                                                              \
        name, hex, DROP_FRAME_##reason, 0, ""                                                      \
    }

static const struct read_case reads[] = {
    OK("IPv4", MEDIA4, 0xb8, "6d65646961"),
    OK("IPv6", MEDIA6, 0xb8, "6d65646961"),
    OK("padding of Ethernet", MEDIA4 "000000000000 000000000000 01", 0xb8, "6d65646961"),
    OK("padding, IPv6", MEDIA6 "ff", 0xb8, "6d65646961"),
    OK("no data", ETHERNET("0800") "4500001c46c040004011700d" IP4_ADDRESSES PORTS "0008cc0d", 0,
        ""),
    OK("no data, IPv6", ETHERNET("86dd") "6000000000081140" IP6_ADDRESSES PORTS "0008f49c", 0, ""),
    OK("without checksum",
        ETHERNET("0800") "4500001d46c140004011700b" IP4_ADDRESSES PORTS "0009000078", 0, "78"),
    OK("checksum left to the card",
        ETHERNET("0800") "45b80021d9f940004011dc16" IP4_ADDRESSES PORTS "000d 8422 6d65646961",
        0xb8, "6d65646961"),
    OK("the same, IPv6", IP6("000d") "000d 5b93 6d65646961", 0xb8, "6d65646961"),
    OK("longer than the words that are summed up",
        ETHERNET("0800") "4500004446c2400040116fe3" IP4_ADDRESSES PORTS "00304e2c"
                         "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232"
                         "4252627",
        0, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"),
    OK("a checksum that comes to 0",
        ETHERNET("0800") "4500001e000040004011b6cb" IP4_ADDRESSES PORTS "000affffcc09", 0, "cc09"),

    BAD("nothing", "", MALFORMED),
    BAD("half of Ethernet", "02000000000b 02000000000a 08", MALFORMED),
    BAD("ARP", ETHERNET("0806") "0001080006040001", MALFORMED),
    BAD("IPv4 header cut", ETHERNET("0800") "45b8002146bf400040116f51 c0000201c00002", MALFORMED),
    BAD("UDP header cut", IP4("0021", "6f51") "000d 99", MALFORMED),
    BAD("one byte short", IP4("0021", "6f51") "000d 9934 6d656469", MALFORMED),
    BAD("one byte short, IPv6", IP6("000d") "000d c1c3 6d656469", MALFORMED),
    BAD("IPv6 header cut", ETHERNET("86dd") "6b800000 000d 1140 20010db8", MALFORMED),
    BAD("UDP longer than its packet", IP4("0021", "6f51") "000e 9933 6d65646961", MALFORMED),
    BAD("UDP shorter than its packet", IP4("0021", "6f51") "000c 9935 6d65646961", MALFORMED),
    BAD("UDP shorter than its packet, IPv6", IP6("000d") "000c c1c3 6d65646961", MALFORMED),
    BAD("packet shorter than IPv4", IP4("0013", "6f5f") "000d 9934 6d65646961", MALFORMED),
    BAD("packet shorter than UDP", IP4("001b", "6f57") "0007 9934 6d65646961", MALFORMED),
    BAD("jumbo of IPv6", IP6("0000") "0000 c1c3 6d65646961", MALFORMED),
    BAD("IPv4 in name, IPv6 in fact",
        ETHERNET("0800") "6b800000 000d 1140" IP6_ADDRESSES PORTS "000dc1c3 6d65646961", MALFORMED),
    BAD("IPv6 in name, IPv4 in fact",
        ETHERNET("86dd") "45b8002146bf400040116f51" IP4_ADDRESSES PORTS
                         "000d9934 6d65646961 0000000000000000",
        MALFORMED),
    BAD("options",
        ETHERNET("0800") "46b8002546bf400040116e4d" IP4_ADDRESSES "00000000" PORTS
                         "000d9934 6d65646961",
        MALFORMED),
    BAD("first fragment",
        ETHERNET("0800") "45b8002146bf200040118f51" IP4_ADDRESSES PORTS "000d9934 6d65646961",
        MALFORMED),
    BAD("last fragment",
        ETHERNET("0800") "45b8002146bf00014011af50" IP4_ADDRESSES PORTS "000d9934 6d65646961",
        MALFORMED),
    BAD("TCP",
        ETHERNET("0800") "45b8002146bf400040066f5c" IP4_ADDRESSES PORTS "000d9934 6d65646961",
        MALFORMED),
    BAD("a header between, IPv6",
        ETHERNET("86dd") "6b800000 000d 0040" IP6_ADDRESSES PORTS "000dc1c3 6d65646961", MALFORMED),

    BAD("header checksum", IP4("0021", "6f50") "000d 9934 6d65646961", CHECKSUM),
    BAD("checksum", IP4("0021", "6f51") "000d 9935 6d65646961", CHECKSUM),
    BAD("checksum, last byte", IP4("0021", "6f51") "000d 9934 6d65646962", CHECKSUM),
    BAD("checksum, IPv6", IP6("000d") "000d c1c3 6d65646963", CHECKSUM),
    BAD("without checksum, IPv6", IP6("000d") "000d 0000 6d65646961", CHECKSUM),
};

static const uint8_t mac_a[] = {2, 0, 0, 0, 0, 0x0a}, mac_b[] = {2, 0, 0, 0, 0, 0x0b};

static struct address address_of(const char *text)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(text), 0, &a));
    return a;
}

static void reads_as_expected(void **state)
{
    const struct read_case *c = *state;
    struct bytes frame = from_hex(c->hex), payload = from_hex(c->payload);
    struct frame_in in;
    assert_int_equal(frame_read(frame, &in), c->reason);
    if (c->reason == DROP_NONE) {
        bool is_ip6 = in.from.family == ADDRESS_IP6;
        struct address from = address_of(is_ip6 ? "[2001:db8::1]:5004" : "192.0.2.1:5004");
        struct address to = address_of(is_ip6 ? "[2001:db8::2]:40000" : "192.0.2.2:40000");
        assert_true(address_equal(&in.from, &from));
        assert_true(address_equal(&in.to, &to));
        assert_int_equal(in.tos, c->tos);
        assert_true(bytes_equal(in.payload, payload));
    }
    free((void *)frame.data);
    free((void *)payload.data);
}

struct write_case {
    const char *name;
    const char *from, *to;
    bool dont_fragment;
    uint8_t tos;
    const char *payload, *hex;
};

static const struct write_case writes[] = {
    {"IPv4", "192.0.2.1:5004", "192.0.2.2:40000", true, 0xb8, "6d65646961",
        ETHERNET("0800") "45b80021000040004011b610" IP4_ADDRESSES PORTS "000d9934 6d65646961"},
    {"IPv4 that may be fragmented", "192.0.2.1:5004", "192.0.2.2:40000", false, 0xb8, "6d65646961",
        ETHERNET("0800") "45b8002146bf00004011af51" IP4_ADDRESSES PORTS "000d9934 6d65646961"},
    {"checksum 0", "192.0.2.1:5004", "192.0.2.2:40000", true, 0, "cc09",
        ETHERNET("0800") "4500001e000040004011b6cb" IP4_ADDRESSES PORTS "000affffcc09"},
    {"IPv6", "[2001:db8::1]:5004", "[2001:db8::2]:40000", true, 0xb8, "6d65646961", MEDIA6},
    {"no data", "[2001:db8::1]:5004", "[2001:db8::2]:40000", false, 0, "",
        ETHERNET("86dd") "6000000000081140" IP6_ADDRESSES PORTS "0008f49c"},
};

static void writes_as_the_kernel_does(void **state)
{
    const struct write_case *c = *state;
    struct bytes expected = from_hex(c->hex), payload = from_hex(c->payload);
    struct address from = address_of(c->from), to = address_of(c->to);
    struct frame_out how = {.source_mac = mac_a,
        .destination_mac = mac_b,
        .from = &from,
        .to = &to,
        .tos = c->tos,
        .hop_limit = 64,
        .dont_fragment = c->dont_fragment,
        .id = 0x46bf};
    uint8_t *out = malloc(expected.len);
    assert_int_equal(frame_write(out, expected.len, &how, payload), expected.len);
    assert_memory_equal(out, expected.data, expected.len);
    assert_int_equal(frame_write(out, expected.len - 1, &how, payload), 0);
    assert_int_equal(frame_write(out, 0, &how, payload), 0);
    assert_int_equal(
        frame_packet_size(from.family, payload.len) + FRAME_ETHERNET_SIZE, expected.len);
    free(out);
    free((void *)expected.data);
    free((void *)payload.data);
}

static void no_packet_is_longer_than_its_length_says(void **state)
{
    (void)state;
    static uint8_t payload[70000], out[80000];
    struct address from = address_of("192.0.2.1:1"), to = address_of("192.0.2.2:2");
    struct frame_out how = {
        .source_mac = mac_a, .destination_mac = mac_b, .from = &from, .to = &to, .hop_limit = 1};
    struct frame_in in;
    assert_int_equal(frame_write(out, sizeof(out), &how, bytes_of(payload, 65508)), 0);
    assert_int_equal(frame_write(out, sizeof(out), &how, bytes_of(payload, SIZE_MAX)), 0);
    size_t len = frame_write(out, sizeof(out), &how, bytes_of(payload, 65507));
    assert_int_equal(len, 65535 + FRAME_ETHERNET_SIZE);
    assert_int_equal(frame_read(bytes_of(out, len), &in), DROP_NONE);
    assert_int_equal(in.payload.len, 65507);
}

/* Every length, so that each end of the words summed up is met; and a bit more or less is seen. */
static void what_was_written_is_read_and_no_bit_changes(void **state)
{
    (void)state;
    struct gen gen = gen_start();
    uint8_t data[200], out[300];
    struct address from = address_of("192.0.2.1:5004"), to = address_of("198.51.100.77:6000");
    struct frame_out how = {.source_mac = mac_a,
        .destination_mac = mac_b,
        .from = &from,
        .to = &to,
        .hop_limit = 64,
        .dont_fragment = true};
    struct frame_in in;
    for (size_t len = 0; len <= sizeof(data); len++) {
        gen_fill(&gen, data, len);
        struct bytes payload = bytes_of(data, len);
        size_t frame_len = frame_write(out, sizeof(out), &how, payload);
        assert_int_equal(frame_read(bytes_of(out, frame_len), &in), DROP_NONE);
        assert_true(bytes_equal(in.payload, payload));
        assert_true(address_equal(&in.from, &from) && address_equal(&in.to, &to));
        size_t at = FRAME_ETHERNET_SIZE + gen_below(&gen, frame_len - FRAME_ETHERNET_SIZE);
        out[at] ^= (uint8_t)(1 << gen_below(&gen, 8));
        assert_int_not_equal(frame_read(bytes_of(out, frame_len), &in), DROP_NONE);
    }
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(reads) + COUNT_OF(writes) + 2];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(reads); i++)
        tests[count++] =
            (struct CMUnitTest){reads[i].name, reads_as_expected, NULL, NULL, (void *)&reads[i]};
    for (size_t i = 0; i < COUNT_OF(writes); i++)
        tests[count++] = (struct CMUnitTest){
            writes[i].name, writes_as_the_kernel_does, NULL, NULL, (void *)&writes[i]};
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(no_packet_is_longer_than_its_length_says);
    tests[count++] =
        (struct CMUnitTest)cmocka_unit_test(what_was_written_is_read_and_no_bit_changes);
    return _cmocka_run_group_tests("frame", tests, count, NULL, NULL);
}
