/* SPDX-License-Identifier: Apache-2.0 */
/* How streams begin: sniffing, PROXY headers, connecting. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "hex.h"
#include "net/sockaddr.h"
#include "net/tcp_socket.h"
#include "pem.h"
#include "stream_world.h"

#define PROXY_SIGNATURE "0d0a0d0a000d0a515549540a"
/* 192.0.2.1:1000 speaks to 192.0.2.2:3478 over TCP; an extension of 3 bytes follows. */
#define PROXY_TCP4 PROXY_SIGNATURE "21 11 0012 c0000201 c0000202 03e8 0d96 040003 616263"
#define PROXY_LOCAL PROXY_SIGNATURE "20 00 0000"

static struct stream_world w;
static struct side side;
static struct peer peer;

static int set_up(void **state)
{
    (void)state;
    stream_world_init(&w);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    side_done(&side);
    peer_close(&peer);
    stream_world_done(&w);
    return 0;
}

static int make_files(void **state)
{
    (void)state;
    pem_init();
    pem_make("server", "DNS:turn.example");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    pem_done();
    return 0;
}

static const struct stream_counters *counters(void)
{
    return stream_hub_counters(w.hub);
}

static void the_first_byte_tells(void **state)
{
    (void)state;
    accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &side, &peer);
    assert_int_equal(counter_get(&counters()->streams), 1);
    assert_int_equal(counter_get(&counters()->half_open), 1);
    world_turns(&w, &peer);
    assert_false(stream_is_open(side.stream));
    struct bytes word = bytes_of("x", 1);
    assert_int_equal(stream_write(side.stream, &word, 1), -ENOTCONN);
    assert_int_equal(stream_input(side.stream).len, 0);

    peer_say(&peer, "hello");
    run_until(&w, &peer, side.heard_len == 5);
    assert_true(side_has_heard(&side, "hello"));
    assert_int_equal(side.opened, 1);
    assert_int_equal(side.ends, 0);
    assert_int_equal(stream_transport(side.stream), STREAM_TCP);
    assert_int_equal(counter_get(&counters()->half_open), 0);

    struct address ours;
    assert_int_equal(address_of_socket(peer.fd, &ours), 0);
    assert_true(address_equal(stream_client(side.stream), &ours));
    assert_int_equal(stream_local(side.stream)->family, ADDRESS_IP4);
    side_write(&side, "welcome");
    run_until(&w, &peer, peer_has_heard(&peer, "welcome"));
}

static void tls_is_for_who_has_certificates(void **state)
{
    (void)state;
    accept_side(&w, &(struct stream_accept_config){.tls = NULL}, &side, &peer);
    peer_say(&peer, "\x16\x03\x01");
    run_until(&w, &peer, side.heard_len == 3);
    assert_int_equal(stream_transport(side.stream), STREAM_TCP);
}

static void a_raw_stream_is_open_at_once(void **state)
{
    (void)state;
    struct stream_accept_config config = {.opening = STREAM_RAW, .tls = w.tls};
    accept_side(&w, &config, &side, &peer);
    assert_true(stream_is_open(side.stream));
    assert_int_equal(counter_get(&counters()->half_open), 0);
    side_write(&side, "first");
    run_until(&w, &peer, peer_has_heard(&peer, "first"));
    peer_say(&peer, "\x16\x03");
    run_until(&w, &peer, side.heard_len == 2);
    assert_int_equal(side.opened, 0);
}

struct start_case {
    const char *name;
    bool expects_proxy;
    const char *hex; /* what the peer sends */
    bool in_single_bytes;
    const char *heard; /* NULL: it ends before */
    const char *client;
    enum stream_end end;
};

static const struct start_case start_cases[] = {
    {"PROXY header", true, PROXY_TCP4 "6869", false, "hi", "192.0.2.1:1000", 0},
    {"PROXY header, byte by byte", true, PROXY_TCP4 "6869", true, "hi", "192.0.2.1:1000", 0},
    {"PROXY header of a health check", true, PROXY_LOCAL "6869", false, "hi", NULL, 0},
    {"no PROXY header", true, "474554202f", false, NULL, NULL, STREAM_PROXY_ERROR},
    {"no PROXY header, one byte", true, "16", false, NULL, NULL, STREAM_PROXY_ERROR},
    {"PROXY version 1", true, "50524f5859205443503420", false, NULL, NULL, STREAM_PROXY_ERROR},
    {"PROXY header too long", true, PROXY_SIGNATURE "2111ffff", false, NULL, NULL,
        STREAM_PROXY_ERROR},
    {"end in the PROXY header", true, PROXY_SIGNATURE "2111", false, NULL, NULL,
        STREAM_PEER_CLOSED},
    {"end behind the PROXY header", true, PROXY_TCP4, false, NULL, "192.0.2.1:1000",
        STREAM_PEER_CLOSED},
    {"end before the first byte", false, "", false, NULL, NULL, STREAM_PEER_CLOSED},
};

static void begins_as_expected(void **state)
{
    const struct start_case *c = *state;
    struct bytes words = from_hex(c->hex);
    stream_world_init(&w);
    accept_side(&w, &(struct stream_accept_config){.tls = w.tls, .expects_proxy = c->expects_proxy},
        &side, &peer);
    for (size_t i = 0; i < words.len && c->in_single_bytes; i++) {
        peer_write(&peer, words.data + i, 1);
        world_turn(&w, &peer);
    }
    if (!c->in_single_bytes && words.len > 0)
        peer_write(&peer, words.data, words.len);
    free((void *)words.data);

    if (c->heard != NULL) {
        run_until(&w, &peer, side.heard != NULL && side_has_heard(&side, c->heard));
        assert_int_equal(side.opened, 1);
    } else {
        shutdown(peer.fd, SHUT_WR);
        run_until(&w, &peer, side.ends == 1);
        assert_int_equal(side.end, c->end);
        assert_int_equal(side.opened, 0);
        assert_int_equal(stream_input(side.stream).len, 0);
        assert_false(stream_is_open(side.stream));
    }
    if (c->client != NULL) {
        char text[ADDRESS_TEXT_SIZE];
        assert_string_equal(address_text(stream_client(side.stream), text), c->client);
    }
    tear_down(NULL);
}

static void tls_may_follow_a_proxy_header(void **state)
{
    (void)state;
    struct bytes header = from_hex(PROXY_TCP4);
    accept_side(
        &w, &(struct stream_accept_config){.tls = w.tls, .expects_proxy = true}, &side, &peer);
    peer_write(&peer, header.data, header.len);
    free((void *)header.data);
    peer_start_tls(&w, &peer);
    run_until(&w, &peer, side.opened == 1 && SSL_is_init_finished(peer.ssl));
    assert_int_equal(stream_transport(side.stream), STREAM_TLS);
    assert_int_equal(stream_client(side.stream)->port, 1000);
    peer_say(&peer, "hello");
    run_until(&w, &peer, side.heard_len == 5);
}

static void a_reset_may_come_before_the_first_byte(void **state)
{
    (void)state;
    accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &side, &peer);
    peer_reset(&peer);
    run_until(&w, NULL, side.ends == 1);
    assert_int_equal(side.end, STREAM_RESET);
    assert_int_equal(side.error, -ECONNRESET);
    assert_int_equal(counter_get(&counters()->half_open), 1); /* until it is closed */
}

/* A listening socket of the test's own. */
static int listen_anywhere(int backlog, bool share_port, struct address *address)
{
    struct tcp_socket_config config = {.backlog = backlog, .share_port = share_port};
    int fd;
    assert_true(address_parse(TEXT("127.0.0.1"), &config.bind));
    assert_int_equal(tcp_socket_listen(&config, &fd), 0);
    assert_int_equal(address_of_socket(fd, address), 0);
    return fd;
}

static int connect_side(const struct address *local, const struct address *remote)
{
    struct stream_connect_config config = {.remote = *remote, .hooks = &side_hooks, .owner = &side};
    if (local != NULL)
        config.local = *local;
    return stream_connect(w.hub, &config, &side.stream);
}

static void connects(void **state)
{
    (void)state;
    struct address remote;
    int listening = listen_anywhere(1, false, &remote);
    peer = (struct peer){.fd = -1};
    assert_int_equal(connect_side(NULL, &remote), 0);
    assert_false(stream_is_open(side.stream));
    assert_int_equal(counter_get(&counters()->half_open), 1);
    run_until(&w, NULL, side.opened == 1);
    assert_int_equal(counter_get(&counters()->half_open), 0);
    assert_true(address_equal(stream_client(side.stream), &remote));

    struct address from;
    assert_int_equal(tcp_socket_accept(listening, &from, &peer.fd), 0);
    assert_true(address_equal(stream_local(side.stream), &from));
    side_write(&side, "ping");
    run_until(&w, &peer, peer_has_heard(&peer, "ping"));
    peer_say(&peer, "pong");
    run_until(&w, &peer, side_has_heard(&side, "pong"));
    close(listening);
}

/* RFC 6062, section 5.2: from the relayed address, which listens as well. */
static void connects_from_an_address_that_listens(void **state)
{
    (void)state;
    struct address relayed, remote, from;
    int relay = listen_anywhere(4, true, &relayed);
    int listening = listen_anywhere(1, false, &remote);
    peer = (struct peer){.fd = -1};
    assert_int_equal(connect_side(&relayed, &remote), 0);
    run_until(&w, NULL, side.opened == 1);
    assert_int_equal(tcp_socket_accept(listening, &from, &peer.fd), 0);
    assert_true(address_equal(&from, &relayed));

    /* A second to another peer, and one that comes in. */
    struct address other, any = {.family = ADDRESS_NONE};
    int second, incoming, listening2 = listen_anywhere(1, false, &other);
    assert_int_equal(tcp_socket_connect(&relayed, &other, &second), 0);
    assert_int_equal(tcp_socket_connect(&any, &relayed, &incoming), 0);
    int accepted, error;
    while ((error = tcp_socket_accept(relay, &from, &accepted)) == -EAGAIN)
        world_turn(&w, NULL);
    assert_int_equal(error, 0);
    close(accepted), close(incoming), close(second);
    close(relay), close(listening), close(listening2);
}

static void a_refused_connection_is_told(void **state)
{
    (void)state;
    struct address remote;
    close(listen_anywhere(1, false, &remote));
    peer = (struct peer){.fd = -1};
    int error = connect_side(NULL, &remote);
    if (error == 0) {
        run_until(&w, NULL, side.ends == 1);
        assert_int_equal(side.end, STREAM_CONNECT_FAILED);
        error = side.error;
    }
    assert_int_equal(error, -ECONNREFUSED);
    assert_int_equal(side.opened, 0);
}

static void who_waits_too_long_is_closed(void **state)
{
    (void)state;
    /* A queue that is full does not answer. */
    struct address remote, any = {.family = ADDRESS_NONE};
    int listening = listen_anywhere(1, false, &remote), waiting[4];
    for (size_t i = 0; i < COUNT_OF(waiting); i++)
        assert_int_equal(tcp_socket_connect(&any, &remote, &waiting[i]), 0);
    peer = (struct peer){.fd = -1};
    assert_int_equal(connect_side(NULL, &remote), 0);
    world_turns(&w, NULL);
    assert_int_equal(side.opened + side.ends, 0);
    stream_close(side.stream);
    side.stream = NULL;
    world_turns(&w, NULL);
    assert_int_equal(side.opened + side.ends, 0);
    for (size_t i = 0; i < COUNT_OF(waiting); i++)
        close(waiting[i]);
    close(listening);
}

static void errors_at_once_make_no_stream(void **state)
{
    (void)state;
    struct address remote, local;
    int listening = listen_anywhere(1, false, &remote);
    peer = (struct peer){.fd = -1};
    assert_true(address_parse(TEXT("192.0.2.1"), &local)); /* not ours */
    assert_int_equal(connect_side(&local, &remote), -EADDRNOTAVAIL);
    assert_true(address_parse(TEXT("::1"), &local));
    assert_true(connect_side(&local, &remote) < 0); /* families differ */
    assert_int_equal(counter_get(&counters()->streams), 0);
    assert_int_equal(
        stream_accept(w.hub, &(struct stream_accept_config){.fd = -1}, &side.stream), -EBADF);
    close(listening);
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test_setup_teardown(the_first_byte_tells, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tls_is_for_who_has_certificates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_raw_stream_is_open_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tls_may_follow_a_proxy_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reset_may_come_before_the_first_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connects_from_an_address_that_listens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_connection_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_too_long_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_at_once_make_no_stream, set_up, tear_down),
    };
    struct CMUnitTest tests[COUNT_OF(start_cases) + COUNT_OF(others)];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(start_cases); i++)
        tests[count++] = (struct CMUnitTest){.name = start_cases[i].name,
            .test_func = begins_as_expected,
            .initial_state = (void *)(uintptr_t)&start_cases[i]};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        tests[count++] = others[i];
    return _cmocka_run_group_tests("stream_start", tests, count, make_files, remove_files);
}
