/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/timers.h - what is due when: intrusive timers in an ordered heap.
 *
 * Pure: the time is passed in, milliseconds of any clock that never runs back. Nothing here
 * allocates or fails. A timer is embedded in its owner, which cancels it before it goes away.
 * Timers due at the same millisecond fire in the order they were armed.
 */
#ifndef BASE_TIMERS_H
#define BASE_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define TIMERS_NEVER UINT64_MAX

struct timer {
    uint64_t due_ms; /* meaningful while armed */
    void (*fire)(struct timer *self, uint64_t now_ms);
    /* the rest belongs to timers.c */
    struct list ready; /* linked between becoming due and being fired */
    struct timer *child;
    struct timer *next;
    struct timer *prev; /* the sibling before, or the parent of a first child */
    uint64_t order;
    bool in_heap;
};

struct timers {
    struct timer *root;
    struct list ready;
    uint64_t orders;
    size_t armed;
};

void timers_init(struct timers *timers);

/* Gives `timer` its callback; it is not armed. A timer of all zeros may be cancelled too. */
void timer_init(struct timer *timer, void (*fire)(struct timer *self, uint64_t now_ms));

/* Arms, or moves a timer that is armed. */
void timer_arm(struct timers *timers, struct timer *timer, uint64_t due_ms);

void timer_cancel(struct timers *timers, struct timer *timer);
bool timer_is_armed(const struct timer *timer);

/* When the next timer is due; TIMERS_NEVER when none is armed. */
uint64_t timers_next_due(const struct timers *timers);

/*
 * Fires all that are due at `now_ms`, the earliest first, each disarmed before its callback, which
 * may arm, cancel and free any timer. What a callback arms waits for the next run, even when it is
 * due at once. Returns how many fired. Does not nest.
 */
size_t timers_run(struct timers *timers, uint64_t now_ms);

#endif
