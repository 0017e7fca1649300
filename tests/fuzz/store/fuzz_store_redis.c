/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever Redis answers, each request is answered once, and what is told of records, indexes and
 * nodes is within the limits of store/store.h.
 *
 * The input: how many requests, a byte for each, and a stream of replies; behind its end the
 * connection is lost. The router is replaced by one that hands them out.
 */
#include "../require.h"
#include "store/redis_store.h"

#include <stdlib.h>

#define KEY "0101010101010101010101010101010101010101010101010101010101010101"

enum { MAX_REQUESTS = 16, MAX_WAITING = 4096 };

/* --- in place of redis/router.c --- */

struct redis_router {
    struct redis_callback waiting[MAX_WAITING];
    size_t first, count;
    struct redis_counters counters;
};

static struct redis_router router;
static uv_loop_t loop; /* only its time is read */

int redis_router_open(uv_loop_t *on, const struct redis_router_config *config,
    struct redis_router **out, struct str *why)
{
    (void)on;
    (void)config;
    (void)why;
    router = (struct redis_router){.count = 0};
    *out = &router;
    return 0;
}

int redis_router_send(struct redis_router *r, struct text key, const struct text *words,
    size_t count, struct redis_callback callback)
{
    require(key.len > 0 && count >= 2 && count <= REDIS_COMMAND_MAX_WORDS && words[0].len > 0);
    if (r->count == MAX_WAITING)
        return -EAGAIN;
    r->waiting[(r->first + r->count++) % MAX_WAITING] = callback;
    return 0;
}

static void answer(const struct redis_reply *reply)
{
    struct redis_callback callback = router.waiting[router.first];
    router.first = (router.first + 1) % MAX_WAITING;
    router.count--;
    callback.done(callback.owner, reply);
}

bool redis_router_is_ready(const struct redis_router *r)
{
    (void)r;
    return true;
}

uint64_t redis_router_oldest_ms(const struct redis_router *r)
{
    (void)r;
    return 0;
}

const struct redis_counters *redis_router_counters(const struct redis_router *r)
{
    return &r->counters;
}

void redis_router_write_where(const struct redis_router *r, struct str *out)
{
    (void)r;
    (void)out;
}

void redis_router_close(struct redis_router *r)
{
    require(r->count == 0);
}

/* --- what is told --- */

static void check_version(const struct store_version *version)
{
    require(version->owner.len == 0 || store_name_is_valid(version->owner));
    require(version->epoch <= STORE_MAX_EPOCH && version->serial <= STORE_MAX_EPOCH);
}

static void on_put(void *owner, enum store_result result, const struct store_version *other)
{
    unsigned *answers = owner;
    ++*answers;
    require(result <= STORE_FAILED);
    if (result == STORE_DONE || result == STORE_CONFLICT) {
        check_version(other);
        require(other->epoch > 0);
    }
}

static void on_take(void *owner, enum store_result result, uint64_t epoch, unsigned takes)
{
    unsigned *answers = owner;
    ++*answers;
    require(result <= STORE_FAILED && takes <= 1000000);
    require(result != STORE_DONE || (epoch > 0 && epoch <= STORE_MAX_EPOCH));
}

static void on_get(void *owner, enum store_result result, const struct store_record *record)
{
    unsigned *answers = owner;
    ++*answers;
    require((record != NULL) == (result == STORE_DONE));
    if (record == NULL)
        return;
    check_version(&record->version);
    require(record->version.epoch > 0 && record->places.len <= STORE_MAX_PLACES);
    require(record->record.len <= STORE_MAX_RECORD + SEAL_OVERHEAD && text_is(record->id, "x"));
}

static void on_done(void *owner, enum store_result result)
{
    unsigned *answers = owner;
    ++*answers;
    require(result <= STORE_FAILED);
}

static void on_list(void *owner, enum store_result result, const struct store_entry *entries,
    size_t count, bool more)
{
    unsigned *answers = owner;
    require(result == STORE_DONE || (count == 0 && !more));
    for (size_t i = 0; i < count; i++) {
        require(entries[i].id.len > 0 && entries[i].id.len <= STORE_MAX_ID);
        require(entries[i].places.len <= STORE_MAX_PLACES && entries[i].kind <= STORE_ALLOCATION);
    }
    *answers += more ? 0 : 1;
}

static void on_nodes(void *owner, enum store_result result, const struct store_node *nodes,
    size_t count, uint64_t released)
{
    unsigned *answers = owner;
    (void)released;
    ++*answers;
    require(result == STORE_DONE || (nodes == NULL && count == 0));
    for (size_t i = 0; i < count; i++) {
        require(store_name_is_valid(nodes[i].name) && nodes[i].info.len <= STORE_MAX_INFO);
        require(nodes[i].instance.len <= STORE_MAX_NAME);
    }
}

static void on_trouble(void *owner, struct text why)
{
    unsigned *troubles = owner;
    require(why.len <= 200);
    ++*troubles;
}

/* --- requests --- */

static bool ask_about_record(struct store *store, unsigned which, unsigned *answers)
{
    const struct store_put put = {.id = TEXT("x"),
        .owner = TEXT("A"),
        .epoch = 2,
        .record = bytes_of("one", 3),
        .is_free = which == 1};
    const struct store_taking taking = {
        .id = TEXT("x"), .seen = {.owner = TEXT("B"), .epoch = 1, .serial = 1}, .taker = TEXT("A")};
    if (which <= 1)
        return store->ops->put(store, &put, on_put, answers);
    if (which == 2)
        return store->ops->remove(store, STORE_CALL, TEXT("x"), TEXT("A"), 2, on_put, answers);
    if (which == 3)
        return store->ops->take(store, &taking, on_take, answers);
    return store->ops->get(store, STORE_CALL, TEXT("x"), which == 4, on_get, answers);
}

/* How many answers are due: what runs in the background has none. */
static unsigned ask(struct store *store, uint8_t which, unsigned *answers)
{
    switch (which % 12) {
    case 6:
        return store->ops->list(store, TEXT("A"), on_list, answers);
    case 7:
        (void)!store->ops->unlist(store, TEXT("A"), STORE_CALL, TEXT("x"));
        return 0;
    case 8:
        return store->ops->lease(
            store, TEXT("A"), TEXT("a1"), bytes_of("i", 1), 1000, on_done, answers);
    case 9:
        return store->ops->unlease(store, TEXT("A"), TEXT("a1"), 1000, on_done, answers);
    case 10:
        return store->ops->nodes(store, on_nodes, answers);
    case 11:
        (void)!store->ops->forget_node(store, TEXT("A"));
        return 0;
    default:
        return ask_about_record(store, which % 12, answers);
    }
}

static void answer_all(struct bytes replies)
{
    bool broken = true;
    struct redis_stream *stream = redis_stream_new((struct redis_reply_limits){.string = 0});
    require(stream != NULL);
    if (replies.len > 0)
        broken = !redis_stream_feed(stream, replies);
    while (router.count > 0) {
        struct redis_reply *reply = broken ? NULL : redis_stream_next(stream, &broken);
        broken = broken || reply == NULL;
        answer(reply);
        redis_reply_free(reply);
    }
    redis_stream_free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader input = reader_over(bytes_of(data, size));
    struct seal *seal = NULL;
    struct redis_store *redis;
    struct str why = {.data = NULL};
    unsigned answers = 0, due = 0, troubles = 0;

    uint8_t head = reader_u8(&input);
    require(seal_read(TEXT(KEY), &seal, &why) == 0);
    const struct redis_store_config config = {
        .seal = head >= 0x80 ? seal : NULL, .on_trouble = on_trouble, .owner = &troubles};
    require(redis_store_open(&loop, &config, &redis, &why) == 0);
    struct store *store = redis_store_base(redis);
    for (unsigned i = 0; i < head % MAX_REQUESTS; i++)
        due += ask(store, reader_u8(&input), &answers);
    answer_all(input.rest);
    require(answers == due);
    store->ops->close(store);
    seal_free(seal);
    str_done(&why);
    return 0;
}
