/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait until the control thread has found a user in the database. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/sockaddr.h"
#include "net/tcp_socket.h"
#include "site.h"
#include "turnserver/lookup.h"

static struct site site;
static struct wire client, other;

static int set_up(void **state)
{
    (void)state;
    site = (struct site){.worker_count = SITE_WORKERS, .database = SITE_HESITATES};
    client.fd = other.fd = -1;
    client.wait_ms = other.wait_ms = 0;
    site_start(&site);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_stop(&site);
    wire_close(&client);
    wire_close(&other);
    return 0;
}

static bool has_lookup(struct site *s)
{
    return s->lookup_count > 0;
}

/* Behind all that was posted to the workers. */
static uint64_t allocations(void)
{
    site_list(&site, "", 1);
    return site_totals(&site).allocations;
}

static void who_is_found_at_once(void **state)
{
    const enum turn_transport transport = (enum turn_transport)(uintptr_t)*state;
    site.database = SITE_ANSWERS;
    site_client(&site, &client, transport, "carol");
    assert_int_equal(site_ask(&site, &client, STUN_ALLOCATE, "transport=17"), 0);
    assert_true(client.client.reply_is_signed);
    assert_int_equal(site_totals(&site).lookups, 1);
    /* He is known now. */
    assert_int_equal(wire_ask(&client, STUN_REFRESH, ""), 0);
    site_client(&site, &other, TURN_UDP, "carol");
    assert_int_equal(wire_ask(&other, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(site_totals(&site).lookups, 1);
}

static void who_is_not_found_is_refused(void **state)
{
    const enum turn_transport transport = (enum turn_transport)(uintptr_t)*state;
    site.database = SITE_ANSWERS;
    site_client(&site, &client, transport, "mallory");
    assert_int_equal(site_ask(&site, &client, STUN_ALLOCATE, "transport=17"), STUN_UNAUTHORIZED);
    assert_int_equal(wire_ask(&client, STUN_ALLOCATE, "transport=17"), STUN_UNAUTHORIZED);
    assert_int_equal(site_totals(&site).lookups, 1);
}

static void an_answer_may_take_its_time(void **state)
{
    const enum turn_transport transport = (enum turn_transport)(uintptr_t)*state;
    site_client(&site, &client, transport, "carol");
    wire_request(&client, STUN_ALLOCATE, "transport=17");
    site_run_until(&site, has_lookup);
    client.wait_ms = 30;
    assert_int_equal(wire_answer(&client), ASK_SILENCE);
    assert_int_equal(allocations(), 0);
    /* Nobody else waits with him. */
    site_client(&site, &other, transport, "alice");
    assert_int_equal(wire_ask(&other, STUN_ALLOCATE, "transport=17"), 0);
    site_answer(&site);
    client.wait_ms = WIRE_WAIT_MS;
    assert_int_equal(wire_answer(&client), 0);
}

/* A client that does not hear repeats its request (RFC 8489, section 6.2.1). */
static bool has_three_lookups(struct site *s)
{
    return s->lookup_count == 3;
}

static void repeated_requests_make_one_allocation(void **state)
{
    (void)state;
    site_client(&site, &client, TURN_UDP, "carol");
    wire_request(&client, STUN_ALLOCATE, "transport=17");
    for (int i = 0; i < 2; i++) {
        client.client.repeat = true;
        wire_request(&client, STUN_ALLOCATE, "transport=17");
    }
    site_run_until(&site, has_three_lookups);
    site_answer(&site);
    assert_int_equal(wire_answer(&client), 0);
    struct address first = wire_relayed(&client);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wire_answer(&client), 0);
        struct address again = wire_relayed(&client);
        assert_true(address_equal(&first, &again));
    }
    assert_int_equal(allocations(), 1);
}

static void who_has_hung_up_gets_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        site_client(&site, &client, TURN_TCP, "carol");
        wire_request(&client, STUN_ALLOCATE, "transport=17");
        site_run_until(&site, has_lookup);
        wire_close(&client);
        while (site_totals(&site).connections > 0)
            usleep(1000);
        site_answer(&site);
        assert_int_equal(allocations(), 0);
        user_cache_forget_all(site.cache);
    }
}

/* The answer to what was asked before a ConnectionBind is not for the peer's data (RFC 6062,
 * section 4.4): on the worker that has the allocation, or on another that the connection leaves. */
static void a_bound_connection_is_no_clients(void **state)
{
    struct tcp_socket_config config = {.bind = site.client};
    struct address at, from;
    struct pollfd wait = {.events = POLLIN};
    char line[128], heard[64];
    int listener, peer;
    (void)state;
    assert_int_equal(tcp_socket_listen(&config, &listener), 0);
    assert_int_equal(address_of_socket(listener, &at), 0);
    wait.fd = listener;
    for (int round = 0; round < 16; round++) {
        site_client(&site, &other, TURN_TCP, "alice");
        assert_int_equal(wire_ask(&other, STUN_ALLOCATE, "transport=6"), 0);
        assert_int_equal(wire_ask(&other, STUN_CONNECT, wire_line(line, "peer=%s", &at)), 0);
        assert_int_equal(poll(&wait, 1, 3000), 1);
        assert_int_equal(tcp_socket_accept(listener, &from, &peer), 0);
        snprintf(line, sizeof(line), "id=%u", reply_u32(&other.client, STUN_CONNECTION_ID));

        site_client(&site, &client, TURN_TCP, "carol");
        wire_request(&client, STUN_ALLOCATE, "transport=17");
        site_run_until(&site, has_lookup);
        client.client.user = "alice";
        client.client.password = "wonder";
        assert_int_equal(wire_ask(&client, STUN_CONNECTION_BIND, line), 0);
        site_answer(&site);
        assert_int_equal(allocations(), 1);
        assert_int_equal(send(peer, "from the peer", 13, MSG_NOSIGNAL), 13);
        struct pollfd data = {.fd = client.fd, .events = POLLIN};
        assert_int_equal(poll(&data, 1, 3000), 1);
        assert_int_equal(recv(client.fd, heard, sizeof(heard), 0), 13);
        assert_memory_equal(heard, "from the peer", 13);
        wire_close(&client);
        wire_close(&other);
        close(peer);
        while (allocations() > 0)
            usleep(1000);
        user_cache_forget_all(site.cache);
    }
    close(listener);
}

/* Whoever asks for names without end loses his requests, not our memory. */
static void no_more_wait_than_fit(void **state)
{
    enum { MORE = 50 };
    (void)state;
    site_client(&site, &client, TURN_TCP, "carol");
    for (int i = 0; i < MAX_LOOKUPS + MORE; i++)
        wire_request(&client, STUN_REFRESH, "");
    for (int i = 0; i < 5000 && site_totals(&site).lookups_refused < MORE; i++) {
        site_run(&site);
        usleep(1000);
    }
    assert_int_equal(site_totals(&site).lookups_refused, MORE);
    site_run(&site);
    assert_int_equal(site.lookup_count, MAX_LOOKUPS);
    site_answer(&site);
    site_list(&site, "", SITE_ROWS); /* is answered behind them: workers take them in bit by bit */
    user_cache_forget_all(site.cache);
    site.database = SITE_ANSWERS;
    assert_int_equal(site_ask(&site, &client, STUN_ALLOCATE, "transport=17"), 0);
}

/* Redis is away, and comes back when the workers have gone; site_stop() answers then. */
static void an_answer_may_come_too_late(void **state)
{
    (void)state;
    site_client(&site, &client, TURN_UDP, "carol");
    site_client(&site, &other, TURN_TCP, "carol");
    wire_request(&client, STUN_ALLOCATE, "transport=17");
    wire_request(&other, STUN_ALLOCATE, "transport=17");
    site_run_until(&site, has_lookup);
}

/* The requests are still in the mailbox of the control thread then. */
static void a_question_may_come_too_late(void **state)
{
    (void)state;
    site_client(&site, &client, TURN_UDP, "carol");
    site_client(&site, &other, TURN_TCP, "carol");
    wire_request(&client, STUN_ALLOCATE, "transport=17");
    wire_request(&other, STUN_ALLOCATE, "transport=17");
    while (site_totals(&site).lookups < 2)
        usleep(1000);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define OVER(name, test, transport)                                                                \
    {                                                                                              \
        name, test, set_up, tear_down, (void *)(uintptr_t)(transport)                              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER("who_is_found_at_once_udp", who_is_found_at_once, TURN_UDP),
        OVER("who_is_found_at_once_tcp", who_is_found_at_once, TURN_TCP),
        OVER("who_is_not_found_is_refused_udp", who_is_not_found_is_refused, TURN_UDP),
        OVER("who_is_not_found_is_refused_tcp", who_is_not_found_is_refused, TURN_TCP),
        OVER("an_answer_may_take_its_time_udp", an_answer_may_take_its_time, TURN_UDP),
        OVER("an_answer_may_take_its_time_tcp", an_answer_may_take_its_time, TURN_TCP),
        WITH_SITE(repeated_requests_make_one_allocation),
        WITH_SITE(who_has_hung_up_gets_nothing),
        WITH_SITE(a_bound_connection_is_no_clients),
        WITH_SITE(no_more_wait_than_fit),
        WITH_SITE(an_answer_may_come_too_late),
        WITH_SITE(a_question_may_come_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
