/* SPDX-License-Identifier: Apache-2.0 */
/* An item whose address has left: its last record is for whoever has the address now. */
#include <stdlib.h>

#include "fleet/state.h"

static const struct fleet_holder *holder_of(const struct item *item)
{
    return &item->fleet->holders[item_kind(item)];
}

void fleet_release_item(struct item *item)
{
    if (item->work == ITEM_RESTS)
        fleet_item_settle(item);
}

void fleet_unrelease_item(struct item *item)
{
    if (item->work == ITEM_RESTS)
        fleet_item_settle(item);
}

/* --- its end --- */

/* Who only leaves ends nothing that the store cannot take. */
static bool may_end(const struct item *item)
{
    const struct fleet *fleet = item->fleet;
    if (fleet->release_bytes >= FLEET_RELEASE_MAX_BYTES)
        return false;
    if (item->places != NULL && !item->places->is_here)
        return true;
    return fleet_can_write(fleet) && fleet->put_refusals.in_row == 0;
}

/* The item may be gone afterwards. */
static void end_item(struct item *item)
{
    struct fleet *fleet = item->fleet;
    enum store_kind kind = item_kind(item);
    uint64_t handle = item_handle(item);
    fleet_item_set_life(item, ITEM_RELEASING);
    fleet_item_start(item, ITEM_SAVES);
    const struct fleet_holder *holder = holder_of(item);
    if (holder->save(holder->owner, handle, FLEET_SAVE_AND_END) >= 0)
        return;
    item = fleet_item_of(fleet, kind, handle);
    if (item != NULL && item->work == ITEM_SAVES)
        fleet_release_saved(item, NULL);
}

static bool keep_record(struct item *item, struct bytes record)
{
    item->record = malloc(record.len + 1);
    if (item->record == NULL)
        return false;
    if (record.len > 0)
        memcpy(item->record, record.data, record.len);
    item->record_len = record.len;
    item->fleet->release_bytes += record.len;
    item->fleet->totals.release_waiting++;
    return true;
}

void fleet_release_saved(struct item *item, const struct fleet_saved *saved)
{
    fleet_item_stop(item);
    if (saved == NULL) {
        fleet_item_set_life(item, ITEM_CARRIED);
        item->is_dirty = true;
        fleet_item_retry(item, FLEET_RETRY_MS);
        return;
    }
    fleet_item_set_handle(item, 0);
    fleet_item_set_places(item, saved->places);
    if (saved->record.len > STORE_MAX_RECORD || !keep_record(item, saved->record)) {
        /* An older record may be in the store: who sees it there goes on with that. */
        item->fleet->totals.lost++;
        fleet_item_free(item);
        return;
    }
    fleet_item_settle(item);
}

/* --- its address came back before the store knew --- */

static void take_back(struct item *item)
{
    const struct fleet_holder *holder = holder_of(item);
    uint64_t handle = 0;
    bool was_known = item->is_known;
    struct bytes record = bytes_of(item->record, item->record_len);
    enum fleet_restored restored = holder->restore(holder->owner, record, 1, &handle);
    if (handle == 0 || (restored != FLEET_RESTORED && restored != FLEET_KNOWN)) {
        item->cannot_return = true;
        fleet_item_settle(item);
        return;
    }
    fleet_item_adopt(item->fleet, item_kind(item), handle, item_id(item), item->epoch);
    fleet_item_set_known(item, was_known);
}

void fleet_release_pump(struct fleet *fleet)
{
    while (fleet->leaving_saves < FLEET_KEEP_WINDOW) {
        struct list *next = list_first(&fleet->leavers);
        if (next == NULL || !may_end(CONTAINER_OF(next, struct item, queue)))
            break;
        end_item(CONTAINER_OF(next, struct item, queue));
    }
    for (struct list *next = list_pop_front(&fleet->returns); next != NULL;
         next = list_pop_front(&fleet->returns))
        take_back(CONTAINER_OF(next, struct item, queue));
}

/* --- its record --- */

bool fleet_release_put(struct item *item)
{
    struct text places = text_of(NULL, 0);
    if (item->places != NULL)
        places = text_of(item->places->text, item->places->len);
    if (fleet_put_item(item, places, bytes_of(item->record, item->record_len))) {
        item->end_sent = true;
        return true;
    }
    list_push_front(&item->fleet->releases, &item->queue);
    return false;
}

void fleet_released(struct item *item)
{
    struct fleet *fleet = item->fleet;
    fleet->totals.released++;
    fleet_tell_item(fleet, FLEET_RELEASED, fleet_name(fleet), item_kind(item), item_id(item));
    fleet_item_free(item);
}
