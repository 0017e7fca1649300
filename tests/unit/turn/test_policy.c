/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"
#include "net/own_sockets.h"
#include "turn/policy.h"

static struct address at(const char *text)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(text), 0, &a));
    return a;
}

static struct address_ranges set_of(const char *list)
{
    struct address_ranges set = {.list = NULL};
    struct text rest = text_from(list);
    while (rest.len > 0) {
        struct address_range range;
        assert_null(address_range_parse(text_cut(&rest, ' '), &range));
        assert_int_equal(address_ranges_add(&set, &range), 0);
    }
    address_ranges_seal(&set);
    return set;
}

struct plan {
    const char *allowed, *denied;
    bool allow_loopback;
    struct own_sockets *own_sockets;
};

/* A host with a private and a public address, a control port on all of its addresses and Redis
 * elsewhere. */
static struct peer_policy *policy_of(const struct plan *plan)
{
    struct address_ranges allowed = set_of(plan->allowed), denied = set_of(plan->denied);
    const struct address own[] = {at("10.0.0.5:1"), at("20.0.0.5"), at("fd00::5"), at("127.0.0.1"),
        at("fe80::5"), at("0.0.0.0")};
    const struct address endpoints[] = {at("0.0.0.0:2223"), at("127.0.0.1:9900"),
        at("30.0.0.9:6379"), at("[2600::9]:0"), at("[::ffff:30.0.0.8]:7000")};
    const struct policy_config config = {
        .allowed = &allowed,
        .denied = &denied,
        .allow_loopback = plan->allow_loopback,
        .own = own,
        .own_count = COUNT_OF(own),
        .protected_endpoints = endpoints,
        .protected_count = COUNT_OF(endpoints),
        .own_sockets = plan->own_sockets,
    };
    struct peer_policy *policy = policy_new(&config);
    assert_non_null(policy);
    address_ranges_done(&allowed);
    address_ranges_done(&denied);
    return policy;
}

/* D: denied, P: allowed but the port is asked for, A: allowed. */
static const struct {
    const char *allowed, *denied;
    bool allow_loopback;
    const char *peer;
    char verdict;
    const char *reason;
} cases[] = {
    /* Without lists. */
    {"", "", false, "8.8.8.8", 'A', "allowed"},
    {"", "", false, "2600::1", 'A', "allowed"},
    {"", "", false, "127.0.0.1", 'D', "class"},
    {"", "", false, "127.9.9.9", 'D', "class"},
    {"", "", false, "0.0.0.0", 'D', "class"},
    {"", "", false, "0.1.2.3", 'D', "class"},
    {"", "", false, "::", 'D', "class"},
    {"", "", false, "::1", 'D', "class"},
    {"", "", false, "169.254.169.254", 'D', "class"},
    {"", "", false, "fe80::1", 'D', "class"},
    {"", "", false, "10.0.0.6", 'D', "class"},
    {"", "", false, "172.31.0.1", 'D', "class"},
    {"", "", false, "192.168.1.1", 'D', "class"},
    {"", "", false, "100.64.0.1", 'D', "class"},
    {"", "", false, "fd00:ec2::254", 'D', "class"},
    {"", "", false, "fec0::1", 'D', "class"},
    {"", "", false, "224.0.0.1", 'D', "class"},
    {"", "", false, "ff02::1", 'D', "class"},
    {"", "", false, "255.255.255.255", 'D', "class"},
    {"", "", false, "192.0.2.1", 'D', "class"},
    {"", "", false, "::ffff:10.0.0.6", 'D', "class"},
    {"", "", false, "::ffff:8.8.8.8", 'D', "spelling"},
    {"", "", false, "64:ff9b::8.8.8.8", 'D', "spelling"},
    {"", "", false, "2002:808:808::1", 'D', "spelling"},
    {"", "", false, "2001:0:808:808:0:ffff:f7f7:f7f7", 'D', "spelling"},
    {"", "", false, "2600::5efe:8.8.8.8", 'D', "spelling"},
    /* Our own addresses: for our own media. */
    {"", "", false, "10.0.0.5", 'P', "allowed"},
    {"", "", false, "20.0.0.5", 'P', "allowed"},
    {"", "", false, "fd00::5", 'P', "allowed"},
    {"", "", false, "fe80::5", 'D', "class"},
    {"", "10.0.0.0/8", false, "10.0.0.5", 'D', "denied-list"},
    /* Redis is there. */
    {"", "", false, "30.0.0.9", 'P', "allowed"},
    {"", "", false, "30.0.0.8", 'P', "allowed"},
    {"", "", false, "2600::9", 'P', "allowed"},
    {"", "", false, "30.0.0.7", 'A', "allowed"},
    /* Lists. */
    {"", "8.8.8.0/24", false, "8.8.8.8", 'D', "denied-list"},
    {"8.8.8.8", "8.8.8.0/24", false, "8.8.8.8", 'A', "allowed"},
    {"8.8.8.8", "8.8.8.0/24", false, "8.8.8.9", 'D', "denied-list"},
    {"8.8.8.8", "0.0.0.0/0 ::/0", false, "8.8.4.4", 'D', "denied-list"},
    {"10.0.0.0/8", "", false, "10.0.0.6", 'A', "allowed"},
    {"10.0.0.0/8", "", false, "10.0.0.5", 'P', "allowed"},
    {"10.0.0.0/8", "", false, "::ffff:10.0.0.6", 'D', "spelling"},
    {"127.0.0.0/8", "", false, "127.0.0.1", 'P', "allowed"},
    {"0.0.0.0", "", false, "0.0.0.0", 'P', "allowed"},
    {"224.0.0.0/4", "", false, "224.0.0.5", 'A', "allowed"},
    {"", "", true, "127.0.0.1", 'P', "allowed"},
    {"", "", true, "::1", 'P', "allowed"},
    {"", "", true, "10.0.0.6", 'D', "class"},
    {"", "127.0.0.2", true, "127.0.0.2", 'D', "denied-list"},
    {"", "", true, "::ffff:127.0.0.1", 'D', "spelling"},
    /* A spelling passes only with both on the list. */
    {"::/0", "", false, "::ffff:8.8.8.8", 'D', "spelling"},
    {"::/0", "", false, "::ffff:10.0.0.6", 'D', "class"},
    {"::/0", "", false, "2002:a00:6::", 'D', "class"},
    {"::/0 8.8.8.8", "", false, "::ffff:8.8.8.8", 'A', "allowed"},
    {"::/0 8.8.8.8", "", false, "64:ff9b::8.8.8.8", 'A', "allowed"},
    {"64:ff9b::/96 0.0.0.0/0", "", false, "64:ff9b::10.0.0.5", 'P', "allowed"},
    {"64:ff9b::/96 0.0.0.0/0", "", false, "64:ff9b::30.0.0.9", 'P', "allowed"},
    {"2001::/32 1.2.3.4", "", false, "2001:0:102:304:0:ffff:f7f7:f7f7", 'D', "spelling"},
    {"2001::/32 1.2.3.4 8.8.8.8", "", false, "2001:0:102:304:0:ffff:f7f7:f7f7", 'A', "allowed"},
};

static char letter(enum peer_verdict verdict)
{
    return verdict == PEER_DENIED ? 'D' : verdict == PEER_ALLOWED ? 'A' : 'P';
}

static void peers_are_judged_by_the_first_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct plan plan = {cases[i].allowed, cases[i].denied, cases[i].allow_loopback, NULL};
        struct peer_policy *policy = policy_of(&plan);
        struct address peer = at(cases[i].peer);
        enum peer_reason reason;
        enum peer_verdict verdict = policy_peer(policy, &peer, &reason);

        if (letter(verdict) != cases[i].verdict ||
            strcmp(peer_reason_name(reason), cases[i].reason) != 0)
            fail_msg(
                "case %zu, %s: %c %s", i, cases[i].peer, letter(verdict), peer_reason_name(reason));
        assert_int_equal(policy_peer(policy, &peer, NULL), verdict);
        policy_free(policy);
    }
}

static const struct {
    const char *allowed;
    bool allow_loopback;
    const char *peer, *udp, *tcp;
} ports[] = {
    {"", false, "10.0.0.5:4000", "not-ours", "not-ours"},
    {"", false, "10.0.0.5:5000", "allowed", "not-ours"}, /* there is a relay */
    {"", false, "20.0.0.5:5000", "allowed", "not-ours"}, /* and its outside */
    {"", false, "20.0.0.5:5001", "not-ours", "not-ours"},
    {"", false, "fd00::5", "not-ours", "not-ours"},
    {"", false, "10.0.0.5:2223", "protected", "protected"},
    {"", false, "[fd00::5]:2223", "protected", "protected"},
    {"10.0.0.0/8", false, "10.0.0.5:4000", "allowed", "allowed"},
    {"10.0.0.0/8", false, "10.0.0.5:2223", "protected", "protected"},
    {"10.0.0.0/8", false, "10.0.0.6:2223", "allowed", "allowed"},
    {"", true, "127.0.0.1:4000", "allowed", "allowed"},
    {"", true, "127.0.0.1:2223", "protected", "protected"},
    {"", true, "127.0.0.3:2223", "protected", "protected"},
    {"", true, "[::1]:2223", "protected", "protected"},
    {"", true, "127.0.0.1:9900", "protected", "protected"},
    {"0.0.0.0", false, "0.0.0.0:9900", "protected", "protected"},
    {"0.0.0.0", false, "0.0.0.0:2223", "protected", "protected"},
    {"", false, "30.0.0.9:6379", "protected", "protected"},
    {"", false, "30.0.0.9:6380", "allowed", "allowed"},
    {"", false, "30.0.0.8:7000", "protected", "protected"},
    {"", false, "[2600::9]:1", "protected", "protected"},
    {"64:ff9b::/96 0.0.0.0/0", false, "[64:ff9b::30.0.0.9]:6379", "protected", "protected"},
    {"64:ff9b::/96 0.0.0.0/0", false, "[64:ff9b::10.0.0.5]:2223", "protected", "protected"},
    {"64:ff9b::/96 0.0.0.0/0", false, "[64:ff9b::10.0.0.6]:2223", "allowed", "allowed"},
};

static void ports_are_judged_too(void **state)
{
    (void)state;
    struct own_sockets *own = own_sockets_new(1);
    struct own_socket relay = {.bound = at("10.0.0.5:5000"), .advertised = at("20.0.0.5:5000")};
    own_sockets_add(own, 0, &relay);

    for (size_t i = 0; i < COUNT_OF(ports); i++) {
        const struct plan plan = {ports[i].allowed, "", ports[i].allow_loopback, own};
        struct peer_policy *policy = policy_of(&plan);
        struct address peer = at(ports[i].peer);
        enum peer_reason udp, tcp;

        bool udp_may = policy_peer_port(policy, &peer, &udp);
        bool tcp_may = policy_peer_tcp_port(policy, &peer, &tcp);
        assert_int_equal(udp_may, udp == PEER_REASON_NONE);
        assert_int_equal(tcp_may, tcp == PEER_REASON_NONE);
        if (strcmp(peer_reason_name(udp), ports[i].udp) != 0 ||
            strcmp(peer_reason_name(tcp), ports[i].tcp) != 0)
            fail_msg("%s: %s %s", ports[i].peer, peer_reason_name(udp), peer_reason_name(tcp));
        /* Who may be refused for his port must have been marked for it. */
        if (udp != PEER_REASON_NONE)
            assert_int_not_equal(policy_peer(policy, &peer, NULL), PEER_ALLOWED);
        policy_free(policy);
    }
    own_sockets_remove(own, &relay);
    own_sockets_free(own);
}

/* --- spellings --- */

enum { SPELLINGS = 12 };

/* All the ways to write an IPv4 address into an IPv6 one, with what is free in them at random. */
static struct address spell(struct gen *g, unsigned way, const uint8_t ip4[4])
{
    struct address a = {.family = ADDRESS_IP6};
    uint8_t *ip = a.ip;
    static const uint8_t starts[SPELLINGS][6] = {[2] = {0},
        [3] = {0x20, 0x02},
        [4] = {0x00, 0x64, 0xff, 0x9b},
        [5] = {0x20, 0x01},
        [6] = {0x20, 0x01},
        [7] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01},
        [8] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01},
        [9] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01},
        [10] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01},
        [11] = {0x26}};

    memcpy(ip, starts[way], 6);
    switch (way) {
    case 0: /* mapped */
        ip[10] = ip[11] = 0xff;
        break;
    case 1: /* translated */
        ip[8] = ip[9] = 0xff;
        break;
    case 3: /* 6to4 */
        gen_fill(g, ip + 6, 10);
        memcpy(ip + 2, ip4, 4);
        return a;
    case 5: /* Teredo */
        gen_fill(g, ip + 4, 8);
        for (int i = 0; i < 4; i++)
            ip[12 + i] = ip4[i] ^ 0xff;
        return a;
    case 6: /* the server of Teredo */
        gen_fill(g, ip + 8, 8);
        memcpy(ip + 4, ip4, 4);
        return a;
    case 7: /* local NAT64, /48 */
        memcpy(ip + 6, ip4, 2);
        memcpy(ip + 9, ip4 + 2, 2);
        return a;
    case 8: /* /56 */
        gen_fill(g, ip + 6, 1);
        ip[7] = ip4[0];
        memcpy(ip + 9, ip4 + 1, 3);
        return a;
    case 9: /* /64 */
        gen_fill(g, ip + 6, 2);
        memcpy(ip + 9, ip4, 4);
        return a;
    case 10: /* /96 */
        gen_fill(g, ip + 6, 2);
        gen_fill(g, ip + 9, 3);
        break;
    case 11: /* ISATAP in any prefix */
        gen_fill(g, ip + 1, 7);
        memcpy(ip + 8, gen_below(g, 2) ? "\x02\x00\x5e\xfe" : "\x00\x00\x5e\xfe", 4);
        break;
    default: /* compatible, NAT64 */
        break;
    }
    memcpy(ip + 12, ip4, 4);
    return a;
}

static struct address random_ip4(struct gen *g)
{
    static const uint8_t heads[][2] = {{10, 0}, {127, 0}, {169, 254}, {172, 16}, {192, 168}, {8, 8},
        {100, 64}, {224, 0}, {255, 255}, {20, 0}, {30, 0}, {0, 0}, {192, 0}, {203, 0}};
    struct address a = {.family = ADDRESS_IP4};
    gen_fill(g, a.ip, 4);
    if (gen_below(g, 2))
        memcpy(a.ip, heads[gen_below(g, COUNT_OF(heads))], 2);
    if (gen_below(g, 4) == 0)
        memcpy(a.ip + 1, "\0\0", 2);
    if (a.ip[0] == 0)
        a.ip[3] |= 2; /* 0.0.0.0 is also what the short forms end with, and ::1 is no 0.0.0.1 */
    return a;
}

static const struct plan plans[] = {
    {"", "", false, NULL},
    {"", "8.0.0.0/8 ::/0", true, NULL},
    {"::/0", "", false, NULL},
    {"::/0 10.0.0.0/8", "", true, NULL},
    {"::/0 0.0.0.0/0", "", false, NULL},
    {"8.8.0.0/16 64:ff9b:1::/48 20.0.0.0/24", "8.0.0.0/8", false, NULL},
};

/* No spelling is judged more kindly than the address itself, for its IP and for its port. */
static void spellings_open_nothing(void **state)
{
    (void)state;
    struct gen g = gen_start();
    for (size_t p = 0; p < COUNT_OF(plans); p++) {
        struct peer_policy *policy = policy_of(&plans[p]);
        unsigned passed = 0;
        for (unsigned round = 0; round < 3000; round++) {
            struct address plain = random_ip4(&g);
            struct address spelled = spell(&g, round % SPELLINGS, plain.ip);
            static const uint16_t some[] = {2223, 9900, 6379, 7000, 4000};
            plain.port = spelled.port = some[gen_below(&g, COUNT_OF(some))];

            enum peer_verdict one = policy_peer(policy, &plain, NULL);
            enum peer_verdict other = policy_peer(policy, &spelled, NULL);
            char a[ADDRESS_TEXT_SIZE], b[ADDRESS_TEXT_SIZE];
            if (other > one || (p < 2 && other != PEER_DENIED))
                fail_msg("%s as %s: %c", address_text(&plain, a), address_text(&spelled, b),
                    letter(other));
            if (policy_peer_port(policy, &spelled, NULL))
                assert_true(policy_peer_port(policy, &plain, NULL) || one == PEER_DENIED);
            passed += other != PEER_DENIED;
        }
        assert_int_equal(passed > 0, p > 2); /* or the property means nothing */
        policy_free(policy);
    }
}

/* The list of the reference: each class in all spellings, and 0.0.0.0 itself. */
static void denied_classes_stay_denied(void **state)
{
    (void)state;
    static const char *const denied[] = {"0.0.0.0", "127.0.0.1", "169.254.169.254", "10.0.0.6",
        "172.16.0.1", "192.168.0.1", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"};
    struct gen g = gen_start();
    struct peer_policy *policy = policy_of(&plans[0]), *wide = policy_of(&plans[2]);

    for (size_t i = 0; i < COUNT_OF(denied); i++) {
        struct address plain = at(denied[i]);
        assert_int_equal(policy_peer(policy, &plain, NULL), PEER_DENIED);
        for (unsigned way = 0; way < SPELLINGS; way++) {
            struct address spelled = spell(&g, way, plain.ip);
            char text[ADDRESS_TEXT_SIZE];
            if (policy_peer(policy, &spelled, NULL) != PEER_DENIED ||
                (policy_peer(wide, &spelled, NULL) != PEER_DENIED && i > 0))
                fail_msg("%s as %s", denied[i], address_ip_text(&spelled, text));
        }
    }
    policy_free(policy);
    policy_free(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_are_judged_by_the_first_rule),
        cmocka_unit_test(ports_are_judged_too),
        cmocka_unit_test(spellings_open_nothing),
        cmocka_unit_test(denied_classes_stay_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
