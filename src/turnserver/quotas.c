/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/quotas.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "credentials/name_key.h"

struct quota {
    struct map_node node;
    uint64_t taken;
    uint8_t name[]; /* a name_key */
};

struct quotas {
    pthread_mutex_t lock;
    struct map users; /* with at least one allocation */
    uint64_t total;
};

struct quotas *quotas_new(void)
{
    struct quotas *quotas = calloc(1, sizeof(*quotas));
    if (quotas == NULL)
        return NULL;
    pthread_mutex_init(&quotas->lock, NULL);
    map_init(&quotas->users);
    return quotas;
}

void quotas_free(struct quotas *quotas)
{
    if (quotas == NULL)
        return;
    map_for_each (at, &quotas->users)
        free(CONTAINER_OF(at, struct quota, node.link));
    map_done(&quotas->users);
    pthread_mutex_destroy(&quotas->lock);
    free(quotas);
}

uint64_t quotas_number(const struct quotas *quotas, struct text realm, struct text user)
{
    struct name_key key;
    return name_key_make(realm, user, &key) ? hash_bytes(name_key_bytes(&key), quotas->users.seed)
                                            : 0;
}

static struct quota *find(const struct quotas *quotas, const struct name_key *key)
{
    struct map_node *node = map_find(&quotas->users, name_key_bytes(key));
    return node == NULL ? NULL : CONTAINER_OF(node, struct quota, node);
}

static struct quota *add(struct quotas *quotas, const struct name_key *key)
{
    struct quota *quota = calloc(1, sizeof(*quota) + key->len);
    if (quota == NULL)
        return NULL;
    memcpy(quota->name, key->data, key->len);
    map_put(&quotas->users, &quota->node, bytes_of(quota->name, key->len));
    return quota;
}

static bool is_below(uint64_t taken, uint64_t limit)
{
    return limit == 0 || taken < limit;
}

bool quotas_take(
    struct quotas *quotas, const struct quota_limits *limits, struct text realm, struct text user)
{
    struct name_key key;
    bool is_taken = false;

    if (!name_key_make(realm, user, &key))
        return false;
    pthread_mutex_lock(&quotas->lock);
    struct quota *quota = find(quotas, &key);
    if (is_below(quotas->total, limits->total) &&
        is_below(quota == NULL ? 0 : quota->taken, limits->user)) {
        if (quota == NULL)
            quota = add(quotas, &key);
        is_taken = quota != NULL;
    }
    if (is_taken) {
        quota->taken++;
        quotas->total++;
    }
    pthread_mutex_unlock(&quotas->lock);
    return is_taken;
}

void quotas_give(struct quotas *quotas, struct text realm, struct text user)
{
    struct name_key key;

    if (!name_key_make(realm, user, &key))
        return;
    pthread_mutex_lock(&quotas->lock);
    struct quota *quota = find(quotas, &key);
    if (quota != NULL) {
        quotas->total--;
        if (--quota->taken == 0) {
            map_remove(&quotas->users, &quota->node);
            free(quota);
        }
    }
    pthread_mutex_unlock(&quotas->lock);
}
