/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/redis_scripts.h - what Redis runs whole: the meaning of store/store.h, in its Lua.
 *
 * Each uses one key. store/memory_data.c says the same in C; one table of tests holds for both.
 * Those about records answer seven strings, which redis_read_outcome() reads:
 *
 *     "done" | "conflict" | "absent"
 *     owner, epoch, serial, takes    of the record afterwards
 *     owner, epoch                   of the one that was there before; epoch "0": there was none
 */
#ifndef STORE_REDIS_SCRIPTS_H
#define STORE_REDIS_SCRIPTS_H

/* Record. Arguments: owner, writer, epoch, places, record, seconds to live. */
extern const char redis_script_put[];
/* Record. Arguments: writer, epoch, seconds that the epoch is remembered. */
extern const char redis_script_remove[];
/* Record. Arguments: taker, epoch of the taker, owner, epoch and serial as seen, seconds to live.
 */
extern const char redis_script_take[];

/* Index. Arguments: field, epoch, places, seconds to live. */
extern const char redis_script_note[];
/* Index. Arguments: field, epoch of the note that is to be removed. */
extern const char redis_script_strike[];

/* Nodes. Arguments: name, what it says of itself, seconds to live. */
extern const char redis_script_introduce[];
/* Lease. Arguments: instance, milliseconds, what stands for one that was let go. "done" or
 * "conflict". */
extern const char redis_script_lease[];
/* The same, but milliseconds of grace. "done". */
extern const char redis_script_unlease[];

#endif
