/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream_queue.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 2048 };

void stream_queue_done(struct stream_queue *q)
{
    free(q->data);
    *q = (struct stream_queue){.data = NULL};
}

int stream_queue_reserve(struct stream_queue *q, size_t len)
{
    if (len <= q->capacity - q->start - q->len)
        return 0;
    if (q->start > 0) {
        memmove(q->data, q->data + q->start, q->len);
        q->start = 0;
    }
    /* Half of it stays free then, or the next bytes would move everything again. */
    size_t capacity = q->capacity > 0 ? q->capacity : FIRST_CAPACITY;
    while (capacity - q->len < len || q->len > capacity / 2)
        capacity *= 2;
    if (capacity == q->capacity)
        return 0;
    uint8_t *data = realloc(q->data, capacity);
    if (data == NULL)
        return -ENOMEM;
    q->data = data;
    q->capacity = capacity;
    return 0;
}

void stream_queue_add(struct stream_queue *q, struct bytes b)
{
    if (b.len > 0)
        memcpy(q->data + q->start + q->len, b.data, b.len);
    q->len += b.len;
}

void stream_queue_drop(struct stream_queue *q, size_t len)
{
    q->start += len;
    q->len -= len;
    if (q->len == 0)
        stream_queue_done(q);
}
