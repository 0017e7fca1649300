/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/memo.h"

#include <assert.h>
#include <stdlib.h>

struct note {
    struct map_node node;
    struct list link;
    uint64_t epoch;
    uint64_t noted_ms;
    uint8_t key[];
};

struct bytes memo_key(uint8_t *out, enum store_kind kind, struct text id)
{
    assert(id.len <= STORE_MAX_ID);
    out[0] = (uint8_t)kind;
    memcpy(out + 1, id.data, id.len);
    return bytes_of(out, id.len + 1);
}

void memo_init(struct memo *memo, size_t limit, uint64_t keep_ms)
{
    *memo = (struct memo){.limit = limit, .keep_ms = keep_ms};
    map_init(&memo->notes);
    list_init(&memo->by_age);
}

static void forget(struct memo *memo, struct note *note)
{
    map_remove(&memo->notes, &note->node);
    list_remove(&note->link);
    free(note);
}

static struct note *oldest(const struct memo *memo)
{
    struct list *first = list_first(&memo->by_age);
    return first != NULL ? CONTAINER_OF(first, struct note, link) : NULL;
}

void memo_forget_all(struct memo *memo)
{
    for (struct note *note = oldest(memo); note != NULL; note = oldest(memo))
        forget(memo, note);
}

void memo_done(struct memo *memo)
{
    memo_forget_all(memo);
    map_done(&memo->notes);
}

static struct note *find(const struct memo *memo, enum store_kind kind, struct text id)
{
    uint8_t key[1 + STORE_MAX_ID];
    struct map_node *node = map_find(&memo->notes, memo_key(key, kind, id));
    return node != NULL ? CONTAINER_OF(node, struct note, node) : NULL;
}

void memo_note(
    struct memo *memo, enum store_kind kind, struct text id, uint64_t epoch, uint64_t now_ms)
{
    memo_forget(memo, kind, id);
    for (struct note *note = oldest(memo); note != NULL; note = oldest(memo)) {
        if (memo->notes.count < memo->limit && now_ms - note->noted_ms < memo->keep_ms)
            break;
        forget(memo, note);
    }
    struct note *note = calloc(1, sizeof(*note) + 1 + id.len);
    if (note == NULL)
        return;
    note->epoch = epoch;
    note->noted_ms = now_ms;
    map_put(&memo->notes, &note->node, memo_key(note->key, kind, id));
    list_push_back(&memo->by_age, &note->link);
}

uint64_t memo_epoch(const struct memo *memo, enum store_kind kind, struct text id, uint64_t now_ms)
{
    const struct note *note = find(memo, kind, id);
    return note != NULL && now_ms - note->noted_ms < memo->keep_ms ? note->epoch : 0;
}

void memo_forget(struct memo *memo, enum store_kind kind, struct text id)
{
    struct note *note = find(memo, kind, id);
    if (note != NULL)
        forget(memo, note);
}
