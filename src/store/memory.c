/* SPDX-License-Identifier: Apache-2.0 */
#include "store/memory.h"

#include <stdlib.h>

#include "base/list.h"
#include "store/memory_data.h"

enum { LIST_PART = 100 };

struct store_memory {
    struct memory_data *data;
    struct list views;
    uint64_t now_ms;
};

struct view {
    struct store store;
    struct list link;
    struct store_memory *memory;
    struct list waiting; /* of struct request, oldest first */
    size_t count;
    enum store_memory_way way;
    uint64_t delay_ms;
};

/* What becomes of a request. */
struct fate {
    bool is_carried_out;
    bool is_answered; /* with what came of it, else: */
    enum store_result instead;
};

enum effect { EFFECT_NONE, EFFECT_CHANGES, EFFECT_GROWS };

/* What was asked for, with copies of all it refers to. Fields are used as `carry_out` has it. */
struct request {
    struct list link;
    uint64_t asked_ms;
    void (*carry_out)(struct view *view, struct request *request, const struct fate *fate);
    enum effect effect;
    struct store_put put;
    struct store_version version;
    struct memory_lease lease; /* `lease_ms` also of what is let go */
    bool whole;
    bool is_unused; /* of a taking */
    union {
        store_put_fn *put;
        store_get_fn *get;
        store_take_fn *take;
        store_list_fn *list;
        store_nodes_fn *nodes;
        store_done_fn *done;
    } answer;
    void *owner;
    uint8_t memory[];
};

static struct view *view_of(struct store *store)
{
    return CONTAINER_OF(store, struct view, store);
}

/* --- asking --- */

static struct text keep(struct text t, uint8_t **memory)
{
    struct text kept = text_of((const char *)*memory, t.len);
    if (t.len > 0)
        memcpy(*memory, t.data, t.len);
    *memory += t.len;
    return kept;
}

static struct bytes keep_bytes(struct bytes b, uint8_t **memory)
{
    return text_bytes(keep(text_from_bytes(b), memory));
}

static bool fits(const struct request *r)
{
    return r->put.id.len <= STORE_MAX_ID && r->put.places.len <= STORE_MAX_PLACES &&
           r->put.record.len <= STORE_MAX_RECORD && r->put.epoch <= STORE_MAX_EPOCH &&
           r->lease.info.len <= STORE_MAX_INFO;
}

/* Queues a copy of the request; false when it cannot be taken. */
static bool ask(struct store *store, const struct request *model)
{
    struct view *view = view_of(store);
    if (view->way == STORE_MEMORY_AWAY || view->count == STORE_MEMORY_MAX_WAITING || !fits(model))
        return false;
    struct request *r =
        malloc(sizeof(*r) + model->put.id.len + model->put.owner.len + model->put.places.len +
               model->put.record.len + model->version.owner.len + model->lease.name.len +
               model->lease.instance.len + model->lease.info.len);
    if (r == NULL)
        return false;
    *r = *model;
    uint8_t *memory = r->memory;
    r->put.id = keep(model->put.id, &memory);
    r->put.owner = keep(model->put.owner, &memory);
    r->put.places = keep(model->put.places, &memory);
    r->put.record = keep_bytes(model->put.record, &memory);
    r->version.owner = keep(model->version.owner, &memory);
    r->lease.name = keep(model->lease.name, &memory);
    r->lease.instance = keep(model->lease.instance, &memory);
    r->lease.info = keep_bytes(model->lease.info, &memory);
    r->asked_ms = view->memory->now_ms;
    r->link = (struct list){.next = NULL};
    list_push_back(&view->waiting, &r->link);
    view->count++;
    return true;
}

/* --- carrying out --- */

static enum store_result told(enum store_result result, const struct fate *fate)
{
    return fate->is_answered ? result : fate->instead;
}

static void carry_out_put(struct view *view, struct request *r, const struct fate *fate)
{
    const struct store_memory *memory = view->memory;
    struct store_version other = {.epoch = 0};
    enum store_result result = STORE_AWAY;
    if (fate->is_carried_out)
        result = memory_data_put(memory->data, &r->put, memory->now_ms, &other);
    r->answer.put(r->owner, told(result, fate), &other);
}

static void carry_out_remove(struct view *view, struct request *r, const struct fate *fate)
{
    const struct store_memory *memory = view->memory;
    struct store_version other = {.epoch = 0};
    enum store_result result = STORE_AWAY;
    if (fate->is_carried_out)
        result = memory_data_remove(
            memory->data, r->put.kind, r->put.id, &r->version, memory->now_ms, &other);
    r->answer.put(r->owner, told(result, fate), &other);
}

static void carry_out_get(struct view *view, struct request *r, const struct fate *fate)
{
    const struct store_memory *memory = view->memory;
    struct store_record record;
    enum store_result result =
        told(memory_data_get(memory->data, r->put.kind, r->put.id, memory->now_ms, &record), fate);
    if (result == STORE_DONE && !r->whole)
        record.record = bytes_of(NULL, 0);
    r->answer.get(r->owner, result, result == STORE_DONE ? &record : NULL);
}

static void carry_out_take(struct view *view, struct request *r, const struct fate *fate)
{
    const struct store_memory *memory = view->memory;
    const struct store_taking taking = {.kind = r->put.kind,
        .id = r->put.id,
        .seen = r->version,
        .taker = r->put.owner,
        .is_unused = r->is_unused};
    enum store_result result = STORE_AWAY;
    uint64_t epoch = 0;
    unsigned takes = 0;
    if (fate->is_carried_out)
        result = memory_data_take(memory->data, &taking, memory->now_ms, &epoch, &takes);
    r->answer.take(r->owner, told(result, fate), epoch, takes);
}

static size_t list_part(struct view *view, struct text node, const void **cursor,
    struct store_entry entries[LIST_PART], bool *more)
{
    size_t count = 0;
    *more = true;
    while (count < LIST_PART && *more)
        if ((*more = memory_data_list(view->memory->data, node, cursor, &entries[count])))
            count++;
    return count;
}

/* All parts at once, for what is listed must not change between them. */
static void carry_out_list(struct view *view, struct request *r, const struct fate *fate)
{
    struct store_entry entries[LIST_PART];
    const void *cursor = NULL;
    bool more = fate->is_answered;
    if (!more)
        r->answer.list(r->owner, fate->instead, NULL, 0, false);
    while (more) {
        size_t count = list_part(view, r->lease.name, &cursor, entries, &more);
        r->answer.list(r->owner, STORE_DONE, entries, count, more);
    }
}

static void carry_out_lease(struct view *view, struct request *r, const struct fate *fate)
{
    const struct store_memory *memory = view->memory;
    enum store_result result = STORE_AWAY;
    if (fate->is_carried_out)
        result = memory_data_lease(memory->data, &r->lease, memory->now_ms);
    r->answer.done(r->owner, told(result, fate));
}

static void carry_out_unlease(struct view *view, struct request *r, const struct fate *fate)
{
    const struct store_memory *memory = view->memory;
    if (fate->is_carried_out)
        memory_data_unlease(
            memory->data, r->lease.name, r->lease.instance, r->lease.lease_ms, memory->now_ms);
    r->answer.done(r->owner, told(STORE_DONE, fate));
}

static void carry_out_nodes(struct view *view, struct request *r, const struct fate *fate)
{
    const struct store_memory *memory = view->memory;
    size_t count = 0;
    uint64_t released = 0;
    struct store_node *nodes = memory_data_nodes(memory->data, memory->now_ms, &count, &released);
    enum store_result result = told(nodes != NULL ? STORE_DONE : STORE_FAILED, fate);
    if (result == STORE_DONE)
        r->answer.nodes(r->owner, STORE_DONE, nodes, count, released);
    else
        r->answer.nodes(r->owner, result, NULL, 0, 0);
    free(nodes);
}

static void carry_out_forget(struct view *view, struct request *r, const struct fate *fate)
{
    const struct store_memory *memory = view->memory;
    if (fate->is_carried_out)
        memory_data_forget(memory->data, r->lease.name, memory->now_ms);
}

/* --- requests --- */

static bool view_put(
    struct store *store, const struct store_put *put, store_put_fn *done, void *owner)
{
    return ask(store, &(struct request){.carry_out = carry_out_put,
                          .effect = EFFECT_GROWS,
                          .put = *put,
                          .answer.put = done,
                          .owner = owner});
}

static bool view_remove(struct store *store, enum store_kind kind, struct text id,
    struct text writer, uint64_t epoch, store_put_fn *done, void *owner)
{
    return ask(store, &(struct request){.carry_out = carry_out_remove,
                          .effect = EFFECT_CHANGES,
                          .put = {.kind = kind, .id = id},
                          .version = {.owner = writer, .epoch = epoch},
                          .answer.put = done,
                          .owner = owner});
}

static bool view_get(struct store *store, enum store_kind kind, struct text id, bool whole,
    store_get_fn *done, void *owner)
{
    return ask(store, &(struct request){.carry_out = carry_out_get,
                          .put = {.kind = kind, .id = id},
                          .whole = whole,
                          .answer.get = done,
                          .owner = owner});
}

static bool view_take(
    struct store *store, const struct store_taking *taking, store_take_fn *done, void *owner)
{
    return ask(store, &(struct request){.carry_out = carry_out_take,
                          .effect = EFFECT_GROWS,
                          .put = {.kind = taking->kind, .id = taking->id, .owner = taking->taker},
                          .version = taking->seen,
                          .is_unused = taking->is_unused,
                          .answer.take = done,
                          .owner = owner});
}

static bool view_list(struct store *store, struct text node, store_list_fn *each, void *owner)
{
    return ask(store, &(struct request){.carry_out = carry_out_list,
                          .lease = {.name = node},
                          .answer.list = each,
                          .owner = owner});
}

/* There is nothing in an index here that its node does not own. */
static bool view_unlist(struct store *store, struct text node, enum store_kind kind, struct text id)
{
    (void)node;
    (void)kind;
    (void)id;
    return view_of(store)->way != STORE_MEMORY_AWAY;
}

static bool view_lease(struct store *store, struct text name, struct text instance,
    struct bytes info, uint64_t lease_ms, store_done_fn *done, void *owner)
{
    return ask(store, &(struct request){.carry_out = carry_out_lease,
                          .effect = EFFECT_CHANGES,
                          .lease = {name, instance, info, lease_ms},
                          .answer.done = done,
                          .owner = owner});
}

static bool view_unlease(struct store *store, struct text name, struct text instance,
    uint64_t grace_ms, store_done_fn *done, void *owner)
{
    return ask(store, &(struct request){.carry_out = carry_out_unlease,
                          .effect = EFFECT_CHANGES,
                          .lease = {.name = name, .instance = instance, .lease_ms = grace_ms},
                          .answer.done = done,
                          .owner = owner});
}

static bool view_nodes(struct store *store, store_nodes_fn *done, void *owner)
{
    return ask(store,
        &(struct request){.carry_out = carry_out_nodes, .answer.nodes = done, .owner = owner});
}

static bool view_forget_node(struct store *store, struct text name)
{
    return ask(store,
        &(struct request){
            .carry_out = carry_out_forget, .effect = EFFECT_CHANGES, .lease = {.name = name}});
}

/* --- life --- */

static bool view_is_ready(const struct store *store)
{
    return CONTAINER_OF(store, const struct view, store)->way != STORE_MEMORY_AWAY;
}

static uint64_t view_oldest_ms(const struct store *store)
{
    const struct view *view = CONTAINER_OF(store, const struct view, store);
    if (list_is_empty(&view->waiting))
        return 0;
    return view->memory->now_ms - CONTAINER_OF(view->waiting.next, struct request, link)->asked_ms;
}

static const struct fate fates[] = {
    [STORE_MEMORY_WORKS] = {.is_carried_out = true, .is_answered = true},
    [STORE_MEMORY_AWAY] = {.instead = STORE_AWAY},
    [STORE_MEMORY_LOSES] = {.is_carried_out = true, .instead = STORE_AWAY},
    [STORE_MEMORY_FULL] = {.instead = STORE_FAILED},
    [STORE_MEMORY_READ_ONLY] = {.instead = STORE_FAILED},
};

static struct fate fate_of(const struct view *view, const struct request *r)
{
    bool goes_on = (view->way == STORE_MEMORY_FULL && r->effect != EFFECT_GROWS) ||
                   (view->way == STORE_MEMORY_READ_ONLY && r->effect == EFFECT_NONE);
    return fates[goes_on ? STORE_MEMORY_WORKS : view->way];
}

static struct request *pop(struct view *view)
{
    struct request *r = CONTAINER_OF(list_pop_front(&view->waiting), struct request, link);
    view->count--;
    return r;
}

static void view_close(struct store *store)
{
    struct view *view = view_of(store);
    view->way = STORE_MEMORY_AWAY;
    while (view->count > 0) {
        struct request *r = pop(view);
        r->carry_out(view, r, &fates[STORE_MEMORY_AWAY]);
        free(r);
    }
    list_remove(&view->link);
    free(view);
}

static const struct store_ops ops = {
    .put = view_put,
    .remove = view_remove,
    .get = view_get,
    .take = view_take,
    .list = view_list,
    .unlist = view_unlist,
    .lease = view_lease,
    .unlease = view_unlease,
    .nodes = view_nodes,
    .forget_node = view_forget_node,
    .is_ready = view_is_ready,
    .oldest_ms = view_oldest_ms,
    .close = view_close,
};

struct store_memory *store_memory_new(void)
{
    struct store_memory *memory = calloc(1, sizeof(*memory));
    if (memory == NULL)
        return NULL;
    list_init(&memory->views);
    memory->data = memory_data_new();
    if (memory->data != NULL)
        return memory;
    free(memory);
    return NULL;
}

void store_memory_free(struct store_memory *memory)
{
    if (memory == NULL)
        return;
    memory_data_free(memory->data);
    free(memory);
}

struct store *store_memory_view(struct store_memory *memory)
{
    struct view *view = calloc(1, sizeof(*view));
    if (view == NULL)
        return NULL;
    view->store.ops = &ops;
    view->memory = memory;
    list_init(&view->waiting);
    list_push_back(&memory->views, &view->link);
    return &view->store;
}

static bool is_due(const struct view *view, const struct request *r)
{
    return view->way == STORE_MEMORY_AWAY || view->memory->now_ms >= r->asked_ms + view->delay_ms;
}

static void deliver(struct view *view)
{
    for (size_t left = view->count; left > 0 && view->way != STORE_MEMORY_FROZEN; left--) {
        struct request *r = CONTAINER_OF(view->waiting.next, struct request, link);
        if (!is_due(view, r))
            return;
        struct fate fate = fate_of(view, r);
        pop(view);
        r->carry_out(view, r, &fate);
        free(r);
    }
}

void store_memory_deliver(struct store_memory *memory, uint64_t now_ms)
{
    memory->now_ms = now_ms;
    list_for_each (at, &memory->views)
        deliver(CONTAINER_OF(at, struct view, link));
}

void store_memory_break(struct store *view, enum store_memory_way way, uint64_t delay_ms)
{
    view_of(view)->way = way;
    view_of(view)->delay_ms = delay_ms;
}

void store_memory_lose_all(struct store_memory *memory)
{
    memory_data_clear(memory->data);
}

void store_memory_walk(struct store_memory *memory,
    void (*visit)(void *owner, enum store_kind kind, const struct store_record *record),
    void *owner)
{
    const void *cursor = NULL;
    enum store_kind kind;
    struct store_record record;
    while (memory_data_walk(memory->data, &cursor, &kind, &record))
        visit(owner, kind, &record);
}
