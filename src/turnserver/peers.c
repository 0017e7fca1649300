/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/stream.h"

enum {
    CLOSING_MS = 30 * 1000, /* one side may read nothing of what is left for it for so long */
    LINGER_MS = 5 * 1000,   /* both have got all, and one does not close */
    BREATH_MS = 20,         /* until the limit of bytes is asked again */
};

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
    timer_cancel(worker_timers(peer->worker->worker), &peer->breath);
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

/* What of a connection that is bound has not reached the kernel's other side. */
static size_t left_of(const struct peer *peer)
{
    const struct stream *near = peer->client->stream, *far = peer->stream;
    return stream_input(near).len + stream_unsent(near) + stream_input(far).len +
           stream_unsent(far);
}

/* Told by one of the two ends, not by the protocol machine. */
static void end(struct peer *peer)
{
    turn_connection_closed(peer->worker->core, &peer->base);
    free_peer(peer);
}

void peer_client_gone(struct peer *peer)
{
    peer->client = NULL;
    end(peer);
}

static void wait_for_end(struct peer *peer)
{
    peer->left = left_of(peer);
    timer_arm(worker_timers(peer->worker->worker), &peer->closing,
        now_ms_of(peer) + (peer->left > 0 ? CLOSING_MS : LINGER_MS));
}

static void on_closing(struct timer *timer, uint64_t now_ms)
{
    struct peer *peer = CONTAINER_OF(timer, struct peer, closing);
    size_t left = left_of(peer);
    (void)now_ms;
    if (left == 0 || left == peer->left)
        end(peer);
    else
        wait_for_end(peer);
}

/* --- data --------------------------------------------------------------------------------------
 */

/* How much of what has come `to` may take now. */
static size_t allowance(
    struct peer *peer, const struct stream *from, const struct stream *to, size_t len)
{
    size_t unsent = stream_unsent(to);
    size_t room = unsent < STREAM_OUTPUT_MAX ? STREAM_OUTPUT_MAX - unsent : 0;
    size_t wanted = len < room ? len : room;
    uint64_t now_ms = now_ms_of(peer);
    if (wanted == 0)
        return 0;
    size_t some = turn_connection_pass(&peer->base, from != peer->stream, wanted, now_ms);
    if (some == 0 && !timer_is_armed(&peer->breath))
        timer_arm(worker_timers(peer->worker->worker), &peer->breath, now_ms + BREATH_MS);
    return some;
}

/* Moves what `to` has room for; with none left `from` waits until it has drained. */
static void pump(struct peer *peer, struct stream *from, struct stream *to)
{
    for (;;) {
        struct bytes input = stream_input(from);
        if (input.len == 0)
            return;
        struct bytes part = bytes_of(input.data, allowance(peer, from, to, input.len));
        if (part.len == 0 || stream_write(to, &part, 1) != 0) {
            stream_pause_input(from);
            return;
        }
        stream_consume(from, part.len);
    }
}

/* From one side to the other, with its end behind it (RFC 6062, section 5.5). A connection that is
 * closed with bytes unread is reset, and then the other end may lose what it has not read yet: so
 * all is over when both have ended. False when it is. */
static bool move(struct peer *peer, struct stream *from, const struct peer_side *giver,
    struct stream *to, const struct peer_side *taker)
{
    if (taker->is_gone)
        stream_consume(from, stream_input(from).len);
    else
        pump(peer, from, to);
    if (giver->has_ended && stream_input(from).len == 0)
        stream_shutdown_write(to);
    if (!giver->has_ended || !taker->has_ended || left_of(peer) > 0)
        return true;
    end(peer);
    return false;
}

static bool from_near(struct peer *peer)
{
    return move(peer, peer->client->stream, &peer->near, peer->stream, &peer->far);
}

static bool from_far(struct peer *peer)
{
    return move(peer, peer->stream, &peer->far, peer->client->stream, &peer->near);
}

static void on_breath(struct timer *timer, uint64_t now_ms)
{
    struct peer *peer = CONTAINER_OF(timer, struct peer, breath);
    (void)now_ms;
    stream_resume_input(peer->stream);
    stream_resume_input(peer->client->stream);
    if (peer->near.has_ended && !from_near(peer))
        return;
    if (peer->far.has_ended)
        (void)from_far(peer);
}

/* The other side still gets what is left for it. */
static void note_end(
    struct peer *peer, struct peer_side *side, bool is_broken, struct stream *other)
{
    side->has_ended = true;
    side->is_gone = is_broken;
    if (is_broken)
        stream_resume_input(other); /* for nobody, but its end is awaited */
    if (!timer_is_armed(&peer->closing))
        wait_for_end(peer);
}

void peer_from_client(struct peer *peer)
{
    (void)from_near(peer);
}

void peer_client_drained(struct peer *peer)
{
    stream_resume_input(peer->stream);
    if (peer->far.has_ended)
        (void)from_far(peer);
}

void peer_client_ended(struct peer *peer, bool is_broken)
{
    note_end(peer, &peer->near, is_broken, peer->stream);
    (void)from_near(peer);
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
        (void)from_far(peer);
}

static void on_drained(void *owner)
{
    struct peer *peer = owner;
    if (peer->client == NULL)
        return;
    stream_resume_input(peer->client->stream);
    if (peer->near.has_ended)
        (void)from_near(peer);
}

static void on_end(void *owner, enum stream_end how, int error)
{
    struct peer *peer = owner;
    if (how == STREAM_CONNECT_FAILED) {
        turn_peer_connected(
            peer->worker->core, &peer->base, error != 0 ? error : -ECONNREFUSED, now_ms_of(peer));
    } else if (peer->client != NULL) {
        note_end(peer, &peer->far, how != STREAM_PEER_CLOSED, peer->client->stream);
        (void)from_far(peer);
    } else {
        end(peer);
    }
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
    timer_init(&peer->breath, on_breath);
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
    if (!turn_peer_arrived(w->core, &relay->base, &peer->base, worker_now_ms(w->worker)))
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
    /* What came behind the ConnectionBind is for the peer: on_input is called for it once more. */
    stream_pause_input(client->stream);
    stream_resume_input(client->stream);
}
