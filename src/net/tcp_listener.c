/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tcp_listener.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/sockaddr.h"
#include "net/tcp_socket.h"

struct tcp_listener {
    struct tcp_listener_config config;
    struct tcp_listener_counters counters;
    int fd; /* -1: closing */
    bool is_paused;
    unsigned handles;
    uv_poll_t readable;
    uv_timer_t rest;
};

static void on_readable(uv_poll_t *readable, int status, int events);

static void on_rested(uv_timer_t *rest)
{
    struct tcp_listener *l = rest->data;
    if (!l->is_paused)
        uv_poll_start(&l->readable, UV_READABLE, on_readable);
}

/* The connection stays readable, and the loop would spin. */
static void take_rest(struct tcp_listener *l)
{
    counter_add(&l->counters.rests, 1);
    uv_poll_stop(&l->readable);
    uv_timer_start(&l->rest, on_rested, TCP_LISTENER_REST_MS, 0);
}

static bool is_exhausted(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

static void hand_over(struct tcp_listener *l, int fd, const struct address *remote)
{
    struct address local;
    if (address_of_socket(fd, &local) != 0) {
        close(fd);
        return;
    }
    counter_add(&l->counters.accepted, 1);
    l->config.on_connection(l->config.owner, fd, remote, &local);
}

static void on_readable(uv_poll_t *readable, int status, int events)
{
    struct tcp_listener *l = readable->data;
    (void)status, (void)events;
    for (int i = 0; i < TCP_LISTENER_PER_TURN && l->fd >= 0 && !l->is_paused; i++) {
        struct address remote;
        int fd;
        int error = tcp_socket_accept(l->fd, &remote, &fd);
        if (error == -EAGAIN)
            return;
        if (is_exhausted(error)) {
            take_rest(l);
            return;
        }
        if (error == 0) /* else this connection failed before it was taken */
            hand_over(l, fd, &remote);
    }
}

static int start(struct tcp_listener *l, uv_loop_t *loop)
{
    int error = address_of_socket(l->fd, &l->config.bind);
    if (error == 0)
        error = uv_poll_init(loop, &l->readable, l->fd);
    if (error != 0)
        return error;
    uv_timer_init(loop, &l->rest); /* never fails */
    l->readable.data = l;
    l->rest.data = l;
    l->handles = 2;
    uv_poll_start(&l->readable, UV_READABLE, on_readable);
    return 0;
}

int tcp_listener_open(
    uv_loop_t *loop, const struct tcp_listener_config *config, struct tcp_listener **out)
{
    struct tcp_socket_config socket = {
        .bind = config->bind,
        .share_port = config->share_port,
        .free_bind = config->free_bind,
        .backlog = config->backlog,
    };
    struct tcp_listener *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return -ENOMEM;
    l->config = *config;
    int error = tcp_socket_listen(&socket, &l->fd);
    if (error != 0) {
        free(l);
        return error;
    }
    error = start(l, loop);
    if (error != 0) {
        close(l->fd);
        free(l);
        return error;
    }
    *out = l;
    return 0;
}

const struct address *tcp_listener_address(const struct tcp_listener *l)
{
    return &l->config.bind;
}

const struct tcp_listener_counters *tcp_listener_counters(const struct tcp_listener *l)
{
    return &l->counters;
}

void tcp_listener_pause(struct tcp_listener *l)
{
    l->is_paused = true;
    uv_poll_stop(&l->readable);
}

void tcp_listener_resume(struct tcp_listener *l)
{
    l->is_paused = false;
    uv_poll_start(&l->readable, UV_READABLE, on_readable);
}

static void on_closed(uv_handle_t *handle)
{
    struct tcp_listener *l = handle->data;
    if (--l->handles == 0)
        free(l);
}

void tcp_listener_close(struct tcp_listener *l)
{
    if (l == NULL)
        return;
    uv_close((uv_handle_t *)&l->readable, on_closed);
    uv_close((uv_handle_t *)&l->rest, on_closed);
    close(l->fd);
    l->fd = -1;
}
