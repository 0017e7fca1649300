/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/inside.h - packets from socket to socket of this process, as one worker handles them.
 *
 *     inside_take() --> same worker: waiting ------------------------> inside_receive()
 *                  \-> another one: parcel --inside_post()--> waiting there
 *
 * Belongs to the worker's thread. What waits is bounded, and a packet that is taken while others
 * are handled is not among those received before the next turn: two sockets that answer each other
 * for ever cannot hold the loop.
 */
#ifndef NET_INSIDE_H
#define NET_INSIDE_H

#include "net/packet_io.h"

enum { INSIDE_WAITING = 1024 /* packets of one worker; more are dropped */ };

struct parcel;

struct inside {
    struct own_sockets *own; /* borrowed; NULL: all packets go through the kernel */
    const struct own_ports *ports;
    unsigned worker;
    struct pool *pool;                   /* borrowed */
    struct packet_io_counters *counters; /* borrowed */
    struct packet *first;                /* what waits, the oldest first */
    struct packet **end;
    unsigned waiting;
    struct parcel **parcels; /* being filled, one for each worker; NULL: none */
    unsigned open_parcels;
};

/* In the caller's memory. Returns 0 or -ENOMEM; inside_done() is for after a failure, too. */
NODISCARD int inside_init(struct inside *inside, struct own_sockets *own, unsigned worker,
    struct pool *pool, struct packet_io_counters *counters);

/* Gives back what waits. */
void inside_done(struct inside *inside);

/* Whether inside_take() might take it. */
static inline bool inside_may_take(const struct inside *inside, const struct packet *p)
{
    return inside->own != NULL && own_ports_have(inside->ports, p->peer.port);
}

/* Takes a packet whose peer is a reachable socket of the process; false when it is not: it is for
 * the kernel. */
NODISCARD bool inside_take(struct inside *inside, struct packet *p);

/* Posts what was taken for other workers. Such a message is delivered to the owner of their
 * mailbox, which is their `struct inside`. */
void inside_post(struct inside *inside);

/* Adds up to `limit` packets that waited to the batch; returns how many. */
unsigned inside_receive(struct inside *inside, struct packet_batch *batch, unsigned limit);

/* The socket is about to be closed: what waits for it is dropped. */
void inside_forget(struct inside *inside, struct packet_socket *socket);

#endif
