/* SPDX-License-Identifier: Apache-2.0 */
/* redis/queue.h - commands on their way, oldest first: a queue of fixed capacity. */
#ifndef REDIS_QUEUE_H
#define REDIS_QUEUE_H

#include "redis/client.h"

struct redis_pending {
    struct redis_callback callback;
    uint64_t sent_ms;
};

struct redis_queue {
    struct redis_pending *ring; /* owned */
    size_t capacity;
    size_t first;
    size_t count;
};

/* False when out of memory. */
NODISCARD bool redis_queue_init(struct redis_queue *queue, size_t capacity);
void redis_queue_done(struct redis_queue *queue);

/* False when it is full. */
NODISCARD bool redis_queue_push(struct redis_queue *queue, struct redis_pending entry);

/* The oldest; NULL when there is none. */
const struct redis_pending *redis_queue_first(const struct redis_queue *queue);

/* Takes the oldest out; there must be one. */
struct redis_pending redis_queue_pop(struct redis_queue *queue);

/* Takes the youngest out again; there must be one. */
void redis_queue_unpush(struct redis_queue *queue);

#endif
