/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/learning.h - where to send media when there is no ICE: the signalled address, or a learned
 * one.
 *
 *                signalled: window opens
 *     SETTLED <-------------------------- any state
 *        ^  |                                |
 *        |  +--- handover, authentic: moves  v
 *        +-------------------------------- LEARNING: ranks the sources it sees
 *              exact match, or window over
 *
 * One machine for each component of a transport. Pure: time is passed in, the answer is a verdict,
 * the caller reads `target` and acts. Sources are compared as RFC 4961 (symmetric RTP) has them:
 * by address and port.
 */
#ifndef RELAY_LEARNING_H
#define RELAY_LEARNING_H

#include "mediaferry/address.h"
#include "plan/plan.h"

enum { LEARNING_WINDOW_MS = 3000 };

struct learning_rules {
    enum plan_learning mode;
    bool asymmetric; /* never learn */
    bool strict_source;
    bool media_handover;
};

enum learning_verdict {
    LEARNING_ACCEPT, /* the packet may pass, nothing changes */
    LEARNING_MOVED,  /* it may pass, and `target` is now its source */
    LEARNING_REFUSE, /* it came from where it must not */
};

/* How well a source fits what SDP said; smaller is better. */
enum learning_rank { RANK_EXACT, RANK_SAME_IP, RANK_SAME_PORT, RANK_OTHER, RANK_NONE };

struct learning {
    struct learning_rules rules;
    struct address signalled; /* family NONE: not known */
    struct address target;    /* where to send now; family NONE: nowhere yet */
    struct address source;    /* where packets come from, once settled or ranked */
    enum learning_rank best;  /* of the sources seen in this window */
    bool settled;
    uint64_t window_end_ms;
};

/*
 * Begins a window: a new offer or answer. `signalled` becomes the target if it differs from what
 * was signalled before; otherwise what was learned stays in use until something better shows up.
 */
void learning_signalled(struct learning *l, const struct learning_rules *rules,
    const struct address *signalled, uint64_t now_ms);

/* Whether it ever sends to anywhere but the signalled address. */
bool learning_may_learn(const struct learning *l);

/* A packet came in. `authentic`: SRTP has proven who sent it. */
NODISCARD enum learning_verdict learning_packet(
    struct learning *l, const struct address *source, bool authentic, uint64_t now_ms);

#endif
