/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "fleet/state.h"

struct item *fleet_item(const struct fleet *fleet, enum store_kind kind, struct text id)
{
    uint8_t key[1 + STORE_MAX_ID];
    struct map_node *node = map_find(&fleet->by_id, memo_key(key, kind, id));
    return node != NULL ? CONTAINER_OF(node, struct item, by_id) : NULL;
}

struct item *fleet_item_of(const struct fleet *fleet, enum store_kind kind, uint64_t handle)
{
    struct u64_node *node = u64_map_find(&fleet->by_handle[kind], handle);
    return node != NULL ? CONTAINER_OF(node, struct item, by_handle) : NULL;
}

static void timer_fired(struct timer *timer, uint64_t now_ms)
{
    (void)now_ms;
    struct item *item = CONTAINER_OF(timer, struct item, timer);
    if (item->life != ITEM_CARRIED) {
        fleet_item_settle(item);
        return;
    }
    item->is_dirty = true;
    list_push_back(&item->fleet->dirty, &item->queue);
}

static struct item *new_item(struct fleet *fleet, enum store_kind kind, struct text id)
{
    struct item *item = calloc(1, sizeof(*item) + 1 + id.len);
    if (item == NULL)
        return NULL;
    item->fleet = fleet;
    item->epoch = 1;
    item->key_len = 1 + id.len;
    map_put(&fleet->by_id, &item->by_id, memo_key(item->key, kind, id));
    list_push_back(&fleet->items, &item->link);
    list_push_back(&fleet->placeless, &item->placed);
    timer_init(&item->timer, timer_fired);
    fleet->totals.items[kind]++;
    return item;
}

void fleet_item_forget_record(struct item *item)
{
    if (item->record == NULL)
        return;
    item->fleet->release_bytes -= item->record_len;
    item->fleet->totals.release_waiting--;
    explicit_bzero(item->record, item->record_len);
    free(item->record);
    item->record = NULL;
    item->record_len = 0;
}

static void forget_places(struct item *item)
{
    list_remove(&item->placed);
    fleet_place_set_unref(item->fleet, item->places);
    item->places = NULL;
}

static void stop_waiting(struct item *item)
{
    list_remove(&item->queue);
    timer_cancel(&item->fleet->timers, &item->timer);
}

void fleet_item_free(struct item *item)
{
    assert(item->work == ITEM_RESTS);
    struct fleet *fleet = item->fleet;
    fleet_item_set_known(item, false);
    fleet_item_set_life(item, ITEM_ENDED);
    fleet_item_set_handle(item, 0);
    stop_waiting(item);
    forget_places(item);
    fleet_item_forget_record(item);
    map_remove(&fleet->by_id, &item->by_id);
    list_remove(&item->link);
    free(item);
}

static bool counts_as_known(const struct item *item)
{
    return item->is_known && item->life == ITEM_CARRIED;
}

void fleet_item_set_known(struct item *item, bool is_known)
{
    item->fleet->known -= counts_as_known(item);
    item->is_known = is_known;
    item->fleet->known += counts_as_known(item);
}

void fleet_item_set_life(struct item *item, enum item_life life)
{
    struct fleet *fleet = item->fleet;
    fleet->known -= counts_as_known(item);
    fleet->totals.items[item_kind(item)] -= item->life == ITEM_CARRIED;
    item->life = life;
    fleet->totals.items[item_kind(item)] += item->life == ITEM_CARRIED;
    fleet->known += counts_as_known(item);
}

void fleet_item_set_handle(struct item *item, uint64_t handle)
{
    struct map *map = &item->fleet->by_handle[item_kind(item)];
    if (item->by_handle.link.linked)
        u64_map_remove(map, &item->by_handle);
    if (handle != 0)
        u64_map_put(map, &item->by_handle, handle);
}

void fleet_item_set_places(struct item *item, struct text places)
{
    struct place_set *now = item->places;
    if (now != NULL && text_equal(text_of(now->text, now->len), places))
        return;
    struct place_set *set = fleet_place_set(item->fleet, places);
    if (set == NULL)
        return;
    forget_places(item);
    item->places = set;
    list_push_back(&set->items, &item->placed);
}

void fleet_item_start(struct item *item, enum item_work work)
{
    assert(item->work == ITEM_RESTS);
    stop_waiting(item);
    item->work = work;
    if (work == ITEM_SAVES && item->life == ITEM_RELEASING)
        item->fleet->leaving_saves++;
    else
        item->fleet->under_way++;
}

void fleet_item_stop(struct item *item)
{
    if (item->work == ITEM_SAVES && item->life == ITEM_RELEASING)
        item->fleet->leaving_saves--;
    else if (item->work != ITEM_RESTS)
        item->fleet->under_way--;
    item->work = ITEM_RESTS;
    item->learns = false;
}

/* --- what comes next --- */

enum { KEEP_SPREAD_MS = FLEET_KEEP_MAX_AGE_MS / 4 };

static void settle_carried(struct item *item)
{
    struct fleet *fleet = item->fleet;
    if (fleet->leaving == LEAVE_RELEASES || (item->places != NULL && !item->places->is_here)) {
        list_push_back(&fleet->leavers, &item->queue);
        return;
    }
    /* Some sooner than others, so that what was written at once comes apart. */
    uint64_t due =
        item->started_ms + FLEET_KEEP_MAX_AGE_MS - item_handle(item) * 97 % KEEP_SPREAD_MS;
    if (item->is_dirty) {
        due = fleet->now_ms + FLEET_KEEP_DELAY_MS;
        if (item->has_started && due < item->started_ms + FLEET_KEEP_INTERVAL_MS)
            due = item->started_ms + FLEET_KEEP_INTERVAL_MS;
    }
    fleet_arm(fleet, &item->timer, due);
}

void fleet_item_settle(struct item *item)
{
    assert(item->work == ITEM_RESTS);
    struct fleet *fleet = item->fleet;
    stop_waiting(item);
    switch (item->life) {
    case ITEM_CARRIED:
        settle_carried(item);
        return;
    case ITEM_RELEASING:
        if (item->places != NULL && item->places->is_here && !item->end_sent &&
            !item->cannot_return && fleet->leaving == LEAVE_NOT)
            list_push_back(&fleet->returns, &item->queue);
        else
            list_push_back(&fleet->releases, &item->queue);
        break;
    case ITEM_ENDED:
        if (!item->was_sent) {
            fleet_item_free(item);
            return;
        }
        list_push_back(&fleet->removals, &item->queue);
        break;
    }
    fleet_wake(fleet, fleet->now_ms);
}

void fleet_item_retry(struct item *item, uint64_t wait_ms)
{
    stop_waiting(item);
    fleet_arm(item->fleet, &item->timer, item->fleet->now_ms + wait_ms);
}

/* --- what holders tell --- */

/* The id of something that is known here in some way has a new item. */
static void revive(struct item *item)
{
    if (item->work == ITEM_SAVES)
        fleet_item_stop(item);
    else if (item->work != ITEM_RESTS)
        item->is_another = true;
    if (item->end_sent) {
        fleet_item_set_known(item, false);
        item->is_unsure = false;
    }
    stop_waiting(item);
    item->is_dirty = item->end_sent = item->cannot_return = item->is_returned = false;
    fleet_item_forget_record(item);
    fleet_item_set_life(item, ITEM_CARRIED);
    forget_places(item);
    list_push_back(&item->fleet->placeless, &item->placed);
}

static struct item *item_for(
    struct fleet *fleet, enum store_kind kind, uint64_t handle, struct text id)
{
    if (id.len == 0 || id.len > STORE_MAX_ID)
        return NULL;
    memo_forget(&fleet->graves, kind, id);
    struct taking *taking = fleet_taking(fleet, kind, id);
    if (taking != NULL)
        taking->has_ended = false;
    struct item *item = fleet_item(fleet, kind, id);
    if (item != NULL)
        revive(item);
    else
        item = new_item(fleet, kind, id);
    if (item != NULL)
        fleet_item_set_handle(item, handle);
    return item;
}

static void mark(struct item *item)
{
    if (item->life != ITEM_CARRIED || item->is_dirty)
        return;
    item->is_dirty = true;
    if (item->work == ITEM_RESTS)
        fleet_item_settle(item);
}

void fleet_changed(
    struct fleet *fleet, enum store_kind kind, uint64_t handle, struct text id, uint64_t now_ms)
{
    fleet_at(fleet, now_ms);
    if (fleet_is_over(fleet))
        return;
    struct item *item = fleet_item_of(fleet, kind, handle);
    if (item == NULL)
        item = item_for(fleet, kind, handle, id);
    if (item != NULL)
        mark(item);
}

void fleet_returned(
    struct fleet *fleet, enum store_kind kind, uint64_t handle, struct text id, uint64_t now_ms)
{
    fleet_changed(fleet, kind, handle, id, now_ms);
    struct item *item = fleet_item_of(fleet, kind, handle);
    if (item == NULL)
        return;
    item->is_returned = true;
    item->was_sent = true; /* by the process before this one */
}

void fleet_ended(struct fleet *fleet, enum store_kind kind, uint64_t handle, uint64_t now_ms)
{
    fleet_at(fleet, now_ms);
    struct item *item = fleet_item_of(fleet, kind, handle);
    if (item == NULL || fleet_is_over(fleet))
        return;
    if (item->work == ITEM_SAVES)
        fleet_item_stop(item);
    fleet_item_set_handle(item, 0);
    fleet_item_set_life(item, ITEM_ENDED);
    forget_places(item);
    struct taking *taking = fleet_taking(fleet, kind, item_id(item));
    if (taking != NULL)
        taking->has_ended = true;
    if (item->was_sent)
        memo_note(&fleet->graves, kind, item_id(item), item->epoch, fleet->now_ms);
    if (item->work == ITEM_RESTS)
        fleet_item_settle(item);
}

struct item *fleet_item_adopt(
    struct fleet *fleet, enum store_kind kind, uint64_t handle, struct text id, uint64_t epoch)
{
    struct item *item = fleet_item(fleet, kind, id);
    if (item == NULL || item->life != ITEM_CARRIED)
        item = item_for(fleet, kind, handle, id);
    else if (handle != 0 && item_handle(item) != handle) {
        if (item->work == ITEM_SAVES)
            fleet_item_stop(item);
        fleet_item_set_handle(item, handle);
    }
    if (item == NULL)
        return NULL;
    if (epoch > item->epoch)
        item->epoch = epoch;
    item->was_sent = true;
    item->is_unsure = item->is_returned = false;
    fleet_item_set_known(item, true);
    item->is_dirty = true;
    if (item->work == ITEM_RESTS)
        fleet_item_settle(item);
    return item;
}
