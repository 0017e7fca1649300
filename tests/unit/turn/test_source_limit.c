/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"
#include "turn/source_limit.h"

enum { RATE = 10 };

static struct address at(const char *text)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(text), 1, &a));
    return a;
}

static struct address ip4(uint32_t number, uint16_t port)
{
    const uint8_t ip[] = {
        (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    return address_from_ip(ADDRESS_IP4, ip, port);
}

static unsigned admitted(struct source_limit *limit, const struct address *a, unsigned asked,
    uint64_t from_ms, uint64_t every_ms)
{
    unsigned count = 0;
    for (unsigned i = 0; i < asked; i++)
        count += source_limit_admit(limit, RATE, a, from_ms + i * every_ms);
    return count;
}

static void a_flood_from_one_address_is_capped(void **state)
{
    (void)state;
    struct source_limit *limit = source_limit_new();
    unsigned count = 0;
    for (unsigned i = 0; i < 20; i++) { /* in one second */
        struct address a = ip4(0x08080808, (uint16_t)(1000 + i));
        count += source_limit_admit(limit, RATE, &a, 1000000 + i * 50);
    }
    assert_in_range(count, RATE, 19);

    /* And for a minute: the rate, and no more. */
    count = 0;
    for (unsigned i = 0; i < 60000; i++) {
        struct address a = ip4(0x08080809, (uint16_t)i);
        count += source_limit_admit(limit, RATE, &a, 2000000 + i);
    }
    assert_in_range(count, 60 * RATE, 61 * RATE);
    source_limit_free(limit);
}

static void one_port_does_not_starve_its_neighbours(void **state)
{
    (void)state;
    struct source_limit *limit = source_limit_new();
    struct address wild = at("8.8.8.8:7"), calm = at("8.8.8.8:8");
    unsigned bad = 0;

    for (uint64_t now = 1000; now < 61000; now++)
        bad += source_limit_admit(limit, RATE, &wild, now);
    assert_in_range(bad, 60 * RATE / 4, 60 * RATE / 4 + 5);

    /* The first request, its repetitions, and the next client at once. */
    assert_int_equal(admitted(limit, &calm, 3, 61000, 500), 3);
    for (uint16_t port = 100; port < 105; port++) {
        struct address other = ip4(0x08080808, port);
        assert_true(source_limit_admit(limit, RATE, &other, 62000));
    }
    source_limit_free(limit);
}

/* A thousand clients behind one address, who all do answer, ten at a time. */
static void clients_that_come_back_do_not_count(void **state)
{
    (void)state;
    struct source_limit *limit = source_limit_new();
    for (unsigned wave = 0; wave < 100; wave++) {
        for (uint16_t i = 0; i < 10; i++) {
            struct address a = ip4(0x09090909, (uint16_t)(wave * 10 + i + 1));
            assert_true(source_limit_admit(limit, RATE, &a, 5000));
        }
        for (uint16_t i = 0; i < 10; i++) {
            struct address a = ip4(0x09090909, (uint16_t)(wave * 10 + i + 1));
            source_limit_proven(limit, RATE, &a, 5000);
        }
    }
    /* Proofs beyond what was sent earn nothing. */
    struct address quiet = at("7.7.7.7:7");
    for (int i = 0; i < 1000; i++)
        source_limit_proven(limit, RATE, &quiet, 5000);
    assert_in_range(admitted(limit, &quiet, 100, 5000, 0), 1, RATE);
    source_limit_free(limit);
}

static void networks_have_a_limit_of_their_own(void **state)
{
    (void)state;
    struct source_limit *limit = source_limit_new();
    unsigned count = 0;
    for (uint32_t i = 0; i < 256 * 10; i++) {
        struct address a = ip4(0x0a141e00 | (i & 0xff), (uint16_t)i);
        count += source_limit_admit(limit, RATE, &a, 3000);
    }
    assert_int_equal(count, 16 * RATE);

    /* IPv6: a customer has a /64, and often a /48. */
    struct gen g = gen_start();
    count = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct address a = at("[2600:1:2:3::]:9");
        gen_fill(&g, a.ip + 8, 8);
        count += source_limit_admit(limit, RATE, &a, 3000);
    }
    assert_int_equal(count, RATE);
    count = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct address a = at("[2600:1:5::]:9");
        gen_fill(&g, a.ip + 6, 10);
        count += source_limit_admit(limit, RATE, &a, 3000);
    }
    assert_in_range(count, 15 * RATE, 16 * RATE);
    source_limit_free(limit);
}

/* 100,000 sources in ten seconds, each once: nearly all are answered, and a victim among them gets
 * no more than his share. */
static void a_flood_of_sources_harms_nobody_else(void **state)
{
    (void)state;
    struct source_limit *limit = source_limit_new();
    struct gen g = gen_start();
    unsigned answered = 0, victim_got = 0;
    struct address victim = at("8.8.8.8:53");

    for (unsigned i = 0; i < 100000; i++) {
        struct address a = ip4((uint32_t)gen_u64(&g), (uint16_t)gen_u64(&g));
        uint64_t now = 1000 + i / 10;
        answered += source_limit_admit(limit, RATE, &a, now);
        victim.port = (uint16_t)gen_u64(&g);
        victim_got += source_limit_admit(limit, RATE, &victim, now);
    }
    assert_in_range(answered, 99900, 100000);
    assert_in_range(victim_got, 10 * RATE, 11 * RATE);

    /* The same in 100 ms: together they get what 2000 addresses may have. */
    answered = victim_got = 0;
    for (unsigned i = 0; i < 100000; i++) {
        struct address a = ip4((uint32_t)gen_u64(&g), (uint16_t)gen_u64(&g));
        uint64_t now = 100000 + i / 1000;
        answered += source_limit_admit(limit, RATE, &a, now);
        victim_got += i % 10 == 0 && source_limit_admit(limit, RATE, &victim, now);
    }
    assert_in_range(answered, 2000 * RATE, 2250 * RATE);
    assert_true(victim_got <= RATE + 1);
    source_limit_free(limit);
}

static void rates_may_be_any(void **state)
{
    (void)state;
    static const uint32_t rates[] = {0, 1, 2, 3, 7, 100, 1000, 100000, UINT32_MAX};
    struct address a = at("8.8.8.8");

    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        struct source_limit *limit = source_limit_new();
        unsigned count = 0;
        for (unsigned n = 0; n < 3000; n++) {
            a.port++;
            count += source_limit_admit(limit, rates[i], &a, 7000);
        }
        assert_int_equal(count, rates[i] > 0 && rates[i] < 3000 ? rates[i] : 3000);
        source_limit_proven(limit, rates[i], &a, 7000);
        assert_true(source_limit_admit(limit, rates[i], &a, 7000));
        source_limit_free(limit);
    }
}

static void *ask_for_long(void *argument)
{
    struct source_limit *limit = argument;
    uintptr_t count = 0;
    for (unsigned i = 0; i < 20000; i++) {
        struct address a = ip4(0x0b0b0b0b, (uint16_t)i);
        count += source_limit_admit(limit, RATE, &a, 1000 + i / 20);
    }
    return (void *)count;
}

static void threads_share_one_limit(void **state)
{
    (void)state;
    struct source_limit *limit = source_limit_new();
    pthread_t threads[2];
    uintptr_t sum = 0;

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_long, limit), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *count;
        assert_int_equal(pthread_join(threads[i], &count), 0);
        sum += (uintptr_t)count;
    }
    assert_in_range(sum, 2 * RATE - 1, 2 * RATE + 1); /* a second: the burst and what came back */
    source_limit_free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_from_one_address_is_capped),
        cmocka_unit_test(one_port_does_not_starve_its_neighbours),
        cmocka_unit_test(clients_that_come_back_do_not_count),
        cmocka_unit_test(networks_have_a_limit_of_their_own),
        cmocka_unit_test(a_flood_of_sources_harms_nobody_else),
        cmocka_unit_test(rates_may_be_any),
        cmocka_unit_test(threads_share_one_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
