/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/turn_revoked.h"

#include <stdlib.h>

#include "credentials/name_key.h"

/* A user whom somebody refuses. */
struct entry {
    struct map_node node;
    bool is_in_redis;
    bool is_listed;          /* on the list that is being read */
    int64_t until_s;         /* by the operator; 0: not by him */
    struct text realm, user; /* in `name` */
    uint8_t name[];          /* a name_key */
};

void turn_revoked_init(struct turn_revoked *revoked, struct user_cache *cache)
{
    revoked->cache = cache;
    map_init(&revoked->entries);
}

static struct entry *entry_of(struct map_link *link)
{
    return CONTAINER_OF(link, struct entry, node.link);
}

void turn_revoked_done(struct turn_revoked *revoked)
{
    map_for_each (at, &revoked->entries)
        free(entry_of(at));
    map_done(&revoked->entries);
}

static struct entry *add(
    struct turn_revoked *revoked, struct text realm, struct text user, const struct name_key *key)
{
    struct entry *e = calloc(1, sizeof(*e) + key->len);
    if (e == NULL || !user_cache_revoke(revoked->cache, realm, user)) {
        free(e);
        return NULL;
    }
    memcpy(e->name, key->data, key->len);
    e->realm = text_of((const char *)e->name, realm.len);
    e->user = text_of((const char *)e->name + realm.len + 1, user.len);
    map_put(&revoked->entries, &e->node, bytes_of(e->name, key->len));
    return e;
}

/* The entry of this user, a new one if need be; NULL when out of memory. */
static struct entry *get(struct turn_revoked *revoked, struct text realm, struct text user)
{
    struct name_key key;
    if (!name_key_make(realm, user, &key))
        return NULL; /* nobody has such a name */
    struct map_node *node = map_find(&revoked->entries, name_key_bytes(&key));
    return node == NULL ? add(revoked, realm, user, &key) : CONTAINER_OF(node, struct entry, node);
}

/* The user may come back when nobody refuses him any more. */
static void settle(struct turn_revoked *revoked, struct entry *e)
{
    if (e->is_in_redis || e->until_s != 0)
        return;
    user_cache_restore(revoked->cache, e->realm, e->user);
    map_remove(&revoked->entries, &e->node);
    free(e);
}

void turn_revoked_set(
    struct turn_revoked *revoked, struct text realm, const struct text *users, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct entry *e = get(revoked, realm, users[i]);
        if (e != NULL)
            e->is_listed = true;
    }
    map_for_each (at, &revoked->entries) {
        struct entry *e = entry_of(at);
        if (!text_equal(e->realm, realm))
            continue;
        e->is_in_redis = e->is_listed;
        e->is_listed = false;
        settle(revoked, e);
    }
}

bool turn_revoked_add(
    struct turn_revoked *revoked, struct text realm, struct text user, int64_t until_s)
{
    struct entry *e = get(revoked, realm, user);
    if (e != NULL && e->until_s < until_s)
        e->until_s = until_s;
    return e != NULL;
}

void turn_revoked_sweep(struct turn_revoked *revoked, int64_t now_s)
{
    map_for_each (at, &revoked->entries) {
        struct entry *e = entry_of(at);
        if (e->until_s > now_s)
            continue;
        e->until_s = 0;
        settle(revoked, e);
    }
}
