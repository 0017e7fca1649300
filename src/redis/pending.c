/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/pending.h"

#include <assert.h>
#include <stdlib.h>

bool pending_init(struct pending_queue *queue, size_t capacity)
{
    *queue = (struct pending_queue){.capacity = capacity};
    queue->ring = calloc(capacity, sizeof(*queue->ring));
    return queue->ring != NULL;
}

void pending_done(struct pending_queue *queue)
{
    free(queue->ring);
    *queue = (struct pending_queue){.ring = NULL};
}

bool pending_push(struct pending_queue *queue, struct pending entry)
{
    if (queue->count == queue->capacity)
        return false;
    queue->ring[(queue->first + queue->count) % queue->capacity] = entry;
    queue->count++;
    return true;
}

const struct pending *pending_first(const struct pending_queue *queue)
{
    return queue->count > 0 ? &queue->ring[queue->first] : NULL;
}

struct pending pending_pop(struct pending_queue *queue)
{
    assert(queue->count > 0);
    struct pending entry = queue->ring[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    return entry;
}

void pending_unpush(struct pending_queue *queue)
{
    assert(queue->count > 0);
    queue->count--;
}
