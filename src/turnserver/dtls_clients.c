/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/dtls_clients.h"

#include <stdlib.h>

#include "dtls/server_session.h"
#include "turn/source_limit.h"
#include "turnserver/hand_over.h"
#include "turnserver/path_key.h"
#include "turnserver/serve.h"

/*
 * A handshake costs us a signature and the client nothing, once he has a cookie. So one source
 * begins no more than so many a second, and all together take no more than a quarter of the
 * thread's time: calls come first.
 */
enum { BEGIN_PER_S = 32 };
static const struct token_rate handshake_rate = {.per_second = 250000, .burst = 50000};

struct dtls_client {
    struct link link; /* first */
    struct map_node by_path;
    uint8_t key[PATH_KEY_SIZE];
    struct dtls_session *session;
    struct list handshake; /* in the worker's list, while it is under way */
    struct timer due;      /* retransmission */
    struct timer idle;     /* without an allocation */
    struct packet_socket *socket;
};

static struct dtls_client *client_of(const struct turn_path *path)
{
    return path->link;
}

static struct dtls_client *find(const struct turn_worker *w, const struct turn_path *path)
{
    uint8_t key[PATH_KEY_SIZE];
    struct map_node *node = map_find(&w->dtls_by_path, path_key(path, key));
    return node == NULL ? NULL : CONTAINER_OF(node, struct dtls_client, by_path);
}

static void send_datagram(struct dtls_client *c, struct bytes datagram)
{
    struct packet *p = worker_packet(c->link.worker->worker);
    if (p == NULL)
        return;
    p->socket = c->socket;
    p->peer = c->link.path.hop;
    if (packet_set(p, datagram))
        worker_send(c->link.worker->worker, p);
    else
        worker_discard(c->link.worker->worker, p);
}

static void free_client(struct dtls_client *c)
{
    dtls_session_free(c->session);
    free(c);
}

static void end_handshake(struct dtls_client *c)
{
    if (!list_is_linked(&c->handshake))
        return;
    list_remove(&c->handshake);
    c->link.worker->handshake_count--;
}

/* It is out of all maps at once; the memory stays while it is in use. */
static void forget(struct dtls_client *c)
{
    struct turn_worker *w = c->link.worker;
    if (c->link.is_doomed)
        return;
    c->link.is_doomed = true;
    end_handshake(c);
    if (w->core != NULL)
        turn_path_closed(w->core, &c->link.path);
    timer_cancel(worker_timers(w->worker), &c->due);
    timer_cancel(worker_timers(w->worker), &c->idle);
    map_remove(&w->dtls_by_path, &c->by_path);
    link_remove(&c->link);
    directory_remove(w->server->directory, &c->link.path, w->index);
    callers_disconnect(w->server->callers, &c->link.path.client);
    counter_subtract(&w->counters.dtls_sessions, 1);
    if (!c->link.is_busy)
        free_client(c);
}

static void close_client(struct dtls_client *c)
{
    if (!c->link.is_busy)
        dtls_session_close(c->session);
    forget(c);
}

/* Looks at what became of the session. */
static void follow(struct dtls_client *c)
{
    struct timers *timers = worker_timers(c->link.worker->worker);
    switch (dtls_session_state(c->session)) {
    case DTLS_SESSION_FAILED:
    case DTLS_SESSION_CLOSED:
        forget(c);
        return;
    case DTLS_SESSION_OPEN:
        end_handshake(c);
        break;
    case DTLS_SESSION_HANDSHAKING:
        break;
    }
    uint64_t due_ms = dtls_session_due_ms(c->session);
    if (due_ms == TIMERS_NEVER)
        timer_cancel(timers, &c->due);
    else
        timer_arm(timers, &c->due, due_ms);
}

static void on_due(struct timer *timer, uint64_t now_ms)
{
    struct dtls_client *c = CONTAINER_OF(timer, struct dtls_client, due);
    dtls_session_tick(c->session, now_ms);
    follow(c);
}

static void on_idle(struct timer *timer, uint64_t now_ms)
{
    struct dtls_client *c = CONTAINER_OF(timer, struct dtls_client, idle);
    (void)now_ms;
    counter_add(&c->link.worker->counters.connections_idle, 1);
    close_client(c);
}

/* --- the hooks of a session --------------------------------------------------------------------
 */

static void on_send(void *owner, struct bytes datagram)
{
    send_datagram(owner, datagram);
}

static void on_record(void *owner, struct bytes record)
{
    struct dtls_client *c = owner;
    if (!c->link.is_doomed)
        serve_bytes(c->link.worker, &c->link.path, record, (struct serving){0});
}

static const struct dtls_session_hooks hooks = {.send = on_send, .on_record = on_record};

/* --- sessions ----------------------------------------------------------------------------------
 */

static void arm_idle(struct dtls_client *c)
{
    struct turn_worker *w = c->link.worker;
    timer_arm(worker_timers(w->worker), &c->idle,
        worker_now_ms(w->worker) + (uint64_t)w->settings->idle_timeout_s * 1000);
}

static bool may_begin(struct turn_worker *w, const struct address *client)
{
    uint64_t now_ms = worker_now_ms(w->worker);
    return token_bucket_take(&w->handshake_time, &handshake_rate, 0, now_ms) &&
           source_limit_admit(w->server->beginners, BEGIN_PER_S, client, now_ms);
}

/* When too many are under way, the one that takes longest gives way. */
static void make_room(struct turn_worker *w)
{
    uint64_t limit = w->settings->max_half_open;
    if (limit == 0 || w->handshake_count < limit)
        return;
    counter_add(&w->counters.connections_refused, 1);
    close_client(CONTAINER_OF(list_first(&w->handshakes), struct dtls_client, handshake));
}

/* The client is where it says. */
static void begin(struct turn_worker *w, const struct turn_path *path, const struct packet *p)
{
    const struct turnserver_settings *limits = w->settings;
    struct dtls_client *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return;
    if (!callers_connect(w->server->callers, &path->client, limits->max_connections_per_ip,
            limits->max_connections)) {
        counter_add(&w->counters.connections_refused, 1);
        free(c);
        return;
    }
    make_room(w);
    c->link.path = *path;
    c->link.path.transport = TURN_DTLS;
    c->socket = path->link;
    timer_init(&c->due, on_due);
    timer_init(&c->idle, on_idle);
    link_add(w, &c->link);
    map_put(&w->dtls_by_path, &c->by_path, path_key(path, c->key));
    directory_put(w->server->directory, &c->link.path, w->index);
    counter_add(&w->counters.dtls_sessions, 1);
    list_push_back(&w->handshakes, &c->handshake);
    w->handshake_count++;
    arm_idle(c);

    uint64_t began_ns = uv_hrtime();
    c->session = dtls_session_new(
        w->dtls, &hooks, c, &path->client, packet_bytes(p), worker_now_ms(w->worker));
    w->handshake_time.spent_milli += uv_hrtime() - began_ns; /* a thousandth of a unit is 1 ns */
    if (c->session == NULL)
        forget(c);
    else
        follow(c);
}

/* No session here: a first word, or another worker's. */
static void receive_first(struct turn_worker *w, struct dtls_client *former,
    const struct turn_path *path, struct packet *p, bool is_final)
{
    struct dtls_answer answer;
    struct turn_path other = *path;
    unsigned owner;
    other.transport = TURN_DTLS;

    switch (dtls_server_first(
        w->dtls, &path->client, packet_bytes(p), worker_now_ms(w->worker), &answer)) {
    case DTLS_FIRST_ANSWER:
        counter_add(&w->counters.dtls_cookies, 1);
        p->peer = path->hop;
        p->socket = path->link;
        if (packet_set(p, bytes_of(answer.data, answer.len)))
            worker_send(w->worker, p);
        return;
    case DTLS_FIRST_PROVEN:
        if (!may_begin(w, &path->client)) {
            p->drop = DROP_TURN_DTLS;
            return;
        }
        if (former != NULL) /* the client has started anew */
            forget(former);
        begin(w, path, p);
        return;
    case DTLS_FIRST_DROP:
        break;
    }
    if (is_final || !directory_find(w->server->directory, &other, &owner) || owner == w->index ||
        !hand_over_datagram(w, owner, path, p))
        p->drop = DROP_TURN_DTLS;
}

void dtls_clients_receive(
    struct turn_worker *w, const struct turn_path *path, struct packet *p, bool is_final)
{
    struct dtls_client *c = find(w, path);
    if (w->dtls == NULL) {
        p->drop = DROP_UNKNOWN_PROTOCOL;
        return;
    }
    if (c == NULL || !dtls_session_owns(c->session, packet_bytes(p))) {
        receive_first(w, c, path, p, is_final);
        return;
    }
    c->link.is_busy = true;
    dtls_session_receive(c->session, packet_bytes(p), worker_now_ms(w->worker));
    c->link.is_busy = false;
    if (c->link.is_doomed) {
        dtls_session_close(c->session);
        free_client(c);
    } else {
        follow(c);
    }
}

void dtls_client_send(const struct turn_path *path, struct bytes record)
{
    struct dtls_client *c = client_of(path);
    if (!c->link.is_doomed && dtls_session_send(c->session, record) != 0)
        worker_count_drop(c->link.worker->worker, DROP_SEND_FAILED);
}

void dtls_client_end(const struct turn_path *path)
{
    close_client(client_of(path));
}

void dtls_client_used(const struct turn_path *path, bool has_allocation)
{
    struct dtls_client *c = client_of(path);
    if (has_allocation)
        timer_cancel(worker_timers(c->link.worker->worker), &c->idle);
    else if (!c->link.is_doomed)
        arm_idle(c);
}

void dtls_clients_close(struct turn_worker *w)
{
    map_for_each (at, &w->dtls_by_path)
        close_client(CONTAINER_OF(at, struct dtls_client, by_path.link));
}
