/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/turn_revoked.h"

#include <stdlib.h>

#include "base/str.h"

enum { OF_REDIS = 0 }; /* in place of a time */

struct entry {
    struct list link;
    char *realm, *user;
    int64_t until_s; /* or OF_REDIS */
    bool is_marked;
};

void turn_revoked_init(struct turn_revoked *revoked, struct user_cache *cache)
{
    revoked->cache = cache;
    list_init(&revoked->entries);
}

static void drop(struct entry *e)
{
    list_remove(&e->link);
    free(e->realm);
    free(e->user);
    free(e);
}

void turn_revoked_done(struct turn_revoked *revoked)
{
    list_for_each_safe (at, &revoked->entries)
        drop(CONTAINER_OF(at, struct entry, link));
}

static bool is_of(const struct entry *e, struct text realm, struct text user)
{
    return text_equal(text_from(e->realm), realm) && text_equal(text_from(e->user), user);
}

static struct entry *find(
    const struct turn_revoked *revoked, struct text realm, struct text user, bool of_redis)
{
    list_for_each (at, &revoked->entries) {
        struct entry *e = CONTAINER_OF(at, struct entry, link);
        if (is_of(e, realm, user) && (e->until_s == OF_REDIS) == of_redis)
            return e;
    }
    return NULL;
}

/* The entry for this user and source, a new one if need be; NULL when out of memory. */
static struct entry *put(
    struct turn_revoked *revoked, struct text realm, struct text user, int64_t until_s)
{
    struct entry *e = find(revoked, realm, user, until_s == OF_REDIS);
    if (e != NULL)
        return e;
    e = calloc(1, sizeof(*e));
    if (e == NULL)
        return NULL;
    list_push_back(&revoked->entries, &e->link);
    e->realm = text_dup(realm);
    e->user = text_dup(user);
    e->until_s = until_s;
    if (e->realm != NULL && e->user != NULL && user_cache_revoke(revoked->cache, realm, user))
        return e;
    drop(e);
    return NULL;
}

/* The user may come back, unless the other source refuses him still. */
static void restore(struct turn_revoked *revoked, struct entry *e)
{
    struct text realm = text_from(e->realm), user = text_from(e->user);
    if (find(revoked, realm, user, e->until_s != OF_REDIS) == NULL)
        user_cache_restore(revoked->cache, realm, user);
    drop(e);
}

void turn_revoked_set(
    struct turn_revoked *revoked, struct text realm, const struct text *users, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct entry *e = put(revoked, realm, users[i], OF_REDIS);
        if (e != NULL)
            e->is_marked = true;
    }
    list_for_each_safe (at, &revoked->entries) {
        struct entry *e = CONTAINER_OF(at, struct entry, link);
        bool is_gone =
            e->until_s == OF_REDIS && !e->is_marked && text_equal(text_from(e->realm), realm);
        e->is_marked = false;
        if (is_gone)
            restore(revoked, e);
    }
}

bool turn_revoked_add(
    struct turn_revoked *revoked, struct text realm, struct text user, int64_t until_s)
{
    struct entry *e = put(revoked, realm, user, until_s);
    if (e != NULL && e->until_s < until_s)
        e->until_s = until_s;
    return e != NULL;
}

void turn_revoked_sweep(struct turn_revoked *revoked, int64_t now_s)
{
    list_for_each_safe (at, &revoked->entries) {
        struct entry *e = CONTAINER_OF(at, struct entry, link);
        if (e->until_s != OF_REDIS && e->until_s <= now_s)
            restore(revoked, e);
    }
}
