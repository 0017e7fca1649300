/* SPDX-License-Identifier: Apache-2.0 */
/* base/hot_path.h - for code that every packet comes by. */
#ifndef BASE_HOT_PATH_H
#define BASE_HOT_PATH_H

/* A function for what is rare, kept apart so that the common way saves no registers for it. */
#define COLD __attribute__((cold, noinline))

/* A function that is to be part of its callers, though there are several. */
#define HOT static inline __attribute__((always_inline))

/* Asks for the line that holds `memory`, which may be any address, also NULL or one that is gone.
 */
static inline void prefetch(const void *memory)
{
    __builtin_prefetch(memory);
}

#endif
