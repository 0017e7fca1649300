/* SPDX-License-Identifier: Apache-2.0 */
/* Who has an item that is not here. */
#include <stdlib.h>

#include "fleet/state.h"

enum { MAX_ROUNDS = 4, RELEASE_WAIT_MS = 10, NODE_WAIT_MS = 50 };

struct find {
    struct fleet *fleet;
    struct list link;    /* of fleet->finds */
    struct list waiting; /* of a taking */
    struct timer timer;
    uint64_t deadline_ms;
    unsigned rounds;
    bool is_asking;       /* the store owes an answer */
    fleet_find_fn *found; /* NULL: it was told */
    void *owner;
    enum store_kind kind;
    size_t id_len;
    char id[];
};

static struct text id_of(const struct find *find)
{
    return text_of(find->id, find->id_len);
}

static void free_find(struct find *find)
{
    list_remove(&find->link);
    list_remove(&find->waiting);
    timer_cancel(&find->fleet->timers, &find->timer);
    free(find);
}

static void stop_telling(struct find *find)
{
    find->found = NULL;
    list_remove(&find->waiting);
    timer_cancel(&find->fleet->timers, &find->timer);
    if (!find->is_asking)
        free_find(find);
}

static void tell(struct find *find, const struct fleet_place *place)
{
    fleet_find_fn *found = find->found;
    void *owner = find->owner;
    find->fleet->totals.finds_failed += place->kind == FLEET_UNKNOWN;
    stop_telling(find);
    found(owner, place);
}

static void tell_kind(struct find *find, enum fleet_place_kind kind)
{
    tell(find, &(struct fleet_place){.kind = kind});
}

static void tell_stranded(struct find *find, struct text node)
{
    tell(find, &(struct fleet_place){.kind = FLEET_STRANDED, .node = node});
}

static void wait_for(struct find *find, struct taking *taking)
{
    list_push_back(&taking->finds, &find->waiting);
    fleet_arm(find->fleet, &find->timer, find->deadline_ms);
}

static void get_answered(void *owner, enum store_result result, const struct store_record *record);

static bool ask(struct find *find)
{
    struct fleet *fleet = find->fleet;
    if (!fleet->is_ready || find->rounds == MAX_ROUNDS)
        return false;
    find->rounds++;
    find->is_asking =
        fleet->store->ops->get(fleet->store, find->kind, id_of(find), false, get_answered, find);
    fleet_arm(fleet, &find->timer, find->deadline_ms);
    return find->is_asking;
}

/* The record of what leaves us tells who has it only when it is written. */
static void wait_for_release(struct find *find)
{
    struct fleet *fleet = find->fleet;
    if (fleet->now_ms >= find->deadline_ms) {
        tell_stranded(find, fleet_name(fleet));
        return;
    }
    uint64_t due = fleet->now_ms + RELEASE_WAIT_MS;
    fleet_arm(fleet, &find->timer, due < find->deadline_ms ? due : find->deadline_ms);
}

static void step(struct find *find)
{
    struct fleet *fleet = find->fleet;
    const struct item *item = fleet_item(fleet, find->kind, id_of(find));
    if (item != NULL && item->life == ITEM_CARRIED) {
        tell_kind(find, FLEET_HERE);
        return;
    }
    if (item != NULL && item->life == ITEM_RELEASING) {
        wait_for_release(find);
        return;
    }
    if (item != NULL) {
        tell_kind(find, FLEET_NOWHERE);
        return;
    }
    struct taking *taking = fleet_taking(fleet, find->kind, id_of(find));
    bool is_late = fleet->now_ms >= find->deadline_ms && find->deadline_ms > 0;
    if (!is_late && taking != NULL)
        wait_for(find, taking);
    else if (is_late || !ask(find))
        tell_kind(find, FLEET_UNKNOWN);
}

static void timer_fired(struct timer *timer, uint64_t now_ms)
{
    (void)now_ms;
    step(CONTAINER_OF(timer, struct find, timer));
}

void fleet_find_taken(struct list *waiting, enum taken taken, struct text owner)
{
    struct find *find = CONTAINER_OF(waiting, struct find, waiting);
    switch (taken) {
    case TAKEN_HERE:
        tell_kind(find, FLEET_HERE);
        break;
    case TAKEN_NOT_HERE:
        tell_stranded(find, owner);
        break;
    case TAKEN_ABSENT:
        tell_kind(find, FLEET_NOWHERE);
        break;
    case TAKEN_ELSEWHERE:
        step(find);
        break;
    case TAKEN_UNKNOWN:
        tell_kind(find, FLEET_UNKNOWN);
        break;
    }
}

static bool can_take(struct fleet *fleet, enum store_kind kind, const struct store_record *record)
{
    if (!fleet_can_take(fleet) ||
        record->version.epoch <= memo_epoch(&fleet->shunned, kind, record->id, fleet->now_ms))
        return false;
    struct place_set *places = fleet_place_set(fleet, record->places);
    bool is_here = places != NULL && places->is_here;
    fleet_place_set_unref(fleet, places);
    return is_here;
}

/* Who has joined since the nodes were looked at is not known yet; false: there is no time to look
 * again, or that was done. */
static bool wait_for_node(struct find *find, struct text owner)
{
    struct fleet *fleet = find->fleet;
    uint64_t due = fleet->now_ms + NODE_WAIT_MS;
    if (owner.len == 0 || fleet_node(fleet, owner) != NULL || find->rounds > 1 ||
        due >= find->deadline_ms)
        return false;
    fleet->poll_ms = fleet->now_ms;
    fleet_wake(fleet, fleet->now_ms);
    fleet_arm(fleet, &find->timer, due);
    return true;
}

static void saw(struct find *find, const struct store_record *record)
{
    struct fleet *fleet = find->fleet;
    struct text owner = record->version.owner;
    struct text id = id_of(find);
    if (fleet_item(fleet, find->kind, id) != NULL || fleet_taking(fleet, find->kind, id) != NULL) {
        step(find); /* it came meanwhile */
        return;
    }
    if (wait_for_node(find, owner))
        return;
    if (!fleet_owner_is_gone(fleet, owner)) {
        const struct node *node = fleet_node(fleet, owner);
        struct fleet_place there = {.kind = FLEET_THERE, .node = owner};
        if (node != NULL)
            there.ng = node->ng;
        tell(find, &there);
        return;
    }
    if (fleet_is_ghost(fleet, find->kind, id, &record->version)) {
        tell_kind(find, FLEET_NOWHERE);
        return;
    }
    struct taking *taking = NULL;
    if (can_take(fleet, find->kind, record))
        taking = fleet_take(fleet, find->kind, id, TAKE_RESTORE, NULL);
    if (taking != NULL)
        wait_for(find, taking);
    else
        tell_stranded(find, owner);
}

static void get_answered(void *owner, enum store_result result, const struct store_record *record)
{
    struct find *find = owner;
    find->is_asking = false;
    if (find->found == NULL) {
        free_find(find);
        return;
    }
    switch (result) {
    case STORE_DONE:
        saw(find, record);
        break;
    case STORE_ABSENT:
        tell_kind(find, FLEET_NOWHERE);
        break;
    case STORE_CONFLICT:
    case STORE_AWAY:
    case STORE_FAILED:
        tell_kind(find, FLEET_UNKNOWN);
        break;
    }
}

/* Asks the store, or waits for what is known already. */
static bool start(struct find *find)
{
    struct fleet *fleet = find->fleet;
    if (fleet_item(fleet, find->kind, id_of(find)) != NULL) {
        fleet_arm(fleet, &find->timer, fleet->now_ms); /* never from within */
        return true;
    }
    if (!fleet->is_ready || fleet->store->ops->oldest_ms(fleet->store) >= FLEET_SLOW_MS)
        return false;
    struct taking *taking = fleet_taking(fleet, find->kind, id_of(find));
    if (taking == NULL)
        return ask(find);
    wait_for(find, taking);
    return true;
}

bool fleet_find(struct fleet *fleet, enum store_kind kind, struct text id, uint64_t wait_ms,
    uint64_t now_ms, fleet_find_fn *found, void *owner)
{
    fleet_at(fleet, now_ms);
    fleet->totals.finds++;
    struct find *find = NULL;
    if (id.len > 0 && id.len <= STORE_MAX_ID && !fleet_is_over(fleet))
        find = calloc(1, sizeof(*find) + id.len);
    if (find == NULL) {
        fleet->totals.finds_failed++;
        return false;
    }
    find->fleet = fleet;
    find->kind = kind;
    find->found = found;
    find->owner = owner;
    find->deadline_ms = fleet->now_ms + (wait_ms > 0 ? wait_ms : 1);
    find->id_len = id.len;
    memcpy(find->id, id.data, id.len);
    timer_init(&find->timer, timer_fired);
    list_push_back(&fleet->finds, &find->link);
    if (start(find))
        return true;
    fleet->totals.finds_failed++;
    free_find(find);
    return false;
}

void fleet_cancel(struct fleet *fleet, const void *owner)
{
    list_for_each_safe (at, &fleet->finds) {
        struct find *find = CONTAINER_OF(at, struct find, link);
        if (find->found != NULL && find->owner == owner)
            stop_telling(find);
    }
    fleet_lists_cancel(fleet, owner);
}

void fleet_finds_free(struct fleet *fleet)
{
    for (struct list *at = list_first(&fleet->finds); at != NULL; at = list_first(&fleet->finds))
        free_find(CONTAINER_OF(at, struct find, link));
}
