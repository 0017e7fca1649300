/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of time-limited credentials, by realm. */
#include <stdlib.h>

#include "base/str.h"
#include "credentials/user_cache_state.h"
#include "credentials/wipe.h"

/* What stands behind a list that others see. */
struct owned_list {
    struct secret_list list;
    atomic_uint references;
    struct text secrets[];
};

struct realm_secrets {
    struct map_node by_realm;
    const struct secret_list *list;
    char realm[];
};

static struct owned_list *owner_of(const struct secret_list *list)
{
    return CONTAINER_OF(list, struct owned_list, list);
}

void secret_list_unref(const struct secret_list *list)
{
    if (list == NULL)
        return;
    struct owned_list *o = owner_of(list);
    if (atomic_fetch_sub_explicit(&o->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < o->list.count; i++)
        wipe_text(o->secrets[i]);
    free(o);
}

static const struct secret_list *secret_list_ref(const struct secret_list *list)
{
    atomic_fetch_add_explicit(&owner_of(list)->references, 1, memory_order_relaxed);
    return list;
}

static const struct secret_list *secret_list_new(const struct text *secrets, size_t count)
{
    struct owned_list *o = calloc(1, sizeof(*o) + count * sizeof(o->secrets[0]));
    if (o == NULL)
        return NULL;
    atomic_init(&o->references, 1);
    o->list.secrets = o->secrets;
    for (; o->list.count < count; o->list.count++) {
        const struct text *secret = &secrets[o->list.count];
        o->secrets[o->list.count] = text_of(text_dup(*secret), secret->len);
        if (o->secrets[o->list.count].data == NULL) {
            secret_list_unref(&o->list);
            return NULL;
        }
    }
    return &o->list;
}

static void drop_secrets(struct user_cache *c, struct realm_secrets *s)
{
    map_remove(&c->secrets, &s->by_realm);
    secret_list_unref(s->list);
    free(s);
}

void user_cache_drop_secrets(struct user_cache *c)
{
    map_for_each (at, &c->secrets)
        drop_secrets(c, CONTAINER_OF(at, struct realm_secrets, by_realm.link));
}

static struct realm_secrets *find_secrets(struct user_cache *c, struct text realm)
{
    struct map_node *node = map_find(&c->secrets, text_bytes(realm));
    return node != NULL ? CONTAINER_OF(node, struct realm_secrets, by_realm) : NULL;
}

bool user_cache_set_secrets(
    struct user_cache *c, struct text realm, const struct text *secrets, size_t count)
{
    struct realm_secrets *fresh = NULL;
    if (count > 0) {
        fresh = calloc(1, sizeof(*fresh) + realm.len);
        const struct secret_list *list = fresh != NULL ? secret_list_new(secrets, count) : NULL;
        if (list == NULL) {
            free(fresh);
            return false;
        }
        fresh->list = list;
        memcpy(fresh->realm, realm.data, realm.len);
    }

    pthread_mutex_lock(&c->lock);
    struct realm_secrets *former = find_secrets(c, realm);
    if (former != NULL)
        drop_secrets(c, former);
    if (fresh != NULL)
        map_put(&c->secrets, &fresh->by_realm, bytes_of(fresh->realm, realm.len));
    pthread_mutex_unlock(&c->lock);
    return true;
}

const struct secret_list *user_cache_secrets(struct user_cache *c, struct text realm)
{
    pthread_mutex_lock(&c->lock);
    struct realm_secrets *s = find_secrets(c, realm);
    const struct secret_list *list = s != NULL ? secret_list_ref(s->list) : NULL;
    pthread_mutex_unlock(&c->lock);
    return list;
}
