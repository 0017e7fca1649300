/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/clone.h - how a call comes to be, is worked on and is kept.
 *
 * A command works on a copy, so that one that fails changes nothing. The copy has an arena and room
 * to grow, and shares with the old call all that no command changes in place: texts, candidates,
 * payload types, keys. What comes out is kept as one block of exactly its size (call_clone() of
 * call/call.h makes one, too), because most calls are never touched again until they end.
 */
#ifndef CALL_CLONE_H
#define CALL_CLONE_H

#include "call/model.h"

/* Returns a new call without parties, to work on; NULL when memory is short. */
struct call *call_new(struct text id, int64_t created_us);

/* Returns a copy without a plan, to work on. It must go before `kept` does; NULL when memory is
 * short. */
struct call *call_working_copy(const struct call *kept);

/* The bytes that a copy of the call takes in one block, its plan not counted; 0: too large. */
size_t call_size(const struct call *call);

/* Copies the call into such a block, aligned for pointers, without its plan. */
void call_copy_into(const struct call *call, void *block);

/* A party with room to grow, in a call that is worked on; NULL when memory is short. */
struct party *party_new(struct call *call);

#endif
