/* SPDX-License-Identifier: Apache-2.0 */
/* Users that are refused, whatever they know. */
#include <stdlib.h>

#include "credentials/name_key.h"
#include "credentials/user_cache_state.h"

struct revocation {
    struct map_node by_name;
    uint8_t name[];
};

void user_cache_drop_revocations(struct user_cache *c)
{
    map_for_each (at, &c->revoked) {
        struct revocation *r = CONTAINER_OF(at, struct revocation, by_name.link);
        map_remove(&c->revoked, &r->by_name);
        free(r);
    }
    atomic_store_explicit(&c->revoked_count, 0, memory_order_relaxed);
}

static void count_revoked(struct user_cache *c)
{
    atomic_store_explicit(&c->revoked_count, c->revoked.count, memory_order_relaxed);
}

bool user_cache_revoke(struct user_cache *c, struct text realm, struct text user)
{
    struct name_key key;
    if (!name_key_make(realm, user, &key))
        return false;
    struct revocation *r = calloc(1, sizeof(*r) + key.len);
    if (r == NULL)
        return false;
    memcpy(r->name, key.data, key.len);

    pthread_mutex_lock(&c->lock);
    if (map_find(&c->revoked, name_key_bytes(&key)) == NULL)
        map_put(&c->revoked, &r->by_name, bytes_of(r->name, key.len));
    else
        free(r);
    count_revoked(c);
    pthread_mutex_unlock(&c->lock);
    return true;
}

void user_cache_restore(struct user_cache *c, struct text realm, struct text user)
{
    struct name_key key;
    if (!name_key_make(realm, user, &key))
        return;
    pthread_mutex_lock(&c->lock);
    struct map_node *node = map_find(&c->revoked, name_key_bytes(&key));
    if (node != NULL) {
        map_remove(&c->revoked, node);
        free(CONTAINER_OF(node, struct revocation, by_name));
    }
    count_revoked(c);
    pthread_mutex_unlock(&c->lock);
}

bool user_cache_is_revoked(struct user_cache *c, struct text realm, struct text user)
{
    struct name_key key;
    if (atomic_load_explicit(&c->revoked_count, memory_order_relaxed) == 0 ||
        !name_key_make(realm, user, &key))
        return false;
    pthread_mutex_lock(&c->lock);
    bool revoked = map_find(&c->revoked, name_key_bytes(&key)) != NULL;
    pthread_mutex_unlock(&c->lock);
    return revoked;
}
