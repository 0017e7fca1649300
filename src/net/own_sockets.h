/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/own_sockets.h - the directory of the sockets of this process that others in it may send to
 * without a trip through the kernel: media ports and relayed addresses.
 *
 * One directory is shared by all workers. A socket is found under the address it is bound to and
 * under the one it is advertised by, which have the same port; an address that two sockets have is
 * nobody's. Adding and removing are for the thread of the socket's worker. All other functions may
 * be called from any thread; a miss costs a look at one bit, a hit a short lock.
 */
#ifndef NET_OWN_SOCKETS_H
#define NET_OWN_SOCKETS_H

#include <stdatomic.h>

#include "mediaferry/address.h"

enum { OWN_SOCKETS_WAITING = 1024 };

struct mailbox;
struct message;
struct own_sockets;

/* Embedded in the socket; it must not move while it is in the directory. */
struct own_socket {
    struct address bound;
    struct address advertised;
    unsigned worker;
    bool is_listed;
    unsigned waiting;        /* the worker's: packets from inside that it has not received yet */
    struct own_socket *next; /* the directory's */
};

/* A bit for each port that a socket in the directory has. */
struct own_ports {
    _Atomic uint64_t used[(UINT16_MAX + 1) / 64];
};

/* What own_sockets_find() has found. */
struct own_match {
    unsigned worker;
    struct own_socket *socket; /* only for the thread of that worker */
    bool by_advertised;        /* and the socket is bound to another address */
};

/* Returns a new directory for workers with the numbers 0 to `workers` - 1; NULL when out of
 * memory. */
NODISCARD struct own_sockets *own_sockets_new(unsigned workers);

/* All workers have left. Accepts NULL. */
void own_sockets_free(struct own_sockets *own);

/* How many workers there may be. */
unsigned own_sockets_workers(const struct own_sockets *own);

/* From now on the worker's `mailbox` may be posted to. */
void own_sockets_join(struct own_sockets *own, unsigned worker, struct mailbox *mailbox);

/* Takes out all sockets of the worker; afterwards its mailbox is not posted to any more. */
void own_sockets_leave(struct own_sockets *own, unsigned worker);

/* Adds `socket`, whose `bound` is a specific address and whose `advertised` has the same port. */
void own_sockets_add(struct own_sockets *own, unsigned worker, struct own_socket *socket);

/* Harmless when it is not listed. */
void own_sockets_remove(struct own_sockets *own, struct own_socket *socket);

/* For own_ports_have(), for as long as the directory lives. */
const struct own_ports *own_sockets_ports(const struct own_sockets *own);

/* Whether it is worth to ask own_sockets_find(): for who must know for every packet. */
static inline bool own_ports_have(const struct own_ports *ports, uint16_t port)
{
    uint64_t word = atomic_load_explicit(&ports->used[port / 64], memory_order_relaxed);
    return (word >> (port % 64) & 1) != 0;
}

/* Whether a reachable socket of the process has this address, in either form. */
bool own_sockets_have(const struct own_sockets *own, const struct address *address);

/* The same; fills `out` when there is one. */
NODISCARD bool own_sockets_find(
    const struct own_sockets *own, const struct address *address, struct own_match *out);

/* Takes `message`, which brings `count` packets, and posts it to a worker's mailbox. False, and the
 * message stays the caller's, when the worker has left or when more than OWN_SOCKETS_WAITING
 * packets would wait for it. */
NODISCARD bool own_sockets_post(
    struct own_sockets *own, unsigned worker, struct message *message, unsigned count);

/* The worker has `count` packets of such a message in hand: they wait no more. */
void own_sockets_taken(struct own_sockets *own, unsigned worker, unsigned count);

#endif
