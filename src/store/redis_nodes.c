/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/redis_read.h"
#include "store/redis_scripts.h"
#include "store/redis_state.h"

enum { MAX_NODES = 500 };

/* --- leases --- */

struct leasing {
    struct redis_store *store;
    store_done_fn *done;
    void *owner;
    struct text name, info; /* in `memory` */
    char memory[];
};

static struct leasing *new_leasing(struct redis_store *store, struct text name, struct text info)
{
    struct leasing *l = calloc(1, sizeof(*l) + name.len + info.len);
    if (l == NULL)
        return NULL;
    l->store = store;
    l->name = text_of(l->memory, name.len);
    l->info = text_of(l->memory + name.len, info.len);
    memcpy(l->memory, name.data, name.len);
    if (info.len > 0)
        memcpy(l->memory + name.len, info.data, info.len);
    return l;
}

/* Only who has the lease: another process of the name may be alive. */
static void introduce(const struct leasing *l)
{
    struct str key = redis_store_key(l->store, "nodes", TEXT(""));
    const struct text words[] = {
        TEXT("EVAL"),
        text_from(redis_script_introduce),
        TEXT("1"),
        str_text(&key),
        l->name,
        l->info,
        text_from(l->store->expires),
    };
    /* The lease will be renewed, and this with it. */
    (void)!redis_store_send(l->store, &key, words, COUNT_OF(words), redis_store_ignore, l->store);
    str_done(&key);
}

static enum store_result result_of(struct redis_store *store, const struct redis_reply *reply)
{
    enum store_result result = redis_store_judge(store, reply);
    if (result != STORE_DONE)
        return result;
    if (text_is(reply->text, "done"))
        return STORE_DONE;
    return text_is(reply->text, "conflict") ? STORE_CONFLICT
                                            : redis_store_nonsense(store, "a lease is none");
}

static void on_leased(void *owner, const struct redis_reply *reply)
{
    struct leasing *l = owner;
    enum store_result result = result_of(l->store, reply);
    if (result == STORE_DONE)
        introduce(l);
    l->done(l->owner, result);
    free(l);
}

static void on_let_go(void *owner, const struct redis_reply *reply)
{
    struct leasing *l = owner;
    l->done(l->owner, result_of(l->store, reply));
    free(l);
}

static bool send_lease(struct leasing *l, const char *script, struct text instance, uint64_t ms,
    void (*done)(void *owner, const struct redis_reply *reply))
{
    char number[REDIS_NUMBER_SIZE];
    struct str key = redis_store_key(l->store, "lease", l->name);
    const struct text words[] = {
        TEXT("EVAL"),
        text_from(script),
        TEXT("1"),
        str_text(&key),
        instance,
        redis_store_number(ms, number),
        TEXT(STORE_LET_GO),
    };
    bool ok = redis_store_send(l->store, &key, words, COUNT_OF(words), done, l);
    str_done(&key);
    if (!ok)
        free(l);
    return ok;
}

bool redis_nodes_lease(struct store *base, struct text name, struct text instance,
    struct bytes info, uint64_t lease_ms, store_done_fn *done, void *owner)
{
    struct leasing *l = info.len <= STORE_MAX_INFO
                            ? new_leasing(redis_store_of(base), name, text_from_bytes(info))
                            : NULL;
    if (l == NULL)
        return false;
    l->done = done;
    l->owner = owner;
    return send_lease(l, redis_script_lease, instance, lease_ms, on_leased);
}

bool redis_nodes_unlease(struct store *base, struct text name, struct text instance,
    uint64_t grace_ms, store_done_fn *done, void *owner)
{
    struct leasing *l = new_leasing(redis_store_of(base), name, TEXT(""));
    if (l == NULL)
        return false;
    l->done = done;
    l->owner = owner;
    return send_lease(l, redis_script_unlease, instance, grace_ms, on_let_go);
}

/* --- the list of nodes --- */

struct listed {
    struct census *census;
    struct store_node node; /* its texts in the fields below */
    char *name, *instance;
    uint8_t *info;
    bool is_odd; /* its lease or index is none: it is left out */
};

/* First who there is, then of each its lease and how long its index is. */
struct census {
    struct redis_store *store;
    store_nodes_fn *done;
    void *owner;
    enum store_result result;
    unsigned waiting; /* answers */
    uint64_t released;
    size_t count;
    struct listed *nodes;
};

static void free_census(struct census *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->nodes[i].name);
        free(c->nodes[i].instance);
        free(c->nodes[i].info);
    }
    free(c->nodes);
    free(c);
}

static void tell_census(struct census *c)
{
    struct store_node *nodes = calloc(c->count + 1, sizeof(*nodes));
    if (nodes == NULL)
        c->result = redis_store_nonsense(c->store, "out of memory");
    size_t count = 0;
    for (size_t i = 0; i < c->count && nodes != NULL; i++)
        if (!c->nodes[i].is_odd)
            nodes[count++] = c->nodes[i].node;
    if (c->result == STORE_DONE)
        c->done(c->owner, STORE_DONE, nodes, count, c->released);
    else
        c->done(c->owner, c->result, NULL, 0, 0);
    free(nodes);
    free_census(c);
}

/* One answer less to wait for. */
static void counted(struct census *c, enum store_result result)
{
    if (result != STORE_DONE)
        c->result = result;
    if (--c->waiting == 0)
        tell_census(c);
}

/* What lies in the place of one node's lease or index must not hide all the others. */
static void counted_node(
    struct listed *listed, enum store_result result, const struct redis_reply *reply)
{
    bool is_odd = result == STORE_FAILED &&
                  (reply->kind != REDIS_ERROR || text_starts_with(reply->text, "WRONGTYPE "));
    listed->is_odd = listed->is_odd || is_odd;
    counted(listed->census, is_odd ? STORE_DONE : result);
}

static void on_instance(void *owner, const struct redis_reply *reply)
{
    struct listed *listed = owner;
    struct census *c = listed->census;
    struct text instance;
    enum store_result result = redis_store_judge(c->store, reply);
    if (result == STORE_DONE && !redis_read_string(reply, STORE_MAX_NAME, &instance))
        result = redis_store_nonsense(c->store, "a lease is none");
    if (result == STORE_DONE)
        listed->instance = text_dup(instance);
    if (listed->instance != NULL)
        listed->node.instance = text_of(listed->instance, instance.len);
    if (result == STORE_DONE && listed->instance == NULL)
        counted(c, STORE_FAILED); /* no memory */
    else
        counted_node(listed, result, reply);
}

static enum store_result read_count(
    struct redis_store *store, const struct redis_reply *reply, uint64_t *out)
{
    enum store_result result = redis_store_judge(store, reply);
    if (result == STORE_DONE && !redis_read_count(reply, out))
        result = redis_store_nonsense(store, "an index is none");
    return result;
}

static void on_records(void *owner, const struct redis_reply *reply)
{
    struct listed *listed = owner;
    struct redis_store *store = listed->census->store;
    counted_node(listed, read_count(store, reply, &listed->node.records), reply);
}

static void on_released(void *owner, const struct redis_reply *reply)
{
    struct census *c = owner;
    counted(c, read_count(c->store, reply, &c->released));
}

static void ask(struct census *c, const char *command, const char *what, struct text name,
    void (*done)(void *owner, const struct redis_reply *reply), void *owner)
{
    struct str key = redis_store_key(c->store, what, name);
    const struct text words[] = {text_from(command), str_text(&key)};
    if (redis_store_send(c->store, &key, words, COUNT_OF(words), done, owner))
        c->waiting++;
    else
        c->result = STORE_AWAY;
    str_done(&key);
}

static bool list_node(struct census *c, const struct redis_reply *reply, size_t at)
{
    struct listed *listed = &c->nodes[c->count];
    struct text name;
    struct bytes info;
    if (!redis_read_node(reply, at, &name, &info))
        return true; /* what is no node is passed over */
    c->count++;
    listed->census = c;
    listed->name = text_dup(name);
    listed->info = bytes_dup(info);
    listed->node.name = text_of(listed->name, name.len);
    listed->node.info = bytes_of(listed->info, info.len);
    return listed->name != NULL && listed->info != NULL;
}

static enum store_result read_nodes(struct census *c, const struct redis_reply *reply)
{
    enum store_result result = redis_store_judge(c->store, reply);
    if (result != STORE_DONE)
        return result;
    if (reply->kind != REDIS_ARRAY || reply->count % 2 != 0 || reply->count / 2 > MAX_NODES)
        return redis_store_nonsense(c->store, "the list of nodes is none");
    c->nodes = calloc(reply->count / 2 + 1, sizeof(*c->nodes));
    if (c->nodes == NULL)
        return STORE_FAILED;
    for (size_t i = 0; i + 1 < reply->count; i += 2)
        if (!list_node(c, reply, i))
            return STORE_FAILED;
    return STORE_DONE;
}

static void on_nodes(void *owner, const struct redis_reply *reply)
{
    struct census *c = owner;
    c->result = read_nodes(c, reply);
    /* This answer is the last only if nothing more is asked. */
    for (size_t i = 0; i < c->count && c->result == STORE_DONE; i++) {
        ask(c, "GET", "lease", c->nodes[i].node.name, on_instance, &c->nodes[i]);
        ask(c, "HLEN", "index", c->nodes[i].node.name, on_records, &c->nodes[i]);
    }
    if (c->result == STORE_DONE)
        ask(c, "HLEN", "index", TEXT(""), on_released, c);
    counted(c, c->result);
}

bool redis_nodes_list(struct store *base, store_nodes_fn *done, void *owner)
{
    struct census *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return false;
    *c = (struct census){
        .store = redis_store_of(base), .done = done, .owner = owner, .result = STORE_DONE};
    ask(c, "HGETALL", "nodes", TEXT(""), on_nodes, c);
    if (c->waiting > 0)
        return true;
    free_census(c);
    return false;
}

/* --- forgetting one --- */

struct forgetting {
    struct redis_store *store;
    unsigned waiting;
    bool stays;
    size_t name_len;
    char name[];
};

static void forget(const struct forgetting *f)
{
    struct str key = redis_store_key(f->store, "nodes", TEXT(""));
    const struct text words[] = {TEXT("HDEL"), str_text(&key), text_of(f->name, f->name_len)};
    /* Who asked will ask again. */
    (void)!redis_store_send(f->store, &key, words, COUNT_OF(words), redis_store_ignore, f->store);
    str_done(&key);
}

static void learned(struct forgetting *f, bool stays)
{
    f->stays = f->stays || stays;
    if (--f->waiting > 0)
        return;
    if (!f->stays)
        forget(f);
    free(f);
}

static void on_lease_seen(void *owner, const struct redis_reply *reply)
{
    struct forgetting *f = owner;
    learned(f, redis_store_judge(f->store, reply) != STORE_DONE || reply->kind != REDIS_NIL);
}

static void on_index_seen(void *owner, const struct redis_reply *reply)
{
    struct forgetting *f = owner;
    uint64_t count;
    learned(f, read_count(f->store, reply, &count) != STORE_DONE || count > 0);
}

static bool look(struct forgetting *f, const char *command, const char *what,
    void (*done)(void *owner, const struct redis_reply *reply))
{
    struct str key = redis_store_key(f->store, what, text_of(f->name, f->name_len));
    const struct text words[] = {text_from(command), str_text(&key)};
    bool ok = redis_store_send(f->store, &key, words, COUNT_OF(words), done, f);
    str_done(&key);
    f->waiting += ok ? 1 : 0;
    return ok;
}

bool redis_nodes_forget(struct store *base, struct text name)
{
    struct forgetting *f = calloc(1, sizeof(*f) + name.len);
    if (f == NULL)
        return false;
    f->store = redis_store_of(base);
    f->name_len = name.len;
    memcpy(f->name, name.data, name.len);
    if (!look(f, "GET", "lease", on_lease_seen)) {
        free(f);
        return false;
    }
    f->stays = !look(f, "HLEN", "index", on_index_seen);
    return true;
}
