/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/fake_sessions.h - stands in, at link time, for the session layer and the dialog model.
 *
 * A test sets what the next command gives, and reads what the command was.
 */
#ifndef NG_FAKE_SESSIONS_H
#define NG_FAKE_SESSIONS_H

#include "session/session.h"

enum { FAKE_PARTIES = 2, FAKE_BINDS = 2, FAKE_MAX_IDS = 3000 };

struct call {
    struct text id, metadata;
    uint32_t party_count;
    struct call_party_info parties[FAKE_PARTIES];
    struct call_section_info sections[FAKE_PARTIES];
};

struct sessions {
    /* in */
    struct session_outcome outcome;
    const struct call *call; /* reports tell of it; NULL: unknown */
    const struct relay_snapshot *snapshot;
    bool reports_wait; /* until fake_tell() */
    struct sessions_totals totals;
    struct sessions_media media;
    struct port_pool_usage ports[FAKE_BINDS]; /* by number of the bind address */
    size_t id_count; /* of the calls that are here, for list and for who looks */
    struct text ids[FAKE_MAX_IDS];

    /* out */
    unsigned exchanges, deletes, queries;
    struct call_command last;
    session_report_fn *done; /* a report that waits */
    void *owner;
};

/* Two parties "a" and "b", an audio section each, with a snapshot of `ssrcs` SSRCs a stream. */
const struct call *fake_call(void);
const struct relay_snapshot *fake_snapshot(uint32_t ssrcs);

/* Tells the report that waits. */
void fake_tell(struct sessions *sessions);

#endif
