/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/host.h"

#include "turnserver/doors.h"
#include "turnserver/dtls_clients.h"
#include "turnserver/log_lines.h"
#include "turnserver/peers.h"
#include "turnserver/relays.h"
#include "turnserver/stream_clients.h"

/* In `user` of packets that the machine asked for: those of a batch go back by themselves. */
static char asked_for;

static struct packet *get_packet(void *owner)
{
    struct turn_worker *w = owner;
    struct packet *p = worker_packet(w->worker);
    if (p != NULL)
        p->user = &asked_for;
    return p;
}

static void discard(void *owner, struct packet *p)
{
    struct turn_worker *w = owner;
    worker_discard(w->worker, p);
}

/* Its bytes have gone into a stream. */
static void written(struct turn_worker *w, struct packet *p)
{
    if (p->user == &asked_for)
        worker_discard(w->worker, p);
}

static void to_client(void *owner, const struct turn_path *path, struct packet *p)
{
    struct turn_worker *w = owner;
    switch (path->transport) {
    case TURN_UDP:
        p->socket = path->link;
        p->peer = path->hop;
        worker_send(w->worker, p);
        return;
    case TURN_DTLS:
        dtls_client_send(path, packet_bytes(p));
        break;
    case TURN_TCP:
    case TURN_TLS:
        stream_client_send(path, packet_bytes(p));
        break;
    }
    written(w, p);
}

static void to_peer(void *owner, struct turn_relay *relay, struct packet *p)
{
    struct turn_worker *w = owner;
    p->socket = ((struct relay_socket *)relay)->socket;
    worker_send(w->worker, p);
}

static void reply_from(void *owner, const struct turn_path *path, const struct address *from,
    const struct address *to, struct packet *p)
{
    struct turn_worker *w = owner;
    struct door *door = door_at(w, from);
    (void)path;
    if (door == NULL) {
        p->drop = DROP_SOCKET_CLOSED;
        written(w, p);
        return;
    }
    p->socket = door->socket;
    p->peer = *to;
    worker_send(w->worker, p);
}

static int open_relay(void *owner, const struct turn_relay_wish *wish, const struct turn_path *path,
    struct turn_relay **out)
{
    return relay_socket_open(owner, wish, path, out);
}

static void close_relay(void *owner, struct turn_relay *relay)
{
    relay_socket_close(owner, relay);
}

static bool quota_take(void *owner, const struct auth_identity *identity)
{
    const struct turn_worker *w = owner;
    const struct turnserver_settings *s = w->settings;
    struct quota_limits limits = {.user = s->user_quota, .total = s->total_quota};
    /* Each allocation may use what one is allowed: so many fit. */
    if (s->capacity_bytes_per_s != 0 && s->turn->max_bytes_per_s != 0) {
        uint64_t fit = s->capacity_bytes_per_s / s->turn->max_bytes_per_s;
        limits.total = limits.total == 0 || fit < limits.total ? fit : limits.total;
        if (fit == 0)
            return false;
    }
    return quotas_take(
        w->server->quotas, &limits, auth_identity_realm(identity), auth_identity_user(identity));
}

static void quota_give(void *owner, const struct auth_identity *identity)
{
    const struct turn_worker *w = owner;
    quotas_give(w->server->quotas, auth_identity_realm(identity), auth_identity_user(identity));
}

static void path_added(void *owner, const struct turn_path *path)
{
    const struct turn_worker *w = owner;
    switch (path->transport) {
    case TURN_UDP:
        directory_put(w->server->directory, path, w->index);
        return;
    case TURN_DTLS:
        dtls_client_used(path, true);
        return;
    case TURN_TCP:
    case TURN_TLS:
        stream_client_used(path, true);
        return;
    }
}

static void path_removed(void *owner, const struct turn_path *path)
{
    const struct turn_worker *w = owner;
    switch (path->transport) {
    case TURN_UDP:
        directory_remove(w->server->directory, path, w->index);
        return;
    case TURN_DTLS:
        dtls_client_used(path, false);
        return;
    case TURN_TCP:
    case TURN_TLS:
        stream_client_used(path, false);
        return;
    }
}

static int connect_peer(void *owner, struct turn_relay *relay, const struct address *peer,
    struct turn_peer_connection **out)
{
    return peer_connect(owner, relay, peer, out);
}

static void join(void *owner, const struct turn_path *path, struct turn_peer_connection *connection)
{
    (void)owner;
    peer_splice(path, connection);
}

static void close_connection(void *owner, struct turn_peer_connection *connection)
{
    (void)owner;
    peer_close(connection);
}

static void close_path(void *owner, const struct turn_path *path)
{
    (void)owner;
    if (path->transport == TURN_DTLS)
        dtls_client_end(path);
    else if (turn_path_is_stream(path))
        stream_client_end(path);
}

struct turn_host host_of(struct turn_worker *w)
{
    return (struct turn_host){
        .owner = w,
        .packet = get_packet,
        .discard = discard,
        .to_client = to_client,
        .to_peer = to_peer,
        .reply_from = reply_from,
        .open_relay = open_relay,
        .close_relay = close_relay,
        .quota_take = quota_take,
        .quota_give = quota_give,
        .path_added = path_added,
        .path_removed = path_removed,
        .connect = connect_peer,
        .splice = join,
        .close_connection = close_connection,
        .close_path = close_path,
        .made = log_made,
        .ended = log_ended,
        .changed = watch_changed,
        .over = watch_over,
        .refused = log_refused,
        .unproven = log_unproven,
    };
}
