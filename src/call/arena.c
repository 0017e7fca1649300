/* SPDX-License-Identifier: Apache-2.0 */
#include "call/arena.h"

#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK_SIZE = 16384 };

struct arena_block {
    struct arena_block *older;
    size_t used, capacity;
    alignas(max_align_t) uint8_t data[];
};

static struct arena_block *block_new(struct arena *a, size_t size)
{
    size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct arena_block *block = malloc(sizeof(*block) + capacity);
    if (block == NULL)
        return NULL;
    block->used = 0;
    block->capacity = capacity;
    block->older = a->newest;
    a->newest = block;
    return block;
}

static void *take(struct arena *a, size_t size)
{
    const size_t step = alignof(max_align_t);
    size_t rounded = (size + step - 1) / step * step;
    struct arena_block *block = a->newest;
    if (block == NULL || rounded > block->capacity - block->used)
        block = block_new(a, rounded);
    if (block == NULL) {
        a->failed = true;
        return NULL;
    }
    void *start = block->data + block->used;
    block->used += rounded;
    return start;
}

void *arena_alloc(struct arena *a, size_t size)
{
    void *start = take(a, size);
    if (start != NULL)
        memset(start, 0, size);
    return start;
}

void *arena_copy(struct arena *a, const void *from, size_t size)
{
    void *to = size > 0 ? take(a, size) : NULL;
    if (to != NULL)
        memcpy(to, from, size);
    return to;
}

struct text arena_text(struct arena *a, struct text from)
{
    char *copy = arena_copy(a, from.data, from.len);
    return text_of(copy, copy != NULL ? from.len : 0);
}

void arena_done(struct arena *a)
{
    while (a->newest != NULL) {
        struct arena_block *block = a->newest;
        a->newest = block->older;
        free(block);
    }
}
