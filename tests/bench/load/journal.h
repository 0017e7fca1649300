/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - when each flow sent its last packets, and which of them have come.
 *
 * Kept here and not in the packets, because those are encrypted some time before they are sent.
 * Remembers the last so-and-so-many of each flow, numbered by it from anywhere on, one by one.
 */
#ifndef LOAD_JOURNAL_H
#define LOAD_JOURNAL_H

#include "mediaferry/bytes.h"

enum journal_answer {
    JOURNAL_FIRST,  /* it had not come yet */
    JOURNAL_AGAIN,  /* a duplicate */
    JOURNAL_UNKNOWN /* too old, not sent yet, or no such flow */
};

struct journal {
    size_t flows;
    size_t slots;      /* of each flow; a power of two */
    uint64_t *next;    /* of each flow: the number after its last packet */
    uint64_t *sent_ns; /* `slots` of each flow; 0: has come, or was never sent */
};

/* For `flows` flows that remember `depth` packets each, at least; false when out of memory. */
NODISCARD bool journal_init(struct journal *j, size_t flows, size_t depth);

/* All zeros is fine. */
void journal_done(struct journal *j);

/* Where the time of sending is noted. */
static inline uint64_t *journal_slot(const struct journal *j, uint32_t flow, uint64_t number)
{
    return &j->sent_ns[flow * j->slots + (number & (j->slots - 1))];
}

static inline void journal_put(struct journal *j, uint32_t flow, uint64_t number, uint64_t now_ns)
{
    j->next[flow] = number + 1;
    *journal_slot(j, flow, number) = now_ns;
}

/* Takes what has come: `sent_ns` is written on JOURNAL_FIRST. */
NODISCARD enum journal_answer journal_take(
    struct journal *j, uint32_t flow, uint64_t number, uint64_t *sent_ns);

#endif
