/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/quotas.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"

struct quota {
    struct map_node node;
    uint64_t taken;
    uint8_t key[]; /* realm, a zero byte, user */
};

struct quotas {
    pthread_mutex_t lock;
    struct map users; /* with at least one allocation */
    uint64_t total;
};

enum { KEY_MAX = 2048 };

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

static struct bytes make_key(struct text realm, struct text user, struct writer *w)
{
    writer_put(w, text_bytes(realm));
    writer_u8(w, 0);
    writer_put(w, text_bytes(user));
    return writer_bytes(w);
}

static struct quota *find(const struct quotas *quotas, struct bytes key)
{
    struct map_node *node = map_find(&quotas->users, key);
    return node == NULL ? NULL : CONTAINER_OF(node, struct quota, node);
}

static struct quota *add(struct quotas *quotas, struct bytes key)
{
    struct quota *quota = calloc(1, sizeof(*quota) + key.len);
    if (quota == NULL)
        return NULL;
    memcpy(quota->key, key.data, key.len);
    map_put(&quotas->users, &quota->node, bytes_of(quota->key, key.len));
    return quota;
}

static bool is_below(uint64_t taken, uint64_t limit)
{
    return limit == 0 || taken < limit;
}

bool quotas_take(
    struct quotas *quotas, const struct quota_limits *limits, struct text realm, struct text user)
{
    uint8_t memory[KEY_MAX];
    struct writer w = writer_over(memory, sizeof(memory));
    struct bytes key = make_key(realm, user, &w);
    bool is_taken = false;

    if (!writer_ok(&w))
        return false;
    pthread_mutex_lock(&quotas->lock);
    struct quota *quota = find(quotas, key);
    if (is_below(quotas->total, limits->total) &&
        is_below(quota == NULL ? 0 : quota->taken, limits->user)) {
        if (quota == NULL)
            quota = add(quotas, key);
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
    uint8_t memory[KEY_MAX];
    struct writer w = writer_over(memory, sizeof(memory));
    struct bytes key = make_key(realm, user, &w);

    pthread_mutex_lock(&quotas->lock);
    struct quota *quota = find(quotas, key);
    if (quota != NULL) {
        quotas->total--;
        if (--quota->taken == 0) {
            map_remove(&quotas->users, &quota->node);
            free(quota);
        }
    }
    pthread_mutex_unlock(&quotas->lock);
}
