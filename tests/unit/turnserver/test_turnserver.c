/* SPDX-License-Identifier: Apache-2.0 */
/* The server over several workers: data between their clients, and what the operator does. */
#include "turnserver/turnserver.h"

#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/udp_socket.h"
#include "site.h"

enum { CLIENTS = 8 };

static struct site site;
static struct wire clients[CLIENTS];
static struct address relayed[CLIENTS];

static int set_up(void **state)
{
    (void)state;
    site = (struct site){.worker_count = SITE_WORKERS};
    site_start(&site);
    return 0;
}

/* With the clients still there. */
static int tear_down(void **state)
{
    (void)state;
    site_stop(&site);
    for (size_t i = 0; i < CLIENTS; i++) {
        if (clients[i].client.user != NULL)
            wire_close(&clients[i]);
        clients[i] = (struct wire){.fd = -1};
    }
    return 0;
}

static void allocate(size_t i, enum turn_transport transport, const char *user)
{
    site_client(&site, &clients[i], transport, user);
    assert_int_equal(wire_ask(&clients[i], STUN_ALLOCATE, "transport=17"), 0);
    relayed[i] = wire_relayed(&clients[i]);
}

/* Allocations of many UDP clients, which are not all one worker's, or almost never. */
static void allocate_all(void)
{
    for (size_t i = 0; i < CLIENTS; i++)
        allocate(i, TURN_UDP, i % 2 == 0 ? "alice" : "bob");
    site_list(&site, "", SITE_ROWS);
    assert_int_equal(site.row_count, CLIENTS);
}

static bool are_of_one_worker(void)
{
    for (size_t i = 1; i < site.row_count; i++)
        if (site.rows[i].worker != site.rows[0].worker)
            return false;
    return true;
}

static unsigned permit(size_t i, const struct address *peer)
{
    char line[128];
    return wire_ask(&clients[i], STUN_CREATE_PERMISSION, wire_line(line, "peer=%s", peer));
}

static unsigned bind_channel(size_t i, const struct address *peer)
{
    char line[128];
    return wire_ask(&clients[i], STUN_CHANNEL_BIND, wire_line(line, "channel=4001 peer=%s", peer));
}

/* --- data --- */

static void clients_of_all_workers_reach_each_other(void **state)
{
    (void)state;
    allocate_all();
    assert_false(are_of_one_worker());
    for (size_t i = 0; i < CLIENTS; i++) {
        size_t next = (i + 1) % CLIENTS;
        assert_int_equal(permit(i, &relayed[next]), 0);
        assert_int_equal(bind_channel(next, &relayed[i]), 0);
        char text[32];
        snprintf(text, sizeof(text), "from %zu", i);
        wire_send_data(&clients[i], &relayed[next], text);
        assert_true(wire_hears_channel(&clients[next], 0x4001, text));
        wire_send_channel(&clients[next], 0x4001, text);
        assert_true(wire_hears_data(&clients[i], &relayed[next], text));
    }
    struct turnserver_totals totals = site_totals(&site);
    assert_int_equal(totals.allocations, CLIENTS);
    assert_int_equal(totals.relay_ports_used, CLIENTS);
    assert_int_equal(totals.client_packets, 2 * CLIENTS);
    assert_int_equal(totals.peer_packets, 2 * CLIENTS);
}

static void all_transports_mix(void **state)
{
    (void)state;
    allocate(0, TURN_UDP, "alice");
    allocate(1, TURN_TCP, "bob");
    assert_int_equal(permit(0, &relayed[1]), 0);
    assert_int_equal(permit(1, &relayed[0]), 0);
    wire_send_data(&clients[0], &relayed[1], "over tcp?");
    assert_true(wire_hears_data(&clients[1], &relayed[0], "over tcp?"));
    wire_send_data(&clients[1], &relayed[0], "yes");
    assert_true(wire_hears_data(&clients[0], &relayed[1], "yes"));
}

/* --- a datagram that the kernel gives to the wrong worker --- */

static struct bytes write_request(struct wire *w, enum stun_method method, const char *line)
{
    static uint8_t request[1500];
    w->asked = stun_type(method, STUN_REQUEST);
    return bytes_of(request, client_write(&w->client, method, line, request, sizeof(request)));
}

static void another_worker_hands_it_over(void **state)
{
    (void)state;
    allocate(0, TURN_UDP, "alice");
    allocate(1, TURN_UDP, "bob");
    assert_int_equal(permit(0, &relayed[1]), 0);
    assert_int_equal(permit(1, &relayed[0]), 0);
    assert_int_equal(bind_channel(0, &relayed[1]), 0);
    unsigned owner = site_worker_of(&site, &clients[0]);
    for (unsigned i = 1; i < SITE_WORKERS; i++) {
        unsigned worker = (owner + i) % SITE_WORKERS;
        uint64_t before = site_totals(&site).handed_over;
        site_inject(&site, worker, &clients[0], write_request(&clients[0], STUN_REFRESH, ""), 0);
        assert_int_equal(wire_answer(&clients[0]), 0);
        assert_int_equal(site_totals(&site).handed_over, before + 1);
        site_inject(&site, worker, &clients[0],
            bytes_of((const uint8_t *)"\x40\x01\x00\x05hello\0\0\0", 12), 0);
        assert_true(wire_hears_data(&clients[1], &relayed[0], "hello"));
    }
    assert_int_equal(site_worker_of(&site, &clients[0]), owner);
}

/* RFC 8656, section 13: DSCP and ECN are carried over. */
static void the_traffic_class_is_handed_over(void **state)
{
    enum { CLASS = 0xb8 };
    struct udp_socket_config config = {.bind = site.client};
    struct address peer;
    int fd, one = 1;
    (void)state;
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    assert_int_equal(udp_socket_local(fd, &peer), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one)), 0);
    allocate(0, TURN_UDP, "alice");
    assert_int_equal(bind_channel(0, &peer), 0);
    unsigned owner = site_worker_of(&site, &clients[0]);
    for (unsigned i = 0; i < SITE_WORKERS; i++) {
        char text[8], control[64];
        struct iovec data = {.iov_base = text, .iov_len = sizeof(text)};
        struct msghdr m = {.msg_iov = &data,
            .msg_iovlen = 1,
            .msg_control = control,
            .msg_controllen = sizeof(control)};
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        site_inject(&site, (owner + i) % SITE_WORKERS, &clients[0],
            bytes_of((const uint8_t *)"\x40\x01\0\x05voice", 9), CLASS);
        assert_int_equal(poll(&wait, 1, 3000), 1);
        assert_int_equal(recvmsg(fd, &m, 0), 5);
        assert_memory_equal(text, "voice", 5);
        assert_int_equal(*CMSG_DATA(CMSG_FIRSTHDR(&m)), CLASS);
    }
    close(fd);
}

/* Who is nobody's client is answered where he is. */
static void nobodys_client_is_not_handed_over(void **state)
{
    (void)state;
    site_client(&site, &clients[0], TURN_UDP, "alice");
    for (unsigned worker = 0; worker < SITE_WORKERS; worker++) {
        site_inject(&site, worker, &clients[0], write_request(&clients[0], STUN_REFRESH, ""), 0);
        assert_int_equal(wire_answer(&clients[0]), STUN_ALLOCATION_MISMATCH);
    }
    assert_int_equal(site_totals(&site).handed_over, 0);
    /* Nor is who was a client once. */
    assert_int_equal(wire_ask(&clients[0], STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(wire_ask(&clients[0], STUN_REFRESH, "lifetime=0"), 0);
    uint64_t before = site_totals(&site).handed_over;
    for (unsigned worker = 0; worker < SITE_WORKERS; worker++) {
        site_inject(&site, worker, &clients[0], write_request(&clients[0], STUN_REFRESH, ""), 0);
        assert_int_equal(wire_answer(&clients[0]), STUN_ALLOCATION_MISMATCH);
    }
    assert_int_equal(site_totals(&site).handed_over, before);
}

/* An Allocate that comes again is no second one, wherever it comes. */
static void an_allocate_repeated_elsewhere_is_the_same(void **state)
{
    (void)state;
    site_client(&site, &clients[0], TURN_UDP, "alice");
    struct bytes request = write_request(&clients[0], STUN_ALLOCATE, "transport=17");
    site_inject(&site, 1, &clients[0], request, 0);
    assert_int_equal(wire_answer(&clients[0]), 0);
    struct address first = wire_relayed(&clients[0]);
    for (unsigned worker = 0; worker < SITE_WORKERS; worker++) {
        site_inject(&site, worker, &clients[0], request, 0);
        assert_int_equal(wire_answer(&clients[0]), 0);
        struct address again = wire_relayed(&clients[0]);
        assert_true(address_equal(&first, &again));
    }
    site_inject(
        &site, 2, &clients[0], write_request(&clients[0], STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(wire_answer(&clients[0]), STUN_ALLOCATION_MISMATCH);
    assert_int_equal(site_totals(&site).allocations, 1);
}

/* More sockets on the port: the kernel deals out the clients anew, as after a restart with another
 * number of workers. */
static void clients_are_found_when_the_kernel_deals_anew(void **state)
{
    enum { MANY = 40, EXTRA = 4 };
    static struct wire many[MANY];
    struct udp_socket_config config = {.bind = site.door, .reuse_port = true};
    int extra[EXTRA];
    size_t answered = 0;
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        site_client(&site, &many[i], TURN_UDP, "alice");
        assert_int_equal(wire_ask(&many[i], STUN_ALLOCATE, "transport=17"), 0);
    }
    for (size_t i = 0; i < EXTRA; i++)
        assert_int_equal(udp_socket_open(&config, &extra[i]), 0);
    for (size_t i = 0; i < MANY; i++) {
        many[i].wait_ms = 20;
        wire_request(&many[i], STUN_REFRESH, "");
        unsigned code = wire_answer(&many[i]);
        assert_true(code == 0 || code == ASK_SILENCE); /* the extra sockets answer nobody */
        answered += code == 0;
    }
    assert_true(answered > 0);
    assert_true(site_totals(&site).handed_over > 0);
    for (size_t i = 0; i < EXTRA; i++)
        close(extra[i]);
    for (size_t i = 0; i < MANY; i++) {
        many[i].wait_ms = WIRE_WAIT_MS;
        assert_int_equal(wire_ask(&many[i], STUN_REFRESH, ""), 0);
        wire_close(&many[i]);
    }
    assert_int_equal(site_totals(&site).allocations, MANY);
}

/* --- RFC 8016 --- */

/* The line for the next Refresh, from the ticket in the last answer. */
static void read_ticket(const struct wire *w, char line[256])
{
    struct bytes ticket;
    int len = snprintf(line, 256, "ticket=");
    assert_true(stun_find(&w->client.reply, STUN_MOBILITY_TICKET, &ticket));
    assert_in_range(ticket.len, 1, 100);
    for (size_t i = 0; i < ticket.len; i++)
        len += snprintf(line + len, 256 - (size_t)len, "%02x", ticket.data[i]);
}

/* A client whose address has changed comes to whichever worker; its allocation stays where it is.
 */
static void a_client_may_move(void **state)
{
    static struct wire places[12];
    (void)state;
    allocate(0, TURN_UDP, "bob");
    site_client(&site, &places[0], TURN_UDP, "alice");
    assert_int_equal(wire_ask(&places[0], STUN_ALLOCATE, "transport=17 ticket="), 0);
    struct address mobile = wire_relayed(&places[0]);
    char line[256], permission[128];
    read_ticket(&places[0], line);
    assert_int_equal(permit(0, &mobile), 0);
    unsigned owner = site_worker_of(&site, &places[0]);
    for (size_t i = 1; i < COUNT_OF(places); i++) {
        site_client(&site, &places[i], TURN_UDP, "alice");
        assert_int_equal(wire_ask(&places[i], STUN_REFRESH, line), 0);
        read_ticket(&places[i], line);
        assert_int_equal(wire_ask(&places[i], STUN_CREATE_PERMISSION,
                             wire_line(permission, "peer=%s", &relayed[0])),
            0);
        wire_send_data(&places[i], &relayed[0], "here I am");
        assert_true(wire_hears_data(&clients[0], &mobile, "here I am"));
        wire_send_data(&clients[0], &mobile, "so you are");
        assert_true(wire_hears_data(&places[i], &relayed[0], "so you are"));
        assert_int_equal(site_worker_of(&site, &places[i]), owner);
    }
    for (size_t i = 0; i < COUNT_OF(places); i++)
        wire_close(&places[i]);
}

/* --- relayed addresses --- */

/* That of the address which the client came to, else the first. */
static void a_relayed_address_is_near_its_client(void **state)
{
    static const struct {
        uint8_t relays[2];
        uint8_t expected;
    } cases[] = {{{3, 4}, 3}, {{3, 1}, 1}, {{1, 3}, 1}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        site_stop(&site);
        site = (struct site){.worker_count = 1};
        memcpy(site.relays, cases[i].relays, sizeof(site.relays));
        site_start(&site);
        allocate(0, TURN_UDP, "alice");
        assert_int_equal(relayed[0].ip[3], cases[i].expected);
        assert_int_equal(site_totals(&site).relay_ports, 1000);
        wire_close(&clients[0]);
    }
}

static void a_kept_port_is_anybodys_who_has_the_token(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < CLIENTS; i += 2) {
        char line[64];
        struct bytes token;
        site_client(&site, &clients[i], TURN_UDP, "alice");
        assert_int_equal(wire_ask(&clients[i], STUN_ALLOCATE, "transport=17 even=80"), 0);
        struct address even = wire_relayed(&clients[i]);
        assert_int_equal(even.port % 2, 0);
        assert_true(stun_find(&clients[i].client.reply, STUN_RESERVATION_TOKEN, &token));
        assert_int_equal(token.len, TURN_TOKEN_SIZE);
        int len = snprintf(line, sizeof(line), "transport=17 token=");
        for (size_t n = 0; n < token.len; n++)
            len += snprintf(line + len, sizeof(line) - (size_t)len, "%02x", token.data[n]);
        assert_int_equal(site_totals(&site).reservations, 1);
        site_client(&site, &clients[i + 1], TURN_UDP, "bob"); /* perhaps another worker's */
        assert_int_equal(wire_ask(&clients[i + 1], STUN_ALLOCATE, line), 0);
        assert_int_equal(wire_relayed(&clients[i + 1]).port, even.port + 1);
        assert_int_equal(site_totals(&site).reservations, 0);
    }
}

/* --- limits that workers share --- */

static void a_quota_counts_over_all_workers(void **state)
{
    (void)state;
    site_apply(&site, 3, NULL);
    for (size_t i = 0; i < 3; i++)
        allocate(i, TURN_UDP, "alice");
    for (unsigned worker = 0; worker < SITE_WORKERS; worker++) {
        site_client(&site, &clients[3], TURN_UDP, "alice");
        site_inject(&site, worker, &clients[3],
            write_request(&clients[3], STUN_ALLOCATE, "transport=17"), 0);
        assert_int_equal(wire_answer(&clients[3]), STUN_ALLOCATION_QUOTA_REACHED);
        wire_close(&clients[3]);
    }
    allocate(4, TURN_UDP, "bob");
    assert_int_equal(wire_ask(&clients[0], STUN_REFRESH, "lifetime=0"), 0);
    allocate(3, TURN_TCP, "alice");
    assert_int_equal(site_totals(&site).relay_ports_used, 4);
}

static void connections_of_one_address_are_limited(void **state)
{
    (void)state;
    site_stop(&site);
    site = (struct site){.worker_count = SITE_WORKERS, .max_connections_per_ip = 3};
    site_start(&site);
    for (size_t i = 0; i < 3; i++)
        site_client(&site, &clients[i], TURN_TCP, "alice");
    clients[3].wait_ms = 1000;
    assert_false(wire_start(&clients[3], TURN_TCP, &site.client, &site.door, "alice"));
    wire_close(&clients[0]);
    for (int i = 0; i < 100 && site_totals(&site).connections > 2; i++)
        usleep(10000);
    site_client(&site, &clients[0], TURN_TCP, "alice");
}

/* --- the operator --- */

static void the_operator_is_told_of_each(void **state)
{
    (void)state;
    allocate_all();
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct site_row *row = site_row_of(&site, &clients[i]);
        assert_non_null(row);
        assert_true(address_equal(&row->relayed, &relayed[i]));
        assert_string_equal(row->user, clients[i].client.user);
    }
    site_list(&site, "alice", SITE_ROWS);
    assert_int_equal(site.row_count, CLIENTS / 2);
    site_list(&site, "alice", 3);
    assert_int_equal(site.row_count, 3);
    site_list(&site, "nobody", SITE_ROWS);
    assert_int_equal(site.row_count, 0);
    site_list(&site, "", 0);
    assert_int_equal(site.row_count, 0);
}

static void the_operator_ends_one_or_all_of_a_user(void **state)
{
    (void)state;
    allocate_all();
    uint64_t id = site_row_of(&site, &clients[1])->id;
    assert_int_equal(site_kill(&site, id, ""), 1);
    assert_int_equal(site_kill(&site, id, ""), 0);
    assert_int_equal(wire_ask(&clients[1], STUN_REFRESH, ""), STUN_ALLOCATION_MISMATCH);
    assert_int_equal(wire_ask(&clients[0], STUN_REFRESH, ""), 0);
    assert_int_equal(site_kill(&site, 0, "alice"), CLIENTS / 2);
    assert_int_equal(wire_ask(&clients[0], STUN_REFRESH, ""), STUN_ALLOCATION_MISMATCH);
    assert_int_equal(wire_ask(&clients[3], STUN_REFRESH, ""), 0);
    struct turnserver_totals totals = site_totals(&site);
    assert_int_equal(totals.allocations, CLIENTS / 2 - 1);
    assert_int_equal(totals.allocations_killed, CLIENTS / 2 + 1);
}

/* So that he comes back and is refused, instead of talking into the void. */
static void a_connection_ends_with_its_allocation(void **state)
{
    (void)state;
    allocate(0, TURN_TCP, "alice");
    allocate(1, TURN_TCP, "bob");
    assert_int_equal(site_kill(&site, 0, "alice"), 1);
    assert_true(wire_is_closed(&clients[0]));
    assert_int_equal(wire_ask(&clients[1], STUN_REFRESH, ""), 0);
    assert_int_equal(site_totals(&site).connections, 1);
}

static bool was_taken(struct site *s)
{
    site_list(s, "", 1); /* behind the settings in each mailbox */
    return true;
}

static void new_settings_reach_every_worker(void **state)
{
    (void)state;
    allocate_all();
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(permit(i, &relayed[0]), 0);
    site_apply(&site, 0, "127.0.0.0/8");
    site_run_until(&site, was_taken);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(permit(i, &relayed[0]), STUN_FORBIDDEN);
    assert_int_equal(site_totals(&site).permissions, 0);
    site_apply(&site, 0, NULL);
    site_run_until(&site, was_taken);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(permit(i, &relayed[0]), 0);
}

/* --- life --- */

static void workers_join_one_by_one(void **state)
{
    (void)state;
    site_stop(&site);
    site = (struct site){.worker_count = SITE_WORKERS};
    site_start_some(&site, 1);
    allocate(0, TURN_UDP, "alice");
    for (unsigned i = 1; i < SITE_WORKERS; i++) {
        site_start_worker(&site);
        assert_int_equal(site_totals(&site).allocations, 1);
        wire_request(&clients[0], STUN_REFRESH, ""); /* wherever it goes */
        assert_int_equal(wire_answer(&clients[0]), 0);
    }
}

static void the_operator_asks_while_workers_stop(void **state)
{
    (void)state;
    allocate_all();
    site_ask_list(&site, "", SITE_ROWS);
    site_ask_kill(&site, 0, "alice");
    site_ask_list(&site, "bob", SITE_ROWS);
    site_stop_workers(&site);
    site_ask_list(&site, "", SITE_ROWS); /* nobody is there any more */
    site_ask_kill(&site, 0, "bob");
    site_apply(&site, 1, NULL);
    assert_int_equal(site_totals(&site).allocations, 0);
    site_stop_control(&site);

    site = (struct site){.worker_count = 1};
    site_start(&site);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(clients_of_all_workers_reach_each_other),
        WITH_SITE(all_transports_mix),
        WITH_SITE(another_worker_hands_it_over),
        WITH_SITE(the_traffic_class_is_handed_over),
        WITH_SITE(nobodys_client_is_not_handed_over),
        WITH_SITE(an_allocate_repeated_elsewhere_is_the_same),
        WITH_SITE(clients_are_found_when_the_kernel_deals_anew),
        WITH_SITE(a_client_may_move),
        WITH_SITE(a_relayed_address_is_near_its_client),
        WITH_SITE(a_kept_port_is_anybodys_who_has_the_token),
        WITH_SITE(a_quota_counts_over_all_workers),
        WITH_SITE(connections_of_one_address_are_limited),
        WITH_SITE(the_operator_is_told_of_each),
        WITH_SITE(the_operator_ends_one_or_all_of_a_user),
        WITH_SITE(a_connection_ends_with_its_allocation),
        WITH_SITE(new_settings_reach_every_worker),
        WITH_SITE(workers_join_one_by_one),
        WITH_SITE(the_operator_asks_while_workers_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
