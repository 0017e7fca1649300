/* SPDX-License-Identifier: Apache-2.0 */
#include "net/port_pool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "gen.h"
#include "net/udp_socket.h"

/* Below the ports that the kernel chooses for others; an address of our own in 127/8. */
enum { FIRST = 21000 };

static struct port_pool_config config_for(uint16_t min, uint16_t max)
{
    struct port_pool_config config = {.min = min, .max = max};
    assert_true(address_parse(TEXT("127.77.77.1"), &config.bind));
    return config;
}

static struct port_pool *pool_of(uint16_t min, uint16_t max)
{
    struct port_pool_config config = config_for(min, max);
    struct port_pool *pool;
    assert_int_equal(port_pool_new(&config, &pool), 0);
    return pool;
}

static struct port_lease lease(struct port_pool *pool, enum port_lease_kind kind)
{
    struct port_lease out;
    assert_int_equal(port_pool_lease(pool, kind, &out), 0);
    return out;
}

static void give_back(struct port_pool *pool, const struct port_lease *l)
{
    for (int i = 0; i < (int)l->kind; i++)
        close(l->fds[i]);
    port_pool_release(pool, l->port, l->kind);
}

static void pairs_are_even_bound_and_different(void **state)
{
    (void)state;
    struct port_pool *pool = pool_of(FIRST, FIRST + 19);
    struct port_lease leases[10], none;
    for (size_t i = 0; i < 10; i++) {
        leases[i] = lease(pool, PORT_PAIR);
        assert_int_equal(leases[i].port % 2, 0);
        for (uint16_t k = 0; k < 2; k++) {
            struct address local;
            assert_int_equal(udp_socket_local(leases[i].fds[k], &local), 0);
            assert_int_equal(local.port, leases[i].port + k);
            assert_true(address_same_ip(&local, port_pool_address(pool)));
        }
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(leases[i].port, leases[k].port);
    }
    assert_int_equal(port_pool_usage(pool).used, 20);
    assert_int_equal(port_pool_lease(pool, PORT_PAIR, &none), -ENOSPC);
    assert_int_equal(port_pool_lease(pool, PORT_SINGLE, &none), -ENOSPC);

    /* The oldest comes first again. */
    for (size_t i = 0; i < 10; i++)
        give_back(pool, &leases[9 - i]);
    assert_int_equal(port_pool_usage(pool).used, 0);
    for (size_t i = 0; i < 10; i++) {
        struct port_lease again = lease(pool, PORT_PAIR);
        assert_int_equal(again.port, leases[9 - i].port);
        give_back(pool, &again);
    }
    port_pool_free(pool);
}

static void the_first_round_is_in_random_order(void **state)
{
    (void)state;
    struct port_pool *pools[2] = {pool_of(FIRST, FIRST + 99), pool_of(FIRST, FIRST + 99)};
    bool differs = false;
    for (size_t i = 0; i < 50; i++) {
        struct port_lease l[2];
        for (size_t k = 0; k < 2; k++) {
            l[k] = lease(pools[k], PORT_PAIR);
            give_back(pools[k], &l[k]);
        }
        differs |= l[0].port != l[1].port;
    }
    assert_true(differs);
    port_pool_free(pools[0]);
    port_pool_free(pools[1]);
}

/* Odd ends of the range serve as singles; singles break up one pair at a time. */
static void singles_use_odd_ends_and_halves_first(void **state)
{
    (void)state;
    struct port_pool *pool = pool_of(FIRST + 1, FIRST + 6); /* 1 | 2 3 | 4 5 | 6 */
    struct port_lease singles[4], pair, none;
    assert_int_equal(port_pool_usage(pool).total, 6);
    for (size_t i = 0; i < 2; i++) {
        singles[i] = lease(pool, PORT_SINGLE);
        assert_true(singles[i].port == FIRST + 1 || singles[i].port == FIRST + 6);
        assert_int_equal(singles[i].fds[1], -1);
    }
    singles[2] = lease(pool, PORT_SINGLE);
    singles[3] = lease(pool, PORT_SINGLE);
    assert_int_equal(singles[2].port / 2, singles[3].port / 2);
    pair = lease(pool, PORT_PAIR);
    assert_int_equal(port_pool_lease(pool, PORT_PAIR, &none), -ENOSPC);

    give_back(pool, &singles[2]);
    assert_int_equal(port_pool_lease(pool, PORT_PAIR, &none), -ENOSPC);
    give_back(pool, &singles[3]); /* whole again */
    give_back(pool, &pair);
    struct port_lease both[2] = {lease(pool, PORT_PAIR), lease(pool, PORT_PAIR)};
    give_back(pool, &both[0]);
    give_back(pool, &both[1]);
    give_back(pool, &singles[0]);
    give_back(pool, &singles[1]);
    assert_int_equal(port_pool_usage(pool).used, 0);
    port_pool_free(pool);
}

static void skips_ports_of_others(void **state)
{
    (void)state;
    struct port_pool *pool = pool_of(FIRST, FIRST + 3);
    struct udp_socket_config config = {.bind = *port_pool_address(pool)};
    struct port_lease l, none;
    int other, second;
    config.bind.port = FIRST + 1; /* the odd one spoils its pair */
    assert_int_equal(udp_socket_open(&config, &other), 0);
    for (int i = 0; i < 4; i++) {
        l = lease(pool, PORT_PAIR);
        assert_int_equal(l.port, FIRST + 2);
        assert_int_equal(port_pool_lease(pool, PORT_PAIR, &none), -EADDRINUSE);
        give_back(pool, &l);
    }
    assert_true(port_pool_usage(pool).skipped >= 4);

    config.bind.port = FIRST + 2;
    assert_int_equal(udp_socket_open(&config, &second), 0);
    assert_int_equal(port_pool_lease(pool, PORT_PAIR, &none), -EADDRINUSE);
    l = lease(pool, PORT_SINGLE);
    assert_int_equal(l.port, FIRST);
    give_back(pool, &l);
    close(other);
    close(second);
    l = lease(pool, PORT_PAIR); /* no descriptor was left behind on the way */
    give_back(pool, &l);
    port_pool_free(pool);
}

static void passes_other_errors_on(void **state)
{
    (void)state;
    struct port_pool_config config = config_for(FIRST, FIRST + 99);
    struct port_pool *pool;
    struct port_lease none;
    assert_true(address_parse(TEXT("192.0.2.1"), &config.bind));
    assert_int_equal(port_pool_new(&config, &pool), 0);
    assert_int_equal(port_pool_lease(pool, PORT_PAIR, &none), -EADDRNOTAVAIL);
    assert_int_equal(port_pool_usage(pool).used, 0);
    port_pool_free(pool);
}

static void a_given_port_is_taken_as_it_is(void **state)
{
    (void)state;
    struct port_pool *pool = pool_of(FIRST + 1, FIRST + 6); /* 1 | 2 3 | 4 5 | 6 */
    struct port_lease pair, odd, even, half, none;
    assert_int_equal(port_pool_take(pool, FIRST, PORT_SINGLE, &none), -ERANGE);
    assert_int_equal(
        port_pool_take(pool, FIRST, PORT_PAIR, &none), -ERANGE); /* its odd one alone belongs */
    assert_int_equal(port_pool_take(pool, FIRST + 6, PORT_PAIR, &none), -ERANGE);
    assert_int_equal(port_pool_take(pool, FIRST + 7, PORT_SINGLE, &none), -ERANGE);
    assert_int_equal(port_pool_take(pool, FIRST + 3, PORT_PAIR, &none), -ERANGE);
    assert_int_equal(port_pool_take(pool, 0, PORT_SINGLE, &none), -ERANGE);
    assert_int_equal(port_pool_take(pool, 65535, PORT_SINGLE, &none), -ERANGE);

    assert_int_equal(port_pool_take(pool, FIRST + 4, PORT_PAIR, &pair), 0);
    assert_int_equal(pair.port, FIRST + 4);
    for (uint16_t i = 0; i < 2; i++) {
        struct address local;
        assert_int_equal(udp_socket_local(pair.fds[i], &local), 0);
        assert_int_equal(local.port, FIRST + 4 + i);
    }
    assert_int_equal(port_pool_take(pool, FIRST + 4, PORT_PAIR, &none), -EBUSY);
    assert_int_equal(port_pool_take(pool, FIRST + 5, PORT_SINGLE, &none), -EBUSY);
    assert_int_equal(port_pool_take(pool, FIRST + 3, PORT_SINGLE, &odd), 0);
    assert_int_equal(port_pool_take(pool, FIRST + 2, PORT_PAIR, &none), -EBUSY);
    assert_int_equal(port_pool_usage(pool).used, 3);

    /* What is left is leased as ever, and what was taken is not leased twice. */
    assert_int_equal(port_pool_lease(pool, PORT_PAIR, &none), -ENOSPC);
    even = lease(pool, PORT_SINGLE);
    half = lease(pool, PORT_SINGLE);
    give_back(pool, &odd);
    give_back(pool, &even);
    give_back(pool, &half);
    give_back(pool, &pair);
    assert_int_equal(port_pool_usage(pool).used, 0);
    pair = lease(pool, PORT_PAIR);
    give_back(pool, &pair);
    port_pool_free(pool);
}

static void a_given_port_of_someone_else_is_not_taken(void **state)
{
    (void)state;
    struct port_pool *pool = pool_of(FIRST, FIRST + 1);
    struct udp_socket_config config = {.bind = *port_pool_address(pool)};
    struct port_lease l;
    int other;
    config.bind.port = FIRST + 1;
    assert_int_equal(udp_socket_open(&config, &other), 0);
    assert_int_equal(port_pool_take(pool, FIRST, PORT_PAIR, &l), -EADDRINUSE);
    assert_int_equal(port_pool_usage(pool).used, 0);
    assert_int_equal(port_pool_take(pool, FIRST, PORT_SINGLE, &l), 0);
    give_back(pool, &l);
    close(other);
    assert_int_equal(port_pool_take(pool, FIRST, PORT_PAIR, &l), 0);
    give_back(pool, &l);
    port_pool_free(pool);
}

/* At random: never two leases of one port, never a wrong count, all back in the end. */
static void keeps_its_books(void **state)
{
    (void)state;
    enum { PORTS = 21 };
    struct gen gen = gen_start();
    struct port_pool *pool = pool_of(FIRST + 1, FIRST + PORTS);
    struct port_lease leases[PORTS];
    size_t count = 0;
    unsigned used = 0;
    for (int step = 0; step < 3000; step++) {
        if (gen_below(&gen, 2) == 0 && count > 0) {
            size_t at = gen_below(&gen, count);
            used -= (unsigned)leases[at].kind;
            give_back(pool, &leases[at]);
            leases[at] = leases[--count];
        } else {
            enum port_lease_kind kind = gen_below(&gen, 2) == 0 ? PORT_SINGLE : PORT_PAIR;
            uint16_t port = (uint16_t)(FIRST + gen_below(&gen, PORTS + 2));
            bool is_given = gen_below(&gen, 3) == 0;
            int error = is_given ? port_pool_take(pool, port, kind, &leases[count])
                                 : port_pool_lease(pool, kind, &leases[count]);
            assert_true(
                error == 0 || (is_given ? error == -ERANGE || error == -EBUSY : error == -ENOSPC));
            if (error == -ENOSPC)
                assert_true(kind == PORT_PAIR || used == PORTS);
            else if (error == 0)
                used += (unsigned)leases[count++].kind;
        }
        assert_int_equal(port_pool_usage(pool).used, used);
    }
    while (count > 0)
        give_back(pool, &leases[--count]);
    assert_int_equal(port_pool_usage(pool).used, 0);
    assert_int_equal(port_pool_usage(pool).skipped, 0);
    port_pool_free(pool);
}

static void the_last_port_of_all_is_usable(void **state)
{
    (void)state;
    struct port_pool *pool = pool_of(65534, 65535);
    struct port_lease l = lease(pool, PORT_PAIR);
    assert_int_equal(l.port, 65534);
    give_back(pool, &l);
    port_pool_free(pool);
    port_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_even_bound_and_different),
        cmocka_unit_test(the_first_round_is_in_random_order),
        cmocka_unit_test(singles_use_odd_ends_and_halves_first),
        cmocka_unit_test(skips_ports_of_others),
        cmocka_unit_test(passes_other_errors_on),
        cmocka_unit_test(a_given_port_is_taken_as_it_is),
        cmocka_unit_test(a_given_port_of_someone_else_is_not_taken),
        cmocka_unit_test(keeps_its_books),
        cmocka_unit_test(the_last_port_of_all_is_usable),
    };
    return cmocka_run_group_tests_name("port_pool", tests, NULL, NULL);
}
