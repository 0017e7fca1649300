/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream read at once and one read byte by byte give the same replies, in the same order, and
 * break at the same place; nothing in them goes over the limits.
 */
#include "../require.h"
#include "redis/reply.h"

struct reading {
    struct redis_stream *stream;
    uint64_t sum; /* of all that was read */
    unsigned replies;
    bool broken;
};

static uint64_t mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x100000001b3u;
}

static uint64_t sum_of(const struct redis_reply *reply, unsigned depth)
{
    uint64_t sum = mix(0xcbf29ce484222325u, reply->kind);
    require(depth < 9 && reply->text.len <= REDIS_MAX_STRING && reply->count <= REDIS_MAX_ITEMS);
    sum = mix(sum, (uint64_t)reply->integer);
    for (size_t i = 0; i < reply->text.len; i++)
        sum = mix(sum, (uint8_t)reply->text.data[i]);
    for (size_t i = 0; i < reply->count; i++)
        sum = mix(sum, sum_of(reply->items[i], depth + 1));
    return sum;
}

static void read_more(struct reading *r, const uint8_t *data, size_t len)
{
    struct redis_reply *reply;
    if (r->broken)
        return;
    r->broken = !redis_stream_feed(r->stream, bytes_of(data, len));
    while (!r->broken && (reply = redis_stream_next(r->stream, &r->broken)) != NULL) {
        r->sum = mix(r->sum, sum_of(reply, 0));
        r->replies++;
        redis_reply_free(reply);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole = {.stream = redis_stream_new((struct redis_reply_limits){0})};
    struct reading bytes = {.stream = redis_stream_new((struct redis_reply_limits){0})};
    require(whole.stream != NULL && bytes.stream != NULL);
    if (size > 0)
        read_more(&whole, data, size);
    for (size_t i = 0; i < size; i++)
        read_more(&bytes, data + i, 1);
    require(whole.replies == bytes.replies && whole.sum == bytes.sum);
    require(whole.broken == bytes.broken);
    redis_stream_free(whole.stream);
    redis_stream_free(bytes.stream);
    return 0;
}
