/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/arena.h - the memory of a call that is worked on: handed out in order, freed at once.
 *
 * A failed allocation is remembered: build straight through, test `failed` before the result is
 * used for good. Only those who need the memory at once look at the NULL.
 */
#ifndef CALL_ARENA_H
#define CALL_ARENA_H

#include "mediaferry/bytes.h"

struct arena_block;

struct arena {
    struct arena_block *newest;
    bool failed;
};

/* Returns `size` zeroed bytes, aligned for any type; NULL when memory is short. */
void *arena_alloc(struct arena *a, size_t size);

/* Returns a copy of `size` bytes; NULL for none of them, or when memory is short. */
void *arena_copy(struct arena *a, const void *from, size_t size);

/* Returns a copy of the text; empty when memory is short. */
struct text arena_text(struct arena *a, struct text from);

/* Frees all that was handed out. */
void arena_done(struct arena *a);

#endif
