/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/cookie_cache.h - replies kept by cookie, so that a request sent again is not carried out
 * again.
 *
 * A reply lives for 30 to 60 seconds, in two generations. A request that is still being worked on
 * collects who else asks for its reply. Memory is bounded: the oldest replies go first. The cache
 * is keyed by the cookie alone, as proxies expect. Time is passed in; nothing is logged.
 */
#ifndef NG_COOKIE_CACHE_H
#define NG_COOKIE_CACHE_H

#include "ng/source.h"

enum { COOKIE_GENERATION_MS = 30000, COOKIE_MAX_WAITERS = 8 };

struct cookie_cache;

/* `max_bytes`: what replies, cookies and their bookkeeping may take. NULL when out of memory. */
struct cookie_cache *cookie_cache_new(size_t max_bytes);

/* Accepts NULL. */
void cookie_cache_free(struct cookie_cache *cache);

enum cookie_state {
    COOKIE_NEW,         /* carry the request out, then cookie_cache_finish() */
    COOKIE_IN_PROGRESS, /* `source` will get the reply when it is there */
    COOKIE_ANSWERED,    /* `reply` is filled; borrowed until the next call */
    COOKIE_REFUSED,     /* out of memory, or too many requests at once: drop the request */
};

enum cookie_state cookie_cache_begin(struct cookie_cache *cache, struct bytes cookie,
    const struct ng_source *source, uint64_t now_ms, struct bytes *reply);

/* Ends a request begun as COOKIE_NEW: sends the reply to every source once and keeps a copy. */
void cookie_cache_finish(
    struct cookie_cache *cache, struct bytes cookie, struct bytes reply, uint64_t now_ms);

/* Bytes in use now. */
size_t cookie_cache_bytes(const struct cookie_cache *cache);

#endif
