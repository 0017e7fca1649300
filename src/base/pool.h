/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/pool.h - objects of one size, kept for reuse; one thread only.
 *
 * Memory is fetched in chunks and goes back to the heap with the pool.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "mediaferry/bytes.h"

struct pool_item;
struct pool_chunk;

struct pool {
    size_t object_size;
    size_t chunk_objects; /* fetched at a time */
    size_t limit;         /* objects at most */
    struct pool_item *free;
    struct pool_chunk *chunks;
    size_t made;
    size_t used;
};

/* At most `limit` objects will exist; SIZE_MAX for no limit. */
void pool_init(struct pool *pool, size_t object_size, size_t chunk_objects, size_t limit);

/* Every object must have come back. */
void pool_done(struct pool *pool);

/* Returns an object, not cleared, aligned for any type; NULL at the limit or when out of memory. */
NODISCARD void *pool_take(struct pool *pool);

/* Takes the object back; accepts NULL. */
void pool_give(struct pool *pool, void *object);

#endif
