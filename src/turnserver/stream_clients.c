/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/stream_clients.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "mediaferry/channel_data.h"
#include "net/stream.h"
#include "turnserver/peers.h"
#include "turnserver/serve.h"

static struct stream_client *client_of(const struct turn_path *path)
{
    return path->link;
}

static void arm_idle(struct stream_client *c, uint64_t wait_ms)
{
    struct worker *worker = c->link.worker->worker;
    timer_arm(worker_timers(worker), &c->idle, worker_now_ms(worker) + wait_ms);
}

static void begin_half_open(struct stream_client *c)
{
    struct turn_worker *w = c->link.worker;
    c->is_half_open = true;
    list_push_back(&w->half_open, &c->half_open);
    w->half_open_count++;
}

static void end_half_open(struct stream_client *c)
{
    if (!c->is_half_open)
        return;
    c->is_half_open = false;
    list_remove(&c->half_open);
    c->link.worker->half_open_count--;
}

/* --- the end -----------------------------------------------------------------------------------
 */

/* Out of all maps at once; the memory stays while it is in use. The stream may have left before. */
void stream_client_close(struct stream_client *c)
{
    struct turn_worker *w = c->link.worker;
    if (c->link.is_doomed)
        return;
    c->link.is_doomed = true;
    end_half_open(c);
    timer_cancel(worker_timers(w->worker), &c->idle);
    if (c->peer != NULL)
        peer_client_gone(c->peer);
    else if (w->core != NULL)
        turn_path_closed(w->core, &c->link.path);
    link_remove(&c->link);
    stream_close(c->stream);
    c->stream = NULL;
    if (c->link.is_counted)
        callers_disconnect(w->server->callers, &c->link.path.client);
    counter_subtract(&w->counters.connections, 1);
    if (!c->link.is_busy)
        free(c);
}

void stream_client_end(const struct turn_path *path)
{
    stream_client_close(client_of(path));
}

static void on_idle(struct timer *timer, uint64_t now_ms)
{
    struct stream_client *c = CONTAINER_OF(timer, struct stream_client, idle);
    (void)now_ms;
    counter_add(&c->link.worker->counters.connections_idle, 1);
    stream_client_close(c);
}

void stream_clients_close(struct turn_worker *w)
{
    map_for_each (at, &w->links) {
        struct link *link = CONTAINER_OF(at, struct link, by_id.link);
        if (turn_path_is_stream(&link->path))
            stream_client_close((struct stream_client *)link);
    }
}

/* --- frames ------------------------------------------------------------------------------------
 */

/* Serves one frame; false when no more is to be read from here. */
static bool serve_frame(struct stream_client *c, struct turn_frame frame)
{
    struct bytes message = bytes_of(stream_input(c->stream).data, frame.len);
    stream_consume(c->stream, frame.size); /* first: the stream may leave; the bytes stay */
    serve_bytes(c->link.worker, &c->link.path, message, (struct serving){0});
    return !c->link.is_doomed && c->peer == NULL;
}

static void read_frames(struct stream_client *c)
{
    bool goes_on = true;
    while (goes_on) {
        struct turn_frame frame = turn_frame_at(stream_input(c->stream));
        switch (frame.kind) {
        case TURN_FRAME_NEED_MORE:
            return;
        case TURN_FRAME_GARBAGE:
            worker_count_drop(c->link.worker->worker, DROP_UNKNOWN_PROTOCOL);
            stream_client_close(c);
            return;
        case TURN_FRAME_STUN:
        case TURN_FRAME_CHANNEL_DATA:
            goes_on = serve_frame(c, frame);
            break;
        }
    }
}

static void end_busy(struct stream_client *c)
{
    c->link.is_busy = false;
    if (c->link.is_doomed)
        free(c);
}

/* --- the hooks of a stream ---------------------------------------------------------------------
 */

/* False when its address has too many already. Behind a proxy the address is known late. */
static bool count_caller(struct stream_client *c)
{
    const struct turnserver_settings *limits = c->link.worker->settings;
    if (!c->link.is_counted)
        c->link.is_counted = callers_connect(c->link.worker->server->callers, &c->link.path.client,
            limits->max_connections_per_ip, limits->max_connections);
    return c->link.is_counted;
}

static void on_open(void *owner)
{
    struct stream_client *c = owner;
    struct turn_worker *w = c->link.worker;
    const struct turnserver_settings *limits = w->settings;
    bool is_tls = stream_transport(c->stream) == STREAM_TLS;

    end_half_open(c);
    c->link.path.transport = is_tls ? TURN_TLS : TURN_TCP;
    c->link.path.client = c->link.path.hop = *stream_client(c->stream);
    if (!count_caller(c) || !(is_tls ? w->server->config.tls : w->server->config.tcp)) {
        counter_add(&w->counters.connections_refused, 1);
        stream_client_close(c);
    } else {
        arm_idle(c, (uint64_t)limits->idle_timeout_s * 1000);
    }
}

static void on_input(void *owner)
{
    struct stream_client *c = owner;
    if (c->peer != NULL) {
        peer_from_client(c->peer);
        return;
    }
    c->link.is_busy = true;
    read_frames(c);
    end_busy(c);
}

static void on_drained(void *owner)
{
    struct stream_client *c = owner;
    if (c->peer != NULL)
        peer_client_drained(c->peer);
}

static void on_end(void *owner, enum stream_end end, int error)
{
    struct stream_client *c = owner;
    (void)error;
    if (c->peer != NULL)
        peer_client_ended(c->peer, end != STREAM_PEER_CLOSED);
    else
        stream_client_close(c);
}

static const struct stream_hooks hooks = {
    .on_open = on_open, .on_input = on_input, .on_drained = on_drained, .on_end = on_end};

/* --- the beginning -----------------------------------------------------------------------------
 */

static struct stream_client *client_new(struct turn_worker *w)
{
    struct stream_client *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    timer_init(&c->idle, on_idle);
    c->link.path.transport = TURN_TCP;
    link_add(w, &c->link);
    counter_add(&w->counters.connections, 1);
    return c;
}

/* When too many have not opened yet, the one that takes longest gives way: whoever is in earnest
 * opens at once. */
static void make_room(struct turn_worker *w)
{
    uint64_t limit = w->settings->max_half_open;
    if (limit == 0 || w->half_open_count < limit)
        return;
    counter_add(&w->counters.connections_refused, 1);
    stream_client_close(CONTAINER_OF(list_first(&w->half_open), struct stream_client, half_open));
}

void stream_clients_accept(
    void *owner, int fd, const struct address *remote, const struct address *local)
{
    struct turn_worker *w = owner;
    const struct turnserver_settings *settings = w->settings;
    uint64_t idle_ms = (uint64_t)settings->idle_timeout_s * 1000;
    bool expects_proxy = address_ranges_contain(&settings->proxies, remote);
    struct stream_client *c = client_new(w);
    if (c == NULL) {
        close(fd);
        return;
    }
    struct stream_accept_config config = {
        .fd = fd,
        .client = *remote,
        .local = *local,
        .opening = STREAM_SNIFF,
        .tls = w->server->config.tls ? settings->tls : NULL,
        .expects_proxy = expects_proxy,
        .limits = {.output = STREAM_OUTPUT_MAX},
        .hooks = &hooks,
        .owner = c,
    };
    c->link.path.server = *local;
    c->link.path.client = c->link.path.hop = *remote;
    if (!expects_proxy && !count_caller(c)) { /* before it makes another one give way */
        counter_add(&w->counters.connections_refused, 1);
        close(fd);
        stream_client_close(c);
        return;
    }
    make_room(w);
    begin_half_open(c);
    arm_idle(c, idle_ms < OPENING_MS ? idle_ms : OPENING_MS);
    if (stream_accept(w->hub, &config, &c->stream) != 0)
        stream_client_close(c);
}

/* --- from one worker to another ----------------------------------------------------------------
 */

struct moving {
    struct message message;
    struct turnserver *server;
    struct stream *stream;
    struct turn_path path;
    uint64_t idle_due_ms; /* a move is no sign of life */
    size_t len;
    uint8_t data[]; /* the message to begin with */
};

static void drop_moving(struct moving *m)
{
    stream_close(m->stream);
    callers_disconnect(m->server->callers, &m->path.client);
    free(m);
}

static void begin_with(struct stream_client *c, struct bytes message)
{
    c->link.is_busy = true;
    serve_bytes(c->link.worker, &c->link.path, message, (struct serving){.was_handed_over = true});
    end_busy(c);
}

static void arrive(struct message *self, void *owner)
{
    struct moving *m = CONTAINER_OF(self, struct moving, message);
    struct turn_worker *w = owner;
    struct stream_client *c = w->core == NULL ? NULL : client_new(w);
    if (c == NULL) {
        drop_moving(m);
        return;
    }
    uint64_t id = c->link.path.link_id;
    c->link.path = m->path;
    c->link.path.link = c;
    c->link.path.link_id = id;
    c->link.is_counted = true;
    c->stream = m->stream;
    timer_arm(worker_timers(w->worker), &c->idle, m->idle_due_ms);
    if (stream_attach(c->stream, w->hub, &hooks, c) == 0)
        begin_with(c, bytes_of(m->data, m->len));
    else
        stream_client_close(c);
    free(m);
}

bool stream_client_move(
    struct turn_worker *w, unsigned to, const struct turn_path *path, const struct packet *p)
{
    struct stream_client *c = client_of(path);
    struct moving *m = malloc(sizeof(*m) + p->len);
    if (m == NULL)
        return false;
    if (stream_detach(c->stream) != 0) {
        free(m);
        return false;
    }
    *m = (struct moving){.message.deliver = arrive,
        .server = w->server,
        .stream = c->stream,
        .path = *path,
        .idle_due_ms = c->idle.due_ms,
        .len = p->len};
    memcpy(m->data, p->data, p->len);
    c->stream = NULL;
    c->link.is_counted = false; /* it goes along */
    if (post_to_worker(w->server, to, &m->message))
        counter_add(&w->counters.handed_over, 1);
    else
        drop_moving(m);
    stream_client_close(c);
    return true;
}

/* --- what the protocol machine says ------------------------------------------------------------
 */

void stream_client_send(const struct turn_path *path, struct bytes message)
{
    static const uint8_t zeros[4];
    struct stream_client *c = client_of(path);
    struct bytes parts[] = {message, bytes_of(zeros, channel_data_padding(message.len))};
    if (c->link.is_doomed)
        return;
    int error = stream_write(c->stream, parts, COUNT_OF(parts));
    if (error != 0)
        worker_count_drop(
            c->link.worker->worker, error == -EPIPE ? DROP_SOCKET_CLOSED : DROP_TURN_CLIENT_SLOW);
}

void stream_client_used(const struct turn_path *path, bool has_allocation)
{
    struct stream_client *c = client_of(path);
    if (c->link.is_doomed)
        return;
    if (has_allocation)
        timer_cancel(worker_timers(c->link.worker->worker), &c->idle);
    else
        arm_idle(c, (uint64_t)c->link.worker->settings->idle_timeout_s * 1000);
}
