/* SPDX-License-Identifier: Apache-2.0 */
/* net/stream_queue.h - the unsent bytes of a stream, in one block; for net/stream.c. */
#ifndef NET_STREAM_QUEUE_H
#define NET_STREAM_QUEUE_H

#include "mediaferry/bytes.h"

/* All zeros is an empty one, which holds no memory. */
struct stream_queue {
    uint8_t *data;
    size_t start; /* of the bytes in `data` */
    size_t len;
    size_t capacity;
};

void stream_queue_done(struct stream_queue *q);

/* Makes room for `len` more bytes. Returns 0 or -ENOMEM. */
NODISCARD int stream_queue_reserve(struct stream_queue *q, size_t len);

/* Adds to the end; there is room. */
void stream_queue_add(struct stream_queue *q, struct bytes b);

/* Takes `len` bytes from the front; the memory goes with the last. */
void stream_queue_drop(struct stream_queue *q, size_t len);

static inline struct bytes stream_queue_bytes(const struct stream_queue *q)
{
    return bytes_of(q->len > 0 ? q->data + q->start : NULL, q->len);
}

#endif
