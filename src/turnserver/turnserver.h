/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/turnserver.h - the STUN/TURN server of the process: the protocol machine (turn/turn.h)
 * on the sockets and threads of the media workers.
 *
 * This header is all that the control thread sees, and its functions are for that thread only. An
 * allocation lives on one worker. What workers share (relay ports, quotas, who has which client) is
 * behind small locks that no data packet takes. What a worker has to say comes back through
 * `struct turnserver_listener`, on the control thread.
 *
 * Life: turnserver_new(); turnserver_add_worker() for each worker before that one is started; the
 * workers run; the control thread stops them; turnserver_free().
 */
#ifndef TURNSERVER_TURNSERVER_H
#define TURNSERVER_TURNSERVER_H

#include "net/address_ranges.h"
#include "net/tls_context.h"
#include "net/worker.h"
#include "turn/turn.h"

/* What may change while it runs: immutable once shared, reference counted (atomically). */
struct turnserver_settings {
    atomic_uint references;
    struct turn_settings *turn;    /* reference owned */
    struct tls_context *tls;       /* reference owned; NULL: neither TLS nor DTLS */
    struct address_ranges proxies; /* sealed; who must speak the PROXY protocol. Owned */

    /* 0: no limit. */
    uint64_t user_quota, total_quota; /* allocations; of one user of a realm, and of all */
    uint64_t capacity_bytes_per_s;    /* that all allocations together may be promised */
    uint64_t max_connections;         /* TCP and DTLS, of the process */
    uint64_t max_connections_per_ip;
    uint64_t max_half_open;  /* of one worker */
    uint32_t idle_timeout_s; /* of a connection without an allocation */
};

/* Returns new settings with one reference; takes over the reference to `turn`. NULL, with that
 * reference dropped, when out of memory. */
NODISCARD struct turnserver_settings *turnserver_settings_new(struct turn_settings *turn);

struct turnserver_settings *turnserver_settings_ref(struct turnserver_settings *settings);

/* Accepts NULL. */
void turnserver_settings_unref(struct turnserver_settings *settings);

/* A local address for relayed transport addresses; the ports are 0. */
struct turnserver_relay {
    struct address bind;
    struct address external; /* what clients and peers see; equals `bind` without a NAT */
};

/* A user whose credentials a worker asks for. It waits until turnserver_lookup_done(). */
struct turnserver_lookup;

struct turnserver_listener {
    void *owner;
    /* May finish the lookup at once. NULL: there is no database. */
    void (*lookup)(void *owner, struct turnserver_lookup *lookup);
};

struct turnserver_config {
    const struct address *listen; /* with ports; UDP and TCP on each. Copied */
    size_t listen_count;
    bool udp, tcp, tls, dtls;              /* which of them to serve */
    const struct turnserver_relay *relays; /* copied */
    size_t relay_count;
    uint16_t port_min, port_max; /* of relayed addresses */
    unsigned tos;
    size_t workers;          /* that will be added */
    size_t max_allocations;  /* of one worker */
    struct mailbox *control; /* borrowed */
    struct turnserver_listener listener;
    struct turnserver_settings *settings; /* the server takes a reference of its own */
};

struct turnserver;

/* Returns a new server, or NULL when out of memory. */
NODISCARD struct turnserver *turnserver_new(const struct turnserver_config *config);

/* Opens the sockets of one worker, which closes them when it is stopped. Returns 0, or a negative
 * errno, with a sentence in `why` unless it is -ENOMEM; the worker is to be stopped then, too. */
NODISCARD int turnserver_add_worker(
    struct turnserver *server, struct worker *worker, struct str *why);

/* Accepts NULL. */
void turnserver_free(struct turnserver *server);

/* New settings for all workers; takes a reference of its own. -ENOMEM: some may have the old. */
NODISCARD int turnserver_apply(struct turnserver *server, struct turnserver_settings *settings);

/* --- look-ups ----------------------------------------------------------------------------------
 */

struct text turnserver_lookup_realm(const struct turnserver_lookup *lookup);
struct text turnserver_lookup_username(const struct turnserver_lookup *lookup);

/* The answer is in the user cache; the request that waits is looked at again. Frees `lookup`. */
void turnserver_lookup_done(struct turnserver_lookup *lookup);

/* --- for the operator --------------------------------------------------------------------------
 */

/* One allocation; texts and addresses are valid during the call. */
struct turnserver_allocation {
    unsigned worker;
    const struct turn_report *report;
};

/* Tells of each allocation of `user` (empty: all), at most `limit`, then of the end with NULL;
 * later, on the control thread. -ENOMEM: nothing will come. */
NODISCARD int turnserver_list(struct turnserver *server, struct text user, size_t limit,
    void (*tell)(void *owner, const struct turnserver_allocation *allocation), void *owner);

/* Ends allocations: the one with `id`, or (id 0) all of a user, in `realm` or (empty) in any.
 * `done` is told how many, later. -ENOMEM: nothing happens. */
NODISCARD int turnserver_kill(struct turnserver *server, uint64_t id, struct text user,
    struct text realm, void (*done)(void *owner, size_t count), void *owner);

/* --- numbers -----------------------------------------------------------------------------------
 */

/* X(field, type in Prometheus, help): of the transport side, beside TURN_COUNTERS. */
#define TURNSERVER_COUNTERS(X)                                                                     \
    X(connections, gauge, "TCP and TLS connections of clients")                                    \
    X(connections_refused, counter, "connections closed because of a limit")                       \
    X(connections_idle, counter, "connections closed because nothing came of them")                \
    X(dtls_sessions, gauge, "DTLS sessions of clients")                                            \
    X(dtls_cookies, counter, "DTLS ClientHellos answered with a cookie")                           \
    X(handed_over, counter, "messages and connections handed to the worker that owns them")        \
    X(lookups_refused, counter, "requests dropped because too many look-ups wait")

struct turnserver_counters {
#define X(field, type, help) struct counter field;
    TURNSERVER_COUNTERS(X)
#undef X
};

struct turnserver_totals {
#define X(field, type, help) uint64_t field;
    TURN_COUNTERS(X)
    TURNSERVER_COUNTERS(X)
#undef X
    uint64_t relay_ports, relay_ports_used, reservations;
};

/* Adds up the counters of the workers that run. */
void turnserver_totals(struct turnserver *server, struct turnserver_totals *out);

#endif
