/* SPDX-License-Identifier: Apache-2.0 */
#include "net/control_socket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/udp_socket.h"

enum { LARGEST = 65507 }; /* of IPv4: 65,535 less the IP and UDP headers */

static unsigned requests;

/* Echoes; pauses and closes at the requests "pause" and "stop". */
static void echo(void *owner, struct control_socket *socket, const struct control_peer *peer,
    struct bytes request)
{
    assert_ptr_equal(owner, &requests);
    requests++;
    if (bytes_equal(request, bytes_of("stop", 4)))
        control_socket_close(socket);
    else if (bytes_equal(request, bytes_of("pause", 5)))
        control_socket_pause(socket);
    else
        assert_int_equal(control_socket_send(socket, peer, request), 0);
}

struct bench {
    uv_loop_t loop;
    struct control_socket *socket;
    int client;
    struct address to;
};

static void start(struct bench *b, const char *listen, const char *client)
{
    struct control_socket_config config = {.on_request = echo, .owner = &requests};
    struct udp_socket_config mine = {.receive_buffer = 1 << 20};
    requests = 0;
    assert_true(address_parse(text_from(listen), &config.listen));
    assert_true(address_parse(text_from(client), &mine.bind));
    assert_int_equal(uv_loop_init(&b->loop), 0);
    assert_int_equal(control_socket_open(&b->loop, &config, &b->socket), 0);
    assert_int_equal(udp_socket_open(&mine, &b->client), 0);
    b->to = *control_socket_address(b->socket);
}

static void ask(struct bench *b, const void *data, size_t len)
{
    assert_int_equal(udp_socket_send(b->client, bytes_of(data, len), NULL, &b->to), 0);
}

static void finish(struct bench *b)
{
    ask(b, "stop", 4);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    close(b->client);
}

static void answers_the_largest_request(void **state)
{
    (void)state;
    struct bench b;
    struct udp_datagram reply;
    uint8_t *data = malloc(LARGEST + 1), *got = malloc(LARGEST + 1);
    assert_non_null(data);
    assert_non_null(got);
    for (size_t i = 0; i < LARGEST; i++)
        data[i] = (uint8_t)(i * 7);
    start(&b, "127.0.0.1", "127.0.0.1");
    ask(&b, data, LARGEST);
    while (requests < 1)
        uv_run(&b.loop, UV_RUN_ONCE);
    assert_int_equal(udp_socket_receive(b.client, got, LARGEST + 1, &reply), 0);
    assert_true(bytes_equal(reply.bytes, bytes_of(data, LARGEST)));
    ask(&b, "", 0);
    finish(&b);
    assert_int_equal(requests, 3);
    free(data);
    free(got);
}

static void answers_from_the_address_asked(void **state)
{
    (void)state;
    struct bench b;
    struct udp_datagram reply;
    char buffer[8];
    start(&b, "0.0.0.0", "127.0.0.1");
    assert_true(address_parse(TEXT("127.0.0.3"), &b.to));
    b.to.port = control_socket_address(b.socket)->port;
    ask(&b, "hello", 5);
    while (requests == 0)
        uv_run(&b.loop, UV_RUN_ONCE);
    assert_int_equal(udp_socket_receive(b.client, buffer, sizeof(buffer), &reply), 0);
    assert_true(address_equal(&reply.remote, &b.to));
    assert_int_equal(reply.bytes.len, 5);
    finish(&b);
}

static void a_port_in_use_is_an_error(void **state)
{
    (void)state;
    struct bench b;
    struct control_socket *second = NULL;
    start(&b, "127.0.0.1", "127.0.0.1");
    struct control_socket_config config = {.listen = b.to, .on_request = echo, .owner = &requests};
    assert_int_equal(control_socket_open(&b.loop, &config, &second), -EADDRINUSE);
    assert_null(second);
    control_socket_close(NULL);
    finish(&b);
}

static void an_address_may_come_later(void **state)
{
    (void)state;
    struct control_socket_config config = {.on_request = echo, .owner = &requests};
    struct control_socket *socket;
    struct bench b;
    start(&b, "127.0.0.1", "127.0.0.1");
    assert_false(control_socket_is_absent(b.socket));
    assert_true(address_parse(TEXT("192.0.2.1"), &config.listen));
    assert_int_equal(control_socket_open(&b.loop, &config, &socket), 0);
    assert_true(control_socket_is_absent(socket));
    assert_true(address_same_ip(control_socket_address(socket), &config.listen));
    control_socket_close(socket);
    finish(&b);
}

/* What comes meanwhile is not refused, and replies still go out. */
static void a_paused_socket_takes_no_requests(void **state)
{
    (void)state;
    struct bench b;
    struct udp_datagram reply;
    struct control_peer peer;
    char buffer[8];
    start(&b, "127.0.0.1", "127.0.0.1");
    ask(&b, "pause", 5);
    ask(&b, "later", 5);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    assert_int_equal(requests, 1);
    peer.local = b.to;
    assert_int_equal(udp_socket_local(b.client, &peer.remote), 0);
    assert_int_equal(control_socket_send(b.socket, &peer, bytes_of("well", 4)), 0);
    assert_int_equal(udp_socket_receive(b.client, buffer, sizeof(buffer), &reply), 0);
    control_socket_close(b.socket);
    uv_run(&b.loop, UV_RUN_DEFAULT);
    assert_int_equal(requests, 1);
    assert_int_equal(uv_loop_close(&b.loop), 0);
    close(b.client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_the_largest_request),
        cmocka_unit_test(answers_from_the_address_asked),
        cmocka_unit_test(a_port_in_use_is_an_error),
        cmocka_unit_test(an_address_may_come_later),
        cmocka_unit_test(a_paused_socket_takes_no_requests),
    };
    return cmocka_run_group_tests_name("control_socket", tests, NULL, NULL);
}
