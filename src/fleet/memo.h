/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet/memo.h - versions of records that are remembered for a while: which were removed here, and
 * which could not be gone on with.
 *
 * A store that failed over may show again what was removed; it is not to be mistaken for an item
 * that nobody carries. Bounded: the oldest are forgotten first.
 */
#ifndef FLEET_MEMO_H
#define FLEET_MEMO_H

#include "base/list.h"
#include "base/map.h"
#include "store/store.h"

struct memo {
    struct map notes;
    struct list by_age; /* the oldest first */
    size_t limit;
    uint64_t keep_ms;
};

void memo_init(struct memo *memo, size_t limit, uint64_t keep_ms);
void memo_done(struct memo *memo);

/* Replaces what was noted of that id. Forgets nothing else than what is too old; does nothing when
 * out of memory. */
void memo_note(
    struct memo *memo, enum store_kind kind, struct text id, uint64_t epoch, uint64_t now_ms);
/* The epoch that was noted; 0: none. */
uint64_t memo_epoch(const struct memo *memo, enum store_kind kind, struct text id, uint64_t now_ms);
void memo_forget(struct memo *memo, enum store_kind kind, struct text id);
void memo_forget_all(struct memo *memo);

/* Key of an item: its kind and id. `out` holds 1 + STORE_MAX_ID bytes. */
struct bytes memo_key(uint8_t *out, enum store_kind kind, struct text id);

#endif
