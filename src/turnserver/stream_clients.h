/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/stream_clients.h - the TCP and TLS connections of a worker's clients: control
 * connections of allocations, and data connections (RFC 6062) before and after they are bound.
 */
#ifndef TURNSERVER_STREAM_CLIENTS_H
#define TURNSERVER_STREAM_CLIENTS_H

#include "turnserver/state.h"

struct peer;
struct stream;

enum {
    OPENING_MS = 10 * 1000,        /* PROXY header, TLS handshake and first message */
    STREAM_OUTPUT_MAX = 256 * 1024 /* bytes a slow client may leave unread */
};

struct stream_client {
    struct link link; /* first */
    struct stream *stream;
    struct timer idle;
    struct peer *peer;     /* RFC 6062: what comes is for it; NULL: STUN and ChannelData */
    struct list half_open; /* in the worker's, until PROXY header and TLS handshake are over */
    bool is_half_open;
};

/* A listener's; `owner` is the struct turn_worker. Takes `fd`. */
void stream_clients_accept(
    void *owner, int fd, const struct address *remote, const struct address *local);

/* Sends a message on a path of a stream, padded to 4 bytes (RFC 8656, section 12.5). */
void stream_client_send(const struct turn_path *path, struct bytes message);

/* Ends the connection of a path: its allocation is over. */
void stream_client_end(const struct turn_path *path);

/* The path has an allocation, or has none any more. */
void stream_client_used(const struct turn_path *path, bool has_allocation);

/* Hands the connection with all it holds to another worker, which begins with the message in `p`.
 * False when it cannot move. */
NODISCARD bool stream_client_move(
    struct turn_worker *w, unsigned to, const struct turn_path *path, const struct packet *p);

/* Closes it, telling the protocol machine; `c` is gone when it is not in use up the stack. */
void stream_client_close(struct stream_client *c);

void stream_clients_close(struct turn_worker *w);

#endif
