/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tcp_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/sockaddr.h"
#include "net/tcp_socket.h"

enum { CLIENTS = 40 };

static uv_loop_t loop;
static struct tcp_listener *listener;
static int clients[CLIENTS];

/* What came in. */
static int accepted[CLIENTS];
static struct address remotes[CLIENTS], locals[CLIENTS];
static size_t count;
static bool closes_at_first, pauses_at_first;

static void on_connection(
    void *owner, int fd, const struct address *remote, const struct address *local)
{
    assert_ptr_equal(owner, &loop);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    accepted[count] = fd;
    remotes[count] = *remote;
    locals[count++] = *local;
    if (closes_at_first) {
        tcp_listener_close(listener);
        listener = NULL;
    } else if (pauses_at_first) {
        tcp_listener_pause(listener);
    }
}

static int open_on(const char *address, bool share_port, uint16_t port)
{
    struct tcp_listener_config config = {
        .share_port = share_port, .on_connection = on_connection, .owner = &loop};
    assert_true(address_parse(text_from(address), &config.bind));
    config.bind.port = port;
    return tcp_listener_open(&loop, &config, &listener);
}

static int set_up(void **state)
{
    (void)state;
    count = 0;
    listener = NULL;
    closes_at_first = pauses_at_first = false;
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = -1;
    return uv_loop_init(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    tcp_listener_close(listener);
    for (size_t i = 0; i < CLIENTS; i++)
        if (clients[i] >= 0)
            close(clients[i]);
    for (size_t i = 0; i < count; i++)
        close(accepted[i]);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    return uv_loop_close(&loop);
}

static void connect_clients(size_t number, const struct address *to)
{
    struct address any = {.family = ADDRESS_NONE};
    for (size_t i = 0; i < number; i++)
        assert_int_equal(tcp_socket_connect(&any, to, &clients[i]), 0);
}

static void run_until_accepted(size_t number)
{
    uint64_t began = uv_hrtime();
    while (count < number) {
        assert_true(uv_hrtime() - began < 10000000000ull);
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(100);
    }
}

static void hands_over_connections(void **state)
{
    (void)state;
    assert_int_equal(open_on("127.0.0.1", false, 0), 0);
    assert_int_not_equal(tcp_listener_address(listener)->port, 0);
    connect_clients(3, tcp_listener_address(listener));
    run_until_accepted(3);
    for (size_t i = 0; i < 3; i++) {
        struct address client;
        assert_int_equal(address_of_socket(clients[i], &client), 0);
        assert_true(address_equal(&remotes[i], &client));
        assert_true(address_equal(&locals[i], tcp_listener_address(listener)));
    }
    assert_int_equal(counter_get(&tcp_listener_counters(listener)->accepted), 3);
    assert_int_equal(counter_get(&tcp_listener_counters(listener)->rests), 0);
}

static void tells_the_address_that_was_called(void **state)
{
    (void)state;
    struct address called;
    assert_int_equal(open_on("0.0.0.0", false, 0), 0);
    assert_true(address_parse(TEXT("127.0.0.5"), &called));
    called.port = tcp_listener_address(listener)->port;
    connect_clients(1, &called);
    run_until_accepted(1);
    assert_true(address_equal(&locals[0], &called));
}

static void speaks_ip6_only_on_ip6(void **state)
{
    (void)state;
    struct address any = {.family = ADDRESS_NONE}, ip4;
    assert_int_equal(open_on("::", false, 0), 0);
    struct address ip6 = *tcp_listener_address(listener);
    uint16_t port = ip6.port;
    assert_true(address_parse(TEXT("::1"), &ip6));
    ip6.port = port;
    connect_clients(1, &ip6);
    run_until_accepted(1);
    assert_int_equal(remotes[0].family, ADDRESS_IP6);

    assert_true(address_parse(TEXT("127.0.0.1"), &ip4));
    ip4.port = port;
    int error = tcp_socket_connect(&any, &ip4, &clients[1]);
    if (error == 0) {
        usleep(10000);
        error = tcp_socket_error(clients[1]);
    }
    assert_int_equal(error, -ECONNREFUSED);
}

static void takes_a_bounded_number_a_turn(void **state)
{
    (void)state;
    assert_int_equal(open_on("127.0.0.1", false, 0), 0);
    connect_clients(CLIENTS, tcp_listener_address(listener));
    usleep(20000); /* all are in the queue */
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(count, TCP_LISTENER_PER_TURN);
    run_until_accepted(CLIENTS);
}

static void ports_are_shared_when_asked(void **state)
{
    (void)state;
    assert_int_equal(open_on("127.0.0.1", true, 0), 0);
    struct tcp_listener *first = listener;
    uint16_t port = tcp_listener_address(first)->port;
    assert_int_equal(open_on("127.0.0.1", false, port), -EADDRINUSE);
    assert_int_equal(open_on("127.0.0.1", true, port), 0);
    connect_clients(20, tcp_listener_address(first));
    run_until_accepted(20);
    tcp_listener_close(first);
}

static void rests_when_descriptors_run_out(void **state)
{
    (void)state;
    struct rlimit limit, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(open_on("127.0.0.1", false, 0), 0);
    connect_clients(2, tcp_listener_address(listener));
    usleep(10000);
    tight = limit;
    tight.rlim_cur = (rlim_t)clients[1] + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    uint64_t began = uv_hrtime();
    unsigned turns = 0;
    while (uv_hrtime() - began < 250000000) { /* 2.5 rests */
        uv_run(&loop, UV_RUN_ONCE);
        turns++;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(count, 0);
    assert_true(turns < 20); /* it does not spin */
    assert_in_range(counter_get(&tcp_listener_counters(listener)->rests), 2, 4);
    run_until_accepted(2);
}

static void may_be_closed_by_a_connection(void **state)
{
    (void)state;
    closes_at_first = true;
    assert_int_equal(open_on("127.0.0.1", false, 0), 0);
    connect_clients(3, tcp_listener_address(listener));
    usleep(10000);
    run_until_accepted(1);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(count, 1);
}

static void connections_wait_while_it_is_paused(void **state)
{
    (void)state;
    assert_int_equal(open_on("127.0.0.1", false, 0), 0);
    connect_clients(3, tcp_listener_address(listener));
    pauses_at_first = true;
    run_until_accepted(1);
    for (int i = 0; i < 10; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(count, 1);
    pauses_at_first = false;
    tcp_listener_resume(listener);
    run_until_accepted(3);
}

static void refuses_addresses_that_are_not_ours(void **state)
{
    (void)state;
    assert_int_equal(open_on("192.0.2.1", false, 0), -EADDRNOTAVAIL);
    assert_null(listener);
    struct tcp_listener_config config = {
        .free_bind = true, .on_connection = on_connection, .owner = &loop};
    assert_true(address_parse(TEXT("192.0.2.1"), &config.bind));
    assert_int_equal(tcp_listener_open(&loop, &config, &listener), 0);
}

int main(void)
{
#define LISTENER_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        LISTENER_TEST(hands_over_connections),
        LISTENER_TEST(tells_the_address_that_was_called),
        LISTENER_TEST(speaks_ip6_only_on_ip6),
        LISTENER_TEST(takes_a_bounded_number_a_turn),
        LISTENER_TEST(ports_are_shared_when_asked),
        LISTENER_TEST(rests_when_descriptors_run_out),
        LISTENER_TEST(may_be_closed_by_a_connection),
        LISTENER_TEST(connections_wait_while_it_is_paused),
        LISTENER_TEST(refuses_addresses_that_are_not_ours),
    };
    return cmocka_run_group_tests_name("tcp_listener", tests, NULL, NULL);
}
