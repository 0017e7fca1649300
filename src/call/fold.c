/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls at rest. The copy of a call is one block, so it can be squeezed as it is, once its pointers
 * into itself are offsets. Which words those are is found by copying the call to two places: only
 * they differ, by the distance of the two.
 */
#include <stdlib.h>
#include <string.h>

#include <lz4.h>

#include "call/clone.h"
#include "plan/share.h"

struct folded_call {
    const struct plan *plan;
    uint32_t size;     /* unfolded, a multiple of a word */
    uint32_t squeezed; /* bytes of `data` */
    uint8_t data[];
};

enum { WORD = sizeof(uintptr_t) };

/* A bit for each word: it is a pointer into the block. */
static size_t marks_size(size_t size)
{
    return (size / WORD + 7) / 8;
}

/* Makes offsets of the pointers and marks them; false when the copies differ in anything else. */
static bool mark_pointers(uintptr_t *words, const uintptr_t *other, size_t size, uint8_t *marks)
{
    uintptr_t distance = (uintptr_t)other - (uintptr_t)words;
    for (size_t i = 0; i < size / WORD; i++) {
        if (words[i] == other[i])
            continue;
        if (other[i] - words[i] != distance)
            return false;
        words[i] -= (uintptr_t)words;
        marks[i / 8] = (uint8_t)(marks[i / 8] | 1 << i % 8);
    }
    return true;
}

static struct folded_call *fold_into(const struct call *call, uint8_t *room, size_t size)
{
    size_t whole = size + marks_size(size);
    uint8_t *other = room + (whole + WORD - 1) / WORD * WORD;
    uint8_t *squeezed = other + size;
    call_copy_into(call, room);
    call_copy_into(call, other);
    if (!mark_pointers((uintptr_t *)(void *)room, (uintptr_t *)(void *)other, size, room + size))
        return NULL;

    int became = LZ4_compress_default(
        (const char *)room, (char *)squeezed, (int)whole, LZ4_compressBound((int)whole));
    if (became <= 0)
        return NULL;
    size_t len = (size_t)became;
    struct folded_call *folded = malloc(sizeof(*folded) + len);
    if (folded == NULL)
        return NULL;
    *folded = (struct folded_call){
        .plan = plan_ref(call->plan), .size = (uint32_t)size, .squeezed = (uint32_t)len};
    memcpy(folded->data, squeezed, len);
    return folded;
}

struct folded_call *call_fold(const struct call *call)
{
    size_t exact = call_size(call);
    size_t size = (exact + WORD - 1) / WORD * WORD;
    size_t whole = size + marks_size(size) + WORD;
    size_t needed = whole + size + (size_t)LZ4_compressBound((int)whole);
    uint8_t *room = exact > 0 ? calloc(1, needed) : NULL;
    if (room == NULL)
        return NULL;
    struct folded_call *folded = fold_into(call, room, size);
    explicit_bzero(room, needed); /* there are keys in it */
    free(room);
    return folded;
}

struct call *call_unfold(const struct folded_call *folded)
{
    size_t size = folded->size, whole = size + marks_size(size);
    uint8_t *room = malloc(whole);
    if (room == NULL)
        return NULL;
    if (LZ4_decompress_safe((const char *)folded->data, (char *)room, (int)folded->squeezed,
            (int)whole) != (int)whole)
        abort(); /* nobody else writes there */

    uintptr_t *words = (uintptr_t *)(void *)room;
    const uint8_t *marks = room + size;
    for (size_t i = 0; i < size / WORD; i++)
        if ((marks[i / 8] >> i % 8 & 1) != 0)
            words[i] += (uintptr_t)room;
    struct call *call = (struct call *)(void *)room;
    call->plan = plan_ref(folded->plan);
    return call;
}

void folded_call_free(struct folded_call *folded)
{
    if (folded == NULL)
        return;
    plan_unref(folded->plan);
    explicit_bzero(folded, sizeof(*folded) + folded->squeezed);
    free(folded);
}

const struct plan *folded_call_plan(const struct folded_call *folded)
{
    return folded->plan;
}
