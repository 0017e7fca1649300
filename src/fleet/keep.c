/* SPDX-License-Identifier: Apache-2.0 */
/* Items are saved by their holders and written to the store. */
#include <assert.h>

#include "fleet/state.h"

enum {
    MANY_REFUSALS = 8, /* in a row: the store is full or read-only, not a single record wrong */
    PROBE_MS = 500,
    MAX_CONFLICTS = 4, /* in a row, before an item waits */
};

static const struct fleet_holder *holder_of(const struct item *item)
{
    return &item->fleet->holders[item_kind(item)];
}

bool fleet_can_write(const struct fleet *fleet)
{
    return fleet->is_ready && fleet->is_joined && !fleet_is_over(fleet);
}

/* The first of `queue`, when that is to be tried now; NULL: it is not. */
static struct item *next_of(
    const struct fleet *fleet, struct list *queue, struct refusals *refusals)
{
    bool are_many = refusals->in_row >= MANY_REFUSALS;
    if (list_is_empty(queue) || (are_many && fleet->now_ms < refusals->retry_ms))
        return NULL;
    if (are_many)
        refusals->retry_ms = fleet->now_ms + PROBE_MS;
    return CONTAINER_OF(list_pop_front(queue), struct item, queue);
}

static bool start_next(struct fleet *fleet)
{
    struct item *item = next_of(fleet, &fleet->releases, &fleet->put_refusals);
    if (item != NULL)
        return fleet_release_put(item);
    item = next_of(fleet, &fleet->removals, &fleet->removal_refusals);
    if (item != NULL)
        return fleet_remove_item(item);
    item = next_of(fleet, &fleet->dirty, &fleet->put_refusals);
    if (item == NULL)
        return false;
    fleet_keep_item(item);
    return true;
}

void fleet_pump(struct fleet *fleet)
{
    if (fleet->is_pumping)
        return;
    fleet->is_pumping = true;
    fleet_release_pump(fleet);
    while (fleet_can_write(fleet) && !fleet->is_blocked && fleet->under_way < FLEET_KEEP_WINDOW)
        if (!start_next(fleet))
            break;
    fleet->is_pumping = false;
}

static bool must_leave(const struct item *item)
{
    return item->fleet->leaving == LEAVE_RELEASES ||
           (item->places != NULL && !item->places->is_here);
}

/* Asks the holder; the item may be gone afterwards. */
static void ask_for_copy(struct item *item, bool learns)
{
    struct fleet *fleet = item->fleet;
    enum store_kind kind = item_kind(item);
    uint64_t handle = item_handle(item);
    fleet_item_start(item, ITEM_SAVES);
    item->learns = learns;
    item->is_dirty = false;
    const struct fleet_holder *holder = holder_of(item);
    if (holder->save(holder->owner, handle, FLEET_SAVE_COPY) >= 0)
        return;
    item = fleet_item_of(fleet, kind, handle);
    if (item == NULL || item->work != ITEM_SAVES)
        return;
    fleet_item_stop(item);
    item->is_dirty = true;
    fleet_item_retry(item, FLEET_RETRY_MS);
}

void fleet_keep_item(struct item *item)
{
    if (must_leave(item))
        fleet_item_settle(item);
    else
        ask_for_copy(item, false);
}

void fleet_learn_places(struct fleet *fleet)
{
    if (fleet->leaving != LEAVE_NOT ||
        (fleet_can_write(fleet) && fleet->put_refusals.in_row < MANY_REFUSALS))
        return;
    for (size_t room = FLEET_KEEP_WINDOW; room > 0 && fleet->under_way < FLEET_KEEP_WINDOW;
         room--) {
        struct list *first = list_first(&fleet->placeless);
        if (first == NULL)
            return;
        struct item *item = CONTAINER_OF(first, struct item, placed);
        list_remove(&item->placed);
        list_push_back(&fleet->placeless, &item->placed);
        if (item->work == ITEM_RESTS && item->life == ITEM_CARRIED)
            ask_for_copy(item, true);
    }
}

/* Waits in the front of the queue. */
static void wait_for_room(struct item *item)
{
    item->is_dirty = true;
    list_push_front(&item->fleet->dirty, &item->queue);
}

static void copy_saved(struct item *item, const struct fleet_saved *saved)
{
    bool learns = item->learns;
    fleet_item_stop(item);
    if (saved == NULL) {
        item->is_dirty = true;
        fleet_item_retry(item, FLEET_RETRY_MS);
        return;
    }
    fleet_item_set_places(item, saved->places);
    if (must_leave(item)) {
        item->is_dirty = true;
        fleet_item_settle(item);
    } else if (saved->record.len > STORE_MAX_RECORD || saved->places.len > STORE_MAX_PLACES) {
        fleet_write_refused(item, &item->fleet->put_refusals);
    } else if (learns || !fleet_can_write(item->fleet) ||
               !fleet_put_item(item, saved->places, saved->record)) {
        wait_for_room(item);
    }
}

void fleet_saved(struct fleet *fleet, enum store_kind kind, uint64_t handle,
    const struct fleet_saved *saved, uint64_t now_ms)
{
    fleet_at(fleet, now_ms);
    struct item *item = fleet_item_of(fleet, kind, handle);
    if (item == NULL || item->work != ITEM_SAVES)
        return;
    if (item->life == ITEM_RELEASING)
        fleet_release_saved(item, saved);
    else
        copy_saved(item, saved);
    fleet_wake(fleet, fleet->now_ms);
}

/* --- answers --- */

void fleet_write_worked(struct fleet *fleet, struct refusals *refusals)
{
    refusals->in_row = 0;
    if (!fleet->refusal_told || fleet->put_refusals.in_row + fleet->removal_refusals.in_row > 0)
        return;
    fleet->refusal_told = false;
    fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_WRITES_WORK});
}

void fleet_write_refused(struct item *item, struct refusals *refusals)
{
    struct fleet *fleet = item->fleet;
    fleet->totals.write_failures++;
    refusals->in_row++;
    refusals->retry_ms = fleet->now_ms + PROBE_MS;
    if (!fleet->refusal_told && !item->is_told) {
        fleet->refusal_told = item->is_told = true;
        fleet_tell_item(
            fleet, FLEET_WRITE_FAILED, fleet_name(fleet), item_kind(item), item_id(item));
    }
    item->is_dirty = true;
    fleet_item_retry(item, FLEET_REFUSED_RETRY_MS);
}

void fleet_item_lost(struct item *item, struct text owner)
{
    struct fleet *fleet = item->fleet;
    fleet->totals.lost++;
    fleet_tell_item(fleet, FLEET_LOST, owner, item_kind(item), item_id(item));
    const struct fleet_holder *holder = holder_of(item);
    bool is_carried = item->life == ITEM_CARRIED;
    uint64_t handle = item_handle(item);
    fleet_item_free(item);
    if (is_carried)
        holder->drop(holder->owner, handle);
    struct node *node = fleet_node(fleet, owner);
    fleet_sweep_want(node != NULL ? node->sweep : fleet->nobody);
}

/* Whether what is there is older than our item. An item that was written, or may have been, is the
 * older one, for the epoch has grown since; but one that nobody else can have gone on with, for its
 * addresses are here. */
static bool may_usurp(const struct item *item)
{
    if (item->is_known || item->is_returned)
        return false;
    return !item->is_unsure ||
           (item->life == ITEM_CARRIED && item->places != NULL && item->places->is_here);
}

static void put_conflicted(struct item *item, const struct store_version *other)
{
    struct fleet *fleet = item->fleet;
    struct text id = item_id(item);
    if (fleet_is_self(fleet, other->owner) && other->epoch > item->put_epoch) {
        if (other->epoch > item->epoch)
            item->epoch = other->epoch;
    } else if (item->life == ITEM_ENDED) {
        item->was_sent = false;
        if (!item->is_known && !item->is_unsure)
            fleet_discard(fleet, item_kind(item), id);
    } else if (may_usurp(item) && other->epoch < STORE_MAX_EPOCH) {
        item->epoch = other->epoch + 1;
        item->is_unsure = item->is_returned = false;
        fleet->totals.usurped++;
        fleet_tell_item(fleet, FLEET_USURPED, other->owner, item_kind(item), id);
    } else {
        fleet_item_lost(item, other->owner);
        return;
    }
    item->is_dirty = true;
    if (++item->conflicts > MAX_CONFLICTS)
        fleet_item_retry(item, FLEET_REFUSED_RETRY_MS);
    else if (item->life == ITEM_CARRIED)
        wait_for_room(item);
    else
        fleet_item_settle(item);
}

/* `is_ours`: the item is the one that was written, not another of its id. */
static void put_done(struct item *item, bool is_ours)
{
    struct fleet *fleet = item->fleet;
    fleet->totals.written++;
    item->conflicts = 0;
    item->is_unsure = item->is_returned = item->is_told = false;
    fleet_item_set_known(item, is_ours);
    fleet_write_worked(fleet, &fleet->put_refusals);
    if (item->life == ITEM_RELEASING)
        fleet_released(item);
    else
        fleet_item_settle(item);
}

static void put_answered(void *owner, enum store_result result, const struct store_version *other)
{
    struct item *item = owner;
    struct fleet *fleet = item->fleet;
    fleet->is_blocked = false;
    fleet_item_stop(item);
    bool was_another = item->is_another;
    if (was_another) {
        item->is_another = item->is_unsure = false;
        fleet_item_set_known(item, false);
    }
    switch (result) {
    case STORE_DONE:
        put_done(item, !was_another);
        break;
    case STORE_CONFLICT:
        put_conflicted(item, other);
        break;
    case STORE_AWAY:
        item->is_unsure = item->is_unsure || (!item->is_known && !was_another);
        item->is_dirty = true;
        fleet_item_retry(item, FLEET_RETRY_MS);
        break;
    case STORE_ABSENT:
    case STORE_FAILED:
        fleet_write_refused(item, &fleet->put_refusals);
        break;
    }
    fleet_pump(fleet);
}

bool fleet_put_item(struct item *item, struct text places, struct bytes record)
{
    struct fleet *fleet = item->fleet;
    struct store_put put = {
        .kind = item_kind(item),
        .id = item_id(item),
        .owner = fleet_name(fleet),
        .epoch = item->epoch,
        .places = places,
        .record = record,
        .is_free = item->life == ITEM_RELEASING,
    };
    fleet_item_start(item, ITEM_PUTS);
    if (!fleet->store->ops->put(fleet->store, &put, put_answered, item)) {
        fleet_item_stop(item);
        fleet->is_blocked = true;
        return false;
    }
    fleet->writes++;
    item->put_epoch = item->epoch;
    item->was_sent = true;
    item->started_ms = fleet->now_ms;
    item->has_started = true;
    return true;
}

/* --- after the store was away --- */

static void write_again(struct item *item)
{
    if (item->life == ITEM_CARRIED)
        item->is_dirty = true;
    if (item->work != ITEM_RESTS)
        return;
    fleet_item_settle(item);
}

void fleet_write_all_again(struct fleet *fleet)
{
    fleet->rewritten_ms = fleet->now_ms;
    fleet->put_refusals = fleet->removal_refusals = (struct refusals){.in_row = 0};
    fleet->is_blocked = false;
    list_for_each_safe (at, &fleet->items)
        write_again(CONTAINER_OF(at, struct item, link));
}
