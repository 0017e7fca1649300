/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_POISONS 1
#endif
#endif

#ifdef POOL_POISONS
#include <sanitizer/asan_interface.h>
#endif

struct pool_item {
    struct pool_item *next;
};

struct pool_chunk {
    struct pool_chunk *next;
    alignas(max_align_t) uint8_t objects[];
};

/* Lets the address sanitizer see the use of an object that is free. */
static void hide(const struct pool *pool, const void *object)
{
#ifdef POOL_POISONS
    __asan_poison_memory_region(object, pool->object_size);
#else
    (void)pool, (void)object;
#endif
}

static void show(const struct pool *pool, const void *object)
{
#ifdef POOL_POISONS
    __asan_unpoison_memory_region(object, pool->object_size);
#else
    (void)pool, (void)object;
#endif
}

void pool_init(struct pool *pool, size_t object_size, size_t chunk_objects, size_t limit)
{
    size_t align = alignof(max_align_t);
    *pool = (struct pool){
        .object_size = (object_size + align - 1) / align * align,
        .chunk_objects = chunk_objects,
        .limit = limit,
    };
}

void pool_done(struct pool *pool)
{
    assert(pool->used == 0);
    while (pool->chunks != NULL) {
        struct pool_chunk *chunk = pool->chunks;
        pool->chunks = chunk->next;
        free(chunk);
    }
    pool_init(pool, pool->object_size, pool->chunk_objects, pool->limit);
}

static void put_free(struct pool *pool, void *object)
{
    struct pool_item *item = object;
    item->next = pool->free;
    pool->free = item;
    hide(pool, item);
}

static void grow(struct pool *pool)
{
    size_t count = pool->limit - pool->made;
    if (count > pool->chunk_objects)
        count = pool->chunk_objects;
    if (count == 0)
        return;
    struct pool_chunk *chunk = malloc(sizeof(*chunk) + count * pool->object_size);
    if (chunk == NULL)
        return;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->made += count;
    while (count-- > 0)
        put_free(pool, chunk->objects + count * pool->object_size);
}

void *pool_take(struct pool *pool)
{
    if (pool->free == NULL)
        grow(pool);
    struct pool_item *item = pool->free;
    if (item == NULL)
        return NULL;
    show(pool, item);
    pool->free = item->next;
    pool->used++;
    return item;
}

void pool_give(struct pool *pool, void *object)
{
    if (object == NULL)
        return;
    assert(pool->used > 0);
    pool->used--;
    put_free(pool, object);
}
