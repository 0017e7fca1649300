/* SPDX-License-Identifier: Apache-2.0 */
/* The record of an item that has ended goes, too. */
#include "fleet/state.h"

static void removed(struct item *item)
{
    struct fleet *fleet = item->fleet;
    fleet->totals.removed++;
    if (item->life != ITEM_ENDED) {
        fleet_item_settle(item); /* another of that id came meanwhile, and is to be written */
        return;
    }
    memo_note(&fleet->graves, item_kind(item), item_id(item), item->epoch, fleet->now_ms);
    fleet_item_free(item);
}

static void gone_elsewhere(struct item *item, const struct store_version *other)
{
    if (fleet_is_self(item->fleet, other->owner) && other->epoch > item->epoch)
        item->epoch = other->epoch;
    else
        item->was_sent = false;
    fleet_item_settle(item);
}

static void remove_answered(
    void *owner, enum store_result result, const struct store_version *other)
{
    struct item *item = owner;
    struct fleet *fleet = item->fleet;
    fleet->is_blocked = false;
    fleet_item_stop(item);
    if (item->is_another) {
        item->is_another = item->is_unsure = false;
        fleet_item_set_known(item, false);
    }
    switch (result) {
    case STORE_DONE:
    case STORE_ABSENT:
        fleet_write_worked(fleet, &fleet->removal_refusals);
        removed(item);
        break;
    case STORE_CONFLICT:
        gone_elsewhere(item, other);
        break;
    case STORE_AWAY:
        fleet_item_retry(item, FLEET_RETRY_MS);
        break;
    case STORE_FAILED:
        fleet_write_refused(item, &fleet->removal_refusals);
        break;
    }
    fleet_pump(fleet);
}

bool fleet_remove_item(struct item *item)
{
    struct fleet *fleet = item->fleet;
    fleet_item_start(item, ITEM_REMOVES);
    if (!fleet->store->ops->remove(fleet->store, item_kind(item), item_id(item), fleet_name(fleet),
            item->epoch, remove_answered, item)) {
        fleet_item_stop(item);
        fleet->is_blocked = true;
        list_push_front(&fleet->removals, &item->queue);
        return false;
    }
    fleet->writes++;
    item->end_sent = true;
    return true;
}

static void version_removed(
    void *owner, enum store_result result, const struct store_version *other)
{
    (void)other;
    struct fleet *fleet = owner;
    fleet->totals.removed += result == STORE_DONE;
}

void fleet_remove_version(
    struct fleet *fleet, enum store_kind kind, struct text id, const struct store_version *version)
{
    fleet->writes++;
    /* When it cannot be asked now, whoever sees the record next does it. */
    (void)fleet->store->ops->remove(
        fleet->store, kind, id, version->owner, version->epoch, version_removed, fleet);
}
