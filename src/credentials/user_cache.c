/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/user_cache_state.h"

#include <stdlib.h>

#include "credentials/name_key.h"

/* What is known of one name. */
struct entry {
    struct map_node by_name;
    struct map_node by_hash; /* of users that exist */
    struct list by_use;
    struct auth_identity *identity; /* NULL: there is no such user */
    int64_t expires_s;
    uint8_t hash[LONG_TERM_USERHASH_SIZE];
    uint8_t name[]; /* a name_key */
};

/* Strangers can make entries of names that do not exist: they get a part of the room only. */
enum { ABSENT_PART = 4 };

struct user_cache *user_cache_new(size_t capacity)
{
    struct user_cache *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    if (pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c);
        return NULL;
    }
    atomic_init(&c->references, 1);
    atomic_init(&c->revoked_count, 0);
    c->capacity = capacity;
    map_init(&c->by_name);
    map_init(&c->by_hash);
    map_init(&c->revoked);
    map_init(&c->secrets);
    list_init(&c->present);
    list_init(&c->absent);
    return c;
}

struct user_cache *user_cache_ref(struct user_cache *c)
{
    atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    return c;
}

static void drop(struct user_cache *c, struct entry *e)
{
    if (e->identity == NULL)
        c->absent_count--;
    map_remove(&c->by_name, &e->by_name);
    map_remove(&c->by_hash, &e->by_hash);
    list_remove(&e->by_use);
    auth_identity_unref(e->identity);
    free(e);
}

static void drop_all(struct user_cache *c)
{
    map_for_each (at, &c->by_name)
        drop(c, CONTAINER_OF(at, struct entry, by_name.link));
}

void user_cache_unref(struct user_cache *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
        return;
    drop_all(c);
    user_cache_drop_revocations(c);
    user_cache_drop_secrets(c);
    map_done(&c->by_name);
    map_done(&c->by_hash);
    map_done(&c->revoked);
    map_done(&c->secrets);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static struct entry *find_entry(struct user_cache *c, struct bytes name)
{
    struct map_node *node = map_find(&c->by_name, name);
    return node != NULL ? CONTAINER_OF(node, struct entry, by_name) : NULL;
}

static void drop_oldest(struct user_cache *c, struct list *list)
{
    if (!list_is_empty(list))
        drop(c, CONTAINER_OF(list->prev, struct entry, by_use));
}

static void make_room(struct user_cache *c, const struct entry *fresh)
{
    size_t absent_room = c->capacity / ABSENT_PART + 1;
    if (fresh->identity == NULL && c->absent_count >= absent_room)
        drop_oldest(c, &c->absent);
    else if (c->by_name.count >= c->capacity)
        drop_oldest(c, c->absent_count > 0 ? &c->absent : &c->present);
}

/* Takes the entry. */
static void put_entry(struct user_cache *c, struct entry *fresh, struct bytes name)
{
    pthread_mutex_lock(&c->lock);
    struct entry *former = find_entry(c, name);
    if (former != NULL)
        drop(c, former);
    make_room(c, fresh);
    map_put(&c->by_name, &fresh->by_name, name);
    if (fresh->identity != NULL)
        map_put(&c->by_hash, &fresh->by_hash, bytes_of(fresh->hash, sizeof(fresh->hash)));
    else
        c->absent_count++;
    list_push_front(fresh->identity != NULL ? &c->present : &c->absent, &fresh->by_use);
    pthread_mutex_unlock(&c->lock);
}

static struct entry *new_entry(struct bytes name, int64_t expires_s)
{
    struct entry *e = calloc(1, sizeof(*e) + name.len);
    if (e == NULL)
        return NULL;
    e->expires_s = expires_s;
    memcpy(e->name, name.data, name.len);
    return e;
}

static struct auth_identity *new_identity(
    struct text realm, struct text username, struct text stored)
{
    struct identity_config config = {
        .kind = IDENTITY_DATABASE,
        .username = username,
        .user = username,
        .realm = realm,
    };
    if (!long_term_read(username, realm, stored, &config.keys))
        return NULL;
    struct auth_identity *identity = auth_identity_new(&config);
    long_term_wipe(&config.keys);
    return identity;
}

bool user_cache_put(struct user_cache *c, struct text realm, struct text username,
    struct text stored, int64_t expires_s)
{
    struct name_key key;
    if (!name_key_make(realm, username, &key))
        return false;
    struct auth_identity *identity = new_identity(realm, username, stored);
    struct entry *e = identity != NULL ? new_entry(name_key_bytes(&key), expires_s) : NULL;
    if (e == NULL || !long_term_userhash(username, realm, e->hash)) {
        auth_identity_unref(identity);
        free(e);
        return false;
    }
    e->identity = identity;
    put_entry(c, e, bytes_of(e->name, key.len));
    return true;
}

void user_cache_put_absent(
    struct user_cache *c, struct text realm, struct text username, int64_t expires_s)
{
    struct name_key key;
    struct entry *e =
        name_key_make(realm, username, &key) ? new_entry(name_key_bytes(&key), expires_s) : NULL;
    if (e != NULL) /* without memory the database is asked again: no harm */
        put_entry(c, e, bytes_of(e->name, key.len));
}

void user_cache_forget(struct user_cache *c, struct text realm, struct text username)
{
    struct name_key key;
    if (!name_key_make(realm, username, &key))
        return;
    pthread_mutex_lock(&c->lock);
    struct entry *e = find_entry(c, name_key_bytes(&key));
    if (e != NULL)
        drop(c, e);
    pthread_mutex_unlock(&c->lock);
}

void user_cache_forget_all(struct user_cache *c)
{
    pthread_mutex_lock(&c->lock);
    drop_all(c);
    pthread_mutex_unlock(&c->lock);
}

/* Marks the entry as used, or drops it when its time is over. */
static enum user_cache_answer use(
    struct user_cache *c, struct entry *e, int64_t now_s, struct auth_identity **out)
{
    if (e == NULL)
        return USER_CACHE_UNKNOWN;
    if (now_s >= e->expires_s) {
        drop(c, e);
        return USER_CACHE_UNKNOWN;
    }
    list_remove(&e->by_use);
    list_push_front(e->identity != NULL ? &c->present : &c->absent, &e->by_use);
    if (e->identity == NULL)
        return USER_CACHE_ABSENT;
    *out = auth_identity_ref(e->identity);
    return USER_CACHE_PRESENT;
}

enum user_cache_answer user_cache_find(struct user_cache *c, struct text realm,
    struct text username, int64_t now_s, struct auth_identity **out)
{
    struct name_key key;
    if (!name_key_make(realm, username, &key))
        return USER_CACHE_ABSENT;
    pthread_mutex_lock(&c->lock);
    enum user_cache_answer answer = use(c, find_entry(c, name_key_bytes(&key)), now_s, out);
    pthread_mutex_unlock(&c->lock);
    return answer;
}

enum user_cache_answer user_cache_find_hash(struct user_cache *c, struct text realm,
    struct bytes userhash, int64_t now_s, struct auth_identity **out)
{
    pthread_mutex_lock(&c->lock);
    struct map_node *node = map_find(&c->by_hash, userhash);
    struct entry *e = node != NULL ? CONTAINER_OF(node, struct entry, by_hash) : NULL;
    if (e != NULL && !text_equal(auth_identity_realm(e->identity), realm))
        e = NULL;
    enum user_cache_answer answer = use(c, e, now_s, out);
    pthread_mutex_unlock(&c->lock);
    return answer;
}
