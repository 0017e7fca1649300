/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/next_hop.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>
#include <cmocka.h>

#include "gen.h"

enum { CACHES = 2 };

static struct next_hops *hops;
static struct next_hop_cache *caches[CACHES];
static unsigned wakes;

static void count_wake(void *arg)
{
    (void)arg;
    wakes++;
}

static void start(size_t keys_max)
{
    hops = next_hops_new(keys_max);
    assert_non_null(hops);
    for (size_t i = 0; i < CACHES; i++) {
        caches[i] = next_hop_cache_new(hops);
        assert_non_null(caches[i]);
    }
    wakes = 0;
    next_hops_listen(hops, count_wake, NULL);
}

static int stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < CACHES; i++)
        next_hop_cache_free(caches[i]);
    next_hops_free(hops);
    memset(caches, 0, sizeof(caches));
    hops = NULL;
    next_hop_cache_free(NULL);
    next_hops_free(NULL);
    return 0;
}

/* Ports are there to be ignored. */
static struct address ip4(unsigned n)
{
    uint8_t ip[] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    return address_from_ip(ADDRESS_IP4, ip, (uint16_t)(1024 + n % 7));
}

static struct address ip6(unsigned n)
{
    uint8_t ip[16] = {0x20, 1, 0xd, 0xb8, [13] = (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    return address_from_ip(ADDRESS_IP6, ip, 4000);
}

static const struct next_hop *find(size_t cache, unsigned peer, uint64_t now_ms)
{
    struct address local = ip4(0), remote = ip4(peer);
    return next_hop_find(caches[cache], &local, &remote, now_ms);
}

static void write_mac(unsigned n, uint8_t out[ETH_ALEN])
{
    const uint8_t mac[ETH_ALEN] = {
        2, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    memcpy(out, mac, ETH_ALEN);
}

/* Neighbour `n` is IPv4 for odd and IPv6 for even numbers. */
static struct next_hop_via via_of(unsigned n)
{
    struct next_hop_via via = {.ifindex = 3, .ip = n % 2 == 1 ? ip4(n) : ip6(n)};
    via.ip.port = 0;
    return via;
}

static struct next_hop_answer answer_by(unsigned neighbour, uint16_t mtu)
{
    struct next_hop_answer answer = {
        .state = NEXT_HOP_WAITING, .via = via_of(neighbour), .mtu = mtu};
    write_mac(0xffff, answer.source);
    return answer;
}

static void set_neighbour(unsigned neighbour, unsigned mac)
{
    struct next_hop_via via = via_of(neighbour);
    uint8_t bytes[ETH_ALEN];
    write_mac(mac, bytes);
    next_hops_set_neighbour(hops, &via, mac > 0 ? bytes : NULL);
}

static size_t count(enum next_hop_state state)
{
    size_t counts[NEXT_HOP_STATE_COUNT];
    next_hops_count(hops, counts);
    return counts[state];
}

/* --- the states, step by step ------------------------------------------------------------------
 */

/* One key, 10.0.0.0 to 10.0.0.1; one request at a time. `n` is what the comment says. */
enum verb {
    END,
    FIND,         /* by cache `n`: `state` */
    FIND_MAC,     /* by cache 0: READY, with MAC address `n` */
    FIND_MTU,     /* by cache 0: READY, with MTU `n` */
    TAKE,         /* `n` requests */
    ANSWER,       /* to what was taken: `state`, when WAITING by neighbour `n` */
    ANSWER_MTU,   /* by neighbour 1, with MTU `n` */
    NEIGHBOUR,    /* 1 has MAC address `n` */
    NEIGHBOUR_2,  /* the same for 2 */
    NO_NEIGHBOUR, /* is known */
    ROUTES,       /* have changed */
    AGAIN,        /* ask, by cache `n` */
    EXPIRE,       /* what is unused; then there are `n` keys */
    WOKEN,        /* `n` times so far */
};

struct step {
    uint64_t at_ms;
    enum verb verb;
    unsigned n;
    enum next_hop_state state;
};

struct state_case {
    const char *name;
    struct step steps[32];
};

static const struct state_case cases[] = {
    {"a miss asks, and is ready when route and neighbour are known",
        {{1, WOKEN, 0, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, WOKEN, 1, 0},
            {2, FIND, 0, NEXT_HOP_UNKNOWN}, {2, TAKE, 1, 0}, {3, TAKE, 0, 0},
            {3, ANSWER, 1, NEXT_HOP_WAITING}, {10, FIND, 0, NEXT_HOP_WAITING},
            {11, NEIGHBOUR, 7, 0}, {20, FIND_MAC, 7, 0}, {20, FIND, 1, NEXT_HOP_READY},
            {21, TAKE, 0, 0}, {21, WOKEN, 1, 0}}},
    {"the neighbour is known before the route",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {2, TAKE, 1, 0},
            {2, ANSWER, 1, NEXT_HOP_WAITING}, {7, FIND_MAC, 7, 0}}},
    {"a cache looks again soon", {{1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0},
                                     {1, NEIGHBOUR, 7, 0}, {1, ANSWER, 1, NEXT_HOP_WAITING},
                                     {5, FIND, 0, NEXT_HOP_UNKNOWN}, {6, FIND, 0, NEXT_HOP_READY}}},
    {"by another neighbour than the peer",
        {{1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0}, {1, NEIGHBOUR, 7, 0},
            {1, NEIGHBOUR_2, 8, 0}, {1, ANSWER, 2, NEXT_HOP_WAITING}, {9, FIND_MAC, 8, 0}}},
    {"asked for once while waiting to be taken and while taken",
        {{1, FIND, 0, NEXT_HOP_UNKNOWN}, {9, FIND, 0, NEXT_HOP_UNKNOWN},
            {9, FIND, 1, NEXT_HOP_UNKNOWN}, {10, TAKE, 1, 0}, {20, FIND, 0, NEXT_HOP_UNKNOWN},
            {20, TAKE, 0, 0}, {20, WOKEN, 1, 0}}},
    {"one packet in five seconds goes through the kernel, whoever's it is",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0},
            {1, ANSWER, 1, NEXT_HOP_WAITING}, {11, FIND, 0, NEXT_HOP_READY},
            {12, FIND, 1, NEXT_HOP_READY}, {5000, FIND, 0, NEXT_HOP_READY},
            {5001, FIND, 0, NEXT_HOP_CONFIRM}, {5001, FIND, 0, NEXT_HOP_READY},
            {5001, FIND, 1, NEXT_HOP_READY}, {10000, FIND, 0, NEXT_HOP_READY},
            {10001, FIND, 1, NEXT_HOP_CONFIRM}, {10001, FIND, 0, NEXT_HOP_READY},
            {10002, FIND, 1, NEXT_HOP_READY}, {40000, FIND, 0, NEXT_HOP_CONFIRM}}},
    {"a packet that waited for the neighbour was one through the kernel",
        {{1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0}, {1, ANSWER, 1, NEXT_HOP_WAITING},
            {4000, FIND, 0, NEXT_HOP_WAITING}, {4001, NEIGHBOUR, 7, 0},
            {4010, FIND, 0, NEXT_HOP_READY}, {8999, FIND, 0, NEXT_HOP_READY},
            {9000, FIND, 0, NEXT_HOP_CONFIRM}}},
    {"the neighbour moves to another MAC address, at once",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0},
            {1, ANSWER, 1, NEXT_HOP_WAITING}, {10, FIND_MAC, 7, 0}, {10, FIND, 1, NEXT_HOP_READY},
            {10, NEIGHBOUR, 9, 0}, {10, FIND_MAC, 9, 0}, {10, TAKE, 0, 0}}},
    {"the neighbour fails, and comes back",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0},
            {1, ANSWER, 1, NEXT_HOP_WAITING}, {10, FIND, 0, NEXT_HOP_READY}, {10, NEIGHBOUR, 0, 0},
            {10, FIND, 0, NEXT_HOP_WAITING}, {10, FIND, 1, NEXT_HOP_WAITING}, {11, NEIGHBOUR, 7, 0},
            {15, FIND, 0, NEXT_HOP_READY}, {15, TAKE, 0, 0}}},
    {"no neighbour is known any more",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0},
            {1, ANSWER, 1, NEXT_HOP_WAITING}, {10, FIND, 0, NEXT_HOP_READY},
            {10, NO_NEIGHBOUR, 0, 0}, {10, FIND, 0, NEXT_HOP_WAITING}, {10, NEIGHBOUR, 7, 0},
            {15, FIND, 0, NEXT_HOP_READY}}},
    {"routes change: unknown at once, and asked for again",
        {{1, NEIGHBOUR, 7, 0}, {1, NEIGHBOUR_2, 8, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN},
            {1, TAKE, 1, 0}, {1, ANSWER, 1, NEXT_HOP_WAITING}, {10, FIND, 0, NEXT_HOP_READY},
            {10, ROUTES, 0, 0}, {10, TAKE, 0, 0}, {10, WOKEN, 1, 0},
            {10, FIND, 0, NEXT_HOP_UNKNOWN}, {10, WOKEN, 2, 0}, {10, TAKE, 1, 0},
            {10, ANSWER, 2, NEXT_HOP_WAITING}, {15, FIND_MAC, 8, 0}}},
    {"routes change while the kernel is asked",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0}, {1, ROUTES, 0, 0},
            {1, ANSWER, 1, NEXT_HOP_WAITING}, {9, FIND, 0, NEXT_HOP_UNKNOWN}, {9, WOKEN, 2, 0},
            {9, TAKE, 1, 0}, {9, ANSWER, 1, NEXT_HOP_WAITING}, {20, FIND, 0, NEXT_HOP_READY}}},
    {"a neighbour changes while routes are unknown",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0},
            {1, ANSWER, 1, NEXT_HOP_WAITING}, {10, FIND, 0, NEXT_HOP_READY}, {10, ROUTES, 0, 0},
            {10, NEIGHBOUR, 0, 0}, {10, NEIGHBOUR, 8, 0}, {10, FIND, 0, NEXT_HOP_UNKNOWN},
            {10, TAKE, 1, 0}, {10, ANSWER, 1, NEXT_HOP_WAITING}, {15, FIND_MAC, 8, 0}}},
    {"this machine: asked for again after a minute only",
        {{1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0}, {1, ANSWER, 0, NEXT_HOP_LOCAL},
            {6, FIND, 0, NEXT_HOP_LOCAL}, {30000, FIND, 0, NEXT_HOP_LOCAL}, {30000, TAKE, 0, 0},
            {60000, FIND, 0, NEXT_HOP_LOCAL}, {60001, TAKE, 0, 0}, {61001, FIND, 0, NEXT_HOP_LOCAL},
            {61001, TAKE, 1, 0}, {61001, ANSWER, 0, NEXT_HOP_INTERFACE},
            {61006, FIND, 0, NEXT_HOP_INTERFACE}, {90000, FIND, 0, NEXT_HOP_INTERFACE},
            {90000, TAKE, 0, 0}}},
    {"no route: retried with pauses that double",
        {{1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0}, {1, ANSWER, 0, NEXT_HOP_NO_ROUTE},
            {10, FIND, 0, NEXT_HOP_NO_ROUTE}, {20, FIND, 0, NEXT_HOP_NO_ROUTE}, {20, TAKE, 0, 0},
            {21, FIND, 0, NEXT_HOP_NO_ROUTE}, {21, TAKE, 1, 0}, {21, ANSWER, 0, NEXT_HOP_NO_ROUTE},
            {60, FIND, 0, NEXT_HOP_NO_ROUTE}, {60, TAKE, 0, 0}, {61, FIND, 0, NEXT_HOP_NO_ROUTE},
            {61, TAKE, 1, 0}, {61, ANSWER, 1, NEXT_HOP_WAITING}, {62, NEIGHBOUR, 7, 0},
            {67, FIND, 0, NEXT_HOP_READY}}},
    {"ready: asked for again after a minute, the old answer holds until then",
        {{1, NEIGHBOUR, 7, 0}, {1, NEIGHBOUR_2, 8, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN},
            {1, TAKE, 1, 0}, {1, ANSWER, 1, NEXT_HOP_WAITING}, {58000, FIND, 0, NEXT_HOP_CONFIRM},
            {60001, FIND, 0, NEXT_HOP_READY}, {60001, TAKE, 0, 0},
            {63000, FIND, 0, NEXT_HOP_CONFIRM}, {63000, FIND_MAC, 7, 0}, {63000, TAKE, 1, 0},
            {63001, FIND_MAC, 7, 0}, {63001, ANSWER, 2, NEXT_HOP_WAITING}, {63001, FIND_MAC, 8, 0},
            {63001, FIND, 1, NEXT_HOP_READY}, {63002, TAKE, 0, 0}}},
    {"the same answer again leaves caches as they are",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0},
            {1, ANSWER, 1, NEXT_HOP_WAITING}, {100, FIND, 0, NEXT_HOP_READY}, {100, AGAIN, 0, 0},
            {100, TAKE, 1, 0}, {100, ANSWER, 1, NEXT_HOP_WAITING}, {101, FIND_MAC, 7, 0}}},
    {"asked again, as for a packet that was too long",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0},
            {1, ANSWER_MTU, 1500, 0}, {100, FIND_MTU, 1500, 0}, {100, AGAIN, 0, 0},
            {100, AGAIN, 0, 0}, {100, FIND_MTU, 1500, 0}, {100, TAKE, 1, 0}, {100, AGAIN, 1, 0},
            {100, ANSWER_MTU, 1400, 0}, {100, TAKE, 0, 0}, {100, FIND_MTU, 1400, 0}}},
    {"asked again and again: not at once",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0},
            {1, ANSWER, 1, NEXT_HOP_WAITING}, {10, FIND, 0, NEXT_HOP_READY}, {10, AGAIN, 0, 0},
            {10, TAKE, 0, 0}, {20, FIND, 0, NEXT_HOP_READY}, {20, TAKE, 0, 0},
            {21, FIND, 0, NEXT_HOP_READY}, {21, TAKE, 1, 0}, {21, ANSWER, 1, NEXT_HOP_WAITING},
            {22, AGAIN, 0, 0}, {40, FIND, 0, NEXT_HOP_READY}, {40, TAKE, 0, 0}, {41, AGAIN, 0, 0},
            {41, TAKE, 1, 0}}},
    {"asking again for what is not there", {{1, AGAIN, 0, 0}, {1, TAKE, 0, 0}, {1, WOKEN, 0, 0}}},
    {"what is unused goes after a minute",
        {{1, NEIGHBOUR, 7, 0}, {1, FIND, 0, NEXT_HOP_UNKNOWN}, {1, TAKE, 1, 0},
            {1, ANSWER, 1, NEXT_HOP_WAITING}, {100, FIND, 0, NEXT_HOP_READY}, {60099, EXPIRE, 1, 0},
            {60100, EXPIRE, 0, 0}, {60101, FIND, 0, NEXT_HOP_UNKNOWN}, {60101, TAKE, 1, 0}}},
    {"what goes while it waits or is taken",
        {{1, FIND, 0, NEXT_HOP_UNKNOWN}, {60001, EXPIRE, 0, 0}, {60001, TAKE, 0, 0},
            {60001, FIND, 0, NEXT_HOP_UNKNOWN}, {60001, TAKE, 1, 0}, {130000, EXPIRE, 0, 0},
            {130000, ANSWER, 1, NEXT_HOP_WAITING}, {130000, EXPIRE, 0, 0},
            {130001, FIND, 0, NEXT_HOP_UNKNOWN}, {130001, TAKE, 1, 0}}},
};

static struct next_hop_request taken;

static void do_step(const struct step *s)
{
    struct address local = ip4(0), remote = ip4(1);
    struct next_hop_request requests[4];
    struct next_hop_answer answer = {.state = s->state};
    uint8_t mac[ETH_ALEN];

    switch (s->verb) {
    case FIND:
        assert_string_equal(
            next_hop_state_name(find(s->n, 1, s->at_ms)->state), next_hop_state_name(s->state));
        break;
    case FIND_MAC:
        write_mac(s->n, mac);
        assert_int_equal(find(0, 1, s->at_ms)->state, NEXT_HOP_READY);
        assert_memory_equal(find(0, 1, s->at_ms)->destination, mac, ETH_ALEN);
        break;
    case FIND_MTU:
        assert_int_equal(find(0, 1, s->at_ms)->state, NEXT_HOP_READY);
        assert_int_equal(find(0, 1, s->at_ms)->mtu, s->n);
        break;
    case TAKE:
        assert_int_equal(next_hops_take(hops, requests, COUNT_OF(requests)), s->n);
        if (s->n > 0)
            taken = requests[0];
        break;
    case ANSWER:
        if (s->state == NEXT_HOP_WAITING)
            answer = answer_by(s->n, 1500);
        next_hops_answer(hops, &taken, &answer, s->at_ms);
        break;
    case ANSWER_MTU:
        answer = answer_by(1, (uint16_t)s->n);
        next_hops_answer(hops, &taken, &answer, s->at_ms);
        break;
    case NEIGHBOUR:
        set_neighbour(1, s->n);
        break;
    case NEIGHBOUR_2:
        set_neighbour(2, s->n);
        break;
    case NO_NEIGHBOUR:
        next_hops_forget_neighbours(hops);
        break;
    case ROUTES:
        next_hops_forget_routes(hops);
        break;
    case AGAIN:
        next_hop_ask_again(caches[s->n], &local, &remote, s->at_ms);
        break;
    case EXPIRE:
        next_hops_expire(hops, s->at_ms);
        assert_int_equal(count(NEXT_HOP_UNKNOWN) + count(NEXT_HOP_READY), s->n);
        break;
    case WOKEN:
        assert_int_equal(wakes, s->n);
        break;
    case END:
        break;
    }
}

static void goes_through_its_states(void **state)
{
    const struct state_case *c = *state;
    start(0);
    for (const struct step *s = c->steps; s->verb != END; s++)
        do_step(s);
}

/* --- what an answer becomes ---------------------------------------------------------------------
 */

static void says_all_of_the_frame(void **state)
{
    (void)state;
    start(0);
    struct address local = ip6(1), remote = ip6(2);
    struct next_hop_request request;
    struct next_hop_answer answer = answer_by(4, 1492);
    uint8_t mac[ETH_ALEN];

    next_hop_find(caches[0], &local, &remote, 1);
    assert_int_equal(next_hops_take(hops, &request, 1), 1);
    local.port = remote.port = 0;
    assert_true(address_equal(&request.key.local, &local));
    assert_true(address_equal(&request.key.remote, &remote));
    set_neighbour(4, 77);
    next_hops_answer(hops, &request, &answer, 1);

    const struct next_hop *hop = next_hop_find(caches[0], &local, &remote, 10);
    assert_int_equal(hop->state, NEXT_HOP_READY);
    assert_int_equal(hop->family, ADDRESS_IP6);
    assert_int_equal(hop->mtu, 1492);
    assert_int_equal(hop->ifindex, 3);
    write_mac(77, mac);
    assert_memory_equal(hop->destination, mac, ETH_ALEN);
    write_mac(0xffff, mac);
    assert_memory_equal(hop->source, mac, ETH_ALEN);
}

/* The same bytes as an IPv4 and as an IPv6 pair are two keys. */
static void tells_families_apart(void **state)
{
    (void)state;
    start(0);
    struct address local = ip4(0), remote = ip4(1);
    struct address local6 = local, remote6 = remote;
    struct next_hop_request request;
    struct next_hop_answer answer = {.state = NEXT_HOP_LOCAL};
    local6.family = remote6.family = ADDRESS_IP6;

    next_hop_find(caches[0], &local, &remote, 1);
    assert_int_equal(next_hops_take(hops, &request, 1), 1);
    next_hops_answer(hops, &request, &answer, 1);
    assert_int_equal(next_hop_find(caches[0], &local, &remote, 10)->state, NEXT_HOP_LOCAL);
    assert_int_equal(next_hop_find(caches[0], &local6, &remote6, 10)->state, NEXT_HOP_UNKNOWN);
    assert_int_equal(next_hop_find(caches[0], &local, &remote, 10)->state, NEXT_HOP_LOCAL);

    /* And a pair of two families is none. */
    local6 = remote6 = ip6(1);
    assert_int_equal(next_hop_find(caches[0], &local6, &remote, 10)->state, NEXT_HOP_NO_ROUTE);
    assert_int_equal(next_hop_find(caches[0], &local, &remote6, 10)->state, NEXT_HOP_NO_ROUTE);
    assert_int_equal(next_hops_take(hops, &request, 1), 1);
    assert_int_equal(next_hops_take(hops, &request, 1), 0);
}

/* A neighbour is one of its family, whatever the bytes of its address. */
static void tells_neighbours_apart(void **state)
{
    (void)state;
    start(0);
    struct next_hop_via via = via_of(1);
    uint8_t mac[ETH_ALEN];
    write_mac(8, mac);
    set_neighbour(1, 7);
    via.ip.family = ADDRESS_IP6;
    next_hops_set_neighbour(hops, &via, mac);
    via.ip.family = ADDRESS_IP4;
    via.ifindex = 4;
    next_hops_set_neighbour(hops, &via, mac);

    struct next_hop_request request;
    struct next_hop_answer answer = answer_by(1, 1500);
    find(0, 1, 1);
    assert_int_equal(next_hops_take(hops, &request, 1), 1);
    next_hops_answer(hops, &request, &answer, 1);
    write_mac(7, mac);
    assert_int_equal(find(0, 1, 10)->state, NEXT_HOP_READY);
    assert_memory_equal(find(0, 1, 10)->destination, mac, ETH_ALEN);
}

/* Of so many, some lie side by side in a cache. */
static void tells_local_addresses_apart(void **state)
{
    (void)state;
    enum { LOCALS = 500 };
    start(0);
    struct address remote = ip4(1);
    struct next_hop_request request;
    struct next_hop_answer local = {.state = NEXT_HOP_LOCAL}, other = {.state = NEXT_HOP_SPECIAL};
    for (unsigned i = 0; i < LOCALS; i++) {
        struct address from = ip4(1000 + i);
        next_hop_find(caches[0], &from, &remote, 1);
    }
    while (next_hops_take(hops, &request, 1) > 0)
        next_hops_answer(hops, &request, request.key.local.ip[3] % 2 == 0 ? &local : &other, 1);
    for (unsigned i = 0; i < LOCALS; i++) {
        struct address from = ip4(1000 + i);
        assert_int_equal(next_hop_find(caches[0], &from, &remote, 10)->state,
            from.ip[3] % 2 == 0 ? NEXT_HOP_LOCAL : NEXT_HOP_SPECIAL);
    }
}

static void names_its_states(void **state)
{
    (void)state;
    for (enum next_hop_state s = 0; s < NEXT_HOP_STATE_COUNT; s++) {
        assert_non_null(next_hop_state_name(s));
        for (enum next_hop_state t = 0; t < s; t++)
            assert_string_not_equal(next_hop_state_name(s), next_hop_state_name(t));
    }
}

static void wakes_who_listens_late(void **state)
{
    (void)state;
    start(0);
    next_hops_listen(hops, NULL, NULL);
    find(0, 1, 1);
    assert_int_equal(wakes, 0);
    next_hops_listen(hops, count_wake, NULL);
    assert_int_equal(wakes, 1);
}

/* --- many keys ----------------------------------------------------------------------------------
 */

static void answer_all(unsigned neighbour, uint64_t now_ms)
{
    struct next_hop_request requests[64];
    struct next_hop_answer answer = answer_by(neighbour, 1500);
    size_t n;
    while ((n = next_hops_take(hops, requests, COUNT_OF(requests))) > 0)
        for (size_t i = 0; i < n; i++)
            next_hops_answer(hops, &requests[i], &answer, now_ms);
}

static void keeps_as_many_as_it_may(void **state)
{
    (void)state;
    start(0);
    set_neighbour(1, 7);
    for (unsigned i = 1; i <= NEXT_HOP_KEYS_MAX; i++)
        assert_int_equal(find(0, i, 1)->state, NEXT_HOP_UNKNOWN);
    answer_all(1, 2);
    for (unsigned i = 1; i <= NEXT_HOP_KEYS_MAX; i++)
        assert_int_equal(find(0, i, 10)->state, NEXT_HOP_READY);
    assert_int_equal(count(NEXT_HOP_READY), NEXT_HOP_KEYS_MAX);
    assert_int_equal(find(0, NEXT_HOP_KEYS_MAX + 1, 10)->state, NEXT_HOP_TOO_MANY);
    assert_int_equal(find(1, NEXT_HOP_KEYS_MAX + 1, 10)->state, NEXT_HOP_TOO_MANY);

    /* All are kept but those for which a cache had no room near their place. */
    size_t kept = 0;
    next_hops_forget_neighbours(hops);
    for (unsigned i = 1; i <= NEXT_HOP_KEYS_MAX; i++)
        kept += find(0, i, 11)->state == NEXT_HOP_WAITING;
    assert_int_equal(kept, NEXT_HOP_KEYS_MAX);
    assert_int_equal(count(NEXT_HOP_WAITING), NEXT_HOP_KEYS_MAX);

    next_hops_expire(hops, 11 + NEXT_HOP_UNUSED_MS);
    assert_int_equal(count(NEXT_HOP_WAITING), 0);
    assert_int_equal(find(0, NEXT_HOP_KEYS_MAX + 1, 70000)->state, NEXT_HOP_UNKNOWN);
}

enum { FEW = 4 };

static void the_longest_unused_makes_room(void **state)
{
    (void)state;
    start(FEW);
    set_neighbour(1, 7);
    for (unsigned i = 1; i <= FEW; i++)
        find(0, i, i);
    answer_all(1, 10);
    find(0, 1, 5000); /* now 2 is the longest unused */
    assert_int_equal(find(0, 9, 10001)->state, NEXT_HOP_TOO_MANY);
    assert_int_equal(find(1, 9, 10002)->state, NEXT_HOP_UNKNOWN);
    assert_int_equal(find(1, 10, 10002)->state, NEXT_HOP_TOO_MANY);
    assert_int_equal(find(0, 9, 11000)->state, NEXT_HOP_TOO_MANY); /* as its cache has it */
    assert_int_equal(find(0, 9, 11001)->state, NEXT_HOP_UNKNOWN);
    assert_int_equal(count(NEXT_HOP_READY), FEW - 1);

    /* 3 and 4 go next, 1 stays. */
    assert_int_equal(find(0, 11, 14000)->state, NEXT_HOP_UNKNOWN);
    assert_int_equal(find(0, 12, 14000)->state, NEXT_HOP_UNKNOWN);
    assert_int_equal(find(0, 13, 14000)->state, NEXT_HOP_TOO_MANY);
    assert_int_equal(find(1, 1, 14000)->state, NEXT_HOP_CONFIRM);
    assert_int_equal(count(NEXT_HOP_READY), 1);
}

/* A cache forgets what was not used for long when it needs room. */
static void a_cache_serves_keys_that_come_and_go(void **state)
{
    (void)state;
    enum { KEYS = 1000, ROUNDS = 20 };
    start(2 * KEYS);
    set_neighbour(1, 7);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t now_ms = 1 + round * UINT64_C(70000);
        next_hops_expire(hops, now_ms);
        for (unsigned i = 1; i <= KEYS; i++)
            assert_int_equal(find(0, round * KEYS + i, now_ms)->state, NEXT_HOP_UNKNOWN);
        answer_all(1, now_ms);
        for (unsigned i = 1; i <= KEYS; i++)
            assert_int_equal(find(0, round * KEYS + i, now_ms + 5)->state, NEXT_HOP_READY);
        assert_int_equal(count(NEXT_HOP_READY), KEYS);
    }
}

/* --- any order of events ------------------------------------------------------------------------
 */

enum { KEYS = 12, NEIGHBOURS = 4, STEPS = 50000, LATE_MS = 1000 };

/* What the table must say. */
struct model_key {
    bool exists, is_answered;
    enum next_hop_state answer;
    unsigned neighbour;
    uint16_t mtu;
    uint64_t kernel_ms;  /* when the kernel had a packet of it */
    uint64_t changed_ms; /* when something may have become otherwise */
};

static struct {
    struct model_key keys[KEYS];
    unsigned macs[NEIGHBOURS];
} model;

static enum next_hop_state expected(const struct model_key *key)
{
    if (!key->is_answered)
        return NEXT_HOP_UNKNOWN;
    if (key->answer != NEXT_HOP_WAITING)
        return key->answer;
    return model.macs[key->neighbour] > 0 ? NEXT_HOP_READY : NEXT_HOP_WAITING;
}

/* What is said to be READY is so at this very moment, and the kernel sees enough packets. All else
 * may be late. */
static void check_find(struct gen *g, uint64_t now_ms)
{
    unsigned n = (unsigned)gen_below(g, KEYS);
    struct model_key *key = &model.keys[n];
    const struct next_hop *hop = find(gen_below(g, CACHES), n + 1, now_ms);
    uint8_t mac[ETH_ALEN];

    if (!key->exists)
        key->changed_ms = now_ms;
    key->exists = true;
    if (hop->state != NEXT_HOP_READY) {
        if (now_ms - key->changed_ms > LATE_MS)
            assert_int_equal(
                hop->state == NEXT_HOP_CONFIRM ? NEXT_HOP_READY : hop->state, expected(key));
        key->kernel_ms = now_ms;
        return;
    }
    assert_int_equal(expected(key), NEXT_HOP_READY);
    assert_int_equal(hop->mtu, key->mtu);
    write_mac(model.macs[key->neighbour], mac);
    assert_memory_equal(hop->destination, mac, ETH_ALEN);
    assert_true(now_ms - key->kernel_ms < NEXT_HOP_CONFIRM_MS);
}

static void check_answer(struct gen *g, uint64_t now_ms)
{
    static const enum next_hop_state states[] = {NEXT_HOP_WAITING, NEXT_HOP_WAITING,
        NEXT_HOP_WAITING, NEXT_HOP_LOCAL, NEXT_HOP_NO_ROUTE, NEXT_HOP_SPECIAL, NEXT_HOP_INTERFACE};
    struct next_hop_request request;
    if (next_hops_take(hops, &request, 1) == 0)
        return;
    struct model_key *key = &model.keys[request.key.remote.ip[3] - 1];
    assert_true(key->exists);
    *key = (struct model_key){
        .exists = true,
        .is_answered = true,
        .answer = states[gen_below(g, COUNT_OF(states))],
        .neighbour = (unsigned)gen_below(g, NEIGHBOURS),
        .mtu = (uint16_t)(1400 + gen_below(g, 2)),
        .kernel_ms = key->kernel_ms,
        .changed_ms = now_ms,
    };
    struct next_hop_answer answer = answer_by(key->neighbour, key->mtu);
    answer.state = key->answer;
    next_hops_answer(hops, &request, &answer, now_ms);
}

static void check_change(struct gen *g, uint64_t *now_ms)
{
    struct address local = ip4(0), remote = ip4((unsigned)gen_below(g, KEYS) + 1);
    unsigned neighbour = (unsigned)gen_below(g, NEIGHBOURS);
    size_t what = gen_below(g, 40);

    if (what == 0) {
        *now_ms += NEXT_HOP_UNUSED_MS + NEXT_HOP_CONFIRM_MS;
        next_hops_expire(hops, *now_ms);
        memset(model.keys, 0, sizeof(model.keys));
    } else if (what == 1) {
        next_hops_forget_neighbours(hops);
        memset(model.macs, 0, sizeof(model.macs));
    } else if (what < 5) {
        next_hops_forget_routes(hops);
        for (size_t i = 0; i < KEYS; i++)
            model.keys[i].is_answered = false;
    } else if (what < 10) {
        next_hop_ask_again(caches[gen_below(g, CACHES)], &local, &remote, *now_ms);
    } else {
        model.macs[neighbour] = (unsigned)gen_below(g, 3);
        set_neighbour(neighbour, model.macs[neighbour]);
    }
    for (size_t i = 0; i < KEYS; i++)
        model.keys[i].changed_ms = *now_ms;
}

static void check_counts(void)
{
    size_t counts[NEXT_HOP_STATE_COUNT], expected_counts[NEXT_HOP_STATE_COUNT] = {0};
    for (size_t i = 0; i < KEYS; i++)
        if (model.keys[i].exists)
            expected_counts[expected(&model.keys[i])]++;
    next_hops_count(hops, counts);
    assert_memory_equal(counts, expected_counts, sizeof(counts));
}

static void is_right_in_any_order_of_events(void **state)
{
    (void)state;
    struct gen g = gen_start();
    uint64_t now_ms = 1;
    size_t ready = 0;
    start(0);
    memset(&model, 0, sizeof(model));
    for (size_t i = 0; i < STEPS; i++) {
        now_ms += gen_below(&g, 10) == 0 ? gen_below(&g, 1500) : gen_below(&g, 3);
        size_t what = gen_below(&g, 30);
        if (what == 0)
            check_change(&g, &now_ms);
        else if (what < 4)
            check_answer(&g, now_ms);
        else
            check_find(&g, now_ms);
        check_counts();
        ready += count(NEXT_HOP_READY);
    }
    assert_true(ready > STEPS); /* of up to KEYS * STEPS */
}

/* --- threads ------------------------------------------------------------------------------------
 */

enum { WORKERS = 3, ROUNDS = 3000, THREAD_KEYS = 64 };

/* The filling thread moves the only neighbour to MAC address `version`, and then says so. */
static _Atomic unsigned version;
static _Atomic uint64_t clock_ms;
static _Atomic bool is_over;

static unsigned read_mac(const uint8_t mac[ETH_ALEN])
{
    return (unsigned)mac[2] << 24 | (unsigned)mac[3] << 16 | (unsigned)mac[4] << 8 | mac[5];
}

/* Counts what it was told to be ready; SIZE_MAX when it was told of the past. */
static void work(void *arg)
{
    size_t *ready = arg, wrong = 0;
    struct next_hop_cache *cache = next_hop_cache_new(hops);
    for (unsigned i = 0; !atomic_load(&is_over); i++) {
        struct address local = ip4(0), remote = ip4(1 + i % THREAD_KEYS);
        uint64_t now_ms = atomic_load(&clock_ms);
        unsigned since = atomic_load(&version);
        const struct next_hop *hop = next_hop_find(cache, &local, &remote, now_ms);
        if (hop->state != NEXT_HOP_READY)
            continue;
        ++*ready;
        wrong += read_mac(hop->destination) < since;
        if (i % 1000 == 0)
            next_hop_ask_again(cache, &local, &remote, now_ms);
    }
    next_hop_cache_free(cache);
    if (wrong > 0)
        *ready = SIZE_MAX;
}

static void no_thread_is_told_of_the_past(void **state)
{
    (void)state;
    uv_thread_t threads[WORKERS];
    size_t ready[WORKERS] = {0};
    start(0);
    version = 0;
    clock_ms = 1;
    is_over = false;
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(uv_thread_create(&threads[i], work, &ready[i]), 0);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        set_neighbour(1, round);
        atomic_store(&version, round);
        answer_all(1, atomic_fetch_add(&clock_ms, 7));
        if (round % 100 == 0)
            next_hops_forget_routes(hops);
        if (round % 500 == 0)
            next_hops_forget_neighbours(hops);
        assert_true(count(NEXT_HOP_READY) <= THREAD_KEYS);
        sched_yield();
    }
    /* However few turns they had so far, all see the last one. */
    set_neighbour(1, ROUNDS + 1);
    atomic_store(&version, ROUNDS + 1);
    while (count(NEXT_HOP_READY) < THREAD_KEYS) {
        answer_all(1, atomic_fetch_add(&clock_ms, 7));
        sched_yield();
    }
    is_over = true;
    for (size_t i = 0; i < WORKERS; i++) {
        uv_thread_join(&threads[i]);
        assert_true(ready[i] != SIZE_MAX);
    }
}

/* --- out of memory ------------------------------------------------------------------------------
 */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static size_t allocations_left = SIZE_MAX;

static bool may_allocate(void)
{
    if (allocations_left == SIZE_MAX)
        return true;
    if (allocations_left == 0)
        return false;
    allocations_left--;
    return true;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return may_allocate() ? __real_aligned_alloc(alignment, size) : NULL;
}

static void is_not_made_without_memory(void **state)
{
    (void)state;
    allocations_left = 0;
    assert_null(next_hops_new(0));
    allocations_left = SIZE_MAX;
    start(0);
    for (size_t left = 0; left < 2; left++) {
        allocations_left = left;
        struct next_hop_cache *cache = next_hop_cache_new(hops);
        allocations_left = SIZE_MAX;
        assert_null(cache);
    }
}

static void has_the_kernel_send_without_memory(void **state)
{
    (void)state;
    struct next_hop_request request;
    struct next_hop_answer answer = answer_by(1, 1500);
    start(0);

    allocations_left = 0;
    assert_int_equal(find(0, 1, 1)->state, NEXT_HOP_TOO_MANY);
    set_neighbour(1, 7);
    allocations_left = SIZE_MAX;
    assert_int_equal(find(0, 1, 1001)->state, NEXT_HOP_UNKNOWN);
    assert_int_equal(next_hops_take(hops, &request, 1), 1);

    allocations_left = 0;
    next_hops_answer(hops, &request, &answer, 1001);
    assert_int_equal(find(0, 1, 1006)->state, NEXT_HOP_NO_ROUTE);
    allocations_left = SIZE_MAX;
    set_neighbour(1, 7);
    assert_int_equal(find(0, 1, 1021)->state, NEXT_HOP_NO_ROUTE);
    answer_all(1, 1021);
    assert_int_equal(find(0, 1, 1030)->state, NEXT_HOP_READY);
}

static void a_cache_that_cannot_grow_is_right(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    start(0);
    set_neighbour(1, 7);
    for (unsigned i = 1; i <= MANY; i++)
        find(1, i, 1);
    answer_all(1, 1);
    allocations_left = 0;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 1; i <= MANY; i++)
            assert_int_equal(find(0, i, 10)->state, NEXT_HOP_READY);
    allocations_left = SIZE_MAX;
}

#define NEXT_HOP_TEST(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
    struct CMUnitTest tests[14 + COUNT_OF(cases)] = {
        NEXT_HOP_TEST(says_all_of_the_frame),
        NEXT_HOP_TEST(tells_families_apart),
        NEXT_HOP_TEST(tells_neighbours_apart),
        NEXT_HOP_TEST(tells_local_addresses_apart),
        NEXT_HOP_TEST(names_its_states),
        NEXT_HOP_TEST(wakes_who_listens_late),
        NEXT_HOP_TEST(keeps_as_many_as_it_may),
        NEXT_HOP_TEST(the_longest_unused_makes_room),
        NEXT_HOP_TEST(a_cache_serves_keys_that_come_and_go),
        NEXT_HOP_TEST(is_right_in_any_order_of_events),
        NEXT_HOP_TEST(no_thread_is_told_of_the_past),
        NEXT_HOP_TEST(is_not_made_without_memory),
        NEXT_HOP_TEST(has_the_kernel_send_without_memory),
        NEXT_HOP_TEST(a_cache_that_cannot_grow_is_right),
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        tests[14 + i] = (struct CMUnitTest){.name = cases[i].name,
            .test_func = goes_through_its_states,
            .teardown_func = stop,
            .initial_state = (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests_name("next hop", tests, NULL, NULL);
}
