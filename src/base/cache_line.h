/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/cache_line.h - memory that threads do not share by accident.
 *
 * What one thread writes for each packet lies on lines of its own, or each write takes the line
 * away from the core that works with what lies beside it.
 */
#ifndef BASE_CACHE_LINE_H
#define BASE_CACHE_LINE_H

#include <stdlib.h>
#include <string.h>

#include "mediaferry/bytes.h"

enum { CACHE_LINE = 64 };

/* Returns cleared memory, for free(), that has its lines to itself; NULL when there is none. */
NODISCARD static inline void *cache_line_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - CACHE_LINE)
        return NULL;
    bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *memory = aligned_alloc(CACHE_LINE, bytes > 0 ? bytes : CACHE_LINE);
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

#endif
