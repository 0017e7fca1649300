/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/reply.h - what Redis answers, as a tree (RESP2), read from a stream of bytes.
 *
 * Bounded: a string or a reply over its limit ends the stream; an array of more than
 * REDIS_MAX_ITEMS is read and thrown away and shows as REDIS_OVERSIZED.
 */
#ifndef REDIS_REPLY_H
#define REDIS_REPLY_H

#include "mediaferry/bytes.h"

enum {
    REDIS_MAX_STRING = 64 << 10,
    REDIS_MAX_ITEMS = 20000,
    REDIS_MAX_REPLY = 4 << 20,
};

enum redis_kind {
    REDIS_NIL,
    REDIS_STRING,
    REDIS_STATUS,
    REDIS_ERROR,
    REDIS_INTEGER,
    REDIS_ARRAY,
    REDIS_OVERSIZED,
};

struct redis_reply {
    enum redis_kind kind;
    struct text text; /* of strings, states and errors */
    int64_t integer;
    struct redis_reply **items; /* of arrays */
    size_t count;
};

/* In bytes; 0 of each: the default above. */
struct redis_reply_limits {
    size_t string;
    size_t reply; /* in memory */
};

/* Reads replies out of a stream cut anywhere. */
struct redis_stream;

/* NULL when out of memory. */
NODISCARD struct redis_stream *redis_stream_new(struct redis_reply_limits limits);
void redis_stream_free(struct redis_stream *stream);

/* False when the stream is broken for good: not RESP, over a limit, or no memory. */
NODISCARD bool redis_stream_feed(struct redis_stream *stream, struct bytes received);

/* Takes the next whole reply, which the caller frees; NULL: there is none yet, or the stream is
 * broken, which `*broken` tells. */
NODISCARD struct redis_reply *redis_stream_next(struct redis_stream *stream, bool *broken);

/* Accepts NULL. */
void redis_reply_free(struct redis_reply *reply);

#endif
