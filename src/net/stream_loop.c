/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "net/stream_state.h"

enum { READS_PER_TURN = 4 };

static int wanted_events(const struct stream *s)
{
    int events = 0;
    switch (s->phase) {
    case STREAM_PHASE_CONNECT:
        return UV_WRITABLE;
    case STREAM_PHASE_PROXY:
    case STREAM_PHASE_SNIFF:
        return UV_READABLE;
    case STREAM_PHASE_HANDSHAKE:
        return s->wants_write ? UV_WRITABLE : UV_READABLE;
    case STREAM_PHASE_OPEN:
        if (!s->input_paused && !s->peer_closed)
            events = s->wants_write ? UV_READABLE | UV_WRITABLE : UV_READABLE;
        if (s->output.len > 0 || (s->shut_asked && !s->shut_done))
            events |= UV_WRITABLE;
        return events;
    case STREAM_PHASE_ENDED:
        break;
    }
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events);

void stream_update_events(struct stream *s)
{
    struct stream_watch *watch = s->watch;
    int events = wanted_events(s);
    if (events == watch->events)
        return;
    watch->events = events;
    if (events == 0)
        uv_poll_stop(&watch->poll);
    else
        uv_poll_start(&watch->poll, events, on_poll);
}

int stream_tie(struct stream *s, struct stream_hub *hub)
{
    struct stream_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return -ENOMEM;
    int error = uv_poll_init(hub->loop, &watch->poll, s->fd);
    if (error != 0) {
        free(watch);
        return error;
    }
    watch->poll.data = watch;
    watch->hub = hub;
    watch->stream = s;
    s->watch = watch;
    counter_add(&hub->counters.streams, 1);
    return 0;
}

static void free_watch(uv_handle_t *poll)
{
    free(poll->data);
}

static void not_half_open(struct stream *s)
{
    if (s->counts_half_open)
        counter_subtract(&s->watch->hub->counters.half_open, 1);
    s->counts_half_open = false;
}

void stream_untie(struct stream *s)
{
    struct stream_watch *watch = s->watch;
    not_half_open(s);
    counter_subtract(&watch->hub->counters.streams, 1);
    watch->stream = NULL;
    list_remove(&watch->ready);
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, free_watch);
    s->watch = NULL;
}

static void set_end(struct stream *s, enum stream_end end, int error)
{
    if (s->phase < STREAM_PHASE_OPEN)
        s->input = bytes_of(NULL, 0); /* of a PROXY header: not for the owner */
    bool goes_on = end == STREAM_PEER_CLOSED && s->phase == STREAM_PHASE_OPEN;
    if (goes_on) {
        s->peer_closed = true;
    } else {
        s->phase = STREAM_PHASE_ENDED;
        stream_queue_done(&s->output);
    }
    if (end == STREAM_TLS_ERROR)
        counter_add(&s->watch->hub->counters.tls_failed, 1);
    s->end_due = true;
    s->end = end;
    s->error = error;
}

void stream_end_later(struct stream *s, enum stream_end end, int error)
{
    set_end(s, end, error);
    stream_update_events(s);
    stream_hub_put_off(s->watch);
}

/* The unread bytes are none, or `now`, which lies elsewhere. */
static void replace_block(struct stream *s, struct bytes now)
{
    free(s->input_block);
    s->input_block = NULL;
    s->input = now;
}

int stream_keep_input(struct stream *s)
{
    if (s->input.len == 0) {
        replace_block(s, bytes_of(NULL, 0));
    } else if (s->input_block == NULL) {
        uint8_t *block = malloc(s->input.len);
        if (block == NULL)
            return -ENOMEM;
        memcpy(block, s->input.data, s->input.len);
        s->input_block = block;
        s->input.data = block;
    }
    return 0;
}

/* Whether more may be read and delivered after it. */
static bool deliver(struct stream_watch *watch)
{
    struct stream *s = watch->stream;
    s->hooks->on_input(s->owner);
    if (watch->stream == NULL)
        return false;
    if (stream_keep_input(s) != 0) {
        s->input = bytes_of(NULL, 0);
        set_end(s, STREAM_NO_MEMORY, -ENOMEM);
    }
    return s->phase == STREAM_PHASE_OPEN && !s->input_paused;
}

/* Reads behind what is unread, in the work space. Returns as stream_io_read(). */
static ssize_t read_more(struct stream *s, size_t capacity)
{
    uint8_t *space = s->watch->hub->input;
    size_t unread = s->input.len;
    ssize_t len = stream_io_read(s, space + unread, capacity);
    if (len <= 0)
        return len;
    if (unread > 0)
        memcpy(space, s->input.data, unread);
    replace_block(s, bytes_of(space, unread + (size_t)len));
    return len;
}

static void receive(struct stream_watch *watch)
{
    struct stream *s = watch->stream;
    for (int i = 0; i < READS_PER_TURN; i++) {
        if (s->input.len >= s->limits.input) {
            set_end(s, STREAM_OVERFLOW, 0);
            return;
        }
        size_t capacity = s->limits.input - s->input.len;
        ssize_t len = read_more(s, capacity);
        if (len == -EAGAIN)
            return;
        if (len == 0)
            set_end(s, STREAM_PEER_CLOSED, 0);
        else if (len < 0)
            set_end(s, stream_io_end(s), (int)len);
        if (len <= 0 || !deliver(watch))
            return;
        if (s->ssl == NULL && (size_t)len < capacity)
            return;
    }
    /* The loop does not know of what TLS has already read. */
    if (s->ssl != NULL && SSL_pending(s->ssl) > 0)
        stream_hub_put_off(watch);
}

void stream_finish_output(struct stream *s)
{
    if (!s->shut_asked || s->shut_done || s->output.len > 0)
        return;
    /* Errors are met by reading. */
    if (stream_io_shutdown(s) != -EAGAIN)
        s->shut_done = true;
}

static void flush(struct stream_watch *watch)
{
    struct stream *s = watch->stream;
    bool drained = false;
    if (s->output.len > 0) {
        ssize_t len = stream_io_write(s, stream_queue_bytes(&s->output));
        if (len < 0 && len != -EAGAIN) {
            set_end(s, stream_io_end(s), (int)len);
            return;
        }
        if (len > 0)
            stream_queue_drop(&s->output, (size_t)len);
        drained = s->output.len == 0;
    }
    stream_finish_output(s);
    if (drained && s->hooks->on_drained != NULL)
        s->hooks->on_drained(s->owner);
}

static void start(struct stream_watch *watch)
{
    struct stream *s = watch->stream;
    enum stream_end end;
    int error = stream_start(s, &end);
    if (error == -EAGAIN)
        return;
    if (error != 0) {
        set_end(s, end, end == STREAM_PEER_CLOSED ? 0 : error);
        return;
    }
    not_half_open(s);
    if (s->hooks->on_open != NULL)
        s->hooks->on_open(s->owner);
}

static bool is_open(const struct stream_watch *watch)
{
    return watch->stream != NULL && watch->stream->phase == STREAM_PHASE_OPEN;
}

/* Any hook may take the stream away. */
static void serve(struct stream_watch *watch, bool may_read)
{
    if (watch->stream->phase < STREAM_PHASE_OPEN)
        start(watch);
    if (is_open(watch))
        flush(watch);
    if (may_read && is_open(watch) && !watch->stream->input_paused && !watch->stream->peer_closed)
        receive(watch);
    struct stream *s = watch->stream;
    if (s != NULL && s->end_due) {
        s->end_due = false;
        s->hooks->on_end(s->owner, s->end, s->error);
    }
    if (watch->stream != NULL)
        stream_update_events(watch->stream);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct stream_watch *watch = poll->data;
    (void)events;
    if (status < 0)
        watch->events = 0; /* libuv has stopped it; reading or writing meets the error */
    serve(watch, true);
}

void stream_run_ready(struct stream_watch *watch)
{
    struct stream *s = watch->stream;
    if (s->phase == STREAM_PHASE_OPEN && s->input.len == 0)
        replace_block(s, bytes_of(NULL, 0));
    bool may_read = true;
    if (s->phase == STREAM_PHASE_OPEN && s->input.len > 0 && !s->input_paused)
        may_read = deliver(watch);
    if (watch->stream != NULL)
        serve(watch, may_read);
}
