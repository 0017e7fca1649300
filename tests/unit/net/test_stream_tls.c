/* SPDX-License-Identifier: Apache-2.0 */
/* Streams with TLS: handshakes at any split, back-pressure, ends, what is broken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "pem.h"
#include "stream_world.h"

static struct stream_world w;
static struct side side;
static struct peer peer;
static int version = TLS1_3_VERSION; /* each test runs with both */

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

static int set_up(void **state)
{
    version = *(const int *)*state;
    stream_world_init(&w);
    SSL_CTX_set_max_proto_version(w.client_tls, version);
    accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &side, &peer);
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

static const struct stream_counters *counters(void)
{
    return stream_hub_counters(w.hub);
}

static void shake_hands(void)
{
    peer_start_tls(&w, &peer);
    run_until(&w, &peer, side.opened == 1 && SSL_is_init_finished(peer.ssl));
    assert_int_equal(SSL_version(peer.ssl), version);
}

static uint8_t *pattern(size_t count)
{
    uint8_t *bytes = malloc(count);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    return bytes;
}

static void messages_pass_both_ways(void **state)
{
    (void)state;
    shake_hands();
    assert_int_equal(stream_transport(side.stream), STREAM_TLS);
    assert_int_equal(counter_get(&counters()->tls_opened), 1);
    assert_int_equal(counter_get(&counters()->half_open), 0);
    peer_say(&peer, "hello");
    run_until(&w, &peer, side_has_heard(&side, "hello"));
    const struct bytes parts[] = {bytes_of("wel", 3), bytes_of("come", 4)};
    assert_int_equal(stream_write(side.stream, parts, 2), 0);
    run_until(&w, &peer, peer_has_heard(&peer, "welcome"));
}

/* Moves what the client has written to the socket, one byte a turn of the loop. */
static void trickle(BIO *from)
{
    uint8_t byte;
    while (BIO_read(from, &byte, 1) == 1) {
        assert_int_equal(send(peer.fd, &byte, 1, MSG_NOSIGNAL), 1);
        world_turn(&w, NULL);
    }
}

static void the_handshake_may_come_byte_by_byte(void **state)
{
    (void)state;
    SSL *client = SSL_new(w.client_tls);
    BIO *to_client = BIO_new(BIO_s_mem()), *to_server = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(to_client, -1);
    SSL_set_bio(client, to_client, to_server);
    SSL_set_connect_state(client);
    uint64_t began = uv_hrtime();
    while (SSL_do_handshake(client) != 1 || side.opened == 0) {
        uint8_t buffer[4096];
        trickle(to_server);
        world_turn(&w, NULL);
        ssize_t len = recv(peer.fd, buffer, sizeof(buffer), 0);
        if (len > 0)
            BIO_write(to_client, buffer, (int)len);
        assert_true(uv_hrtime() - began < 10000000000ull);
    }
    assert_int_equal(SSL_write(client, "hello", 5), 5);
    trickle(to_server);
    run_until(&w, NULL, side.heard_len == 5);
    assert_int_equal(side.inputs, 1);
    SSL_free(client);
}

/* A certificate of 240 KiB does not fit into the way to a peer that does not read. */
static void the_handshake_may_have_to_wait_for_room(void **state)
{
    (void)state;
    enum { NAMES = 12000, NAME_LEN = 20 };
    char *names = malloc(NAMES * NAME_LEN + 1);
    for (unsigned i = 0; i < NAMES; i++)
        snprintf(names + i * NAME_LEN, NAME_LEN + 1, "DNS:na%05u.example,", i % 100000);
    names[NAMES * NAME_LEN - 1] = '\0';
    pem_make("big", names);
    free(names);
    struct tls_context *big;
    struct str why = {.data = NULL};
    struct tls_pair pair = {.certificate = pem_path("big.pem"), .key = pem_path("big.key")};
    assert_int_equal(
        tls_context_new(&(struct tls_config){.pairs = &pair, .pair_count = 1}, &big, &why), 0);

    struct side big_side = {.stream = NULL};
    struct peer big_peer;
    accept_side(&w, &(struct stream_accept_config){.tls = big}, &big_side, &big_peer);
    tls_context_unref(big);
    SSL_CTX_set_max_cert_list(w.client_tls, 1 << 20);
    peer_start_tls(&w, &big_peer);
    world_turns(&w, NULL);
    run_until(&w, &big_peer, big_side.opened == 1);
    peer_say(&big_peer, "hello");
    run_until(&w, &big_peer, big_side.heard_len == 5);
    side_done(&big_side);
    peer_close(&big_peer);
}

static void long_messages_pass(void **state)
{
    (void)state;
    enum { LEN = 60000 };
    uint8_t *bytes = pattern(LEN);
    shake_hands();
    side.keep = SIZE_MAX;
    peer_write(&peer, bytes, LEN);
    run_until(&w, &peer, stream_input(side.stream).len == LEN);
    assert_memory_equal(stream_input(side.stream).data, bytes, LEN);

    const struct bytes parts[] = {bytes_of(bytes, 20000), bytes_of(bytes + 20000, LEN - 20000)};
    assert_int_equal(stream_write(side.stream, parts, 2), 0);
    run_until(&w, &peer, peer.heard_len == LEN);
    assert_memory_equal(peer.heard, bytes, LEN);
    free(bytes);
}

/* More than the work space holds. */
static void very_long_messages_pass(void **state)
{
    (void)state;
    enum { LEN = 2 * STREAM_INPUT_MAX };
    uint8_t *bytes = pattern(LEN);
    shake_hands();
    stream_set_limits(side.stream, &(struct stream_limits){.output = LEN});
    struct bytes message = bytes_of(bytes, LEN);
    assert_int_equal(stream_write(side.stream, &message, 1), 0);
    run_until(&w, &peer, peer.heard_len == LEN);
    assert_memory_equal(peer.heard, bytes, LEN);
    assert_int_equal(side.drained, 1);
    free(bytes);
}

/* One record of 16 KiB, and room for 1000 bytes at a time: OpenSSL holds what the loop does not
 * see. */
static void a_record_may_be_longer_than_the_input(void **state)
{
    (void)state;
    enum { LEN = 16000 };
    uint8_t *bytes = pattern(LEN);
    shake_hands();
    stream_set_limits(side.stream, &(struct stream_limits){.input = 1000});
    peer_write(&peer, bytes, LEN);
    run_until(&w, &peer, side.heard_len == LEN);
    assert_memory_equal(side.heard, bytes, LEN);
    assert_true(side.inputs >= LEN / 1000);
    assert_int_equal(side.ends, 0);
    free(bytes);
}

static void pause_at_first(struct side *s)
{
    side_read(s);
    if (s->inputs == 1)
        stream_pause_input(s->stream);
}

static void a_pause_may_come_within_a_record(void **state)
{
    (void)state;
    uint8_t *bytes = pattern(3000);
    shake_hands();
    stream_set_limits(side.stream, &(struct stream_limits){.input = 1000});
    side.in_input = pause_at_first;
    peer_write(&peer, bytes, 3000);
    run_until(&w, &peer, side.inputs == 1);
    world_turns(&w, &peer);
    assert_int_equal(side.heard_len, 1000);
    stream_resume_input(side.stream);
    run_until(&w, &peer, side.heard_len == 3000);
    assert_memory_equal(side.heard, bytes, 3000);
    free(bytes);
}

static void a_slow_reader_is_bounded(void **state)
{
    (void)state;
    enum { LIMIT = 20500 };
    char message[1001];
    unsigned taken = 0;
    shake_hands();
    stream_set_limits(side.stream, &(struct stream_limits){.output = LIMIT});
    for (unsigned tries = 0; tries < 20000; tries++) {
        snprintf(message, sizeof(message), "%0*u", 1000, taken);
        const struct bytes parts[] = {bytes_of(message, 4), bytes_of(message + 4, 996)};
        int error = stream_write(side.stream, parts, 2);
        assert_true(error == 0 || error == -ENOBUFS);
        taken += error == 0;
    }
    assert_true(taken < 5000);
    assert_true(stream_unsent(side.stream) <= LIMIT);
    run_until(&w, &peer, side.drained == 1);
    run_until(&w, &peer, peer.heard_len == taken * (size_t)1000);
    for (unsigned number = 0; number < taken; number++) {
        snprintf(message, sizeof(message), "%0*u", 1000, number);
        assert_memory_equal(peer.heard + number * (size_t)1000, message, 1000);
    }
}

static void close_notify_is_an_end(void **state)
{
    (void)state;
    shake_hands();
    peer_say(&peer, "bye");
    SSL_shutdown(peer.ssl);
    run_until(&w, &peer, side.ends == 1);
    assert_int_equal(side.end, STREAM_PEER_CLOSED);
    assert_int_equal(side.error, 0);
    assert_true(side_has_heard(&side, "bye"));
    side_write(&side, "last words");
    run_until(&w, &peer, peer_has_heard(&peer, "last words"));
}

static void so_is_a_bare_fin(void **state)
{
    (void)state;
    shake_hands();
    shutdown(peer.fd, SHUT_WR);
    run_until(&w, &peer, side.ends == 1);
    assert_int_equal(side.end, STREAM_PEER_CLOSED);
}

static void closing_says_goodbye(void **state)
{
    (void)state;
    shake_hands();
    stream_close(side.stream);
    side.stream = NULL;
    run_until(&w, &peer, peer.was_told_end || peer.has_failed);
    assert_true(peer.was_told_end); /* close_notify */
}

static void the_end_comes_behind_what_is_unsent(void **state)
{
    (void)state;
    enum { LEN = 100000 };
    uint8_t *bytes = pattern(LEN);
    shake_hands();
    struct bytes message = bytes_of(bytes, LEN);
    assert_int_equal(stream_write(side.stream, &message, 1), 0);
    stream_shutdown_write(side.stream);
    assert_true(stream_unsent(side.stream) > 0);
    run_until(&w, &peer, peer.was_told_end);
    assert_int_equal(peer.heard_len, LEN);
    assert_memory_equal(peer.heard, bytes, LEN);
    peer_say(&peer, "thanks");
    run_until(&w, NULL, side_has_heard(&side, "thanks"));
    free(bytes);
}

static void a_reset_is_told(void **state)
{
    (void)state;
    shake_hands();
    world_turns(&w, &peer);
    peer_reset(&peer);
    run_until(&w, NULL, side.ends == 1);
    assert_int_equal(side.end, STREAM_RESET);
}

static void what_is_not_tls_fails(void **state)
{
    (void)state;
    peer_say(&peer, "\x16 is no handshake, not by far");
    run_until(&w, &peer, side.ends == 1);
    assert_int_equal(side.end, STREAM_TLS_ERROR);
    assert_int_equal(side.error, -EPROTO);
    assert_non_null(stream_tls_reason(side.stream));
    assert_int_equal(side.opened, 0);
    assert_int_equal(counter_get(&counters()->tls_failed), 1);
    assert_int_equal(counter_get(&counters()->tls_opened), 0);
}

static void a_broken_record_ends_it(void **state)
{
    (void)state;
    static const uint8_t forged[] = {0x17, 3, 3, 0, 32, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
        14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
    shake_hands();
    assert_int_equal(send(peer.fd, forged, sizeof(forged), MSG_NOSIGNAL), (int)sizeof(forged));
    run_until(&w, NULL, side.ends == 1);
    assert_int_equal(side.end, STREAM_TLS_ERROR);
    assert_int_equal(side.heard_len, 0);
    assert_string_equal(stream_tls_reason(side.stream), "decryption failed or bad record mac");
}

/* Cut in the header of the first record, in its body, and behind it. */
static void an_end_within_the_handshake_is_an_end(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        size_t len;
    } cases[] = {
        {"\x16", 1}, {"\x16\x03\x01\x02\x00\x01", 6}, {"\x16\x03\x01\x00\x04\x01\x00\x02\x00", 9}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct side short_side = {.stream = NULL};
        struct peer short_peer;
        accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &short_side, &short_peer);
        peer_write(&short_peer, cases[i].sent, cases[i].len);
        world_turns(&w, NULL);
        assert_int_equal(short_side.ends, 0);
        shutdown(short_peer.fd, SHUT_WR);
        run_until(&w, NULL, short_side.ends == 1);
        assert_int_equal(short_side.opened, 0);
        assert_false(stream_is_open(short_side.stream));
        side_done(&short_side);
        peer_close(&short_peer);
    }
}

static void a_reload_does_not_hurt_who_is_there(void **state)
{
    (void)state;
    struct side early = {.stream = NULL};
    struct peer early_peer;
    accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &early, &early_peer);
    shake_hands();
    tls_context_unref(w.tls); /* a new one takes its place */
    w.tls = NULL;
    peer_say(&peer, "hello");
    run_until(&w, &peer, side_has_heard(&side, "hello"));
    peer_start_tls(&w, &early_peer);
    run_until(&w, &early_peer, early.opened == 1);
    side_done(&early);
    peer_close(&early_peer);
}

enum { CROWD = 100 };

/* All have sent their ClientHello; one turn may not serve them all. */
static void handshakes_leave_time_for_others(void **state)
{
    (void)state;
    struct side *sides = calloc(CROWD, sizeof(*sides));
    struct peer *peers = calloc(CROWD, sizeof(*peers));
    for (size_t i = 0; i < CROWD; i++) {
        accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &sides[i], &peers[i]);
        peer_start_tls(&w, &peers[i]);
    }
    uv_run(&w.loop, UV_RUN_NOWAIT);
    size_t answered = 0, opened = 0;
    for (size_t i = 0; i < CROWD; i++) {
        peer_go_on(&peers[i]);
        answered += SSL_get_state(peers[i].ssl) != TLS_ST_CW_CLNT_HELLO;
    }
    assert_in_range(answered, 1, CROWD / 2);

    uint64_t began = uv_hrtime();
    while (opened < CROWD) {
        assert_true(uv_hrtime() - began < 20000000000ull);
        world_turn(&w, NULL);
        opened = 0;
        for (size_t i = 0; i < CROWD; i++) {
            peer_go_on(&peers[i]);
            opened += sides[i].opened;
        }
    }
    for (size_t i = 0; i < CROWD; i++) {
        side_done(&sides[i]);
        peer_close(&peers[i]);
    }
    free(sides);
    free(peers);
}

static void ring(uv_timer_t *timer)
{
    (void)timer;
}

/* How often the loop turns in 100 ms. */
static unsigned count_turns(void)
{
    uv_timer_t timer;
    unsigned turns = 0;
    uv_timer_init(&w.loop, &timer);
    uv_timer_start(&timer, ring, 100, 0);
    for (; uv_is_active((uv_handle_t *)&timer); turns++)
        uv_run(&w.loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&w.loop, UV_RUN_NOWAIT);
    return turns;
}

/* Who never goes on costs nobody else anything. */
static void the_half_open_do_not_hinder(void **state)
{
    (void)state;
    struct side *sides = calloc(CROWD, sizeof(*sides));
    struct peer *peers = calloc(CROWD, sizeof(*peers));
    for (size_t i = 0; i < CROWD; i++) {
        accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &sides[i], &peers[i]);
        peer_say(&peers[i], "\x16\x03\x01\x02");
    }
    world_turns(&w, NULL);
    assert_int_equal(counter_get(&counters()->half_open), CROWD + 1);
    assert_true(count_turns() < 10);
    shake_hands();
    assert_int_equal(counter_get(&counters()->half_open), CROWD);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(sides[i].opened + sides[i].ends, 0);
        side_done(&sides[i]);
        peer_close(&peers[i]);
    }
    free(sides);
    free(peers);
}

static const struct {
    const char *name;
    CMUnitTestFunction run;
} cases[] = {
#define CASE(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }
    CASE(messages_pass_both_ways),
    CASE(the_handshake_may_come_byte_by_byte),
    CASE(the_handshake_may_have_to_wait_for_room),
    CASE(long_messages_pass),
    CASE(very_long_messages_pass),
    CASE(a_record_may_be_longer_than_the_input),
    CASE(a_pause_may_come_within_a_record),
    CASE(a_slow_reader_is_bounded),
    CASE(close_notify_is_an_end),
    CASE(so_is_a_bare_fin),
    CASE(closing_says_goodbye),
    CASE(the_end_comes_behind_what_is_unsent),
    CASE(a_reset_is_told),
    CASE(what_is_not_tls_fails),
    CASE(a_broken_record_ends_it),
    CASE(an_end_within_the_handshake_is_an_end),
    CASE(a_reload_does_not_hurt_who_is_there),
    CASE(handshakes_leave_time_for_others),
    CASE(the_half_open_do_not_hinder),
};

int main(void)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct CMUnitTest tests[COUNT_OF(cases) * COUNT_OF(versions)];
    char names[COUNT_OF(tests)][64];
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        size_t c = i % COUNT_OF(cases), v = i / COUNT_OF(cases);
        snprintf(names[i], sizeof(names[i]), "%s (1.%zu)", cases[c].name, v + 2);
        tests[i] = (struct CMUnitTest){.name = names[i],
            .test_func = cases[c].run,
            .setup_func = set_up,
            .teardown_func = tear_down,
            .initial_state = (void *)(uintptr_t)&versions[v]};
    }
    return _cmocka_run_group_tests("stream_tls", tests, COUNT_OF(tests), make_files, remove_files);
}
