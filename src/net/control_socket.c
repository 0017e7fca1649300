/* SPDX-License-Identifier: Apache-2.0 */
#include "net/control_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/udp_socket.h"

/* The largest datagram there is, and how many are read before others get their turn. */
enum { REQUEST_MAX = 65535, REQUESTS_PER_TURN = 64, RECEIVE_BUFFER = 4 << 20 };

struct control_socket {
    struct control_socket_config config;
    int fd;
    bool is_absent;
    uv_poll_t readable;
    uint8_t buffer[REQUEST_MAX];
};

static void receive_one(struct control_socket *s, const struct udp_datagram *datagram)
{
    struct control_peer peer = {.remote = datagram->remote, .local = datagram->local};
    s->config.on_request(s->config.owner, s, &peer, datagram->bytes);
}

static void on_readable(uv_poll_t *readable, int status, int events)
{
    struct control_socket *s = readable->data;
    (void)status, (void)events;
    for (int i = 0; i < REQUESTS_PER_TURN && uv_is_active((uv_handle_t *)readable); i++) {
        struct udp_datagram datagram;
        int error = udp_socket_receive(s->fd, s->buffer, sizeof(s->buffer), &datagram);
        if (error == -EAGAIN)
            return;
        if (error == 0)
            receive_one(s, &datagram);
    }
}

/* An address that moves between machines need not be here yet. */
static int open_socket(struct control_socket *s)
{
    struct udp_socket_config socket = {
        .bind = s->config.listen,
        .tell_local = address_is_unspecified(&s->config.listen),
        .tos = s->config.tos,
        .receive_buffer = RECEIVE_BUFFER,
    };
    int error = udp_socket_open(&socket, &s->fd);
    s->is_absent = error == -EADDRNOTAVAIL;
    if (!s->is_absent)
        return error;
    socket.free_bind = true;
    return udp_socket_open(&socket, &s->fd);
}

int control_socket_open(
    uv_loop_t *loop, const struct control_socket_config *config, struct control_socket **out)
{
    struct control_socket *s = malloc(sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    s->config = *config;
    int error = open_socket(s);
    if (error != 0) {
        free(s);
        return error;
    }
    error = udp_socket_local(s->fd, &s->config.listen);
    if (error == 0)
        error = uv_poll_init(loop, &s->readable, s->fd);
    if (error != 0) {
        close(s->fd);
        free(s);
        return error;
    }
    s->readable.data = s;
    uv_poll_start(&s->readable, UV_READABLE, on_readable);
    *out = s;
    return 0;
}

int control_socket_send(
    struct control_socket *s, const struct control_peer *peer, struct bytes reply)
{
    return udp_socket_send(s->fd, reply, &peer->local, &peer->remote);
}

void control_socket_pause(struct control_socket *s)
{
    uv_poll_stop(&s->readable);
}

const struct address *control_socket_address(const struct control_socket *s)
{
    return &s->config.listen;
}

bool control_socket_is_absent(const struct control_socket *s)
{
    return s->is_absent;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void control_socket_close(struct control_socket *s)
{
    if (s == NULL)
        return;
    uv_poll_stop(&s->readable);
    uv_close((uv_handle_t *)&s->readable, on_closed);
    close(s->fd);
    s->fd = -1;
}
