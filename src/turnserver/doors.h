/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/doors.h - the sockets that clients come to: a UDP socket and a listening TCP socket of
 * each worker on each listening address, sharing its port.
 */
#ifndef TURNSERVER_DOORS_H
#define TURNSERVER_DOORS_H

#include "turnserver/state.h"

/* Opens all of a worker. Returns 0, or a negative errno with a sentence in `why`. */
NODISCARD int doors_open(struct turn_worker *w, struct str *why);

/* Harmless when they are closed. */
void doors_close(struct turn_worker *w);

/* Forgets proxied clients that have been silent for long. */
void doors_sweep(struct turn_worker *w, uint64_t now_ms);

/* The door on a local address, or NULL. */
struct door *door_at(const struct turn_worker *w, const struct address *local);

/*
 * Whom a datagram in `p` is from: its sender or, behind a trusted proxy, whom the PROXY header at
 * its head (which is taken off) or that of an earlier datagram tells. False, with a drop verdict,
 * when a trusted proxy did not say.
 */
NODISCARD bool door_ask_proxy(
    struct door *door, struct packet *p, uint64_t now_ms, struct address *client);

/* The proxy at `hop` has told before, to another process, that it stands for `client`. */
void door_remember(
    struct door *door, const struct address *hop, const struct address *client, uint64_t now_ms);

static inline bool door_client(
    struct door *door, struct packet *p, uint64_t now_ms, struct address *client)
{
    *client = p->peer;
    return door->worker->settings->proxies.count == 0 || door_ask_proxy(door, p, now_ms, client);
}

#endif
