/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/stream.h"

enum { CLOSING_MS = 30 * 1000 /* the other side may take so long to read what is left */ };

static struct peer *peer_of(struct turn_peer_connection *connection)
{
    return (struct peer *)connection;
}

static uint64_t now_ms_of(const struct peer *peer)
{
    return worker_now_ms(peer->worker->worker);
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void free_peer(struct peer *peer)
{
    struct stream_client *client = peer->client;
    timer_cancel(worker_timers(peer->worker->worker), &peer->closing);
    stream_close(peer->stream);
    if (client != NULL) {
        client->peer = NULL;
        stream_client_close(client);
    }
    free(peer);
}

void peer_close(struct turn_peer_connection *connection)
{
    free_peer(peer_of(connection));
}

/* Told by one of the two ends, not by the protocol machine. */
static void end(struct peer *peer)
{
    if (peer->is_known && peer->worker->core != NULL)
        turn_connection_closed(peer->worker->core, &peer->base);
    free_peer(peer);
}

void peer_client_gone(struct peer *peer)
{
    peer->client = NULL;
    end(peer);
}

static void on_closing(struct timer *timer, uint64_t now_ms)
{
    (void)now_ms;
    end(CONTAINER_OF(timer, struct peer, closing));
}

/* One side sends no more: the other gets what is left, and both are closed (RFC 6062, 5.5). */
static void finish(struct peer *peer, struct stream *other)
{
    stream_shutdown_write(other);
    if (stream_unsent(other) == 0 || timer_is_armed(&peer->closing))
        end(peer);
    else
        timer_arm(
            worker_timers(peer->worker->worker), &peer->closing, now_ms_of(peer) + CLOSING_MS);
}

/* --- data --------------------------------------------------------------------------------------
 */

/* Moves what `to` has room for; with none left `from` waits until it has drained. */
static void pump(struct stream *from, struct stream *to)
{
    for (;;) {
        struct bytes input = stream_input(from);
        size_t unsent = stream_unsent(to);
        size_t room = unsent < STREAM_OUTPUT_MAX ? STREAM_OUTPUT_MAX - unsent : 0;
        if (input.len == 0)
            return;
        struct bytes part = bytes_of(input.data, input.len < room ? input.len : room);
        if (part.len == 0 || stream_write(to, &part, 1) != 0) {
            stream_pause_input(from);
            return;
        }
        stream_consume(from, part.len);
    }
}

void peer_from_client(struct peer *peer)
{
    pump(peer->client->stream, peer->stream);
}

void peer_client_drained(struct peer *peer)
{
    if (timer_is_armed(&peer->closing))
        end(peer);
    else
        stream_resume_input(peer->stream);
}

void peer_client_finished(struct peer *peer)
{
    finish(peer, peer->stream);
}

/* --- the hooks of the peer's stream ------------------------------------------------------------
 */

static void on_open(void *owner)
{
    struct peer *peer = owner;
    stream_pause_input(peer->stream);
    turn_peer_connected(peer->worker->core, &peer->base, 0, now_ms_of(peer));
}

static void on_input(void *owner)
{
    struct peer *peer = owner;
    if (peer->client != NULL)
        pump(peer->stream, peer->client->stream);
}

static void on_drained(void *owner)
{
    struct peer *peer = owner;
    if (timer_is_armed(&peer->closing))
        end(peer);
    else if (peer->client != NULL)
        stream_resume_input(peer->client->stream);
}

static void on_end(void *owner, enum stream_end how, int error)
{
    struct peer *peer = owner;
    if (how == STREAM_CONNECT_FAILED)
        turn_peer_connected(
            peer->worker->core, &peer->base, error != 0 ? error : -ECONNREFUSED, now_ms_of(peer));
    else if (how == STREAM_PEER_CLOSED && peer->client != NULL)
        finish(peer, peer->client->stream);
    else
        end(peer);
}

static const struct stream_hooks hooks = {
    .on_open = on_open, .on_input = on_input, .on_drained = on_drained, .on_end = on_end};

/* --- the beginning -----------------------------------------------------------------------------
 */

static struct peer *peer_new(struct turn_worker *w, const struct address *address)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    if (peer == NULL)
        return NULL;
    peer->worker = w;
    peer->base.peer = *address;
    timer_init(&peer->closing, on_closing);
    return peer;
}

void peers_accept(void *owner, int fd, const struct address *remote, const struct address *local)
{
    struct relay_socket *relay = owner;
    struct turn_worker *w = relay->worker;
    struct peer *peer = peer_new(w, remote);
    if (peer == NULL) {
        close(fd);
        return;
    }
    struct stream_accept_config config = {
        .fd = fd,
        .client = *remote,
        .local = *local,
        .opening = STREAM_RAW,
        .limits = {.output = STREAM_OUTPUT_MAX},
        .hooks = &hooks,
        .owner = peer,
    };
    if (stream_accept(w->hub, &config, &peer->stream) != 0) {
        free(peer);
        return;
    }
    stream_pause_input(peer->stream);
    peer->is_known =
        turn_peer_arrived(w->core, &relay->base, &peer->base, worker_now_ms(w->worker));
    if (!peer->is_known)
        free_peer(peer);
}

int peer_connect(struct turn_worker *w, struct turn_relay *relay, const struct address *address,
    struct turn_peer_connection **out)
{
    struct peer *peer = peer_new(w, address);
    struct stream_connect_config config = {
        .local = relay->local,
        .remote = *address,
        .limits = {.output = STREAM_OUTPUT_MAX},
        .hooks = &hooks,
        .owner = peer,
    };
    if (peer == NULL)
        return -ENOMEM;
    int error = stream_connect(w->hub, &config, &peer->stream);
    if (error != 0) {
        free(peer);
        return error;
    }
    peer->is_known = true;
    *out = &peer->base;
    return 0;
}

void peer_splice(const struct turn_path *path, struct turn_peer_connection *connection)
{
    struct stream_client *client = path->link;
    struct peer *peer = peer_of(connection);
    timer_cancel(worker_timers(peer->worker->worker), &client->idle);
    client->peer = peer;
    peer->client = client;
    stream_resume_input(peer->stream);
    stream_resume_input(client->stream);
}
