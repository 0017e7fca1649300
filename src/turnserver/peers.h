/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/peers.h - TCP connections between relayed addresses and peers (RFC 6062), and what
 * flows between them and the data connections of clients.
 *
 * Bytes are taken from one side only as far as the other takes them: a slow reader slows the
 * sender down. What a peer sends before its connection is bound waits in the kernel.
 */
#ifndef TURNSERVER_PEERS_H
#define TURNSERVER_PEERS_H

#include "turnserver/relays.h"
#include "turnserver/stream_clients.h"

/* What has become of one side of a connection through the relay. */
struct peer_side {
    bool has_ended; /* it sends no more */
    bool is_gone;   /* and takes no more */
};

struct peer {
    struct turn_peer_connection base; /* first */
    struct turn_worker *worker;
    struct stream *stream;
    struct stream_client *client; /* NULL until it is bound */
    struct timer closing;         /* one side has ended */
    struct timer breath;          /* the allocation is at its limit of bytes */
    size_t left;                  /* bytes that were unsent when `closing` was armed */
    struct peer_side near, far;   /* the client's connection, the peer's */
};

/* A relayed address's listener; `owner` is the struct relay_socket. Takes `fd`. */
void peers_accept(void *owner, int fd, const struct address *remote, const struct address *local);

/* As in struct turn_host. */
NODISCARD int peer_connect(struct turn_worker *w, struct turn_relay *relay,
    const struct address *address, struct turn_peer_connection **out);
void peer_splice(const struct turn_path *path, struct turn_peer_connection *connection);
void peer_close(struct turn_peer_connection *connection);

/* What the client's connection does. */
void peer_from_client(struct peer *peer);    /* it has input */
void peer_client_drained(struct peer *peer); /* it takes more */
/* It sends no more or, broken, neither sends nor takes. */
void peer_client_ended(struct peer *peer, bool is_broken);
void peer_client_gone(struct peer *peer); /* it is being closed */

#endif
