/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/policy.h - which peers may be reached through a relayed address.
 *
 * The first rule that fits decides:
 *   1. an IPv6 spelling of an IPv4 address: only when both are on the allowed list;
 *   2. on the allowed list: allowed;
 *   3. on the denied list: denied;
 *   4. loopback, with `allow_loopback`: allowed;
 *   5. an address of this host (not loopback or link-local): only its own media and relay ports;
 *   6. any class but public: denied;
 *   7. the rest: allowed.
 * Above them all stand the protected endpoints (control ports, Redis, our own listeners): nothing
 * is ever sent there. A policy is immutable and may be shared by threads.
 */
#ifndef TURN_POLICY_H
#define TURN_POLICY_H

#include "net/address_class.h"
#include "net/address_ranges.h"

struct own_sockets;

enum peer_verdict {
    PEER_DENIED,
    PEER_ALLOWED_CHECK_PORT, /* permitted, but each packet must ask policy_peer_port() */
    PEER_ALLOWED,
};

enum peer_reason {
    PEER_REASON_NONE, /* not denied */
    PEER_REASON_LIST, /* the denied list */
    PEER_REASON_CLASS,
    PEER_REASON_SPELLING,  /* rule 1 */
    PEER_REASON_PROTECTED, /* of policy_peer_port() only, as is the next */
    PEER_REASON_NOT_OURS,  /* a port of this host that is none of our media */
    PEER_REASON_COUNT,
};

/* "denied-list", "class", ...: for logs and metrics. */
const char *peer_reason_name(enum peer_reason reason);

struct policy_config {
    const struct address_ranges *allowed; /* sealed; copied; NULL: empty */
    const struct address_ranges *denied;  /* likewise */
    bool allow_loopback;
    const struct address *own; /* IPs of this host: local, external; ports play no part; copied */
    size_t own_count;
    /* Port 0: every port. An unspecified IP: every address of this host, of either family. Copied.
     */
    const struct address *protected_endpoints;
    size_t protected_count;
    const struct own_sockets *own_sockets; /* borrowed; NULL: none */
};

struct peer_policy;

/* Returns a new policy, or NULL when out of memory. */
NODISCARD struct peer_policy *policy_new(const struct policy_config *config);
void policy_free(struct peer_policy *policy); /* accepts NULL */

/* For a permission: judges the IP of `peer`. `reason` may be NULL. */
enum peer_verdict policy_peer(
    const struct peer_policy *policy, const struct address *peer, enum peer_reason *reason);

/* For a packet or a channel to a peer that policy_peer() allowed: judges its port. Cheap. `reason`
 * may be NULL. */
bool policy_peer_port(
    const struct peer_policy *policy, const struct address *peer, enum peer_reason *reason);

/* The same for a TCP connection: media and relay ports are those of UDP, so of an address of this
 * host nothing is left by rule 5. */
bool policy_peer_tcp_port(
    const struct peer_policy *policy, const struct address *peer, enum peer_reason *reason);

#endif
