/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/queue.h"

#include <assert.h>
#include <stdlib.h>

bool redis_queue_init(struct redis_queue *queue, size_t capacity)
{
    *queue = (struct redis_queue){.capacity = capacity};
    queue->ring = calloc(capacity, sizeof(*queue->ring));
    return queue->ring != NULL;
}

void redis_queue_done(struct redis_queue *queue)
{
    free(queue->ring);
    *queue = (struct redis_queue){.ring = NULL};
}

bool redis_queue_push(struct redis_queue *queue, struct redis_pending entry)
{
    if (queue->count == queue->capacity)
        return false;
    queue->ring[(queue->first + queue->count) % queue->capacity] = entry;
    queue->count++;
    return true;
}

const struct redis_pending *redis_queue_first(const struct redis_queue *queue)
{
    return queue->count > 0 ? &queue->ring[queue->first] : NULL;
}

struct redis_pending redis_queue_pop(struct redis_queue *queue)
{
    assert(queue->count > 0);
    struct redis_pending entry = queue->ring[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    return entry;
}

void redis_queue_unpush(struct redis_queue *queue)
{
    assert(queue->count > 0);
    queue->count--;
}
