/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a node says of its Cluster, slots and ports are within their limits; and a key is in the
 * slot of its own tag.
 */
#include "../require.h"
#include "redis/slots.h"

enum { MAX_KEY = 200 };

static void check_redirect(struct text error)
{
    struct redis_redirect redirect = redis_redirect_read(error);
    if (redirect.kind == REDIS_MOVED || redirect.kind == REDIS_ASK)
        require(redirect.slot < REDIS_SLOTS && redirect.port > 0 && redirect.host.len < 256);
}

static void check_ranges(const struct redis_reply *reply)
{
    struct redis_slot_range range;
    for (size_t i = 0; i <= reply->count; i++) {
        if (!redis_slots_range(reply, i, &range))
            continue;
        require(i < reply->count && range.first <= range.last && range.last < REDIS_SLOTS);
        require(range.port > 0 && range.host.len < 256);
    }
}

static void check_key(struct text key)
{
    char tagged[MAX_KEY + 3];
    uint16_t slot = redis_slot_of(key);
    require(slot < REDIS_SLOTS);
    bool has_braces =
        memchr(key.data, '{', key.len) != NULL || memchr(key.data, '}', key.len) != NULL;
    if (has_braces || key.len > MAX_KEY)
        return;
    tagged[0] = '{';
    memcpy(tagged + 1, key.data, key.len);
    tagged[key.len + 1] = '}';
    tagged[key.len + 2] = 'x';
    require(redis_slot_of(text_of(tagged, key.len + 2)) == slot);
    require(redis_slot_of(text_of(tagged, key.len + 3)) == slot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redis_stream *stream = redis_stream_new((struct redis_reply_limits){0});
    struct redis_reply *reply;
    bool broken = false;
    require(stream != NULL);
    if (size > 0) {
        check_key(text_of((const char *)data, size));
        check_redirect(text_of((const char *)data, size));
        broken = !redis_stream_feed(stream, bytes_of(data, size));
    }
    while (!broken && (reply = redis_stream_next(stream, &broken)) != NULL) {
        if (reply->kind == REDIS_ERROR)
            check_redirect(reply->text);
        check_ranges(reply);
        redis_reply_free(reply);
    }
    redis_stream_free(stream);
    return 0;
}
