/* SPDX-License-Identifier: Apache-2.0 */
/* The node gives up what it has, or makes room for the process that follows it. */
#include "fleet/state.h"

bool fleet_is_over(const struct fleet *fleet)
{
    return fleet->leaving != LEAVE_NOT && fleet->leaving != LEAVE_RELEASES;
}

static void unleased(void *owner, enum store_result result)
{
    (void)result;
    struct fleet *fleet = owner;
    fleet->is_unleasing = false;
    fleet_wake(fleet, fleet->now_ms);
}

static void unlease(struct fleet *fleet, uint64_t grace_ms)
{
    if (!fleet->is_ready)
        return;
    fleet->is_unleasing = fleet->store->ops->unlease(
        fleet->store, fleet_name(fleet), text_from(fleet->instance), grace_ms, unleased, fleet);
}

static void begin(struct fleet *fleet, uint64_t wait_ms, void (*done)(void *owner), void *owner)
{
    fleet->leave_ms = fleet->now_ms + wait_ms;
    fleet->left = done;
    fleet->left_owner = owner;
    fleet_wake(fleet, fleet->now_ms);
}

void fleet_leave(
    struct fleet *fleet, uint64_t wait_ms, uint64_t now_ms, void (*done)(void *owner), void *owner)
{
    fleet_at(fleet, now_ms);
    fleet->leaving = LEAVE_RELEASES;
    begin(fleet, wait_ms, done, owner);
    list_for_each_safe (at, &fleet->items) {
        struct item *item = CONTAINER_OF(at, struct item, link);
        if (item->work == ITEM_RESTS)
            fleet_item_settle(item);
    }
}

void fleet_step_aside(struct fleet *fleet, uint64_t grace_ms, uint64_t wait_ms, uint64_t now_ms,
    void (*done)(void *owner), void *owner)
{
    fleet_at(fleet, now_ms);
    fleet->leaving = LEAVE_ASIDE;
    begin(fleet, wait_ms, done, owner);
    unlease(fleet, grace_ms);
}

/* What the store could not take, others may go on with from an older record: its parties are told
 * nothing, where the end of the process would say farewell. */
static void drop_the_rest(struct fleet *fleet)
{
    list_for_each_safe (at, &fleet->items) {
        struct item *item = CONTAINER_OF(at, struct item, link);
        const struct fleet_holder *holder = &fleet->holders[item_kind(item)];
        if (item->life == ITEM_CARRIED && item->was_sent)
            holder->drop(holder->owner, item_handle(item));
    }
}

static void finish(struct fleet *fleet)
{
    if (fleet->leaving == LEAVE_UNLEASES)
        drop_the_rest(fleet);
    void (*left)(void *) = fleet->left;
    fleet->leaving = LEAVE_LEFT;
    fleet->is_joined = false;
    fleet->left = NULL;
    left(fleet->left_owner);
}

void fleet_leave_tick(struct fleet *fleet)
{
    bool is_late = fleet->now_ms >= fleet->leave_ms;
    switch (fleet->leaving) {
    case LEAVE_NOT:
    case LEAVE_LEFT:
        return;
    case LEAVE_RELEASES:
        if (!is_late && (!list_is_empty(&fleet->items) || fleet->taking_count > 0))
            return;
        fleet->leaving = LEAVE_UNLEASES;
        unlease(fleet, 0);
        break;
    case LEAVE_UNLEASES:
    case LEAVE_ASIDE:
        break;
    }
    if (is_late || !fleet->is_unleasing)
        finish(fleet);
}
