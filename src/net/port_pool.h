/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/port_pool.h - the media ports of one local address: leased bound, reused oldest first.
 *
 * The first round goes through the range in a random order. A lease is either an even port and the
 * odd one after it, or a single port; singles break up as few pairs as they can. Ports that someone
 * else has bound are skipped and counted. Belongs to the control thread; does not log.
 */
#ifndef NET_PORT_POOL_H
#define NET_PORT_POOL_H

#include "mediaferry/address.h"

struct port_pool_config {
    struct address bind; /* without port */
    uint16_t min;        /* not 0 */
    uint16_t max;        /* inclusive, not below `min` */
    unsigned tos;
    int receive_buffer; /* bytes; 0: the system's default */
};

struct port_pool;

/* Returns 0 and a new pool in `out`, or -ENOMEM. */
NODISCARD int port_pool_new(const struct port_pool_config *config, struct port_pool **out);

/* Accepts NULL. Leases need not have come back. */
void port_pool_free(struct port_pool *pool);

enum port_lease_kind { PORT_SINGLE = 1, PORT_PAIR = 2 }; /* the value is the number of ports */

struct port_lease {
    uint16_t port; /* the first */
    enum port_lease_kind kind;
    int fds[2]; /* bound, non-blocking; the caller takes them (the second is -1 for PORT_SINGLE) */
};

/*
 * Returns 0, or: -ENOSPC when the pool has no such port left; -EADDRINUSE when all it has left are
 * bound by others; any other negative errno of opening or binding a socket, which no other port
 * would cure (no descriptors, address not of this machine).
 */
NODISCARD int port_pool_lease(
    struct port_pool *pool, enum port_lease_kind kind, struct port_lease *out);

/*
 * Leases just this port, and the odd one after it for a pair: those that a call had in a process
 * before. Returns 0, or: -ERANGE when it is none of the pool's, or no even one for a pair; -EBUSY
 * when it is leased; a negative errno of opening or binding, -EADDRINUSE when someone else has it.
 */
NODISCARD int port_pool_take(
    struct port_pool *pool, uint16_t port, enum port_lease_kind kind, struct port_lease *out);

/* Gives ports back, once their sockets are closed. */
void port_pool_release(struct port_pool *pool, uint16_t port, enum port_lease_kind kind);

struct port_pool_usage {
    unsigned total;
    unsigned used;
    uint64_t skipped; /* found bound by others, ever */
};

struct port_pool_usage port_pool_usage(const struct port_pool *pool);
const struct address *port_pool_address(const struct port_pool *pool);

#endif
