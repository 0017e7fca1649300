/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_world.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "net/sockaddr.h"
#include "net/tcp_socket.h"
#include "pem.h"

void stream_world_init(struct stream_world *w)
{
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    assert_int_equal(stream_hub_open(&w->loop, &w->hub), 0);

    struct str why = {.data = NULL};
    struct tls_pair pair = {.certificate = pem_path("server.pem"), .key = pem_path("server.key")};
    assert_int_equal(
        tls_context_new(&(struct tls_config){.pairs = &pair, .pair_count = 1}, &w->tls, &why), 0);
    w->client_tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(w->client_tls, SSL_MODE_ENABLE_PARTIAL_WRITE);
}

void stream_world_done(struct stream_world *w)
{
    const struct stream_counters *counters = stream_hub_counters(w->hub);
    assert_int_equal(counter_get(&counters->streams), 0);
    assert_int_equal(counter_get(&counters->half_open), 0);
    stream_hub_close(w->hub);
    assert_int_equal(uv_run(&w->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    tls_context_unref(w->tls);
    SSL_CTX_free(w->client_tls);
}

void side_read(struct side *side)
{
    struct bytes input = stream_input(side->stream);
    assert_true(input.len > 0);
    if (input.len <= side->keep)
        return;
    size_t len = input.len - side->keep;
    assert_true(side->heard_len + len <= HEARD_MAX);
    if (side->heard == NULL)
        side->heard = malloc(HEARD_MAX);
    memcpy(side->heard + side->heard_len, input.data, len);
    side->heard_len += len;
    stream_consume(side->stream, len);
}

static void on_open(void *owner)
{
    struct side *side = owner;
    side->opened++;
    assert_true(stream_is_open(side->stream));
    if (side->in_open != NULL)
        side->in_open(side);
}

static void on_input(void *owner)
{
    struct side *side = owner;
    side->inputs++;
    if (side->in_input != NULL)
        side->in_input(side);
    else
        side_read(side);
}

static void on_drained(void *owner)
{
    struct side *side = owner;
    side->drained++;
    assert_int_equal(stream_unsent(side->stream), 0);
}

static void on_end(void *owner, enum stream_end end, int error)
{
    struct side *side = owner;
    side->ends++;
    side->end = end;
    side->error = error;
    if (side->in_end != NULL)
        side->in_end(side);
}

const struct stream_hooks side_hooks = {
    .on_open = on_open,
    .on_input = on_input,
    .on_drained = on_drained,
    .on_end = on_end,
};

void side_done(struct side *side)
{
    stream_close(side->stream);
    free(side->heard);
    *side = (struct side){.stream = NULL};
}

void side_write(struct side *side, const char *message)
{
    struct bytes part = text_bytes(text_from(message));
    assert_int_equal(stream_write(side->stream, &part, 1), 0);
}

/* Little room on the way from us to the peer, so that it is soon full. */
static void narrow(int fd, int option)
{
    int size = 16384;
    setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
}

void connect_pair(struct peer *peer, int *fd, struct address *client, struct address *local)
{
    struct tcp_socket_config config = {.backlog = 1};
    struct address server, any = {.family = ADDRESS_NONE};
    int listening;
    assert_true(address_parse(TEXT("127.0.0.1"), &config.bind));
    assert_int_equal(tcp_socket_listen(&config, &listening), 0);
    assert_int_equal(address_of_socket(listening, &server), 0);
    *peer = (struct peer){.fd = -1};
    assert_int_equal(tcp_socket_connect(&any, &server, &peer->fd), 0);
    struct pollfd waiting = {.fd = listening, .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, 5000), 1);
    assert_int_equal(tcp_socket_accept(listening, client, fd), 0);
    assert_int_equal(address_of_socket(*fd, local), 0);
    narrow(*fd, SO_SNDBUF);
    narrow(peer->fd, SO_RCVBUF);
    close(listening);
}

void accept_side(struct stream_world *w, const struct stream_accept_config *changes,
    struct side *side, struct peer *peer)
{
    struct stream_accept_config config = *changes;
    connect_pair(peer, &config.fd, &config.client, &config.local);
    config.hooks = &side_hooks;
    config.owner = side;
    assert_int_equal(stream_accept(w->hub, &config, &side->stream), 0);
}

void peer_start_tls(struct stream_world *w, struct peer *peer)
{
    peer->ssl = SSL_new(w->client_tls);
    SSL_set_fd(peer->ssl, peer->fd);
    SSL_set_connect_state(peer->ssl);
    peer_go_on(peer);
}

void peer_write(struct peer *peer, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        size_t done = 0;
        if (peer->ssl != NULL) {
            assert_int_equal(SSL_write_ex(peer->ssl, at, len, &done), 1);
        } else {
            ssize_t sent = send(peer->fd, at, len, MSG_NOSIGNAL);
            assert_true(sent > 0);
            done = (size_t)sent;
        }
        at += done;
        len -= done;
    }
}

void peer_say(struct peer *peer, const char *words)
{
    peer_write(peer, words, strlen(words));
}

static ssize_t peer_read(struct peer *peer, uint8_t *to, size_t capacity)
{
    if (peer->ssl == NULL)
        return recv(peer->fd, to, capacity, 0);
    ERR_clear_error();
    int len = SSL_read(peer->ssl, to, (int)capacity);
    if (len > 0)
        return len;
    int error = SSL_get_error(peer->ssl, len);
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

void peer_go_on(struct peer *peer)
{
    if (peer->has_failed || peer->was_told_end)
        return;
    if (peer->heard == NULL)
        peer->heard = malloc(HEARD_MAX);
    for (;;) {
        ssize_t len = peer_read(peer, peer->heard + peer->heard_len, HEARD_MAX - peer->heard_len);
        if (len > 0) {
            peer->heard_len += (size_t)len;
            continue;
        }
        peer->was_told_end = len == 0;
        peer->has_failed = len < 0 && errno != EAGAIN;
        return;
    }
}

static bool is_heard(const uint8_t *heard, size_t len, const char *words)
{
    return bytes_equal(bytes_of(heard, len), text_bytes(text_from(words)));
}

bool peer_has_heard(const struct peer *peer, const char *words)
{
    return is_heard(peer->heard, peer->heard_len, words);
}

bool side_has_heard(const struct side *side, const char *words)
{
    return is_heard(side->heard, side->heard_len, words);
}

void peer_close(struct peer *peer)
{
    SSL_free(peer->ssl);
    close(peer->fd);
    free(peer->heard);
    *peer = (struct peer){.fd = -1};
}

void peer_reset(struct peer *peer)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    peer_close(peer);
}

void world_turn(struct stream_world *w, struct peer *peer)
{
    uv_run(&w->loop, UV_RUN_NOWAIT);
    if (peer != NULL)
        peer_go_on(peer);
    usleep(100);
}

void world_turns(struct stream_world *w, struct peer *peer)
{
    for (int i = 0; i < 50; i++)
        world_turn(w, peer);
}
