/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/lease.h - the leased sockets of a call: one port, or two for RTP and RTCP.
 *
 * A lease outlives the transports that use it: a plan may hand it from one to another. Once no
 * transport uses it, it is closed, and the control thread is told that its ports are free. Its
 * memory becomes that very message, so telling cannot fail.
 */
#ifndef RELAY_LEASE_H
#define RELAY_LEASE_H

#include "net/mailbox.h"
#include "relay/port.h"
#include "relay/relay.h"

struct lease {
    struct message message; /* first */
    struct list link;       /* in the call's list */
    struct relay_listener listener;
    struct relay *relay;
    uint32_t id;
    struct address advertised;
    int fds[2]; /* still ours while the port is not open; -1: none */
    struct port ports[2];
};

/* Returns a new lease, which takes the descriptors; NULL when out of memory. */
NODISCARD struct lease *lease_new(struct relay *relay, const struct relay_sockets *sockets);

/* Gives one component's port to a transport, opening it first; NULL when that fails or there is no
 * such socket. */
struct port *lease_use(struct lease *lease, unsigned component, const struct address *local,
    struct transport *transport, uint8_t index);

/* Sets the traffic class of both sockets. */
void lease_set_tos(const struct lease *lease, uint8_t tos);

bool lease_is_used(const struct lease *lease);

/* Closes the sockets and posts the lease to the control thread, which frees it. */
void lease_close(struct lease *lease);

#endif
