/* SPDX-License-Identifier: Apache-2.0 */
/* redis/pending.h - commands on their way, oldest first: a queue of fixed capacity. */
#ifndef REDIS_PENDING_H
#define REDIS_PENDING_H

#include "redis/client.h"

struct pending {
    struct redis_callback callback;
    uint64_t sent_ms;
};

struct pending_queue {
    struct pending *ring; /* owned */
    size_t capacity;
    size_t first;
    size_t count;
};

/* False when out of memory. */
NODISCARD bool pending_init(struct pending_queue *queue, size_t capacity);
void pending_done(struct pending_queue *queue);

/* False when it is full. */
NODISCARD bool pending_push(struct pending_queue *queue, struct pending entry);

/* The oldest; NULL when there is none. */
const struct pending *pending_first(const struct pending_queue *queue);

/* Takes the oldest out; there must be one. */
struct pending pending_pop(struct pending_queue *queue);

/* Takes the youngest out again; there must be one. */
void pending_unpush(struct pending_queue *queue);

#endif
