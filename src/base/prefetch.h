/* SPDX-License-Identifier: Apache-2.0 */
/* base/prefetch.h - asks for memory before it is needed. */
#ifndef BASE_PREFETCH_H
#define BASE_PREFETCH_H

/* The line that holds `memory`, which may be any address, also NULL or one that is gone. */
static inline void prefetch(const void *memory)
{
    __builtin_prefetch(memory);
}

#endif
