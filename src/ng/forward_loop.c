/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/forward_loop.h"

#include <stdlib.h>

#include "base/log.h"
#include "net/control_socket.h"

enum { ERROR_LINES_PER_SECOND = 5 };

struct ng_forward_loop {
    uv_loop_t *loop;
    uint64_t (*now_us)(void);
    struct ng_forwarder forwarder;
    struct control_socket *ip4, *ip6; /* NULL until needed */
    uv_timer_t timer;
    struct log_limit error_limit;
};

static uint64_t now_ms(const struct ng_forward_loop *self)
{
    return self->now_us() / 1000;
}

static void receive(void *owner, struct control_socket *socket, const struct control_peer *peer,
    struct bytes datagram)
{
    struct ng_forward_loop *self = owner;
    (void)socket;
    ng_forwarder_receive(&self->forwarder, &peer->remote, datagram);
}

static int open_for(
    struct ng_forward_loop *self, enum address_family family, struct control_socket **socket)
{
    struct control_socket_config config = {
        .listen = {.family = family}, .on_request = receive, .owner = self};
    return *socket != NULL ? 0 : control_socket_open(self->loop, &config, socket);
}

static void say_unsent(struct ng_forward_loop *self, const struct address *to, int error)
{
    unsigned suppressed;
    char text[ADDRESS_TEXT_SIZE];
    if (log_limit_passes(&self->error_limit, ERROR_LINES_PER_SECOND, now_ms(self), &suppressed))
        log_event(LOG_WARNING, LOG_NO_CALL, "ng-forward-lost", "to=%s error=%s suppressed=%u",
            address_text(to, text), LOG_QUOTED(text_from(uv_strerror(error))), suppressed);
}

static void send_datagram(void *owner, const struct address *to, struct bytes datagram)
{
    struct ng_forward_loop *self = owner;
    struct control_socket **socket = to->family == ADDRESS_IP6 ? &self->ip6 : &self->ip4;
    struct control_peer peer = {.remote = *to};
    int error = open_for(self, to->family, socket);
    if (error == 0)
        error = control_socket_send(*socket, &peer, datagram);
    if (error != 0)
        say_unsent(self, to, error);
}

static void on_timer(uv_timer_t *timer)
{
    struct ng_forward_loop *self = timer->data;
    ng_forwarder_run(&self->forwarder, now_ms(self));
}

static void wake_at(void *owner, uint64_t due_ms)
{
    struct ng_forward_loop *self = owner;
    uint64_t now = now_ms(self);
    uv_timer_start(&self->timer, on_timer, due_ms > now ? due_ms - now : 1, 0);
}

struct ng_forward_loop *ng_forward_loop_new(
    uv_loop_t *loop, uint64_t (*now_us)(void), struct ng_elsewhere_counters *counters)
{
    struct ng_forward_loop *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return NULL;
    self->loop = loop;
    self->now_us = now_us;
    self->timer.data = self;
    uv_timer_init(loop, &self->timer);
    struct ng_forwarder_config config = {
        .owner = self, .send = send_datagram, .wake_at = wake_at, .counters = counters};
    ng_forwarder_init(&self->forwarder, &config);
    return self;
}

struct ng_forwarder *ng_forward_loop_forwarder(struct ng_forward_loop *self)
{
    return &self->forwarder;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void ng_forward_loop_close(struct ng_forward_loop *self)
{
    if (self == NULL)
        return;
    control_socket_close(self->ip4);
    control_socket_close(self->ip6);
    ng_forwarder_done(&self->forwarder);
    uv_close((uv_handle_t *)&self->timer, on_closed);
}
