/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/cookie_cache.h"

#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"

struct entry {
    struct map_node node;
    struct list link;          /* in its generation or among the running, oldest first */
    uint8_t *reply;            /* NULL while the request is running */
    struct ng_source *sources; /* while running: COOKIE_MAX_WAITERS of them */
    uint32_t reply_len;
    uint8_t source_count;
    uint8_t cookie[]; /* the key of `node` */
};

struct cookie_cache {
    struct map entries;
    struct list running;
    struct list young, old;
    uint64_t turned_ms; /* when the generations changed */
    size_t bytes, max_bytes;
};

struct cookie_cache *cookie_cache_new(size_t max_bytes)
{
    struct cookie_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return NULL;
    map_init(&cache->entries);
    list_init(&cache->running);
    list_init(&cache->young);
    list_init(&cache->old);
    cache->max_bytes = max_bytes;
    return cache;
}

static size_t size_of(const struct entry *e)
{
    size_t sources = e->sources != NULL ? COOKIE_MAX_WAITERS * sizeof(*e->sources) : 0;
    return sizeof(*e) + e->node.key.len + e->reply_len + sources;
}

static void drop(struct cookie_cache *cache, struct entry *e)
{
    cache->bytes -= size_of(e);
    map_remove(&cache->entries, &e->node);
    list_remove(&e->link);
    free(e->reply);
    free(e->sources);
    free(e);
}

static void drop_all(struct cookie_cache *cache, struct list *list)
{
    for (struct list *at; (at = list_first(list)) != NULL;)
        drop(cache, CONTAINER_OF(at, struct entry, link));
}

void cookie_cache_free(struct cookie_cache *cache)
{
    if (cache == NULL)
        return;
    drop_all(cache, &cache->running);
    drop_all(cache, &cache->young);
    drop_all(cache, &cache->old);
    map_done(&cache->entries);
    free(cache);
}

static void turn_generations(struct cookie_cache *cache, uint64_t now_ms)
{
    uint64_t age_ms = now_ms - cache->turned_ms;
    if (age_ms < COOKIE_GENERATION_MS)
        return;
    drop_all(cache, &cache->old);
    if (age_ms >= 2 * COOKIE_GENERATION_MS)
        drop_all(cache, &cache->young);
    list_move_all(&cache->old, &cache->young);
    cache->turned_ms += age_ms - age_ms % COOKIE_GENERATION_MS;
}

/* Lets go of the oldest replies until `size` more bytes fit; false when only running ones are
 * left. */
static bool make_room(struct cookie_cache *cache, size_t size)
{
    while (cache->bytes + size > cache->max_bytes) {
        struct list *oldest = list_first(&cache->old);
        if (oldest == NULL)
            oldest = list_first(&cache->young);
        if (oldest == NULL)
            return false;
        drop(cache, CONTAINER_OF(oldest, struct entry, link));
    }
    return true;
}

static struct entry *find(const struct cookie_cache *cache, struct bytes cookie)
{
    struct map_node *node = map_find(&cache->entries, cookie);
    return node != NULL ? CONTAINER_OF(node, struct entry, node) : NULL;
}

static bool start(struct cookie_cache *cache, struct bytes cookie, const struct ng_source *source)
{
    struct entry *e = calloc(1, sizeof(*e) + cookie.len);
    if (e == NULL)
        return false;
    memcpy(e->cookie, cookie.data, cookie.len);
    e->node.key = bytes_of(e->cookie, cookie.len);
    e->sources = calloc(COOKIE_MAX_WAITERS, sizeof(*e->sources));
    if (e->sources == NULL || !make_room(cache, size_of(e))) {
        free(e->sources);
        free(e);
        return false;
    }
    e->sources[e->source_count++] = *source;
    cache->bytes += size_of(e);
    map_put(&cache->entries, &e->node, e->node.key);
    list_push_back(&cache->running, &e->link);
    return true;
}

static void join(struct entry *e, const struct ng_source *source)
{
    for (size_t i = 0; i < e->source_count; i++)
        if (ng_source_equal(&e->sources[i], source))
            return;
    if (e->source_count < COOKIE_MAX_WAITERS)
        e->sources[e->source_count++] = *source;
}

enum cookie_state cookie_cache_begin(struct cookie_cache *cache, struct bytes cookie,
    const struct ng_source *source, uint64_t now_ms, struct bytes *reply)
{
    turn_generations(cache, now_ms);
    struct entry *e = find(cache, cookie);
    if (e == NULL)
        return start(cache, cookie, source) ? COOKIE_NEW : COOKIE_REFUSED;
    if (e->sources != NULL) {
        join(e, source);
        return COOKIE_IN_PROGRESS;
    }
    *reply = bytes_of(e->reply, e->reply_len);
    return COOKIE_ANSWERED;
}

void cookie_cache_finish(
    struct cookie_cache *cache, struct bytes cookie, struct bytes reply, uint64_t now_ms)
{
    turn_generations(cache, now_ms);
    struct entry *e = find(cache, cookie);
    assert(e != NULL && e->sources != NULL);
    for (size_t i = 0; i < e->source_count; i++)
        e->sources[i].send(&e->sources[i], reply);

    cache->bytes -= size_of(e);
    free(e->sources);
    e->sources = NULL;
    cache->bytes += size_of(e);

    e->reply = make_room(cache, reply.len) ? bytes_dup(reply) : NULL;
    if (e->reply == NULL) {
        drop(cache, e);
        return;
    }
    e->reply_len = (uint32_t)reply.len;
    cache->bytes += reply.len;
    list_remove(&e->link);
    list_push_back(&cache->young, &e->link);
}

size_t cookie_cache_bytes(const struct cookie_cache *cache)
{
    return cache->bytes;
}
