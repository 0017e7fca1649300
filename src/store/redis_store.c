/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/redis_state.h"

enum { MAX_TROUBLE = 200, TELL_AGAIN_MS = 60000 };

/* --- words --- */

struct str redis_store_key(const struct redis_store *store, const char *what, struct text name)
{
    struct str key = {.data = NULL};
    str_addf(&key, "%s:%s:", store->prefix, what);
    str_add(&key, name);
    return key;
}

struct str redis_store_record_key(
    const struct redis_store *store, enum store_kind kind, struct text id)
{
    return redis_store_key(store, store_kind_word(kind), id);
}

struct str redis_store_field(enum store_kind kind, struct text id)
{
    struct str field = {.data = NULL};
    str_addf(&field, "%s:", store_kind_word(kind));
    str_add(&field, id);
    return field;
}

struct text redis_store_number(uint64_t number, char memory[REDIS_NUMBER_SIZE])
{
    int len = snprintf(memory, REDIS_NUMBER_SIZE, "%" PRIu64, number);
    return text_of(memory, (size_t)len);
}

/* --- commands --- */

bool redis_store_send(struct redis_store *store, const struct str *key, const struct text *words,
    size_t count, void (*done)(void *owner, const struct redis_reply *reply), void *owner)
{
    const struct redis_callback callback = {.done = done, .owner = owner};
    if (str_ok(key) && redis_router_send(store->router, str_text(key), words, count, callback) == 0)
        return true;
    counter_add(&store->counters.refused, 1);
    return false;
}

/* Where it was told last, or the place of what was told longest ago. */
static struct redis_trouble *trouble_of(struct redis_store *store, struct text why)
{
    struct redis_trouble *oldest = &store->troubles[0];
    for (size_t i = 0; i < REDIS_TROUBLES; i++) {
        struct redis_trouble *trouble = &store->troubles[i];
        if (text_equal(str_text(&trouble->why), why))
            return trouble;
        if (trouble->why.len == 0 || trouble->told_ms < oldest->told_ms)
            oldest = trouble;
    }
    str_reset(&oldest->why);
    return oldest;
}

static void say_trouble(struct redis_store *store, struct text why)
{
    uint64_t now = uv_now(store->loop);
    why.len = why.len < MAX_TROUBLE ? why.len : MAX_TROUBLE;
    struct redis_trouble *trouble = trouble_of(store, why);
    if (trouble->why.len > 0 && now - trouble->told_ms < TELL_AGAIN_MS)
        return;
    str_reset(&trouble->why);
    str_add(&trouble->why, why);
    trouble->told_ms = now;
    if (store->on_trouble != NULL)
        store->on_trouble(store->owner, why);
}

/*
 * The error without what Redis says of the script, which differs for the same reason: the end since
 * version 7, before it the beginning.
 */
static struct text plain_error(struct text error)
{
    static const char end[] = " script: ", begin[] = ": -";
    const char *at = memmem(error.data, error.len, end, sizeof(end) - 1);
    if (at != NULL)
        error.len = (size_t)(at - error.data);
    at = memmem(error.data, error.len, begin, sizeof(begin) - 1);
    if (at != NULL)
        error = text_skip(error, (size_t)(at - error.data) + sizeof(begin) - 1);
    return error;
}

enum store_result redis_store_judge(struct redis_store *store, const struct redis_reply *reply)
{
    if (reply == NULL) {
        counter_add(&store->counters.away, 1);
        return STORE_AWAY;
    }
    if (reply->kind != REDIS_ERROR)
        return STORE_DONE;
    counter_add(&store->counters.failed, 1);
    say_trouble(store, plain_error(reply->text));
    return STORE_FAILED;
}

enum store_result redis_store_nonsense(struct redis_store *store, const char *what)
{
    counter_add(&store->counters.failed, 1);
    say_trouble(store, text_from(what));
    return STORE_FAILED;
}

void redis_store_ignore(void *owner, const struct redis_reply *reply)
{
    redis_store_judge(owner, reply);
}

/* --- life --- */

static bool store_is_ready(const struct store *store)
{
    return redis_router_is_ready(((const struct redis_store *)store)->router);
}

static uint64_t store_oldest_ms(const struct store *store)
{
    return redis_router_oldest_ms(((const struct redis_store *)store)->router);
}

static void free_store(struct redis_store *store)
{
    free(store->prefix);
    for (size_t i = 0; i < REDIS_TROUBLES; i++)
        str_done(&store->troubles[i].why);
    free(store);
}

static void store_close(struct store *base)
{
    struct redis_store *store = redis_store_of(base);
    redis_router_close(store->router);
    free_store(store);
}

static const struct store_ops ops = {
    .put = redis_records_put,
    .remove = redis_records_remove,
    .get = redis_records_get,
    .take = redis_records_take,
    .list = redis_index_list,
    .unlist = redis_index_unlist,
    .lease = redis_nodes_lease,
    .unlease = redis_nodes_unlease,
    .nodes = redis_nodes_list,
    .forget_node = redis_nodes_forget,
    .is_ready = store_is_ready,
    .oldest_ms = store_oldest_ms,
    .close = store_close,
};

bool redis_store_prefix_is_valid(struct text prefix)
{
    for (size_t i = 0; i < prefix.len; i++)
        if (prefix.data[i] <= ' ' || prefix.data[i] > '~' || prefix.data[i] == '{')
            return false;
    return prefix.len > 0 && prefix.len <= REDIS_STORE_MAX_PREFIX;
}

static int build(struct redis_store *store, const struct redis_store_config *config,
    struct text prefix, struct str *why)
{
    unsigned expires_s = config->expires_s > 0 ? config->expires_s : REDIS_STORE_DEFAULT_EXPIRES_S;
    store->base.ops = &ops;
    redis_store_number(expires_s, store->expires);
    store->seal = config->seal;
    store->on_ready = config->on_ready;
    store->on_trouble = config->on_trouble;
    store->owner = config->owner;
    store->prefix = text_dup(prefix);
    if (store->prefix != NULL)
        return 0;
    str_add_string(why, "out of memory");
    return -ENOMEM;
}

static void on_router_ready(void *owner, bool is_ready)
{
    struct redis_store *store = owner;
    if (store->on_ready != NULL)
        store->on_ready(store->owner, is_ready);
}

static int open_router(uv_loop_t *loop, const struct redis_store_config *config,
    struct redis_store *store, struct str *why)
{
    const struct redis_router_config router = {
        .target = config->target,
        .tls = config->tls,
        .name = config->name,
        .command_timeout_ms = config->command_timeout_ms,
        .connect_timeout_ms = config->connect_timeout_ms,
        .on_ready = on_router_ready,
        .owner = store,
    };
    return redis_router_open(loop, &router, &store->router, why);
}

int redis_store_open(uv_loop_t *loop, const struct redis_store_config *config,
    struct redis_store **out, struct str *why)
{
    struct text prefix = config->prefix.len > 0 ? config->prefix : TEXT(REDIS_STORE_DEFAULT_PREFIX);
    if (!redis_store_prefix_is_valid(prefix)) {
        str_addf(why, "the prefix must be 1 to %d printable characters, without space and {",
            REDIS_STORE_MAX_PREFIX);
        return -EINVAL;
    }
    struct redis_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        str_add_string(why, "out of memory");
        return -ENOMEM;
    }
    store->loop = loop;
    int error = build(store, config, prefix, why);
    if (error == 0)
        error = open_router(loop, config, store, why);
    if (error != 0) {
        free_store(store);
        return error;
    }
    *out = store;
    return 0;
}

struct store *redis_store_base(struct redis_store *store)
{
    return &store->base;
}

void redis_store_reseal(struct redis_store *store, const struct seal *seal)
{
    store->seal = seal;
}

const struct redis_store_counters *redis_store_counters(const struct redis_store *store)
{
    return &store->counters;
}

const struct redis_counters *redis_store_connections(const struct redis_store *store)
{
    return redis_router_counters(store->router);
}

void redis_store_write_where(const struct redis_store *store, struct str *out)
{
    redis_router_write_where(store->router, out);
}
