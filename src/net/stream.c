/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/stream_state.h"
#include "net/tcp_socket.h"
#include "net/tls_context.h"

enum { OUTPUT_DEFAULT = 128 * 1024 };

void stream_set_limits(struct stream *s, const struct stream_limits *limits)
{
    s->limits = *limits;
    if (limits->input == 0 || limits->input > STREAM_INPUT_MAX)
        s->limits.input = STREAM_INPUT_MAX;
    if (limits->output == 0)
        s->limits.output = OUTPUT_DEFAULT;
}

/* Takes `fd` in any case. */
static int make(struct stream_hub *hub, int fd, struct stream **out)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        close(fd);
        return -ENOMEM;
    }
    s->fd = fd;
    int error = stream_tie(s, hub);
    if (error != 0) {
        stream_close(s);
        return error;
    }
    tcp_socket_no_delay(fd);
    *out = s;
    return 0;
}

static enum stream_phase first_phase(const struct stream_accept_config *config)
{
    if (config->expects_proxy)
        return STREAM_PHASE_PROXY;
    return config->opening == STREAM_RAW ? STREAM_PHASE_OPEN : STREAM_PHASE_SNIFF;
}

int stream_accept(
    struct stream_hub *hub, const struct stream_accept_config *config, struct stream **out)
{
    struct stream *s;
    int error = make(hub, config->fd, &s);
    if (error != 0)
        return error;
    s->hooks = config->hooks;
    s->owner = config->owner;
    s->client = config->client;
    s->local = config->local;
    s->tls = config->tls != NULL ? tls_context_ref(config->tls) : NULL;
    s->phase = first_phase(config);
    stream_set_limits(s, &config->limits);
    s->counts_half_open = s->phase != STREAM_PHASE_OPEN;
    if (s->counts_half_open)
        counter_add(&hub->counters.half_open, 1);
    stream_update_events(s);
    *out = s;
    return 0;
}

int stream_connect(
    struct stream_hub *hub, const struct stream_connect_config *config, struct stream **out)
{
    struct stream *s;
    int fd;
    int error = tcp_socket_connect(&config->local, &config->remote, &fd);
    if (error == 0)
        error = make(hub, fd, &s);
    if (error != 0)
        return error;
    s->hooks = config->hooks;
    s->owner = config->owner;
    s->client = config->remote;
    s->local = config->local;
    s->phase = STREAM_PHASE_CONNECT;
    stream_set_limits(s, &config->limits);
    s->counts_half_open = true;
    counter_add(&hub->counters.half_open, 1);
    stream_update_events(s);
    *out = s;
    return 0;
}

void stream_close(struct stream *s)
{
    if (s == NULL)
        return;
    if (s->watch != NULL)
        stream_untie(s);
    if (s->ssl != NULL && s->phase == STREAM_PHASE_OPEN) {
        s->shut_asked = true;
        stream_finish_output(s); /* close_notify */
    }
    SSL_free(s->ssl);
    tls_context_unref(s->tls);
    stream_queue_done(&s->output);
    free(s->input_block);
    close(s->fd);
    free(s);
}

bool stream_is_open(const struct stream *s)
{
    return s->phase == STREAM_PHASE_OPEN;
}

enum stream_transport stream_transport(const struct stream *s)
{
    return s->ssl != NULL ? STREAM_TLS : STREAM_TCP;
}

const struct address *stream_client(const struct stream *s)
{
    return &s->client;
}

const struct address *stream_local(const struct stream *s)
{
    return &s->local;
}

const char *stream_tls_reason(const struct stream *s)
{
    return s->tls_reason;
}

struct bytes stream_input(const struct stream *s)
{
    return s->phase < STREAM_PHASE_OPEN ? bytes_of(NULL, 0) : s->input;
}

void stream_consume(struct stream *s, size_t len)
{
    assert(len <= s->input.len);
    if (len == 0)
        return;
    s->input = bytes_of(s->input.data + len, s->input.len - len);
    if (s->input.len == 0 && s->input_block != NULL)
        stream_hub_put_off(s->watch); /* to free it: the owner may still be looking at it */
}

void stream_pause_input(struct stream *s)
{
    s->input_paused = true;
    stream_update_events(s);
}

void stream_resume_input(struct stream *s)
{
    if (!s->input_paused)
        return;
    s->input_paused = false;
    stream_update_events(s);
    if (s->input.len > 0 || (s->ssl != NULL && SSL_pending(s->ssl) > 0))
        stream_hub_put_off(s->watch);
}

/* Queues the parts behind their first `skip` bytes. */
static int queue_parts(
    struct stream *s, const struct bytes *parts, size_t count, size_t skip, size_t total)
{
    if (stream_queue_reserve(&s->output, total - skip) != 0) {
        /* A part of it may be on its way. */
        stream_end_later(s, STREAM_NO_MEMORY, -ENOMEM);
        return -EPIPE;
    }
    for (size_t i = 0; i < count; i++) {
        size_t sent = skip < parts[i].len ? skip : parts[i].len;
        skip -= sent;
        if (sent < parts[i].len)
            stream_queue_add(&s->output, bytes_of(parts[i].data + sent, parts[i].len - sent));
    }
    stream_update_events(s);
    return 0;
}

int stream_write(struct stream *s, const struct bytes *parts, size_t count)
{
    size_t total = 0;
    assert(count <= STREAM_PARTS_MAX);
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;

    if (s->phase == STREAM_PHASE_ENDED || s->shut_asked)
        return -EPIPE;
    if (s->phase != STREAM_PHASE_OPEN)
        return -ENOTCONN;
    if (s->output.len > s->limits.output || total > s->limits.output - s->output.len) {
        counter_add(&s->watch->hub->counters.writes_refused, 1);
        return -ENOBUFS;
    }
    if (total == 0)
        return 0;
    ssize_t sent = s->output.len == 0 ? stream_io_write_parts(s, parts, count) : -EAGAIN;
    if (sent < 0 && sent != -EAGAIN) {
        stream_end_later(s, stream_io_end(s), (int)sent);
        return -EPIPE;
    }
    if (sent >= 0 && (size_t)sent == total)
        return 0;
    return queue_parts(s, parts, count, sent > 0 ? (size_t)sent : 0, total);
}

size_t stream_unsent(const struct stream *s)
{
    return s->output.len;
}

void stream_shutdown_write(struct stream *s)
{
    if (s->phase != STREAM_PHASE_OPEN || s->shut_asked)
        return;
    s->shut_asked = true;
    stream_finish_output(s);
    stream_update_events(s);
}

int stream_detach(struct stream *s)
{
    if (s->phase != STREAM_PHASE_OPEN)
        return -ENOTCONN;
    int error = stream_keep_input(s);
    if (error != 0)
        return error;
    stream_untie(s);
    return 0;
}

int stream_attach(
    struct stream *s, struct stream_hub *hub, const struct stream_hooks *hooks, void *owner)
{
    int error = stream_tie(s, hub);
    if (error != 0)
        return error;
    s->hooks = hooks;
    s->owner = owner;
    s->input_paused = false;
    /* What the last owner was told, this one does not know. */
    s->end_due = s->end_due || s->peer_closed;
    stream_update_events(s);
    stream_hub_put_off(s->watch);
    return 0;
}
