/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/leases.h - the sockets leased to calls: from interfaces and port ranges to numbered
 * leases.
 *
 * One step of signalling begins, leases through `struct call_ports`, and then commits (the sockets
 * go to the worker) or rolls back. A port comes back to its pool when the worker says that it has
 * closed the sockets. Belongs to the control thread.
 */
#ifndef SESSION_LEASES_H
#define SESSION_LEASES_H

#include "call/record.h"
#include "net/interfaces.h"
#include "net/port_pool.h"
#include "relay/relay.h"

struct leases;

struct leases_config {
    uint16_t port_min, port_max;
    unsigned tos;
};

/* Borrows `interfaces` for its life time. Returns 0 or -ENOMEM. */
NODISCARD int leases_open(
    struct leases **out, const struct leases_config *config, const struct interfaces *interfaces);

/* Accepts NULL; closes what was never committed. */
void leases_close(struct leases *leases);

/* Starts a step for a call on the worker whose shared WebRTC port is given (0: none), and returns
 * what call_apply() leases from. */
struct call_ports leases_begin(struct leases *leases, uint16_t webrtc_port);

/*
 * Leases in this step, of a call that was in another process, just the ports it had there; the
 * number of the lease comes out. Returns 0, or a negative errno: -EADDRNOTAVAIL when the address is
 * none of ours, or not on this machine now; -ERANGE when the ports are not of the range; -EBUSY or
 * -EADDRINUSE when somebody has them.
 */
NODISCARD int leases_take(
    struct leases *leases, const struct call_record_port *wanted, uint32_t *number);

/* Whether calls may use that local address; its port does not matter. */
bool leases_have_address(const struct leases *leases, const struct address *bind);

/* The sockets leased in this step, borrowed until commit or rollback. */
const struct relay_sockets *leases_new_sockets(const struct leases *leases, size_t *count);

/* Ends the step: the descriptors have been taken. */
void leases_commit(struct leases *leases);

/* Ends the step: closes the sockets and gives the ports back. */
void leases_rollback(struct leases *leases);

/* The worker has closed the sockets of a committed lease. Unknown numbers are ignored. */
void leases_returned(struct leases *leases, uint32_t lease);

/* Ports of each local address; `count` is that of the pools, in the order of interfaces->binds. */
struct port_pool_usage leases_usage(const struct leases *leases, size_t bind_index);

/* Leases that are out, for tests and metrics. */
size_t leases_outstanding(const struct leases *leases);

#endif
