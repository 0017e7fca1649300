/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/server_session.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "server_world.h"

static void open_session(struct world *w)
{
    world_init(w);
    world_start_client(w);
    world_run(w, w->now_ms + 1000);
    assert_true(w->client.is_open);
    assert_non_null(w->session);
    assert_int_equal(dtls_session_state(w->session), DTLS_SESSION_OPEN);
    assert_null(dtls_session_failure(w->session));
}

/* The client still hears and is heard. */
static void expect_echo(struct world *w, const char *record)
{
    char expected[64];
    w->heard[0] = w->client.heard[0] = '\0';
    world_client_says(w, record);
    world_run(w, w->now_ms + 1000);
    snprintf(expected, sizeof(expected), "%s|", record);
    assert_string_equal(w->heard, expected);
    assert_string_equal(w->client.heard, expected);
}

static void records_pass_both_ways(void **state)
{
    (void)state;
    struct world w;
    open_session(&w);
    assert_int_equal(w.sessions, 1);
    assert_string_equal(SSL_get_version(w.client.ssl), "DTLSv1.2");
    assert_int_equal(dtls_session_due_ms(w.session), DTLS_NEVER);
    world_client_says(&w, "one");
    world_client_says(&w, "two");
    world_run(&w, w.now_ms + 1000);
    assert_string_equal(w.heard, "one|two|");
    assert_string_equal(w.client.heard, "one|two|");
    assert_true(w.to_client.longest <= 1200);
    world_done(&w);
}

static void records_in_one_datagram_are_told_apart(void **state)
{
    (void)state;
    struct world w;
    uint8_t joined[WORLD_DATAGRAM];
    size_t len = 0;
    open_session(&w);
    world_client_says(&w, "one");
    world_client_says(&w, "two");
    for (size_t i = 0; i < w.to_server.count; i++) {
        memcpy(joined + len, w.to_server.queue[i].data, w.to_server.queue[i].len);
        len += w.to_server.queue[i].len;
    }
    w.to_server.count = 0;
    world_deliver(&w, bytes_of(joined, len));
    assert_string_equal(w.heard, "one|two|");
    world_done(&w);
}

static void data_may_come_at_once(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.say_when_open = "hello";
    world_start_client(&w);
    world_run(&w, w.now_ms + 1000);
    assert_string_equal(w.client.heard, "hello|");
    world_done(&w);
}

static void survives_the_loss_of_any_one_datagram(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 10; number++) {
        for (int direction = 0; direction < 2; direction++) {
            struct world w;
            world_init(&w);
            struct world_link *link = direction == 0 ? &w.to_server : &w.to_client;
            link->drop_mask = 1u << number;
            world_start_client(&w);
            world_run(&w, w.now_ms + 20000);
            assert_true(w.client.is_open);
            assert_int_equal(dtls_session_state(w.session), DTLS_SESSION_OPEN);
            link->drop_mask = 0;
            expect_echo(&w, "ping");
            world_done(&w);
        }
    }
}

static void survives_chaos(void **state)
{
    (void)state;
    struct gen g = gen_start();
    for (int round = 0; round < 20; round++) {
        struct world w;
        world_init(&w);
        w.chaos = &g;
        w.loss_percent = 10;
        world_start_client(&w);
        world_run(&w, w.now_ms + 29000);
        assert_true(w.client.is_open);
        assert_int_equal(dtls_session_state(w.session), DTLS_SESSION_OPEN);
        w.chaos = NULL;
        expect_echo(&w, "ping");
        world_done(&w);
    }
}

/* The client shows that it has received the cookie, and nothing more. */
static void start_and_fall_silent(struct world *w)
{
    world_init(w);
    w->to_server.drop_mask = ~(uint64_t)3;
    world_start_client(w);
    world_run(w, w->now_ms + 3 * WORLD_LATENCY_MS);
    assert_non_null(w->session);
    SSL_free(w->client.ssl);
    w->client = (struct world_client){.has_failed = true};
}

static void gives_up_in_time(void **state)
{
    (void)state;
    struct world w;
    start_and_fall_silent(&w);
    uint64_t began = w.now_ms;
    size_t sent = w.to_client.sent;
    w.to_client.count = 0;
    assert_int_equal(dtls_session_due_ms(w.session), began + 50);
    while (dtls_session_state(w.session) == DTLS_SESSION_HANDSHAKING) {
        w.to_client.count = 0;
        uint64_t due = dtls_session_due_ms(w.session);
        assert_true(due > w.now_ms);
        world_run(&w, due);
    }
    assert_int_equal(w.now_ms - began, DTLS_HANDSHAKE_MS);
    assert_int_equal(dtls_session_state(w.session), DTLS_SESSION_FAILED);
    assert_string_equal(dtls_session_failure(w.session), "timeout");
    assert_int_equal(dtls_session_due_ms(w.session), DTLS_NEVER);
    assert_true(w.to_client.sent > sent + 5);
    assert_int_equal(dtls_session_send(w.session, bytes_of("x", 1)), -ENOTCONN);
    world_done(&w);
}

static void bounds_the_handshake(void **state)
{
    (void)state;
    struct world w;
    start_and_fall_silent(&w);
    static const uint8_t fragment[] = {0x16, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0};
    for (int i = 0; i < DTLS_HANDSHAKE_DATAGRAMS; i++)
        assert_int_equal(dtls_session_receive(w.session, bytes_of(fragment, sizeof(fragment)), 0),
            DTLS_SESSION_HANDSHAKING);
    assert_int_equal(dtls_session_receive(w.session, bytes_of(fragment, sizeof(fragment)), 0),
        DTLS_SESSION_FAILED);
    assert_string_equal(dtls_session_failure(w.session), "too much handshake");
    world_done(&w);
}

static void a_stranger_cannot_end_a_session(void **state)
{
    (void)state;
    static const uint8_t alert[] = {
        0x15, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40}; /* handshake_failure */
    static const uint8_t goodbye[] = {0x15, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 98, 0, 2, 1, 0};
    static const uint8_t forged[] = {0x17, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 99, 0, 24, 1, 2, 3, 4,
        5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};
    const struct bytes words[] = {bytes_of(alert, sizeof(alert)),
        bytes_of(goodbye, sizeof(goodbye)), bytes_of(forged, sizeof(forged))};
    struct world w;
    open_session(&w);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        size_t sent = w.to_client.sent;
        world_deliver(&w, words[i]);
        assert_int_equal(w.to_client.sent, sent);
        assert_int_equal(dtls_session_state(w.session), DTLS_SESSION_OPEN);
    }
    expect_echo(&w, "still here");
    world_done(&w);
}

static void a_client_may_start_anew(void **state)
{
    (void)state;
    struct world w;
    open_session(&w);
    struct dtls_session *old = w.session;
    struct world_datagram hello = world_take_hello(&w);
    assert_false(dtls_session_owns(old, bytes_of(hello.data, hello.len)));

    /* It has proven nothing yet: the old session stands. */
    world_deliver(&w, bytes_of(hello.data, hello.len));
    assert_ptr_equal(w.session, old);
    assert_int_equal(w.sessions, 1);
    world_run(&w, w.now_ms + 1000);
    assert_int_equal(w.sessions, 2);
    assert_true(w.client.is_open);
    expect_echo(&w, "again");
    world_done(&w);
}

static void a_late_copy_of_the_hello_is_its_own(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_start_client(&w);
    world_run(&w, w.now_ms + 2 * WORLD_LATENCY_MS);
    assert_int_equal(w.to_server.count, 1); /* with cookie */
    struct world_datagram copy = w.to_server.queue[0];
    world_run(&w, w.now_ms + 1000);
    assert_true(w.client.is_open);
    assert_true(dtls_session_owns(w.session, bytes_of(copy.data, copy.len)));
    size_t sent = w.to_client.sent;
    world_deliver(&w, bytes_of(copy.data, copy.len));
    assert_int_equal(w.to_client.sent, sent);
    assert_int_equal(w.sessions, 1);
    expect_echo(&w, "ping");
    world_done(&w);
}

static void both_sides_may_say_goodbye(void **state)
{
    (void)state;
    struct world w;
    open_session(&w);
    dtls_session_close(w.session);
    assert_int_equal(dtls_session_state(w.session), DTLS_SESSION_CLOSED);
    world_run(&w, w.now_ms + 1000);
    assert_true(w.client.was_told_goodbye);
    assert_int_equal(dtls_session_send(w.session, bytes_of("x", 1)), -ENOTCONN);
    dtls_session_close(w.session); /* harmless */
    world_done(&w);

    open_session(&w);
    SSL_shutdown(w.client.ssl);
    world_run(&w, w.now_ms + 1000);
    assert_int_equal(dtls_session_state(w.session), DTLS_SESSION_CLOSED);
    assert_null(dtls_session_failure(w.session));
    world_done(&w);
}

static void an_end_in_the_handshake_sends_no_goodbye(void **state)
{
    (void)state;
    struct world w;
    start_and_fall_silent(&w);
    size_t sent = w.to_client.sent;
    dtls_session_close(w.session);
    assert_int_equal(dtls_session_state(w.session), DTLS_SESSION_CLOSED);
    assert_int_equal(w.to_client.sent, sent);
    world_done(&w);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    static uint8_t big[16385];
    struct world w;
    open_session(&w);
    assert_int_equal(dtls_session_send(w.session, bytes_of(big, sizeof(big))), -EMSGSIZE);
    assert_int_equal(dtls_session_send(w.session, bytes_of(big, 0)), -EMSGSIZE);
    expect_echo(&w, "ping");
    world_done(&w);
}

static void old_versions_fail(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    SSL_CTX_set_security_level(w.client_context, 0);
    SSL_CTX_set_min_proto_version(w.client_context, DTLS1_VERSION);
    SSL_CTX_set_max_proto_version(w.client_context, DTLS1_VERSION);
    world_start_client(&w);
    world_run(&w, w.now_ms + 1000);
    assert_int_equal(dtls_session_state(w.session), DTLS_SESSION_FAILED);
    assert_string_equal(dtls_session_failure(w.session), "unsupported protocol");
    assert_true(w.client.has_failed);
    world_done(&w);
}

static void a_renewed_certificate_is_for_new_sessions(void **state)
{
    (void)state;
    struct world w;
    open_session(&w);
    struct dtls_certificate *renewed = dtls_certificate_new(1700000000);
    SSL_CTX *context = world_server_context(renewed);
    dtls_server_set_context(w.server, context);
    SSL_CTX_free(context);
    expect_echo(&w, "ping");
    assert_int_equal(
        X509_cmp(SSL_get0_peer_certificate(w.client.ssl), dtls_certificate_x509(w.certificate)), 0);

    world_start_client(&w);
    world_run(&w, w.now_ms + 1000);
    assert_int_equal(
        X509_cmp(SSL_get0_peer_certificate(w.client.ssl), dtls_certificate_x509(renewed)), 0);
    expect_echo(&w, "pong");
    dtls_certificate_unref(renewed);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_pass_both_ways),
        cmocka_unit_test(records_in_one_datagram_are_told_apart),
        cmocka_unit_test(data_may_come_at_once),
        cmocka_unit_test(survives_the_loss_of_any_one_datagram),
        cmocka_unit_test(survives_chaos),
        cmocka_unit_test(gives_up_in_time),
        cmocka_unit_test(bounds_the_handshake),
        cmocka_unit_test(a_stranger_cannot_end_a_session),
        cmocka_unit_test(a_client_may_start_anew),
        cmocka_unit_test(a_late_copy_of_the_hello_is_its_own),
        cmocka_unit_test(both_sides_may_say_goodbye),
        cmocka_unit_test(an_end_in_the_handshake_sends_no_goodbye),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(old_versions_fail),
        cmocka_unit_test(a_renewed_certificate_is_for_new_sessions),
    };
    return cmocka_run_group_tests_name("server_session", tests, NULL, NULL);
}
