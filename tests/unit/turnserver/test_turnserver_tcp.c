/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: to peers (RFC 6062), from worker to worker, over TLS and DTLS. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "../net/pem.h"
#include "dtls/server.h"
#include "net/sockaddr.h"
#include "net/tcp_socket.h"
#include "site.h"

enum { WAIT_MS = 3000 };

static struct site site;
static struct wire control, data;
static struct address relayed;
static int listener = -1, peer = -1; /* of the peer */
static struct address peer_at;

/* --- the peer --- */

static bool wait_for(int fd, short events)
{
    struct pollfd wait = {.fd = fd, .events = events};
    return poll(&wait, 1, WAIT_MS) == 1;
}

static void listen_as_peer(void)
{
    struct tcp_socket_config config = {.bind = site.client};
    assert_int_equal(tcp_socket_listen(&config, &listener), 0);
    assert_int_equal(address_of_socket(listener, &peer_at), 0);
}

static void accept_as_peer(void)
{
    struct address from;
    assert_true(wait_for(listener, POLLIN));
    assert_int_equal(tcp_socket_accept(listener, &from, &peer), 0);
    assert_true(address_equal(&from, &relayed));
}

static void connect_as_peer(void)
{
    assert_int_equal(tcp_socket_connect(&peer_at, &relayed, &peer), 0);
    assert_true(wait_for(peer, POLLOUT));
    assert_int_equal(tcp_socket_error(peer), 0);
}

static void peer_says(const char *text)
{
    assert_int_equal(send(peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static bool peer_hears(const char *text)
{
    char heard[256] = "";
    size_t len = 0;
    while (len < strlen(text) && wait_for(peer, POLLIN)) {
        ssize_t more = recv(peer, heard + len, sizeof(heard) - 1 - len, 0);
        if (more <= 0)
            break;
        len += (size_t)more;
    }
    return strcmp(heard, text) == 0;
}

static bool peer_is_closed(void)
{
    char byte;
    return wait_for(peer, POLLIN) && recv(peer, &byte, 1, 0) <= 0;
}

/* --- the client --- */

/* What came with the last answer is read already. */
static bool data_hears(const char *text)
{
    char heard[256] = "";
    size_t len = data.input_len - data.message_len;
    assert_true(len < sizeof(heard));
    memcpy(heard, data.input + data.message_len, len);
    data.input_len = data.message_len = 0;
    while (len < strlen(text) && wait_for(data.fd, POLLIN)) {
        ssize_t more = recv(data.fd, heard + len, sizeof(heard) - 1 - len, 0);
        if (more <= 0)
            break;
        len += (size_t)more;
    }
    return strcmp(heard, text) == 0;
}

static void allocate_tcp(void)
{
    site_client(&site, &control, TURN_TCP, "alice");
    assert_int_equal(wire_ask(&control, STUN_ALLOCATE, "transport=6"), 0);
    relayed = wire_relayed(&control);
}

/* Returns the CONNECTION-ID. */
static uint32_t connect_to_peer(void)
{
    char line[128];
    assert_int_equal(wire_ask(&control, STUN_CONNECT, wire_line(line, "peer=%s", &peer_at)), 0);
    accept_as_peer();
    return reply_u32(&control.client, STUN_CONNECTION_ID);
}

static const char *bind_line(uint32_t id)
{
    static char line[32];
    snprintf(line, sizeof(line), "id=%u", id);
    return line;
}

static void open_data(void)
{
    assert_true(wire_open(&data, TURN_TCP, &site.client, &site.door, "alice"));
    memcpy(data.client.nonce, control.client.nonce, sizeof(data.client.nonce));
    data.client.nonce_len = control.client.nonce_len;
}

/* Nonces are bound to a client's address and port. */
static void start_data(void)
{
    site_client(&site, &data, TURN_TCP, "alice");
}

static void bind_data(uint32_t id)
{
    start_data();
    assert_int_equal(wire_ask(&data, STUN_CONNECTION_BIND, bind_line(id)), 0);
}

static bool has_no_connection(struct site *s)
{
    return site_totals(s).tcp_connections == 0;
}

static bool has_one_connection(struct site *s)
{
    return site_totals(s).connections == 1;
}

/* The client first, then the peer; then another connection between them may be made. */
static void hang_up(void)
{
    wire_close(&data);
    assert_true(peer_is_closed());
    close(peer);
    peer = -1;
    site_run_until(&site, has_no_connection);
}

static void close_all(void)
{
    wire_close(&data);
    wire_close(&control);
    if (peer >= 0)
        close(peer);
    if (listener >= 0)
        close(listener);
    listener = peer = -1;
}

static int set_up(void **state)
{
    (void)state;
    site = (struct site){.worker_count = SITE_WORKERS};
    control.fd = data.fd = -1;
    site_start(&site);
    listen_as_peer();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_stop(&site);
    close_all();
    return 0;
}

/* --- RFC 6062 --- */

static void data_flows_both_ways(void **state)
{
    (void)state;
    allocate_tcp();
    bind_data(connect_to_peer());
    assert_true(wire_send(&data, text_bytes(TEXT("to the peer"))));
    assert_true(peer_hears("to the peer"));
    peer_says("to the client");
    assert_true(data_hears("to the client"));
    close(peer);
    peer = -1;
    assert_true(wire_is_closed(&data));
    assert_int_equal(wire_ask(&control, STUN_REFRESH, ""), 0);
}

/* The kernel chooses the worker of each connection: with so many rounds it was surely another. */
static void a_data_connection_moves_to_the_allocation(void **state)
{
    (void)state;
    allocate_tcp();
    for (int round = 0; round < 24; round++) {
        bind_data(connect_to_peer());
        peer_says("hello client");
        assert_true(data_hears("hello client"));
        assert_true(wire_send(&data, text_bytes(TEXT("hello peer"))));
        assert_true(peer_hears("hello peer"));
        hang_up();
    }
    assert_true(site_totals(&site).handed_over > 0);
    assert_int_equal(site_totals(&site).allocations, 1);
}

/* It goes on counting for its address, once, on whichever worker. */
static void a_connection_that_has_moved_still_counts(void **state)
{
    (void)state;
    site_stop(&site);
    site = (struct site){.worker_count = SITE_WORKERS, .max_connections_per_ip = 2};
    site_start(&site);
    allocate_tcp();
    for (int round = 0; round < 16; round++) {
        struct wire third = {.wait_ms = 100};
        bind_data(connect_to_peer());
        assert_false(wire_start(&third, TURN_TCP, &site.client, &site.door, "alice"));
        hang_up();
        site_run_until(&site, has_one_connection);
    }
    assert_true(site_totals(&site).handed_over > 0);
}

/* What a client writes behind its ConnectionBind, without waiting, and what the peer had said
 * before. */
static void nothing_around_the_bind_is_lost(void **state)
{
    (void)state;
    allocate_tcp();
    for (int round = 0; round < 12; round++) {
        uint32_t id = connect_to_peer();
        uint8_t both[1500];
        start_data();
        peer_says("early bird");
        size_t len =
            client_write(&data.client, STUN_CONNECTION_BIND, bind_line(id), both, sizeof(both));
        memcpy(both + len, "impatient", 9);
        data.asked = stun_type(STUN_CONNECTION_BIND, STUN_REQUEST);
        assert_true(wire_send(&data, bytes_of(both, len + 9)));
        assert_true(peer_hears("impatient"));
        uint8_t answer[256];
        size_t got = 0;
        while (got < 10 || memcmp(answer + got - 10, "early bird", 10) != 0) {
            assert_true(wait_for(data.fd, POLLIN));
            ssize_t more = recv(data.fd, answer + got, sizeof(answer) - got, 0);
            assert_true(more > 0);
            got += (size_t)more;
        }
        assert_int_equal(client_read(&data.client, bytes_of(answer, got - 10), data.asked), 0);
        hang_up();
    }
}

static void a_peer_that_connects_is_announced(void **state)
{
    char line[128];
    struct stun_message m;
    struct bytes value;
    uint32_t id = 0;
    (void)state;
    close(listener); /* it calls from that port */
    listener = -1;
    allocate_tcp();
    assert_int_equal(
        wire_ask(&control, STUN_CREATE_PERMISSION, wire_line(line, "peer=%s", &peer_at)), 0);
    connect_as_peer();
    peer_says("before it is bound");
    struct bytes message = wire_receive(&control);
    assert_int_equal(stun_parse(message, &m), STUN_OK);
    assert_int_equal(m.type, stun_type(STUN_CONNECTION_ATTEMPT, STUN_INDICATION));
    assert_true(stun_find(&m, STUN_CONNECTION_ID, &value) && stun_read_u32(value, &id));
    bind_data(id);
    assert_true(data_hears("before it is bound"));
}

/* With a stranger's nonce the id of another worker is no use. */
static void a_connection_is_for_its_user(void **state)
{
    (void)state;
    allocate_tcp();
    uint32_t id = connect_to_peer();
    for (int i = 0; i < 8; i++) {
        site_client(&site, &data, TURN_TCP, "bob");
        assert_int_equal(
            wire_ask(&data, STUN_CONNECTION_BIND, bind_line(id)), STUN_WRONG_CREDENTIALS);
        wire_close(&data);
        open_data();
        assert_int_equal(wire_ask(&data, STUN_CONNECTION_BIND, bind_line(id)), STUN_STALE_NONCE);
        wire_close(&data);
        start_data();
        assert_int_equal(
            wire_ask(&data, STUN_CONNECTION_BIND, bind_line(id ^ 1)), STUN_BAD_REQUEST);
        /* A worker that does not exist. */
        assert_int_equal(
            wire_ask(&data, STUN_CONNECTION_BIND, bind_line(id | 0xff000000)), STUN_BAD_REQUEST);
        wire_close(&data);
    }
    bind_data(id);
    assert_true(wire_send(&data, text_bytes(TEXT("at last"))));
    assert_true(peer_hears("at last"));
}

static void all_ends_with_the_allocation(void **state)
{
    (void)state;
    allocate_tcp();
    bind_data(connect_to_peer());
    assert_int_equal(site_totals(&site).tcp_connections, 1);
    assert_int_equal(site_kill(&site, 0, "alice"), 1);
    assert_true(peer_is_closed());
    assert_true(wire_is_closed(&data));
    assert_true(wire_is_closed(&control));
    site_list(&site, "", 1); /* when the worker is through with it */
    struct turnserver_totals totals = site_totals(&site);
    assert_int_equal(totals.tcp_connections, 0);
    assert_int_equal(totals.connections, 0);
    assert_int_equal(totals.relay_ports_used, 0);
}

static void the_control_connection_takes_all_with_it(void **state)
{
    (void)state;
    allocate_tcp();
    bind_data(connect_to_peer());
    wire_close(&control);
    assert_true(wire_is_closed(&data));
    assert_true(peer_is_closed());
}

/* Ten workers' worth of bytes through buffers that are smaller. */
static void a_slow_reader_slows_the_sender(void **state)
{
    enum { PART = 64 * 1024, TOTAL = 8 * 1024 * 1024 };
    static uint8_t block[PART];
    size_t sent = 0, got = 0;
    (void)state;
    allocate_tcp();
    bind_data(connect_to_peer());
    for (size_t i = 0; i < PART; i++)
        block[i] = (uint8_t)(i % 251);
    while (got < TOTAL) {
        if (sent < TOTAL) {
            ssize_t len =
                send(data.fd, block + sent % PART, PART - sent % PART, MSG_NOSIGNAL | MSG_DONTWAIT);
            assert_true(len > 0 || errno == EAGAIN);
            sent += len > 0 ? (size_t)len : 0;
        } else {
            assert_true(wait_for(peer, POLLIN));
        }
        uint8_t part[1000];
        ssize_t len = recv(peer, part, sizeof(part), MSG_DONTWAIT);
        for (ssize_t i = 0; i < len; i++)
            assert_int_equal(part[i], block[(got + (size_t)i) % PART]);
        got += len > 0 ? (size_t)len : 0;
        if (len < 0)
            wait_for(peer, POLLIN);
    }
    assert_int_equal(sent, got);
}

/* --- TLS and DTLS --- */

static int set_up_tls(void **state)
{
    struct str why = {0};
    (void)state;
    site = (struct site){.worker_count = SITE_WORKERS};
    control.fd = data.fd = -1;
    pem_init();
    pem_make("site", "DNS:site.example");
    const struct tls_pair pair = {.certificate = pem_path("site.pem"), .key = pem_path("site.key")};
    const struct tls_config config = {
        .pairs = &pair, .pair_count = 1, .prepare_datagrams = dtls_server_prepare};
    assert_int_equal(tls_context_new(&config, &site.tls, &why), 0);
    pem_done();
    site_start(&site);
    return 0;
}

static void secure_clients_relay_too(void **state)
{
    static struct wire udp;
    struct address other;
    char line[128];
    const enum turn_transport transport = (enum turn_transport)(uintptr_t)*state;
    site_client(&site, &udp, TURN_UDP, "bob");
    assert_int_equal(wire_ask(&udp, STUN_ALLOCATE, "transport=17"), 0);
    other = wire_relayed(&udp);
    site_client(&site, &control, transport, "alice");
    assert_int_equal(wire_ask(&control, STUN_ALLOCATE, "transport=17"), 0);
    relayed = wire_relayed(&control);
    wire_ask(&control, STUN_CREATE_PERMISSION, wire_line(line, "peer=%s", &other));
    wire_ask(&udp, STUN_CREATE_PERMISSION, wire_line(line, "peer=%s", &relayed));
    wire_send_data(&control, &other, "safe");
    assert_true(wire_hears_data(&udp, &relayed, "safe"));
    wire_send_data(&udp, &relayed, "sound");
    assert_true(wire_hears_data(&control, &other, "sound"));
    assert_int_equal(site_kill(&site, 0, "alice"), 1);
    assert_true(wire_is_closed(&control));
    wire_close(&udp);
}

static void a_tls_connection_moves(void **state)
{
    (void)state;
    listen_as_peer();
    allocate_tcp();
    for (int round = 0; round < 8; round++) {
        uint32_t id = connect_to_peer();
        site_client(&site, &data, TURN_TLS, "alice");
        assert_int_equal(wire_ask(&data, STUN_CONNECTION_BIND, bind_line(id)), 0);
        assert_true(wire_send(&data, text_bytes(TEXT("sealed"))));
        assert_true(peer_hears("sealed"));
        hang_up();
    }
    assert_true(site_totals(&site).handed_over > 0);
}

/* --- who does nothing --- */

static bool has_two_left(struct site *s)
{
    struct turnserver_totals totals = site_totals(s);
    return totals.connections == 1 && totals.dtls_sessions == 1;
}

/* A connection or session without an allocation is closed after a while, one with it stays. */
static void idle_clients_are_closed(void **state)
{
    static const enum turn_transport transports[] = {TURN_TCP, TURN_TLS, TURN_DTLS, TURN_DTLS};
    static struct wire idle[COUNT_OF(transports)];
    (void)state;
    struct tls_context *tls = tls_context_ref(site.tls);
    site_stop(&site);
    site = (struct site){.worker_count = 2, .idle_timeout_s = 1, .tls = tls};
    site_start(&site);
    site_client(&site, &control, TURN_TCP, "alice");
    assert_int_equal(wire_ask(&control, STUN_ALLOCATE, "transport=17"), 0);
    site_client(&site, &data, TURN_DTLS, "bob");
    assert_int_equal(wire_ask(&data, STUN_ALLOCATE, "transport=17"), 0);
    for (size_t i = 0; i < COUNT_OF(idle); i++)
        site_client(&site, &idle[i], transports[i], "alice");
    site_run_until(&site, has_two_left);
    assert_int_equal(site_totals(&site).connections_idle, COUNT_OF(idle));
    for (size_t i = 0; i < COUNT_OF(idle); i++) {
        assert_true(wire_is_closed(&idle[i]));
        wire_close(&idle[i]);
    }
    /* Without its allocation it is like the others. */
    assert_int_equal(wire_ask(&control, STUN_REFRESH, "lifetime=0"), 0);
    assert_int_equal(wire_ask(&data, STUN_REFRESH, "lifetime=0"), 0);
    assert_true(wire_is_closed(&control));
    assert_true(wire_is_closed(&data));
}

/* The records of a session that another worker has. */
static void dtls_records_are_handed_over(void **state)
{
    (void)state;
    site_client(&site, &control, TURN_DTLS, "alice");
    assert_int_equal(wire_ask(&control, STUN_ALLOCATE, "transport=17"), 0);
    unsigned owner = site_worker_of(&site, &control);
    /* No record of ours is known there, but that is the owner's to see. */
    const uint8_t record[] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 99, 0, 4, 1, 2, 3, 4};
    for (unsigned i = 1; i < SITE_WORKERS; i++)
        site_inject(
            &site, (owner + i) % SITE_WORKERS, &control, bytes_of(record, sizeof(record)), 0);
    assert_int_equal(wire_ask(&control, STUN_REFRESH, ""), 0);
    site_list(&site, "", 1); /* behind what was injected */
    assert_int_equal(site_totals(&site).handed_over, SITE_WORKERS - 1);
    assert_int_equal(site_totals(&site).dtls_sessions, 1);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define WITH_TLS(test) cmocka_unit_test_setup_teardown(test, set_up_tls, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(data_flows_both_ways),
        WITH_SITE(a_data_connection_moves_to_the_allocation),
        WITH_SITE(a_connection_that_has_moved_still_counts),
        WITH_SITE(nothing_around_the_bind_is_lost),
        WITH_SITE(a_peer_that_connects_is_announced),
        WITH_SITE(a_connection_is_for_its_user),
        WITH_SITE(all_ends_with_the_allocation),
        WITH_SITE(the_control_connection_takes_all_with_it),
        WITH_SITE(a_slow_reader_slows_the_sender),
        {"tls_clients_relay_too", secure_clients_relay_too, set_up_tls, tear_down,
            (void *)(uintptr_t)TURN_TLS},
        {"dtls_clients_relay_too", secure_clients_relay_too, set_up_tls, tear_down,
            (void *)(uintptr_t)TURN_DTLS},
        WITH_TLS(a_tls_connection_moves),
        WITH_TLS(idle_clients_are_closed),
        WITH_TLS(dtls_records_are_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
