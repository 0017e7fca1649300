/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/ng.h"

#include <stdalign.h>
#include <stdlib.h>

enum { CHUNK_SIZE = 8192 };

struct ng_chunk {
    struct ng_chunk *next;
    size_t taken;
    size_t size;
    alignas(max_align_t) uint8_t data[];
};

void ng_arena_init(struct ng_arena *arena, size_t cap)
{
    *arena = (struct ng_arena){.cap = cap};
}

void ng_arena_done(struct ng_arena *arena)
{
    for (struct ng_chunk *chunk = arena->chunks; chunk != NULL;) {
        struct ng_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    ng_arena_init(arena, arena->cap);
}

void ng_arena_wipe(struct ng_arena *arena)
{
    for (struct ng_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->next)
        explicit_bzero(chunk->data, chunk->taken);
    ng_arena_done(arena);
}

/* A chunk with room for `size`, of the usual size where the cap allows; NULL beyond the cap. */
static struct ng_chunk *new_chunk(struct ng_arena *arena, size_t size)
{
    size_t left = arena->cap - arena->used;
    if (left < sizeof(struct ng_chunk) || size > left - sizeof(struct ng_chunk))
        return NULL;

    size_t whole = sizeof(struct ng_chunk) + size;
    if (whole < CHUNK_SIZE)
        whole = left < CHUNK_SIZE ? left : CHUNK_SIZE;
    struct ng_chunk *chunk = calloc(1, whole);
    if (chunk == NULL)
        return NULL;
    chunk->size = whole - sizeof(struct ng_chunk);
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->used += whole;
    return chunk;
}

void *ng_arena_take(struct ng_arena *arena, size_t size)
{
    const size_t alignment = alignof(max_align_t);
    struct ng_chunk *chunk = arena->chunks;

    if (arena->failed || size > SIZE_MAX - alignment) {
        arena->failed = true;
        return NULL;
    }
    size = (size + alignment - 1) / alignment * alignment;
    if (chunk == NULL || size > chunk->size - chunk->taken)
        chunk = new_chunk(arena, size);
    if (chunk == NULL) {
        arena->failed = true;
        return NULL;
    }
    void *taken = chunk->data + chunk->taken;
    chunk->taken += size;
    return taken;
}
