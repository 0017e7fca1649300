/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/route_message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

/* Messages as Linux 6.18 wrote them on a machine with little endian numbers. */

static struct address ip(const char *literal)
{
    struct address a = {.family = ADDRESS_NONE};
    if (literal != NULL)
        assert_true(address_parse(text_from(literal), &a));
    return a;
}

/* The only message. */
static struct route_message read_one(const char *hex)
{
    struct bytes block = from_hex(hex), rest = block;
    struct route_message message;
    assert_true(route_message_next(&rest, &message));
    assert_int_equal(rest.len, 0);
    assert_false(route_message_next(&rest, &message));
    free((void *)(uintptr_t)block.data);
    return message;
}

/* --- routes -------------------------------------------------------------------------------------
 */

#define TO_192_0_2_9 "08000f00 fe000000 08000100 c0000209 08000200 c0000201 08000400 03000000"
#define CACHE_INFO                                                                                 \
    "24000c00 02000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"

struct route_case {
    const char *name, *hex;
    enum next_hop_state state;
    uint32_t ifindex;
    const char *gateway;
    uint32_t mtu;
};

static const struct route_case routes[] = {
    {"on the link",
        "68000000 18000000 07000000 bc6b0000 02202000 fe000001 00020000" TO_192_0_2_9
        "08001900 00000000" CACHE_INFO,
        NEXT_HOP_WAITING, 3, NULL, 0},
    {"by a gateway, with an MTU",
        "7c000000 18000000 07000000 be6b0000 02202000 fe000001 00020000 08000f00 fe000000"
        "08000100 c6336407 08000200 c0000201 08000400 03000000 08000500 c00002fe"
        "0c000800 08000200 78050000 08001900 00000000" CACHE_INFO,
        NEXT_HOP_WAITING, 3, "192.0.2.254", 1400},
    {"IPv4 by a gateway with IPv6",
        "80000000 18000000 07000000 c06b0000 02202000 fe000001 00020000 08000f00 fe000000"
        "08000100 cb007101 08000200 c0000201 08000400 03000000"
        "16001200 0a002001 0db80000 00000000 00000000 00ff0000 08001900 00000000" CACHE_INFO,
        NEXT_HOP_WAITING, 3, "2001:db8::ff", 0},
    {"IPv6 on the link",
        "9c000000 18000000 07000000 d06b0000 0a808000 fe020001 00000000 08000f00 fe000000"
        "14000100 20010db8 00000000 00000000 00000009 14000200 20010db8 00000000 00000000 00000001"
        "14000700 20010db8 00000000 00000000 00000001 08000600 00010000"
        "08000400 03000000" CACHE_INFO "05001400 00000000",
        NEXT_HOP_WAITING, 3, NULL, 0},
    {"IPv6 by a gateway",
        "b0000000 18000000 07000000 d26b0000 0a808000 fe030001 00000000 08000f00 fe000000"
        "14000100 20010db8 00010000 00000000 00000005 14000200 20010db8 00000000 00000000 00000001"
        "14000700 20010db8 00000000 00000000 00000001 08000600 00040000"
        "14000500 20010db8 00000000 00000000 000000fe 08000400 03000000" CACHE_INFO
        "05001400 00000000",
        NEXT_HOP_WAITING, 3, "2001:db8::fe", 0},
    {"this machine",
        "68000000 18000000 07000000 c86b0000 02202000 fe000002 00020080 08000f00 fe000000"
        "08000100 c0000201 08000200 c0000201 08000400 01000000 08001900 00000000" CACHE_INFO,
        NEXT_HOP_LOCAL, 1, NULL, 0},
    {"broadcast",
        "68000000 18000000 07000000 ca6b0000 02202000 fe000003 00020090 08000f00 fe000000"
        "08000100 c00002ff 08000200 c0000201 08000400 03000000 08001900 00000000" CACHE_INFO,
        NEXT_HOP_SPECIAL, 3, NULL, 0},
    {"multicast",
        "68000000 18000000 07000000 cc6b0000 02202000 fe000005 00020020 08000f00 fe000000"
        "08000100 e0010101 08000200 c0000201 08000400 03000000 08001900 00000000" CACHE_INFO,
        NEXT_HOP_SPECIAL, 3, NULL, 0},
    {"IPv6 multicast",
        "88000000 18000000 07000000 d86b0000 0a808000 ff020005 00000000 08000f00 ff000000"
        "14000100 ff020000 00000000 00000000 00000001 14000200 20010db8 00000000 00000000 00000001"
        "08000600 00010000 08000400 02000000" CACHE_INFO "05001400 00000000",
        NEXT_HOP_SPECIAL, 2, NULL, 0},
    {"anycast", "24000000 18000000 07000000 01000000 0a808000 ff020004 00000000 08000400 03000000",
        NEXT_HOP_SPECIAL, 3, NULL, 0},
    {"wrapped in MPLS",
        "38000000 18000000 07000000 01000000 02200000 fe000001 00000000 08000400 03000000"
        "0c001680 08000100 00064101 06001500 01000000",
        NEXT_HOP_SPECIAL, 3, NULL, 0},
    {"wrapped, of this machine",
        "30000000 18000000 07000000 01000000 02200000 fe000002 00000000 08000400 03000000"
        "0c001680 08000100 00064101",
        NEXT_HOP_LOCAL, 3, NULL, 0},
    {"unreachable",
        "24000000 18000000 07000000 01000000 0a808000 fe020007 00000000 08000400 01000000",
        NEXT_HOP_NO_ROUTE, 1, NULL, 0},
    {"blackhole",
        "24000000 18000000 07000000 01000000 0a808000 fe020006 00000000 08000400 01000000",
        NEXT_HOP_NO_ROUTE, 1, NULL, 0},
    {"of a type that nobody knows",
        "24000000 18000000 07000000 01000000 02200000 fe0000ee 00000000 08000400 01000000",
        NEXT_HOP_NO_ROUTE, 1, NULL, 0},
    {"without attributes", "1c000000 18000000 07000000 01000000 02200000 fe000001 00000000",
        NEXT_HOP_WAITING, 0, NULL, 0},
    {"of another family, without a gateway",
        "24000000 18000000 07000000 01000000 1c200000 fe000001 00000000 08000400 03000000",
        NEXT_HOP_WAITING, 3, NULL, 0},
    {"what is behind an attribute that is cut, is not there",
        "2c000000 18000000 07000000 01000000 02200000 fe000001 00000000 08000400 03000000"
        "0c000500 c00002fe",
        NEXT_HOP_WAITING, 3, NULL, 0},
};

static void reads_routes(void **state)
{
    const struct route_case *c = *state;
    struct route_message m = read_one(c->hex);
    struct address gateway = ip(c->gateway);
    assert_int_equal(m.kind, ROUTE_MESSAGE_ROUTE);
    assert_int_equal(m.seq, 7);
    assert_string_equal(next_hop_state_name(m.route.state), next_hop_state_name(c->state));
    assert_int_equal(m.route.ifindex, c->ifindex);
    assert_true(address_equal(&m.route.gateway, &gateway));
    assert_int_equal(m.route.mtu, c->mtu);
}

/* --- neighbours ---------------------------------------------------------------------------------
 */

#define NEIGHBOUR_9 "08000100 c0000209"
#define MAC_99 "0a000200 02000000 00990000"

struct neighbour_case {
    const char *name, *hex;
    const char *ip;
    bool is_usable;
};

static const struct neighbour_case neighbours[] = {
    {"permanent",
        "4c000000 1c000200 09000000 e46b0000 02000000 03000000 80000001" NEIGHBOUR_9 MAC_99
        "08000400 00000000 14000300 13000000 13000000 13000000 00000000",
        "192.0.2.9", true},
    {"IPv6, stale",
        "58000000 1c000200 09000000 e46b0000 0a000000 03000000 04000001"
        "14000100 20010db8 00000000 00000000 00000009" MAC_99
        "08000400 00000000 14000300 83170000 13000000 13000000 00000000",
        "2001:db8::9", true},
    {"failed",
        "40000000 1c000000 00000000 016e0000 02000000 03000000 20000001" NEIGHBOUR_9
        "08000400 00000000 14000300 00000000 31000000 00000000 01000000",
        "192.0.2.9", false},
    {"deleted",
        "40000000 1d000000 00000000 00000000 02000000 03000000 20000001" NEIGHBOUR_9
        "08000400 00000000 14000300 00000000 31000000 00000000 00000000",
        "192.0.2.9", false},
    {"deleted while reachable",
        "30000000 1d000000 00000000 00000000 02000000 03000000 02000001" NEIGHBOUR_9 MAC_99,
        "192.0.2.9", false},
    {"incomplete",
        "30000000 1c000000 00000000 00000000 02000000 03000000 01000001" NEIGHBOUR_9 MAC_99,
        "192.0.2.9", false},
    {"reachable",
        "30000000 1c000000 00000000 00000000 02000000 03000000 02000001" NEIGHBOUR_9 MAC_99,
        "192.0.2.9", true},
    {"delay", "30000000 1c000000 00000000 00000000 02000000 03000000 08000001" NEIGHBOUR_9 MAC_99,
        "192.0.2.9", true},
    {"probe", "30000000 1c000000 00000000 00000000 02000000 03000000 10000001" NEIGHBOUR_9 MAC_99,
        "192.0.2.9", true},
    {"without ARP",
        "30000000 1c000000 00000000 00000000 02000000 03000000 40000001" NEIGHBOUR_9 MAC_99,
        "192.0.2.9", true},
    {"without ARP, without a MAC address",
        "24000000 1c000000 00000000 00000000 02000000 03000000 40000001" NEIGHBOUR_9, "192.0.2.9",
        false},
    {"without a state",
        "30000000 1c000000 00000000 00000000 02000000 03000000 00000001" NEIGHBOUR_9 MAC_99,
        "192.0.2.9", false},
    {"with an address of InfiniBand",
        "3c000000 1c000000 00000000 00000000 02000000 03000000 02000001" NEIGHBOUR_9
        "18000200 00000000 00000000 00000000 00000000 00000000",
        "192.0.2.9", false},
};

static void reads_neighbours(void **state)
{
    static const uint8_t mac[ETH_ALEN] = {2, 0, 0, 0, 0, 0x99};
    const struct neighbour_case *c = *state;
    struct route_message m = read_one(c->hex);
    struct address expected = ip(c->ip);
    assert_int_equal(m.kind, ROUTE_MESSAGE_NEIGHBOUR);
    assert_int_equal(m.neighbour.via.ifindex, 3);
    assert_true(address_equal(&m.neighbour.via.ip, &expected));
    assert_int_equal(m.neighbour.is_usable, c->is_usable);
    if (c->is_usable)
        assert_memory_equal(m.neighbour.mac, mac, ETH_ALEN);
}

/* --- links --------------------------------------------------------------------------------------
 */

#define MTU_1500 "08000400 dc050000"
#define MAC_0A "0a000100 02000000 000a0000"

struct link_case {
    const char *name, *hex;
    struct route_link expected;
};

static const struct link_case links[] = {
    {"up, with the settings of IPv6",
        "5c000000 10000200 08000000 e26b0000 00000100 03000000 43100100 00000000"
        "07000300 61300000" MTU_1500 MAC_0A
        "20001a00 08000200 04000000 14000a00 10000200 00000000 40000000 14050000",
        {.ifindex = 3,
            .exists = true,
            .is_up = true,
            .is_ethernet = true,
            .mtu = 1500,
            .mtu6 = 1300,
            .has_mac = true,
            .mac = {2, 0, 0, 0, 0, 0x0a}}},
    {"without a carrier",
        "28000000 10000000 00000000 00000000 00000100 03000000 03100000 00000000" MTU_1500,
        {.ifindex = 3, .exists = true, .is_ethernet = true, .mtu = 1500}},
    {"down", "28000000 10000000 00000000 00000000 00000100 03000000 42100000 01000000" MTU_1500,
        {.ifindex = 3, .exists = true, .is_ethernet = true, .mtu = 1500}},
    {"gone", "28000000 11000000 00000000 00000000 00000100 03000000 02100000 ffffffff" MTU_1500,
        {.ifindex = 3, .is_ethernet = true, .mtu = 1500}},
    {"loopback",
        "34000000 10000200 08000000 e26b0000 00000403 01000000 49000100 00000000"
        "08000400 00000100 0a000100 00000000 00000000",
        {.ifindex = 1, .exists = true, .is_up = true, .mtu = 65536, .has_mac = true}},
    {"of a tunnel, whose address is one of IPv4",
        "28000000 10000200 08000000 e26b0000 00000803 04000000 d1000100 00000000 08000100 c0000201",
        {.ifindex = 4, .exists = true, .is_up = true}},
    {"what little a radio says",
        "20000000 10000000 00000000 00000000 00000100 03000000 43100100 00000000",
        {.ifindex = 3, .exists = true, .is_up = true, .is_ethernet = true}},
    {"with fewer settings of IPv6 than are needed",
        "3c000000 10000000 00000000 00000000 00000100 03000000 43100100 00000000" MTU_1500
        "14001a00 10000a00 0c000200 00000000 40000000",
        {.ifindex = 3, .exists = true, .is_up = true, .is_ethernet = true, .mtu = 1500}},
    {"with an MTU of IPv6 that is negative",
        "40000000 10000000 00000000 00000000 00000100 03000000 43100100 00000000" MTU_1500
        "18001a00 14000a00 10000200 00000000 40000000 ffffffff",
        {.ifindex = 3, .exists = true, .is_up = true, .is_ethernet = true, .mtu = 1500}},
};

static void reads_links(void **state)
{
    const struct link_case *c = *state;
    struct route_message m = read_one(c->hex);
    assert_int_equal(m.kind, ROUTE_MESSAGE_LINK);
    assert_int_equal(m.link.ifindex, c->expected.ifindex);
    assert_int_equal(m.link.exists, c->expected.exists);
    assert_int_equal(m.link.is_up, c->expected.is_up);
    assert_int_equal(m.link.is_ethernet, c->expected.is_ethernet);
    assert_int_equal(m.link.mtu, c->expected.mtu);
    assert_int_equal(m.link.mtu6, c->expected.mtu6);
    assert_int_equal(m.link.has_mac, c->expected.has_mac);
    assert_memory_equal(m.link.mac, c->expected.mac, ETH_ALEN);
}

/* --- all others ---------------------------------------------------------------------------------
 */

#define OUT_BY_3 "08000400 03000000"

struct kind_case {
    const char *name, *hex;
    enum route_message_kind kind;
    int error;
};

static const struct kind_case kinds[] = {
    {"a rule is new",
        "44000000 20000000 7246016b 026e0000 02002000 09000001 00000000 08000f00 09000000"
        "08000e00 ffffffff 05001500 00000000 08000600 fd7f0000 08000200 c0000201",
        ROUTE_MESSAGE_CHANGE, 0},
    {"a rule is gone", "1c000000 21000000 00000000 00000000 02002000 09000001 00000000",
        ROUTE_MESSAGE_CHANGE, 0},
    {"an address is new", "18000000 14000000 00000000 00000000 02188000 03000000",
        ROUTE_MESSAGE_CHANGE, 0},
    {"an address is gone",
        "4c000000 15000000 7246016b 056e0000 02188000 03000000 08000100 c0000201 08000200 c0000201"
        "07000300 61300000 08000800 80000000 14000600 ffffffff ffffffff dfeb3600 dfeb3600",
        ROUTE_MESSAGE_CHANGE, 0},
    {"a route is gone",
        "3c000000 19000000 00000000 00000000 02180000 fe02fd01 10000000 08000f00 fe000000"
        "08000100 c0000200 08000700 c0000201 08000400 03000000",
        ROUTE_MESSAGE_CHANGE, 0},
    {"a nexthop is new",
        "28000000 68000506 7246016b 076e0000 02fe0000 00000000 08000100 03000000 08000500 01000000",
        ROUTE_MESSAGE_CHANGE, 0},
    {"a nexthop is gone", "18000000 69000000 00000000 00000000 02fe0000 00000000",
        ROUTE_MESSAGE_CHANGE, 0},
    {"a list ends", "14000000 03000200 08000000 e26b0000 00000000", ROUTE_MESSAGE_DONE, 0},
    {"a list ends badly", "14000000 03000200 08000000 e26b0000 97ffffff", ROUTE_MESSAGE_DONE,
        -ENOBUFS},
    {"a list ends without a word", "10000000 03000200 08000000 e26b0000", ROUTE_MESSAGE_DONE, 0},
    {"unreachable",
        "48000000 02000000 07000000 c26b0000 8fffffff 34000000 1a000100 07000000 00000000"
        "02202000 00000000 00000000 08000100 cb007201 08000200 c0000201 05001b00 11000000",
        ROUTE_MESSAGE_ERROR, -EHOSTUNREACH},
    {"an error without a number", "10000000 02000000 07000000 c26b0000", ROUTE_MESSAGE_BAD, 0},
    {"messages were lost", "10000000 04000000 00000000 00000000", ROUTE_MESSAGE_ERROR, -ENOBUFS},
    {"nothing", "10000000 01000000 00000000 00000000", ROUTE_MESSAGE_OTHER, 0},
    {"a traffic class", "14000000 28000000 00000000 00000000 00000000", ROUTE_MESSAGE_OTHER, 0},
    {"a link is no port of a bridge any more",
        "28000000 11000000 00000000 00000000 07000100 03000000 03100000 ffffffff" MTU_1500,
        ROUTE_MESSAGE_OTHER, 0},
    {"a link has IPv6", "20000000 10000000 00000000 00000000 0a000100 03000000 43100100 00000000",
        ROUTE_MESSAGE_OTHER, 0},
    {"a link has no IPv6 any more",
        "28000000 11000000 00000000 00000000 0a000100 03000000 03100000 ffffffff" MTU_1500,
        ROUTE_MESSAGE_OTHER, 0},
    {"an entry of a bridge",
        "28000000 1c000000 00000000 00000000 07000000 03000000 80000000" MAC_99,
        ROUTE_MESSAGE_OTHER, 0},
    {"a proxy", "24000000 1c000000 00000000 00000000 02000000 03000000 80000801" NEIGHBOUR_9,
        ROUTE_MESSAGE_OTHER, 0},
    {"a neighbour without an address",
        "28000000 1c000000 00000000 00000000 02000000 03000000 02000001" MAC_99, ROUTE_MESSAGE_BAD,
        0},
    {"a neighbour with an address of another family",
        "24000000 1c000000 00000000 00000000 0a000000 03000000 02000001" NEIGHBOUR_9,
        ROUTE_MESSAGE_BAD, 0},
    {"a neighbour, one byte short", "1b000000 1c000000 00000000 00000000 02000000 03000000 020000",
        ROUTE_MESSAGE_BAD, 0},
    {"a link, one byte short",
        "1f000000 10000000 00000000 00000000 00000100 03000000 43100100 000000", ROUTE_MESSAGE_BAD,
        0},
    {"a link with an MTU of two bytes",
        "28000000 10000000 00000000 00000000 00000100 03000000 43100100 00000000 06000400 dc050000",
        ROUTE_MESSAGE_BAD, 0},
    {"a route, one byte short", "1b000000 18000000 07000000 01000000 02200000 fe000001 000000",
        ROUTE_MESSAGE_BAD, 0},
    {"a route with half an interface",
        "24000000 18000000 07000000 01000000 02200000 fe000001 00000000 06000400 03000000",
        ROUTE_MESSAGE_BAD, 0},
    {"a route with a gateway of another family",
        "24000000 18000000 07000000 01000000 0a800000 fe000001 00000000 08000500 c00002fe",
        ROUTE_MESSAGE_BAD, 0},
    {"a gateway of a family that nobody knows",
        "24000000 18000000 07000000 01000000 1c800000 fe000001 00000000 08000500 c00002fe",
        ROUTE_MESSAGE_BAD, 0},
    {"a gateway whose family is cut",
        "24000000 18000000 07000000 01000000 02200000 fe000001 00000000 05001200 0a000000",
        ROUTE_MESSAGE_BAD, 0},
    {"a gateway that is too long for its family",
        "28000000 18000000 07000000 01000000 02200000 fe000001 00000000 0b001200 0200c000 02fe0000",
        ROUTE_MESSAGE_BAD, 0},
    {"a route with an MTU of two bytes",
        "28000000 18000000 07000000 01000000 02200000 fe000001 00000000 0a000800 06000200 78050000",
        ROUTE_MESSAGE_BAD, 0},
    {"shorter than its header says",
        "28000000 18000000 07000000 01000000 02200000 fe000001 00000000" OUT_BY_3,
        ROUTE_MESSAGE_BAD, 0},
    {"shorter than a header can be", "0f000000 18000000 07000000 01000000", ROUTE_MESSAGE_BAD, 0},
    {"longer than any, a negative number", "140000fb 03000000 00000000 e66b0000", ROUTE_MESSAGE_BAD,
        0},
    {"half a header", "10000000 03000200", ROUTE_MESSAGE_BAD, 0},
};

static void tells_kinds_apart(void **state)
{
    const struct kind_case *c = *state;
    struct route_message m = read_one(c->hex);
    assert_int_equal(m.kind, c->kind);
    if (c->kind != ROUTE_MESSAGE_BAD)
        assert_int_equal(m.error, c->error);
}

/* Each padded to a multiple of 4; what is behind is another message's. */
static void reads_one_after_the_other(void **state)
{
    (void)state;
    struct bytes block = from_hex("14000000 03001200 08000000 e26b0000 00000000"
                                  "11000000 01000000 09000000 00000000 aa000000"
                                  "1c000000 18000000 0a000000 01000000 02200000 fe000001 00000000"
                                  "00000000 00000000 00000000 00000000 00000000");
    struct bytes rest = block;
    struct route_message m;
    assert_true(route_message_next(&rest, &m));
    assert_int_equal(m.kind, ROUTE_MESSAGE_DONE);
    assert_int_equal(m.seq, 8);
    assert_true(m.is_interrupted);
    assert_true(route_message_next(&rest, &m));
    assert_int_equal(m.kind, ROUTE_MESSAGE_OTHER);
    assert_int_equal(m.seq, 9);
    assert_false(m.is_interrupted);
    assert_true(route_message_next(&rest, &m));
    assert_int_equal(m.kind, ROUTE_MESSAGE_ROUTE);
    assert_int_equal(m.seq, 10);
    assert_int_equal(m.route.ifindex, 0);
    assert_true(route_message_next(&rest, &m));
    assert_int_equal(m.kind, ROUTE_MESSAGE_BAD);
    assert_false(route_message_next(&rest, &m));
    free((void *)(uintptr_t)block.data);
}

/* --- requests -----------------------------------------------------------------------------------
 */

static void check_request(const void *request, size_t len, const char *hex)
{
    struct bytes expected = from_hex(hex);
    assert_int_equal(len, expected.len);
    assert_true(len <= ROUTE_REQUEST_SIZE && len % 4 == 0);
    assert_memory_equal(request, expected.data, len);
    free((void *)(uintptr_t)expected.data);
}

static void writes_requests(void **state)
{
    (void)state;
    uint32_t out[ROUTE_REQUEST_SIZE / 4];
    struct next_hop_key key4 = {.local = ip("192.0.2.1"), .remote = ip("198.51.100.7")};
    struct next_hop_key key6 = {.local = ip("2001:db8::1"), .remote = ip("2001:db8:1::5")};

    memset(out, 0xff, sizeof(out));
    check_request(out, route_request_route(out, 7, &key4),
        "34000000 1a000100 07000000 00000000 02202000 00000000 00000000"
        "08000100 c6336407 08000200 c0000201 05001b00 11000000");
    memset(out, 0xff, sizeof(out));
    check_request(out, route_request_route(out, 8, &key6),
        "4c000000 1a000100 08000000 00000000 0a808000 00000000 00000000"
        "14000100 20010db8 00010000 00000000 00000005 14000200 20010db8 00000000 00000000 00000001"
        "05001b00 11000000");
    memset(out, 0xff, sizeof(out));
    check_request(out, route_request_link(out, 9, 3),
        "20000000 12000100 09000000 00000000 00000000 03000000 00000000 00000000");
    memset(out, 0xff, sizeof(out));
    check_request(out, route_request_links(out, 10),
        "20000000 12000103 0a000000 00000000 00000000 00000000 00000000 00000000");
    memset(out, 0xff, sizeof(out));
    check_request(out, route_request_neighbours(out, 11),
        "1c000000 1e000103 0b000000 00000000 00000000 00000000 00000000");
}

#define ADD_CASES(cases, function)                                                                 \
    for (size_t i = 0; i < COUNT_OF(cases); i++)                                                   \
        tests[count++] = (struct CMUnitTest)                                                       \
        {                                                                                          \
            .name = (cases)[i].name, .test_func = (function),                                      \
            .initial_state = (void *)(uintptr_t) & (cases)[i]                                      \
        }

int main(void)
{
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
        puts("1..0 # SKIP the messages are of a little endian machine");
        return 0;
    }
    struct CMUnitTest
        tests[2 + COUNT_OF(routes) + COUNT_OF(neighbours) + COUNT_OF(links) + COUNT_OF(kinds)] = {
            cmocka_unit_test(reads_one_after_the_other),
            cmocka_unit_test(writes_requests),
        };
    size_t count = 2;
    ADD_CASES(routes, reads_routes);
    ADD_CASES(neighbours, reads_neighbours);
    ADD_CASES(links, reads_links);
    ADD_CASES(kinds, tells_kinds_apart);
    return cmocka_run_group_tests_name("route message", tests, NULL, NULL);
}
