/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/drain.h - taking no new work, and ending when none is left.
 *
 *     WORKING <--- cancel --- HOLDING
 *        |  \------ hold -----^  |
 *        +------- leave ---------+--> LEAVING --- nothing left, late or hurried ---> ENDED
 *
 * Holding, known calls and allocations go on and new ones are refused, until somebody says
 * otherwise. Leaving, the process ends as soon as there are none, or when it may wait no longer.
 * Pure: time is passed in, and who owns it refuses the work and ends the process.
 */
#ifndef DAEMON_DRAIN_H
#define DAEMON_DRAIN_H

#include "mediaferry/bytes.h"

enum drain_phase { DRAIN_WORKING, DRAIN_HOLDING, DRAIN_LEAVING, DRAIN_ENDED };

#define DRAIN_WITHOUT_LIMIT UINT64_MAX /* of a wait */

/* All zeros: working. */
struct drain {
    enum drain_phase phase;
    bool is_final;     /* leaving, and nobody can take that back */
    uint64_t since_ms; /* not working */
    uint64_t until_ms; /* leaving, and no longer */
    uint64_t said_ms;
};

/* What there is to wait for. */
struct drain_left {
    uint64_t calls;
    uint64_t allocations; /* of TURN */
};

enum drain_step {
    DRAIN_WAIT,
    DRAIN_SAY, /* wait, and let the log tell for what: it is time to */
    DRAIN_END, /* told once */
};

/* Changes nothing unless it works. */
void drain_hold(struct drain *drain, uint64_t now_ms);

/* Ends in `wait_ms` at the latest. `is_final`: a signal asks for it, which nobody can take back;
 * the second time hurries: all that is left is not waited for. */
void drain_leave(struct drain *drain, bool is_final, uint64_t wait_ms, uint64_t now_ms);

/* Works again; false when it leaves for good. */
NODISCARD bool drain_cancel(struct drain *drain);

/* While it is leaving: what to do now. To be asked a few times a second. */
NODISCARD enum drain_step drain_look(
    struct drain *drain, const struct drain_left *left, uint64_t now_ms);

static inline bool drain_refuses_work(const struct drain *drain)
{
    return drain->phase != DRAIN_WORKING;
}

#endif
