/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/relay_ports.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "four_threads.h"
#include "net/udp_socket.h"

/* Nobody else uses these. */
static const char *const ips[] = {"127.18.33.1", "127.18.33.2"};

static struct address address_at(size_t i, unsigned port)
{
    struct address a;
    assert_true(address_parse(text_from(ips[i]), &a));
    a.port = (uint16_t)port;
    return a;
}

static struct relay_ports *new_ports(uint16_t min, uint16_t max)
{
    const struct address address = address_at(0, 0);
    struct relay_ports *ports = relay_ports_new(&address, 1, min, max, 0);
    assert_non_null(ports);
    return ports;
}

/* Wishes for TCP bind nothing, so the numbers are all that is tested. */
static int take(struct relay_ports *ports, struct relay_port *out)
{
    static const struct relay_port_wish wish = {.tcp = true};
    uint8_t token[TURN_TOKEN_SIZE];
    return relay_ports_take(ports, &wish, 0, out, token);
}

static int take_udp(struct relay_ports *ports, struct relay_port *out)
{
    static const struct relay_port_wish wish = {.address = 0};
    uint8_t token[TURN_TOKEN_SIZE];
    return relay_ports_take(ports, &wish, 0, out, token);
}

/* With the R bit of EVEN-PORT. */
static int take_pair(struct relay_ports *ports, uint64_t now_ms, struct relay_port *out,
    uint8_t token[TURN_TOKEN_SIZE])
{
    static const struct relay_port_wish wish = {.even = true, .reserve_next = true};
    return relay_ports_take(ports, &wish, now_ms, out, token);
}

static void give(struct relay_ports *ports, const struct relay_port *port)
{
    if (port->fd >= 0)
        close(port->fd);
    relay_ports_give(ports, port->address, port->port);
}

static void expect_usage(
    struct relay_ports *ports, uint64_t total, uint64_t used, uint64_t reserved)
{
    struct relay_ports_usage usage = relay_ports_usage(ports);
    assert_int_equal(usage.total, total);
    assert_int_equal(usage.used, used);
    assert_int_equal(usage.reserved, reserved);
}

static size_t take_all(struct relay_ports *ports)
{
    struct relay_port port;
    size_t count = 0;
    while (take(ports, &port) == 0)
        count++;
    return count;
}

/* Ranges that begin and end anywhere in the words of the set. */
static void a_single_free_port_is_found(void **state)
{
    static const struct {
        uint16_t min, max;
    } ranges[] = {{20000, 20099}, {20032, 20047}, {20000, 20000}, {49152, 49999}, {65000, 65535}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        struct relay_ports *ports = new_ports(ranges[i].min, ranges[i].max);
        assert_int_equal(take_all(ports), ranges[i].max - ranges[i].min + 1);
        for (unsigned free = ranges[i].min; free <= ranges[i].max; free++) {
            struct relay_port port;
            relay_ports_give(ports, 0, (uint16_t)free);
            assert_int_equal(take(ports, &port), 0);
            assert_int_equal(port.port, free);
        }
        relay_ports_free(ports);
    }
}

/* Our own listeners share their TCP port with whoever else of us binds it. */
static void listening_ports_are_not_given_away(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(3000, 3999);
    relay_ports_keep_out(ports, 3478);
    relay_ports_keep_out(ports, 3478);
    relay_ports_keep_out(ports, 2999);
    relay_ports_keep_out(ports, 4000);
    assert_int_equal(relay_ports_usage(ports).total, 999);
    for (unsigned i = 0; i < 999; i++) {
        struct relay_port port;
        assert_int_equal(take(ports, &port), 0);
        assert_int_not_equal(port.port, 3478);
    }
    assert_int_equal(relay_ports_usage(ports).used, 999);
    struct relay_port port;
    assert_int_not_equal(take(ports, &port), 0);
    relay_ports_free(ports);
}

static void is_bound_where_it_says(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(50000, 50015);
    struct relay_port port;
    struct address bound, expected;
    assert_int_equal(take_udp(ports, &port), 0);
    assert_in_range(port.port, 50000, 50015);
    assert_int_equal(port.address, 0);
    assert_false(port.tcp);
    expected = address_at(0, port.port);
    assert_int_equal(udp_socket_local(port.fd, &bound), 0);
    assert_true(address_equal(&bound, &expected));
    give(ports, &port);
    expect_usage(ports, 16, 0, 0);
    relay_ports_free(ports);
}

/* Nobody shall guess the port of another's relayed address (RFC 8656, section 21.1.4). */
static void draws_at_random(void **state)
{
    enum { DRAWS = 64 };
    (void)state;
    struct relay_ports *ports = new_ports(49152, 65535);
    struct relay_port port;
    unsigned rises = 0, before = 0, neighbours = 0;
    for (int i = 0; i < DRAWS; i++) {
        assert_int_equal(take(ports, &port), 0);
        assert_in_range(port.port, 49152, 65535);
        rises += port.port > before;
        neighbours += port.port == before + 1;
        before = port.port;
    }
    assert_in_range(rises, 8, DRAWS - 8);
    assert_in_range(neighbours, 0, 4);
    relay_ports_free(ports);
}

static void even_ports_only_when_asked(void **state)
{
    static const struct relay_port_wish even = {.tcp = true, .even = true};
    (void)state;
    struct relay_ports *ports = new_ports(50001, 50064);
    struct relay_port port;
    uint8_t token[TURN_TOKEN_SIZE];
    for (int i = 0; i < 32; i++) {
        assert_int_equal(relay_ports_take(ports, &even, 0, &port, token), 0);
        assert_int_equal(port.port % 2, 0);
    }
    assert_int_equal(relay_ports_take(ports, &even, 0, &port, token), -ENOSPC);
    for (int i = 0; i < 32; i++)
        assert_int_equal(take(ports, &port), 0);
    relay_ports_free(ports);
}

static void a_kept_port_is_for_the_token(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(50000, 50015);
    struct relay_port first, second;
    uint8_t token[TURN_TOKEN_SIZE], other[TURN_TOKEN_SIZE];
    struct address bound;

    assert_int_equal(take_pair(ports, 1000, &first, token), 0);
    assert_int_equal(first.port % 2, 0);
    expect_usage(ports, 16, 2, 1);

    memcpy(other, token, sizeof(other));
    other[7] ^= 1;
    assert_int_equal(relay_ports_redeem(ports, other, 1000, &second), -ENOENT);
    assert_int_equal(relay_ports_redeem(ports, token, 1000 + RESERVATION_MS - 1, &second), 0);
    assert_int_equal(second.port, first.port + 1);
    assert_int_equal(udp_socket_local(second.fd, &bound), 0);
    assert_int_equal(bound.port, second.port);
    assert_int_equal(relay_ports_redeem(ports, token, 1000, &first), -ENOENT); /* once */
    expect_usage(ports, 16, 2, 0);

    give(ports, &first);
    give(ports, &second);
    expect_usage(ports, 16, 0, 0);
    relay_ports_free(ports);
}

static void a_kept_port_is_kept_for_a_while(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(50000, 50001);
    struct relay_port first, second;
    uint8_t token[TURN_TOKEN_SIZE];

    assert_int_equal(take_pair(ports, 1000, &first, token), 0);
    assert_int_equal(take_udp(ports, &second), -ENOSPC);
    relay_ports_sweep(ports, 1000 + RESERVATION_MS - 1);
    expect_usage(ports, 2, 2, 1);
    /* Over, though nobody has swept yet. */
    assert_int_equal(relay_ports_redeem(ports, token, 1000 + RESERVATION_MS, &second), -ENOENT);
    relay_ports_sweep(ports, 1000 + RESERVATION_MS);
    expect_usage(ports, 2, 1, 0);
    assert_int_equal(relay_ports_redeem(ports, token, 1000, &second), -ENOENT);
    assert_int_equal(take_udp(ports, &second), 0);
    assert_int_equal(second.port, 50001);
    give(ports, &first);
    give(ports, &second);
    relay_ports_free(ports);
}

/* Its sockets are closed with the ports. */
static void reservations_end_with_the_ports(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(50000, 50015);
    struct relay_port port;
    uint8_t token[TURN_TOKEN_SIZE];
    assert_int_equal(take_pair(ports, 0, &port, token), 0);
    give(ports, &port);
    relay_ports_free(ports);

    struct udp_socket_config config = {.bind = address_at(0, port.port + 1u)};
    int fd;
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    close(fd);
}

static const struct {
    uint16_t min, max;
    uint16_t first; /* of the pair; 0: there is none */
} pairs[] = {
    {50000, 50001, 50000},
    {50001, 50003, 50002},
    {50000, 50000, 0},
    {50001, 50002, 0}, /* the last one has no next */
    {65534, 65535, 65534},
    {65535, 65535, 0},
    {65533, 65534, 0},
};

static void a_pair_lies_in_the_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct relay_ports *ports = new_ports(pairs[i].min, pairs[i].max);
        struct relay_port port;
        uint8_t token[TURN_TOKEN_SIZE];
        int error = take_pair(ports, 0, &port, token);
        assert_int_equal(error, pairs[i].first != 0 ? 0 : -ENOSPC);
        if (error == 0) {
            assert_int_equal(port.port, pairs[i].first);
            give(ports, &port);
        }
        relay_ports_sweep(ports, RESERVATION_MS);
        expect_usage(ports, (uint64_t)(pairs[i].max - pairs[i].min) + 1, 0, 0);
        relay_ports_free(ports);
    }
}

/* Behind the last port there is none, whatever it is asked for. */
static void the_last_port_of_all_has_no_next(void **state)
{
    static const struct relay_port_wish wish = {.tcp = true, .reserve_next = true};
    (void)state;
    struct relay_ports *ports = new_ports(65535, 65535);
    struct relay_port port;
    uint8_t token[TURN_TOKEN_SIZE];
    assert_int_equal(relay_ports_take(ports, &wish, 0, &port, token), -ENOSPC);
    relay_ports_free(ports);
}

/* A pair is not made of the halves of two others. */
static void a_pair_needs_both_ports(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(50000, 50003);
    struct relay_port all[4], port;
    uint8_t token[TURN_TOKEN_SIZE];
    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_int_equal(take(ports, &all[i]), 0);
    relay_ports_give(ports, 0, 50000);
    relay_ports_give(ports, 0, 50003);
    assert_int_equal(take_pair(ports, 0, &port, token), -ENOSPC);
    relay_ports_give(ports, 0, 50001);
    assert_int_equal(take_pair(ports, 0, &port, token), 0);
    assert_int_equal(port.port, 50000);
    give(ports, &port);
    relay_ports_free(ports);
}

static int occupy(unsigned port)
{
    struct udp_socket_config config = {.bind = address_at(0, port)};
    int fd = -1;
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    return fd;
}

/* What another process has bound is in use, as long as it has. */
static void ports_of_others_are_skipped(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(50000, 50003);
    int others[] = {occupy(50000), occupy(50001), occupy(50003)};
    struct relay_port port;
    uint8_t token[TURN_TOKEN_SIZE];

    assert_int_equal(take_udp(ports, &port), 0);
    assert_int_equal(port.port, 50002);
    expect_usage(ports, 4, 1, 0);
    give(ports, &port);
    assert_int_not_equal(take_pair(ports, 0, &port, token), 0); /* no port next to it */
    expect_usage(ports, 4, 0, 0);

    int last = occupy(50002);
    assert_int_not_equal(take_udp(ports, &port), 0);
    expect_usage(ports, 4, 0, 0);
    close(last);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        close(others[i]);
    assert_int_equal(take_pair(ports, 0, &port, token), 0);
    give(ports, &port);
    relay_ports_free(ports);
}

static void a_pair_of_others_is_none(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(50000, 50001);
    struct relay_port port;
    uint8_t token[TURN_TOKEN_SIZE];
    for (unsigned n = 0; n < 2; n++) {
        int other = occupy(50000 + n);
        assert_int_not_equal(take_pair(ports, 0, &port, token), 0);
        expect_usage(ports, 2, 0, 0);
        close(other);
    }
    assert_int_equal(take_pair(ports, 0, &port, token), 0);
    give(ports, &port);
    relay_ports_free(ports);
}

static void a_full_range_heals_itself(void **state)
{
    enum { PORTS = 64 };
    (void)state;
    struct relay_ports *ports = new_ports(50000, 50000 + PORTS - 1);
    struct relay_port all[PORTS], more;
    for (size_t i = 0; i < PORTS; i++)
        assert_int_equal(take_udp(ports, &all[i]), 0);
    expect_usage(ports, PORTS, PORTS, 0);
    assert_int_equal(take_udp(ports, &more), -ENOSPC);
    assert_int_equal(take(ports, &more), -ENOSPC);
    for (size_t i = 0; i < PORTS; i += 7) {
        give(ports, &all[i]);
        assert_int_equal(take_udp(ports, &more), 0);
        assert_int_equal(more.port, all[i].port);
        all[i] = more;
    }
    for (size_t i = 0; i < PORTS; i++)
        give(ports, &all[i]);
    expect_usage(ports, PORTS, 0, 0);
    relay_ports_free(ports);
}

/* A port is one client's, whatever it is for. */
static void tcp_and_udp_share_the_numbers(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(50000, 50001);
    struct relay_port udp, tcp, more;
    assert_int_equal(take_udp(ports, &udp), 0);
    assert_int_equal(take(ports, &tcp), 0);
    assert_true(tcp.tcp);
    assert_int_equal(tcp.fd, -1);
    assert_int_not_equal(tcp.port, udp.port);
    assert_int_equal(take_udp(ports, &more), -ENOSPC);
    give(ports, &tcp);
    give(ports, &udp);
    relay_ports_free(ports);
}

static void each_address_has_its_ports(void **state)
{
    const struct address addresses[] = {address_at(0, 0), address_at(1, 0)};
    (void)state;
    struct relay_ports *ports = relay_ports_new(addresses, 2, 50000, 50001, 0);
    struct relay_port all[4], more;
    uint8_t token[TURN_TOKEN_SIZE];
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct relay_port_wish wish = {.address = i / 2};
        struct address bound, expected;
        assert_int_equal(relay_ports_take(ports, &wish, 0, &all[i], token), 0);
        assert_int_equal(all[i].address, i / 2);
        expected = address_at(i / 2, all[i].port);
        assert_int_equal(udp_socket_local(all[i].fd, &bound), 0);
        assert_true(address_equal(&bound, &expected));
    }
    expect_usage(ports, 4, 4, 0);
    give(ports, &all[3]);
    assert_int_equal(take(ports, &more), -ENOSPC); /* of the first address */
    expect_usage(ports, 4, 3, 0);
    for (size_t i = 0; i < 3; i++)
        give(ports, &all[i]);
    expect_usage(ports, 4, 0, 0);
    relay_ports_free(ports);
}

/* Each holds a socket. */
static void no_more_are_kept_than_fit(void **state)
{
    static const struct relay_port_wish wish = {.tcp = true, .reserve_next = true, .even = true};
    struct rlimit limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < MAX_RESERVATIONS + 100 || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        skip();

    struct relay_ports *ports = new_ports(50000, 54095);
    struct relay_port port;
    uint8_t token[TURN_TOKEN_SIZE], first[TURN_TOKEN_SIZE];
    assert_int_equal(relay_ports_take(ports, &wish, 0, &port, first), 0);
    for (int i = 1; i < MAX_RESERVATIONS; i++)
        assert_int_equal(relay_ports_take(ports, &wish, 1, &port, token), 0);
    assert_int_equal(relay_ports_take(ports, &wish, 1, &port, token), -ENOSPC);
    expect_usage(ports, 4096, 2 * MAX_RESERVATIONS, MAX_RESERVATIONS);
    assert_int_equal(relay_ports_redeem(ports, first, 1, &port), 0);
    close(port.fd);
    assert_int_equal(relay_ports_take(ports, &wish, 1, &port, token), 0);
    relay_ports_free(ports);
}

enum { ROUNDS = 300 };

static atomic_uint owners[UINT16_MAX + 1];

static void have(const struct relay_port *port)
{
    expect(atomic_fetch_add(&owners[port->port], 1) == 0);
}

static void lose(struct relay_ports *ports, const struct relay_port *port)
{
    atomic_fetch_sub(&owners[port->port], 1);
    give(ports, port);
}

static void *use_ports(void *argument)
{
    struct relay_ports *ports = argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct relay_port port, next;
        uint8_t token[TURN_TOKEN_SIZE];
        if (take_udp(ports, &port) == 0) {
            have(&port);
            lose(ports, &port);
        }
        if (take_pair(ports, i, &port, token) == 0) {
            have(&port);
            relay_ports_sweep(ports, i);
            if (i % 3 != 0 && relay_ports_redeem(ports, token, i, &next) == 0) {
                expect(next.port == port.port + 1);
                have(&next);
                lose(ports, &next);
            }
            lose(ports, &port);
        }
        expect(relay_ports_usage(ports).used <= 32);
    }
    return NULL;
}

static void threads_never_share_a_port(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(50000, 50031);
    assert_int_equal(run_threads(use_ports, ports), 0);
    relay_ports_sweep(ports, ROUNDS + RESERVATION_MS);
    expect_usage(ports, 32, 0, 0);
    relay_ports_free(ports);
}

static void just_this_port_or_none(void **state)
{
    struct relay_ports *ports = new_ports(40100, 40103);
    struct udp_socket_config squatter = {.bind = address_at(0, 40102)};
    struct relay_port port, other;
    int fd;
    (void)state;
    relay_ports_keep_out(ports, 40103);
    assert_int_equal(relay_ports_take_at(ports, 0, 40099, &other), -ERANGE);
    assert_int_equal(relay_ports_take_at(ports, 0, 40104, &other), -ERANGE);
    assert_int_equal(relay_ports_take_at(ports, 0, 40103, &other), -EBUSY);
    assert_int_equal(relay_ports_take_at(ports, 0, 40101, &port), 0);
    assert_int_equal(port.port, 40101);
    assert_true(port.fd >= 0 && !port.tcp);
    assert_int_equal(relay_ports_take_at(ports, 0, 40101, &other), -EBUSY);

    assert_int_equal(udp_socket_open(&squatter, &fd), 0);
    assert_int_equal(relay_ports_take_at(ports, 0, 40102, &other), -EADDRINUSE);
    close(fd);
    assert_int_equal(relay_ports_usage(ports).used, 1);
    assert_int_equal(relay_ports_take_at(ports, 0, 40102, &other), 0);
    give(ports, &other);
    give(ports, &port);
    assert_int_equal(relay_ports_usage(ports).used, 0);
    relay_ports_free(ports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_bound_where_it_says),
        cmocka_unit_test(draws_at_random),
        cmocka_unit_test(even_ports_only_when_asked),
        cmocka_unit_test(a_kept_port_is_for_the_token),
        cmocka_unit_test(a_kept_port_is_kept_for_a_while),
        cmocka_unit_test(reservations_end_with_the_ports),
        cmocka_unit_test(a_pair_lies_in_the_range),
        cmocka_unit_test(the_last_port_of_all_has_no_next),
        cmocka_unit_test(a_pair_needs_both_ports),
        cmocka_unit_test(a_pair_of_others_is_none),
        cmocka_unit_test(ports_of_others_are_skipped),
        cmocka_unit_test(a_full_range_heals_itself),
        cmocka_unit_test(tcp_and_udp_share_the_numbers),
        cmocka_unit_test(each_address_has_its_ports),
        cmocka_unit_test(no_more_are_kept_than_fit),
        cmocka_unit_test(threads_never_share_a_port),
        cmocka_unit_test(a_single_free_port_is_found),
        cmocka_unit_test(listening_ports_are_not_given_away),
        cmocka_unit_test(just_this_port_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
