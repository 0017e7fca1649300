/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/table.h - the live calls by call-id and by handle; private to the session layer.
 *
 * A session owns one call, its place on a worker and its certificate. It is found by its call-id by
 * those who signal, and by its handle by the worker, so an event about a call that has ended finds
 * nothing, even when a new call has the same call-id.
 */
#ifndef SESSION_TABLE_H
#define SESSION_TABLE_H

#include "base/map.h"
#include "dtls/certificate.h"
#include "session/leases.h"
#include "session/placement.h"
#include "session/record.h"
#include "session/session.h"

struct session {
    struct map_node by_id;
    struct u64_node by_handle;
    struct text id;    /* owned */
    struct call *call; /* NULL until the first offer has succeeded, and while it is at rest */
    struct folded_call *at_rest; /* NULL while it is not */
    size_t worker;
    struct dtls_certificate *certificate; /* pinned for the life of the call */
    uint64_t created_ms;                  /* of the loop's clock */
    uint64_t signalled_ms;
    uint64_t end_at_ms; /* deleted, and ending then; 0: not deleted */
    bool is_leaving;    /* saved for good, or dropped; not found by its call-id, nor told of */
    bool is_lost;       /* dropped */
};

/* What records are written with, one after the other. */
struct session_writer {
    struct record_buffer buffer;
    struct dtls_certificate *certificate; /* the one that `pem` is of; NULL: none */
    char pem[DTLS_PEM_SIZE];
    char places[SESSION_MAX_PLACES];
};

struct sessions {
    struct sessions_config config;
    const struct interfaces *interfaces;
    struct leases *leases;
    struct map by_id, by_handle;
    uint64_t last_handle;
    size_t worker_count;
    struct session_worker *workers;
    struct placement placement;           /* the same workers */
    struct dtls_certificate *certificate; /* of new calls */
    uint64_t dtls_released;               /* when memory was given back last */
    uint64_t trimmed_ms;
    struct session *awake; /* whose call was touched last; NULL: none */
    struct sessions_totals totals;
    struct sessions_records records;
    struct sessions_watcher watcher;
    struct map saves; /* asked for: struct save_request, by token */
    struct session_writer writer;
    struct saver *saver;               /* NULL: not all is being saved */
    struct dtls_certificate *imported; /* of the last record, and what it was read from */
    struct text imported_pem;
    bool refuses_new;
    uv_loop_t *loop;
    uv_timer_t tick;
    /* reports waiting for a worker's snapshot, and those ready to be told on the next turn */
    struct map reports;
    struct list ready;
    uint64_t last_token;
    uv_timer_t tell;
    unsigned closed_timers;
};

/* Why a session ended; `x` is the word in the log. */
enum session_end {
    SESSION_END_DELETED,
    SESSION_END_TIMEOUT,
    SESSION_END_SILENT_TIMEOUT,
    SESSION_END_OFFER_TIMEOUT,
    SESSION_END_FINAL_TIMEOUT,
    SESSION_END_FORCED,
    SESSION_END_LOST,
    SESSION_END_SHUTDOWN,
};

struct session *session_find(const struct sessions *sessions, struct text id);
struct session *session_find_handle(const struct sessions *sessions, uint64_t handle);

/* Returns a new session without a call on the least loaded worker, or NULL when memory is short or
 * there is no worker. */
NODISCARD struct session *session_new(struct sessions *sessions, struct text id);

/* The same on a given worker, with a certificate of which it takes a reference. */
NODISCARD struct session *session_new_on(
    struct sessions *sessions, struct text id, size_t worker, struct dtls_certificate *certificate);

/* Ends the media on the worker, logs why, frees. Without memory for that the session stays, and is
 * ended by the next tick. */
void session_end(struct sessions *sessions, struct session *session, enum session_end why);

/* Frees a session that the worker does not know. */
void session_free(struct sessions *sessions, struct session *session);

/* Unfolds its call, if it has one, and lets the one awake before rest: what a command has borrowed
 * of that ends here. False when memory is short. */
NODISCARD bool session_wake(struct sessions *sessions, struct session *session);

/* What call_apply() needs from outside, for one step of this session. */
struct call_env session_env(
    struct sessions *sessions, const struct session *session, struct call_ports *ports);

/* Posts the plan of the new state and the sockets of this step to the worker, and puts it in the
 * place of the old one. Takes `next`, also when it fails. Returns 0, or -ENOMEM: all is as before.
 */
NODISCARD int session_advance(
    struct sessions *sessions, struct session *session, struct call *next);

static inline struct session_outcome session_failed(enum call_status status)
{
    return (struct session_outcome){.status = SESSION_FAILED, .call = status};
}

/* session/report.c: for the table's own life. */
void reports_open(struct sessions *sessions);
void reports_close(struct sessions *sessions);
void reports_snapshot(void *owner, uint64_t token, const struct relay_snapshot *snapshot);

/* session/save.c: for the table's own life, and a worker's answer. */
void saves_open(struct sessions *sessions);
void saves_close(struct sessions *sessions);
void saves_answered(void *owner, uint64_t token, const struct relay_resume *resume);
/* It is not found by its call-id any more. */
void session_hide(struct sessions *sessions, struct session *session);
/* A session that was saved for good; its worker does not know it any more. */
void session_leave(struct sessions *sessions, struct session *session);

/* session/watch.c */
void session_changed(const struct sessions *sessions, const struct session *session);
void session_is_over(const struct sessions *sessions, const struct session *session);
void session_media_changed(void *owner, uint64_t handle);

/* session/restore.c: for the table's own life. */
void session_forget_import(struct sessions *sessions);

int64_t wall_clock_us(void);

#endif
