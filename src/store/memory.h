/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/memory.h - a store in memory, seen by several nodes of one process: for simulations and
 * tests of what is built on a store.
 *
 * Nothing happens by itself: requests wait until store_memory_deliver(), which carries them out and
 * calls back. Each view can be broken on its own, as if its network were.
 */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store/store.h"

enum { STORE_MEMORY_MAX_WAITING = 4096 };

struct store_memory;

/* NULL when out of memory. */
NODISCARD struct store_memory *store_memory_new(void);
/* All views must be closed. Accepts NULL. */
void store_memory_free(struct store_memory *memory);

/* Returns a new view, which its `close` frees; NULL when out of memory. */
NODISCARD struct store *store_memory_view(struct store_memory *memory);

/*
 * Makes it `now_ms`, which never goes back, and answers what is due. What is asked from within an
 * answer waits for the next time. No view may be closed from within.
 */
void store_memory_deliver(struct store_memory *memory, uint64_t now_ms);

enum store_memory_way {
    STORE_MEMORY_WORKS,
    STORE_MEMORY_AWAY,   /* not ready; what waits is answered so, and not carried out */
    STORE_MEMORY_LOSES,  /* requests are carried out, answers are lost: STORE_AWAY */
    STORE_MEMORY_FROZEN, /* takes requests, and leaves them */
    STORE_MEMORY_FULL,   /* what is to be kept gets STORE_FAILED; what is removed goes, leases go on
                          */
    STORE_MEMORY_READ_ONLY, /* what changes anything gets STORE_FAILED */
};

/* From now on, for what waits as well. Requests are due `delay_ms` after they were made. */
void store_memory_break(struct store *view, enum store_memory_way way, uint64_t delay_ms);

/* All records and nodes are gone, as after a restart of Redis. */
void store_memory_lose_all(struct store_memory *memory);

/* Calls `visit` for each record there is, at once; it must not ask the store. */
void store_memory_walk(struct store_memory *memory,
    void (*visit)(void *owner, enum store_kind kind, const struct store_record *record),
    void *owner);

#endif
