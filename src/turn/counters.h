/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/counters.h - what the TURN server of one worker counts: one line a counter.
 *
 * Written by the worker, read by any thread.
 */
#ifndef TURN_COUNTERS_H
#define TURN_COUNTERS_H

#include "base/metrics.h"

/* X(field, type in Prometheus, help) */
#define TURN_COUNTERS(X)                                                                           \
    X(binding_requests, counter, "STUN Binding requests")                                          \
    X(binding_limited, counter, "Binding requests left unanswered by the rate limit")              \
    X(challenges, counter, "requests answered with 401 or 438")                                    \
    X(challenges_limited, counter, "requests without proof left unanswered by the rate limit")     \
    X(auth_failures, counter, "requests with wrong credentials")                                   \
    X(lookups, counter, "users looked up in Redis")                                                \
    X(allocations, gauge, "allocations that live")                                                 \
    X(allocations_made, counter, "allocations made")                                               \
    X(allocations_expired, counter, "allocations not refreshed in time")                           \
    X(allocations_killed, counter, "allocations ended by the operator or by expired credentials")  \
    X(quota_refused, counter, "allocations refused with 486")                                      \
    X(capacity_refused, counter, "allocations refused with 508")                                   \
    X(redirects, counter, "requests answered with 300")                                            \
    X(permissions, gauge, "permissions that live")                                                 \
    X(channels, gauge, "channels that live")                                                       \
    X(peers_denied, counter, "peers refused with 403")                                             \
    X(errors, counter, "requests answered with another error")                                     \
    X(client_packets, counter, "data packets from clients, relayed")                               \
    X(client_bytes, counter, "their payload")                                                      \
    X(peer_packets, counter, "data packets from peers, relayed")                                   \
    X(peer_bytes, counter, "their payload")                                                        \
    X(icmp_errors, counter, "ICMP errors told to clients")                                         \
    X(tcp_connections, gauge, "connections to peers (RFC 6062)")                                   \
    X(mobility_moves, counter, "allocations that moved to another 5-tuple")

struct turn_counters {
#define X(field, type, help) struct counter field;
    TURN_COUNTERS(X)
#undef X
};

#endif
