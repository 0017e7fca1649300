/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/session.h - the live calls of this node: from a command to ports, plan and worker.
 *
 * Owned by the control thread; every function is called there. A call is placed on one worker when
 * its first offer makes it and stays there. Commands take effect in the order in which they come;
 * what needs the worker's counters (query, and delete with statistics) is told later through a
 * callback, always on the control thread and never from inside the function that asked.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <uv.h>

#include "call/call.h"
#include "base/drops.h"
#include "net/interfaces.h"
#include "net/port_pool.h"
#include "relay/relay.h"

struct sessions;

struct sessions_config {
    struct call_config call;
    uint32_t delete_delay_s;
    uint32_t final_timeout_s;  /* 0: none */
    uint32_t silent_timeout_s; /* of calls without streams; 0: none */
    int64_t max_sessions;      /* -1: no limit */
    uint16_t port_min, port_max;
    bool shared_webrtc_port; /* WebRTC legs use the worker's shared port */
};

/* One media worker as the sessions see it. */
struct session_worker {
    struct relay *relay;
    const struct packet_io_counters *counters; /* its packets tell its load; NULL: not seen */
    uint16_t webrtc_port;                      /* 0: none */
};

/* Makes the table of calls on `loop`, which the caller runs. Borrows `interfaces` for its life
 * time. Returns 0 or a negative errno. */
NODISCARD int sessions_open(struct sessions **out, uv_loop_t *loop,
    const struct sessions_config *config, const struct interfaces *interfaces);

/* The listener to give to each relay; workers are added once their relays are open. */
struct relay_listener sessions_listener(struct sessions *sessions);
NODISCARD int sessions_add_worker(struct sessions *sessions, struct session_worker worker);

/* Ends every call, at once. Called after the workers have stopped; frees all. */
void sessions_close(struct sessions *sessions);

enum session_status {
    SESSION_OK,
    SESSION_FAILED, /* see `call` and `result.why` */
    SESSION_LIMIT,  /* a new call was refused: "Parallel session limit reached" */
};

struct session_outcome {
    enum session_status status;
    enum call_status call;
    struct call_result result; /* borrows the call until the next command, and the command */
};

/* Offer and answer: leases ports, makes the plan and posts it to the worker before it returns. */
struct session_outcome sessions_exchange(
    struct sessions *sessions, const struct call_command *command);

/* While it is so, every new call gets SESSION_LIMIT; those that are known go on. */
void sessions_refuse_new(struct sessions *sessions, bool refuse);

/* What query and delete tell; borrowed for the time of the callback. */
struct session_report {
    struct session_outcome outcome;        /* of the delete, or CALL_UNKNOWN */
    const struct call *call;               /* as it was before; NULL when it was not found */
    const struct relay_snapshot *snapshot; /* NULL when not asked for */
};

typedef void session_report_fn(void *owner, const struct session_report *report);

/* Deletes a party, or the call after the delete-delay. Without statistics (`flags.fast`) `done` is
 * still called, without a snapshot. Returns 0, or -ENOMEM: then nothing was done and `done` is not
 * called. */
NODISCARD int sessions_delete(struct sessions *sessions, const struct call_command *command,
    session_report_fn *done, void *owner);

/* Returns 0, or -ENOMEM: then `done` is not called. */
NODISCARD int sessions_query(
    struct sessions *sessions, struct text call_id, session_report_fn *done, void *owner);

/* Calls `visit` for up to `limit` calls. */
void sessions_list(struct sessions *sessions, size_t limit,
    void (*visit)(void *owner, struct text call_id), void *owner);

/* A call as those see it who look after the node; borrowed from it. */
struct session_row {
    uint64_t handle; /* younger calls have larger ones */
    struct text call_id;
    size_t worker;
    uint64_t age_ms;
    bool is_deleted; /* kept for the delete-delay only */
};

struct session_filter {
    struct text match; /* part of the call-id; empty: all calls */
    uint64_t after;    /* younger than this handle */
    size_t limit;
};

/* Calls `visit`, which changes nothing, for those that fit, the oldest first; `total` becomes the
 * number of all that match. Returns 0 or -ENOMEM. */
NODISCARD int sessions_browse(struct sessions *sessions, const struct session_filter *filter,
    void (*visit)(void *owner, const struct session_row *row), void *owner, size_t *total);

/* False: there is no such call. */
NODISCARD bool sessions_look(
    const struct sessions *sessions, struct text call_id, struct session_row *out);

/* Ends a call at once, whatever the proxy thinks. False: there is no such call. */
NODISCARD bool sessions_terminate(struct sessions *sessions, struct text call_id);

size_t sessions_worker_count(const struct sessions *sessions);
const struct session_worker *sessions_worker(const struct sessions *sessions, size_t index);

struct sessions_totals {
    uint64_t current, managed, refused, terminated;
    uint64_t forced;  /* ended by sessions_terminate() */
    uint64_t dropped; /* by sessions_drop() */
    uint64_t timed_out, silent_timed_out, offer_timed_out, final_timed_out;
    int64_t started_us; /* unix microseconds */
};

struct sessions_totals sessions_totals(const struct sessions *sessions);

/* --- calls that go on in another process (docs/store.md) --- */

/* Who keeps records of calls elsewhere. Told on the control thread, now and then from within a
 * command: the watcher notes it, and calls nothing of sessions meanwhile. */
struct sessions_watcher {
    void *owner;
    /* The call is new or has changed, so that what was saved of it is old: after a command, or when
     * its worker has learned something that another process would have to learn anew. */
    void (*changed)(void *owner, uint64_t handle, struct text call_id);
    /* It is over. Not told of calls that go on elsewhere (RELAY_SAVE_AND_END, sessions_save_all(),
     * sessions_drop()), nor by sessions_close(). */
    void (*ended)(void *owner, uint64_t handle, struct text call_id);
};

/* NULL: nobody watches any more. */
void sessions_watch(struct sessions *sessions, const struct sessions_watcher *watcher);

enum { SESSION_MAX_PLACES = 512 };

/* Borrowed for the callback: there are keys in the record. */
struct session_saved {
    struct text call_id;
    /* The local IP addresses that the call is bound to, each once, with spaces between them, at
     * most SESSION_MAX_PLACES bytes; empty: it has no ports. */
    struct text places;
    struct bytes record;
};

/* `saved` NULL: it could not be, and is logged; or the call has ended meanwhile. */
typedef void session_saved_fn(void *owner, uint64_t handle, const struct session_saved *saved);

/*
 * Asks for a record of a call, any number of them at a time; `done` is told later, and never once
 * the table is closed. With RELAY_SAVE_AND_END the call is not known any more from here on, and has
 * ended when `done` returns; if it could not be saved, it is known again, or has ended and is told
 * so. Returns 0; -ENOENT: no such call, or it is being saved for good; -ENOMEM.
 */
NODISCARD int sessions_save(struct sessions *sessions, uint64_t handle, enum relay_save how,
    session_saved_fn *done, void *owner);

/* Another node has taken the call: it ends without a word to its parties. False: there is none. */
bool sessions_drop(struct sessions *sessions, uint64_t handle);

struct sessions_saved {
    uint64_t saved;
    uint64_t lost; /* not written, or memory was short: these have ended */
};

/* Where records go; called from the loop, or from within sessions_save_all(). */
struct sessions_sink {
    void *owner;
    /* Keeps a record, borrowed for the call: there are keys in it. False when it could not. */
    bool (*keep)(void *owner, struct text call_id, struct bytes record);
    /* Once, after the last one. */
    void (*done)(void *owner, const struct sessions_saved *counts);
};

/* Writes a record of each call, the oldest first, with which the call ends here: its media stops
 * and it is not known any more. Commands must not come meanwhile. Not while it is under way.
 * Returns 0, or -ENOMEM: nothing happens then. */
NODISCARD int sessions_save_all(struct sessions *sessions, const struct sessions_sink *sink);

/* Ends it before all is saved, while the workers still run: what is left ends with them. */
void sessions_stop_saving(struct sessions *sessions);

/* Why a record was not taken: constant, word. */
#define SESSION_REFUSALS(X)                                                                        \
    X(SESSION_REFUSED_MALFORMED, "malformed") /* breaks a rule of docs/store.md */                 \
    X(SESSION_REFUSED_DAMAGED, "damaged")     /* in the file that should have kept it */           \
    X(SESSION_REFUSED_VERSION, "version")     /* of a later program */                             \
    X(SESSION_REFUSED_OLD, "old")             /* saved too long ago, or taken too often since */   \
    X(SESSION_REFUSED_KNOWN, "known")         /* there is a call of that call-id */                \
    X(SESSION_REFUSED_WORKER, "worker")       /* its shared WebRTC port is no worker's */          \
    X(SESSION_REFUSED_ADDRESS, "address")     /* one of it is not on this machine now */           \
    X(SESSION_REFUSED_INTERFACE, "interface") /* an address of it is none of ours */               \
    X(SESSION_REFUSED_PORTS, "ports")         /* somebody has its ports */                         \
    X(SESSION_REFUSED_MEMORY, "memory")

#define SESSION_REFUSAL_CONSTANT(constant, word) constant,
enum session_refusal { SESSION_REFUSALS(SESSION_REFUSAL_CONSTANT) SESSION_REFUSAL_COUNT };

const char *session_refusal_word(enum session_refusal refusal);

struct session_restored {
    bool ok;
    enum session_refusal refusal; /* unless ok */
    uint64_t handle;              /* when ok; of who has the call-id when that is known; else 0 */
    struct text call_id;          /* borrows the record; empty when it could not be read */
    char why[200];                /* unless ok */
};

struct session_restoring {
    uint64_t age_limit_ms; /* of what was saved longer ago nothing is taken; 0: no limit */
    /* How often anybody has gone on from this very record, this time included; 0 is 1. */
    unsigned takes;
    /* Whether this machine has a local address of the call now; its port does not matter. NULL:
     * that shows when its ports are bound. */
    bool (*is_here)(void *owner, const struct address *bound);
    void *owner;
};

/*
 * Makes the call of a record go on here, with the ports it had. Nobody else goes on with it any
 * more: SRTP would use its key stream twice. The watcher is not told.
 */
struct session_restored sessions_restore(
    struct sessions *sessions, struct bytes record, const struct session_restoring *how);

/* Counts a record that could not be handed to sessions_restore(). */
void sessions_count_refused(struct sessions *sessions, enum session_refusal refusal);

struct sessions_records {
    uint64_t copied; /* the call goes on here */
    uint64_t saved, lost, restored;
    uint64_t refused[SESSION_REFUSAL_COUNT];
};

struct sessions_records sessions_records(const struct sessions *sessions);

/* What all workers together have done. */
struct sessions_media {
    uint64_t streams, transports; /* now */
    uint64_t relayed_packets, relayed_bytes;
    uint64_t dtls_connected, dtls_failed, ice_answered, ice_refused, stun_answered;
    uint64_t drops[DROP_REASON_COUNT];
};

struct sessions_media sessions_media(const struct sessions *sessions);

/* The port range of one local address; `bind` counts as in interfaces->binds. */
struct port_pool_usage sessions_ports(const struct sessions *sessions, size_t bind);
const struct interfaces *sessions_interfaces(const struct sessions *sessions);

#endif
