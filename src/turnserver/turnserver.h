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

/* --- allocations that go on in another process (docs/store.md) ----------------------------------
 *
 * A record can be made of an allocation whose client comes over plain UDP, and of a mobile one (RFC
 * 8016) however it comes: its client finds it again by the ticket. The others end with the
 * connections of their clients or (RFC 6062) peers.
 *
 * A handle names one allocation of this process, and is never used again: it is the id of
 * turnserver_list(), too.
 */

/* What is told of allocations that a record can be made of; on the control thread, never from
 * within another function of this header. */
struct turnserver_watcher {
    void *owner;
    /* It is new, or has changed since its last record: told once until the next is made. `id` is
     * the same for its whole life, also in other processes, and unique. */
    void (*changed)(void *owner, uint64_t handle, struct text id);
    /* It is over, but for TURNSERVER_SAVE_AND_END, turnserver_drop() and the stop of a worker. */
    void (*ended)(void *owner, uint64_t handle, struct text id);
};

/* Tells `watcher`, which is copied, from now on; once, before anything is restored. NULL: nothing
 * more is told. */
void turnserver_watch(struct turnserver *server, const struct turnserver_watcher *watcher);

enum turnserver_save {
    TURNSERVER_SAVE_COPY,
    TURNSERVER_SAVE_AND_END, /* it ends here: its sockets are closed when the record is told */
};

/* A record, borrowed: there are keys in it. */
struct turnserver_saved {
    struct text id;
    struct text places; /* local IP addresses that it needs, with spaces between them */
    struct bytes record;
};

/* `saved` is NULL when there is no such allocation (any more), no record can be made of it, or
 * memory is short; with TURNSERVER_SAVE_AND_END it goes on in the last case. */
typedef void turnserver_saved_fn(
    void *owner, uint64_t handle, const struct turnserver_saved *saved);

/* Makes a record; `done` is told later. Any number at the same time. -ENOMEM: nothing happens. */
NODISCARD int turnserver_save(struct turnserver *server, uint64_t handle, enum turnserver_save how,
    turnserver_saved_fn *done, void *owner);

struct turnserver_save_counts {
    uint64_t saved;
    uint64_t lost; /* no record could be made, or kept */
};

/* Where records go. */
struct turnserver_sink {
    void *owner;
    /* False when it could not be kept. */
    bool (*keep)(void *owner, const struct turnserver_saved *saved);
    /* Once, after the last one. */
    void (*done)(void *owner, const struct turnserver_save_counts *counts);
};

/* Saves all allocations, which end here; the rest goes on until the workers stop. Told later. One
 * that is made meanwhile may be left out. -ENOMEM: nothing happens. */
NODISCARD int turnserver_save_all(struct turnserver *server, const struct turnserver_sink *sink);

/* Why a record was not taken: constant, word. */
#define TURNSERVER_REFUSALS(X)                                                                     \
    X(TURNSERVER_REFUSED_MALFORMED, "malformed") /* breaks a rule of docs/store.md */              \
    X(TURNSERVER_REFUSED_DAMAGED, "damaged")     /* in the file that should have kept it */        \
    X(TURNSERVER_REFUSED_VERSION, "version")     /* of a later program */                          \
    X(TURNSERVER_REFUSED_OLD, "old")             /* its time is over */                            \
    X(TURNSERVER_REFUSED_KNOWN, "known")         /* it is here already: see `handle` */            \
    X(TURNSERVER_REFUSED_ADDRESS, "address") /* one that it needs is not on this machine now */    \
    X(TURNSERVER_REFUSED_INTERFACE, "interface") /* or not one we serve clients or relay at */     \
    X(TURNSERVER_REFUSED_CLIENT, "client")       /* its client has made another one */             \
    X(TURNSERVER_REFUSED_USER, "user")           /* is revoked, or TURN is off */                  \
    X(TURNSERVER_REFUSED_PORTS, "ports")         /* somebody has its relayed port */               \
    X(TURNSERVER_REFUSED_WORKER, "worker")       /* does not run */                                \
    X(TURNSERVER_REFUSED_MEMORY, "memory")

#define TURNSERVER_REFUSAL_CONSTANT(constant, word) constant,
enum turnserver_refusal {
    TURNSERVER_REFUSALS(TURNSERVER_REFUSAL_CONSTANT) TURNSERVER_REFUSAL_COUNT
};

const char *turnserver_refusal_word(enum turnserver_refusal refusal);

struct turnserver_restoring {
    uint64_t age_limit_ms; /* what was saved longer ago is not taken; 0: no limit */
    void *owner;
    /* Whether the machine has the address now; the port does not matter. NULL: it is tried. */
    bool (*is_here)(void *owner, const struct address *ip);
};

struct turnserver_restored {
    bool ok;
    enum turnserver_refusal refusal; /* unless ok */
    uint64_t handle;       /* when ok, and of TURNSERVER_REFUSED_KNOWN when it is watched */
    char id[TURN_ID_SIZE]; /* empty when it could not be read */
    char why[200];         /* unless ok */
};

/*
 * Makes the allocation of a record go on here, with its relayed ports, permissions and channels,
 * for the time that was left of each. Counts into the quotas, but is not refused by them. Logs what
 * became of it. A worker that cannot take it after all tells ended().
 */
struct turnserver_restored turnserver_restore(
    struct turnserver *server, struct bytes record, const struct turnserver_restoring *restoring);

/* For so long from now on (0: no more) a request of a client whose allocation is not here gets no
 * answer instead of 437, with which it would give up: the allocation may come yet. Any time. */
void turnserver_expect(struct turnserver *server, uint64_t ms);

/* Somebody else has it: ends it without a word, and without ended(). One that was told of only. */
void turnserver_drop(struct turnserver *server, uint64_t handle);

/* Counts a record that could not be handed to turnserver_restore(). */
void turnserver_count_refused(struct turnserver *server, enum turnserver_refusal refusal);

struct turnserver_records {
    uint64_t saved; /* by turnserver_save_all() */
    uint64_t lost;  /* likewise */
    uint64_t restored;
    uint64_t refused[TURNSERVER_REFUSAL_COUNT];
};

struct turnserver_records turnserver_records(const struct turnserver *server);

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
