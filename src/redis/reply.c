/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/reply.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

/* hiredis parses; the trees are ours, so that their size has a limit. */
struct redis_stream {
    redisReader *reader;
    struct redis_reply_limits limits;
    size_t reply_size; /* of the reply being read, in bytes of memory */
};

/* Stands for each item of an array that is too long; never freed. */
static struct redis_reply discarded = {.kind = REDIS_OVERSIZED};

/* --- the tree, from hiredis' callbacks --- */

/* Makes a reply with `extra` bytes behind it and hangs it into the array that it is an item of.
 * NULL ends the stream. */
static struct redis_reply *add_reply(const redisReadTask *task, enum redis_kind kind, size_t extra)
{
    struct redis_stream *stream = task->privdata;
    struct redis_reply *parent = task->parent != NULL ? task->parent->obj : NULL;

    if (parent == NULL)
        stream->reply_size = 0;
    else if (parent->kind == REDIS_OVERSIZED)
        return &discarded;
    stream->reply_size += sizeof(struct redis_reply) + extra;
    if (stream->reply_size > stream->limits.reply)
        return NULL;

    struct redis_reply *reply = calloc(1, sizeof(*reply) + extra);
    if (reply == NULL)
        return NULL;
    reply->kind = kind;
    if (parent != NULL)
        parent->items[task->idx] = reply;
    return reply;
}

static enum redis_kind kind_of_string(const redisReadTask *task)
{
    switch (task->type) {
    case REDIS_REPLY_ERROR:
        return REDIS_ERROR;
    case REDIS_REPLY_STATUS:
        return REDIS_STATUS;
    default:
        return REDIS_STRING;
    }
}

static void *create_string(const redisReadTask *task, char *data, size_t len)
{
    const struct redis_stream *stream = task->privdata;
    if (len > stream->limits.string)
        return NULL;
    struct redis_reply *reply = add_reply(task, kind_of_string(task), len);
    if (reply == NULL || reply == &discarded)
        return reply;
    char *copy = (char *)(reply + 1);
    if (len > 0)
        memcpy(copy, data, len);
    reply->text = text_of(copy, len);
    return reply;
}

#if HIREDIS_MAJOR >= 1
#define ELEMENT_COUNT size_t
#else
#define ELEMENT_COUNT int
#endif

static void *create_array(const redisReadTask *task, ELEMENT_COUNT elements)
{
    size_t count = (size_t)elements;
    bool fits = count <= REDIS_MAX_ITEMS;
    struct redis_reply *reply = add_reply(task, fits ? REDIS_ARRAY : REDIS_OVERSIZED,
        fits ? count * sizeof(struct redis_reply *) : 0);
    if (reply == NULL || reply->kind == REDIS_OVERSIZED)
        return reply;
    reply->items = (struct redis_reply **)(reply + 1);
    reply->count = count;
    return reply;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    struct redis_reply *reply = add_reply(task, REDIS_INTEGER, 0);
    if (reply != NULL && reply != &discarded)
        reply->integer = value;
    return reply;
}

static void *create_nil(const redisReadTask *task)
{
    return add_reply(task, REDIS_NIL, 0);
}

static void free_object(void *reply)
{
    redis_reply_free(reply);
}

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
    .freeObject = free_object,
};

/* hiredis reads no more than eight levels. */
void redis_reply_free(struct redis_reply *reply)
{
    if (reply == NULL || reply == &discarded)
        return;
    for (size_t i = 0; i < reply->count; i++)
        redis_reply_free(reply->items[i]);
    free(reply);
}

/* --- the stream --- */

struct redis_stream *redis_stream_new(struct redis_reply_limits limits)
{
    struct redis_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        return NULL;
    stream->reader = redisReaderCreateWithFunctions(&functions);
    if (stream->reader == NULL) {
        free(stream);
        return NULL;
    }
    stream->reader->privdata = stream;
    stream->limits.string = limits.string > 0 ? limits.string : REDIS_MAX_STRING;
    stream->limits.reply = limits.reply > 0 ? limits.reply : REDIS_MAX_REPLY;
    return stream;
}

void redis_stream_free(struct redis_stream *stream)
{
    if (stream == NULL)
        return;
    redisReaderFree(stream->reader);
    free(stream);
}

bool redis_stream_feed(struct redis_stream *stream, struct bytes received)
{
    return redisReaderFeed(stream->reader, (const char *)received.data, received.len) == REDIS_OK;
}

struct redis_reply *redis_stream_next(struct redis_stream *stream, bool *broken)
{
    enum { FRAMING = 32 }; /* "$LENGTH\r\n" and "\r\n" */
    const redisReader *reader = stream->reader;
    void *reply = NULL;

    *broken = redisReaderGetReply(stream->reader, &reply) != REDIS_OK;
    /* Items of arrays leave the buffer one by one: what waits is a single unfinished string. */
    if (!*broken && reply == NULL)
        *broken = reader->len - reader->pos > stream->limits.string + FRAMING;
    return reply;
}
