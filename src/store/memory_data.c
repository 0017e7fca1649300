/* SPDX-License-Identifier: Apache-2.0 */
#include "store/memory_data.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"

/* All that one owner has; that of nobody has the empty name. */
struct shelf {
    struct map_node node;
    struct list items;
    size_t count;
    size_t name_len;
    char name[];
};

struct item {
    struct map_node node; /* key: kind, id */
    struct list link;     /* in its shelf */
    struct shelf *shelf;  /* NULL: it was removed, and only the epoch is remembered */
    struct shelf *writer; /* who wrote or took it last, also when nobody owns it now */
    uint64_t epoch, serial;
    unsigned takes;
    uint64_t forget_ms; /* without a shelf */
    char *places;
    uint8_t *record;
    size_t places_len, record_len;
    size_t key_len;
    uint8_t key[];
};

struct member {
    struct map_node node;
    char *instance; /* NULL: none since it was listed */
    uint8_t *info;
    size_t info_len;
    uint64_t lease_until_ms;
    size_t name_len;
    char name[];
};

struct memory_data {
    struct map items;
    struct map shelves;
    struct map members;
};

/* --- memory --- */

static struct text shelf_name(const struct shelf *shelf)
{
    return text_of(shelf->name, shelf->name_len);
}

static struct shelf *find_shelf(struct memory_data *data, struct text name)
{
    struct map_node *node = map_find(&data->shelves, text_bytes(name));
    return node != NULL ? CONTAINER_OF(node, struct shelf, node) : NULL;
}

/* Shelves stay until all is lost. NULL when out of memory. */
static struct shelf *shelf_of(struct memory_data *data, struct text name)
{
    struct shelf *shelf = find_shelf(data, name);
    if (shelf != NULL)
        return shelf;
    shelf = calloc(1, sizeof(*shelf) + name.len);
    if (shelf == NULL)
        return NULL;
    if (name.len > 0)
        memcpy(shelf->name, name.data, name.len);
    shelf->name_len = name.len;
    list_init(&shelf->items);
    map_put(&data->shelves, &shelf->node, bytes_of(shelf->name, shelf->name_len));
    return shelf;
}

static void put_on_shelf(struct item *item, struct shelf *shelf)
{
    if (item->shelf == shelf)
        return;
    if (item->shelf != NULL)
        item->shelf->count--;
    list_remove(&item->link);
    item->shelf = shelf;
    if (shelf == NULL)
        return;
    shelf->count++;
    list_push_back(&shelf->items, &item->link);
}

static void free_item(struct memory_data *data, struct item *item)
{
    put_on_shelf(item, NULL);
    map_remove(&data->items, &item->node);
    free(item->places);
    free(item->record);
    free(item);
}

/* Kind and id in one; `memory` has room for both. */
static struct bytes key_of(enum store_kind kind, struct text id, uint8_t *memory)
{
    memory[0] = (uint8_t)kind;
    memcpy(memory + 1, id.data, id.len);
    return bytes_of(memory, id.len + 1);
}

/* What was removed long ago is forgotten here. NULL: there is none. */
static struct item *find_item(
    struct memory_data *data, enum store_kind kind, struct text id, uint64_t now_ms)
{
    uint8_t key[1 + STORE_MAX_ID];
    struct map_node *node = map_find(&data->items, key_of(kind, id, key));
    if (node == NULL)
        return NULL;
    struct item *item = CONTAINER_OF(node, struct item, node);
    if (item->shelf != NULL || now_ms < item->forget_ms)
        return item;
    free_item(data, item);
    return NULL;
}

static struct item *new_item(struct memory_data *data, enum store_kind kind, struct text id)
{
    struct item *item = calloc(1, sizeof(*item) + 1 + id.len);
    if (item == NULL)
        return NULL;
    item->key_len = key_of(kind, id, item->key).len;
    map_put(&data->items, &item->node, bytes_of(item->key, item->key_len));
    return item;
}

static void free_member(struct memory_data *data, struct member *member)
{
    map_remove(&data->members, &member->node);
    free(member->instance);
    free(member->info);
    free(member);
}

struct memory_data *memory_data_new(void)
{
    struct memory_data *data = calloc(1, sizeof(*data));
    if (data == NULL)
        return NULL;
    map_init(&data->items);
    map_init(&data->shelves);
    map_init(&data->members);
    return data;
}

void memory_data_clear(struct memory_data *data)
{
    map_for_each (at, &data->items)
        free_item(data, CONTAINER_OF(at, struct item, node.link));
    map_for_each (at, &data->members)
        free_member(data, CONTAINER_OF(at, struct member, node.link));
    map_for_each (at, &data->shelves) {
        map_remove_link(&data->shelves, at);
        free(CONTAINER_OF(at, struct shelf, node.link));
    }
}

void memory_data_free(struct memory_data *data)
{
    if (data == NULL)
        return;
    memory_data_clear(data);
    map_done(&data->items);
    map_done(&data->shelves);
    map_done(&data->members);
    free(data);
}

/* --- records --- */

static struct store_version version_of(const struct item *item)
{
    struct store_version version = {.epoch = item->epoch, .serial = item->serial};
    if (item->shelf != NULL)
        version.owner = shelf_name(item->shelf);
    return version;
}

static struct store_record record_of(const struct item *item)
{
    return (struct store_record){
        .version = version_of(item),
        .id = text_of((const char *)item->key + 1, item->key_len - 1),
        .places = text_of(item->places, item->places_len),
        .record = bytes_of(item->record, item->record_len),
        .takes = item->takes,
    };
}

/* Whether `writer` may write under `epoch`. */
static bool may_write(const struct item *item, struct text writer, uint64_t epoch)
{
    if (epoch != item->epoch)
        return epoch > item->epoch;
    return item->shelf != NULL && text_equal(shelf_name(item->writer), writer);
}

static bool fill(struct item *item, const struct store_put *put)
{
    char *places = text_dup(put->places);
    uint8_t *record = bytes_dup(put->record);
    if (places == NULL || record == NULL) {
        free(places);
        free(record);
        return false;
    }
    free(item->places);
    free(item->record);
    item->places = places;
    item->places_len = put->places.len;
    item->record = record;
    item->record_len = put->record.len;
    return true;
}

enum store_result memory_data_put(struct memory_data *data, const struct store_put *put,
    uint64_t now_ms, struct store_version *other)
{
    struct item *item = find_item(data, put->kind, put->id, now_ms);
    if (item != NULL && !may_write(item, put->owner, put->epoch)) {
        *other = version_of(item);
        return STORE_CONFLICT;
    }
    struct shelf *writer = shelf_of(data, put->owner);
    struct shelf *shelf = put->is_free ? shelf_of(data, TEXT("")) : writer;
    if (writer == NULL || shelf == NULL)
        return STORE_FAILED;
    if (item == NULL)
        item = new_item(data, put->kind, put->id);
    if (item == NULL)
        return STORE_FAILED;
    if (!fill(item, put)) {
        if (item->shelf == NULL && item->epoch == 0)
            free_item(data, item);
        return STORE_FAILED;
    }
    item->serial = item->epoch == put->epoch ? item->serial + 1 : 1;
    item->epoch = put->epoch;
    item->takes = 0;
    item->writer = writer;
    put_on_shelf(item, shelf);
    *other = version_of(item);
    return STORE_DONE;
}

static bool may_remove(const struct item *item, const struct store_version *mine)
{
    if (may_write(item, mine->owner, mine->epoch))
        return true;
    return mine->epoch == item->epoch && text_equal(shelf_name(item->shelf), mine->owner);
}

enum store_result memory_data_remove(struct memory_data *data, enum store_kind kind, struct text id,
    const struct store_version *mine, uint64_t now_ms, struct store_version *other)
{
    struct item *item = find_item(data, kind, id, now_ms);
    if (item != NULL && item->shelf != NULL && !may_remove(item, mine)) {
        *other = version_of(item);
        return STORE_CONFLICT;
    }
    *other = (struct store_version){.epoch = mine->epoch};
    if (item == NULL && mine->epoch > 1)
        item = new_item(data, kind, id);
    if (item == NULL)
        return mine->epoch > 1 ? STORE_FAILED : STORE_DONE;
    put_on_shelf(item, NULL);
    item->epoch = item->epoch > mine->epoch ? item->epoch : mine->epoch;
    item->serial = 0;
    item->forget_ms = now_ms + STORE_GRAVE_MS;
    other->epoch = item->epoch;
    if (item->epoch == 1)
        free_item(data, item);
    return STORE_DONE;
}

enum store_result memory_data_get(struct memory_data *data, enum store_kind kind, struct text id,
    uint64_t now_ms, struct store_record *out)
{
    const struct item *item = find_item(data, kind, id, now_ms);
    if (item == NULL || item->shelf == NULL)
        return STORE_ABSENT;
    *out = record_of(item);
    return STORE_DONE;
}

enum store_result memory_data_take(struct memory_data *data, const struct store_taking *taking,
    uint64_t now_ms, uint64_t *epoch, unsigned *takes)
{
    struct item *item = find_item(data, taking->kind, taking->id, now_ms);
    if (item == NULL || item->shelf == NULL)
        return STORE_ABSENT;
    struct store_version there = version_of(item);
    if (there.epoch != taking->seen.epoch || there.serial != taking->seen.serial ||
        !text_equal(there.owner, taking->seen.owner))
        return STORE_CONFLICT;
    struct shelf *shelf = shelf_of(data, taking->taker);
    if (shelf == NULL)
        return STORE_FAILED;
    put_on_shelf(item, shelf);
    item->writer = shelf;
    item->serial = 0;
    *epoch = ++item->epoch;
    if (taking->taker.len > 0)
        item->takes++;
    else if (taking->is_unused && item->takes > 0)
        item->takes--;
    *takes = item->takes;
    return STORE_DONE;
}

bool memory_data_list(
    struct memory_data *data, struct text node, const void **cursor, struct store_entry *out)
{
    const struct shelf *shelf = find_shelf(data, node);
    if (shelf == NULL)
        return false;
    const struct list *last = *cursor != NULL ? *cursor : &shelf->items;
    if (last->next == &shelf->items)
        return false;
    const struct item *item = CONTAINER_OF(last->next, struct item, link);
    struct store_record record = record_of(item);
    *out = (struct store_entry){
        .kind = (enum store_kind)item->key[0],
        .id = record.id,
        .places = record.places,
    };
    *cursor = &item->link;
    return true;
}

bool memory_data_walk(
    struct memory_data *data, const void **cursor, enum store_kind *kind, struct store_record *out)
{
    struct map_link *link = map_next_link(&data->items, *cursor);
    while (link != NULL && CONTAINER_OF(link, struct item, node.link)->shelf == NULL)
        link = map_next_link(&data->items, link);
    if (link == NULL)
        return false;
    const struct item *item = CONTAINER_OF(link, struct item, node.link);
    *cursor = link;
    *kind = (enum store_kind)item->key[0];
    *out = record_of(item);
    return true;
}

/* --- nodes --- */

static struct text member_instance(const struct member *member, uint64_t now_ms)
{
    return now_ms < member->lease_until_ms ? text_from(member->instance) : TEXT("");
}

static struct member *find_member(struct memory_data *data, struct text name)
{
    struct map_node *node = map_find(&data->members, text_bytes(name));
    return node != NULL ? CONTAINER_OF(node, struct member, node) : NULL;
}

static struct member *new_member(struct memory_data *data, struct text name)
{
    struct member *member = calloc(1, sizeof(*member) + name.len);
    if (member == NULL)
        return NULL;
    memcpy(member->name, name.data, name.len);
    member->name_len = name.len;
    map_put(&data->members, &member->node, bytes_of(member->name, member->name_len));
    return member;
}

enum store_result memory_data_lease(
    struct memory_data *data, const struct memory_lease *lease, uint64_t now_ms)
{
    struct member *member = find_member(data, lease->name);
    struct text has = member != NULL ? member_instance(member, now_ms) : TEXT("");
    if (has.len > 0 && !text_is(has, STORE_LET_GO) && !text_equal(has, lease->instance))
        return STORE_CONFLICT;
    if (member == NULL)
        member = new_member(data, lease->name);
    char *instance = text_dup(lease->instance);
    uint8_t *info = bytes_dup(lease->info);
    if (member == NULL || instance == NULL || info == NULL) {
        free(instance);
        free(info);
        return STORE_FAILED;
    }
    free(member->instance);
    free(member->info);
    member->instance = instance;
    member->info = info;
    member->info_len = lease->info.len;
    member->lease_until_ms = now_ms + lease->lease_ms;
    return STORE_DONE;
}

void memory_data_unlease(struct memory_data *data, struct text name, struct text instance,
    uint64_t grace_ms, uint64_t now_ms)
{
    struct member *member = find_member(data, name);
    if (member == NULL || !text_equal(member_instance(member, now_ms), instance))
        return;
    /* No instance is shorter than what takes its place. */
    memcpy(member->instance, STORE_LET_GO, sizeof(STORE_LET_GO));
    member->lease_until_ms = now_ms + grace_ms;
}

struct store_node *memory_data_nodes(
    struct memory_data *data, uint64_t now_ms, size_t *count, uint64_t *released)
{
    struct store_node *nodes = calloc(data->members.count + 1, sizeof(*nodes));
    const struct shelf *free_ones = find_shelf(data, TEXT(""));
    if (nodes == NULL)
        return NULL;
    *count = 0;
    map_for_each (at, &data->members) {
        const struct member *member = CONTAINER_OF(at, struct member, node.link);
        struct text name = text_of(member->name, member->name_len);
        const struct shelf *shelf = find_shelf(data, name);
        nodes[(*count)++] = (struct store_node){
            .name = name,
            .instance = member_instance(member, now_ms),
            .info = bytes_of(member->info, member->info_len),
            .records = shelf != NULL ? shelf->count : 0,
        };
    }
    *released = free_ones != NULL ? free_ones->count : 0;
    return nodes;
}

void memory_data_forget(struct memory_data *data, struct text name, uint64_t now_ms)
{
    struct member *member = find_member(data, name);
    const struct shelf *shelf = find_shelf(data, name);
    if (member == NULL || member_instance(member, now_ms).len > 0)
        return;
    if (shelf == NULL || shelf->count == 0)
        free_member(data, member);
}
