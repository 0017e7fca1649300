/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/fleet.h"

#include <stdlib.h>

#include "base/str.h"
#include "fleet/state.h"

static void init_lists(struct fleet *fleet)
{
    struct list *const lists[] = {&fleet->items, &fleet->placeless, &fleet->dirty, &fleet->removals,
        &fleet->leavers, &fleet->releases, &fleet->returns, &fleet->sweeps, &fleet->taking_list,
        &fleet->finds, &fleet->lists, &fleet->discards};
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        list_init(lists[i]);
    map_init(&fleet->by_id);
    map_init(&fleet->place_sets);
    map_init(&fleet->nodes);
    map_init(&fleet->takings);
    for (size_t i = 0; i < STORE_KINDS; i++)
        map_init(&fleet->by_handle[i]);
    timers_init(&fleet->timers);
    memo_init(&fleet->graves, FLEET_MEMO_LIMIT, FLEET_GRAVE_MS);
    memo_init(&fleet->shunned, FLEET_MEMO_LIMIT, FLEET_SHUN_MS);
}

struct fleet *fleet_new(const struct fleet_config *config, uint64_t now_ms)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    if (fleet == NULL)
        return NULL;
    init_lists(fleet);
    fleet->store = config->store;
    fleet->host = config->host;
    memcpy(fleet->holders, config->holders, sizeof(fleet->holders));
    fleet->ng = config->ng;
    fleet->lease_ms = config->lease_ms;
    fleet->now_ms = fleet->ticked_ms = now_ms;
    fleet->woken_ms = UINT64_MAX;
    fleet->name = text_dup(config->name);
    fleet->instance = text_dup(config->instance);
    fleet->version = text_dup(config->version);
    fleet->nobody = fleet_sweep_new(fleet, text_of(NULL, 0));
    if (fleet->name == NULL || fleet->instance == NULL || fleet->version == NULL ||
        fleet->nobody == NULL) {
        fleet_free(fleet);
        return NULL;
    }
    return fleet;
}

static void free_items(struct fleet *fleet)
{
    for (struct list *at = list_first(&fleet->items); at != NULL; at = list_first(&fleet->items)) {
        struct item *item = CONTAINER_OF(at, struct item, link);
        fleet_item_stop(item);
        fleet_item_free(item);
    }
    map_done(&fleet->by_id);
    for (size_t i = 0; i < STORE_KINDS; i++)
        map_done(&fleet->by_handle[i]);
}

void fleet_free(struct fleet *fleet)
{
    if (fleet == NULL)
        return;
    fleet_finds_free(fleet);
    fleet_discards_free(fleet);
    fleet_lists_free(fleet);
    fleet_takings_free(fleet);
    free_items(fleet);
    fleet_nodes_free(fleet);
    fleet_sweep_free_all(fleet);
    map_done(&fleet->place_sets);
    memo_done(&fleet->graves);
    memo_done(&fleet->shunned);
    free(fleet->name);
    free(fleet->instance);
    free(fleet->version);
    free(fleet);
}

/* --- time --- */

void fleet_at(struct fleet *fleet, uint64_t now_ms)
{
    if (now_ms > fleet->now_ms)
        fleet->now_ms = now_ms;
}

void fleet_wake(struct fleet *fleet, uint64_t due_ms)
{
    if (fleet->is_ticking || fleet->host.wake == NULL || due_ms >= fleet->woken_ms ||
        due_ms >= fleet->ticked_ms + FLEET_TICK_MS)
        return;
    fleet->woken_ms = due_ms;
    fleet->host.wake(fleet->host.owner, due_ms);
}

void fleet_arm(struct fleet *fleet, struct timer *timer, uint64_t due_ms)
{
    timer_arm(&fleet->timers, timer, due_ms);
    fleet_wake(fleet, due_ms);
}

static void look_around(struct fleet *fleet)
{
    if (fleet->now_ms < fleet->look_ms)
        return;
    fleet->look_ms = fleet->now_ms + FLEET_TICK_MS / 2;
    fleet_places_look(fleet);
    fleet_learn_places(fleet);
}

void fleet_tick(struct fleet *fleet, uint64_t now_ms)
{
    fleet_at(fleet, now_ms);
    fleet->is_ticking = true;
    fleet->is_blocked = false;
    fleet->ticked_ms = fleet->now_ms;
    fleet->woken_ms = UINT64_MAX;
    fleet_lease_tick(fleet);
    fleet_nodes_tick(fleet);
    look_around(fleet);
    timers_run(&fleet->timers, fleet->now_ms);
    fleet_sweeps_tick(fleet);
    fleet_lists_tick(fleet);
    fleet_pump(fleet);
    fleet->is_ticking = false;
    fleet_wake(fleet, timers_next_due(&fleet->timers));
    fleet_leave_tick(fleet);
}

/* --- the store --- */

void fleet_store_ready(struct fleet *fleet, bool is_ready, uint64_t now_ms)
{
    fleet_at(fleet, now_ms);
    if (is_ready == fleet->is_ready)
        return;
    fleet->is_ready = is_ready;
    fleet->is_joined = false;
    fleet->was_polled = false;
    fleet_tell(fleet, &(struct fleet_event){.kind = is_ready ? FLEET_STORE_UP : FLEET_STORE_DOWN});
    if (!is_ready) {
        fleet_sweeps_stop(fleet);
        return;
    }
    fleet->is_blocked = false;
    fleet->settled_ms = fleet->now_ms + fleet->lease_ms + FLEET_SETTLE_MS;
    fleet->lease.next_ms = fleet->poll_ms = fleet->now_ms;
    fleet_wake(fleet, fleet->now_ms);
}

/* --- what is told --- */

void fleet_tell(struct fleet *fleet, const struct fleet_event *event)
{
    if (fleet->host.event != NULL)
        fleet->host.event(fleet->host.owner, event);
}

void fleet_tell_item(struct fleet *fleet, enum fleet_event_kind kind, struct text node,
    enum store_kind item, struct text id)
{
    fleet_tell(fleet, &(struct fleet_event){.kind = kind, .node = node, .item = item, .id = id});
}

void fleet_hold(struct fleet *fleet, bool holds)
{
    fleet->is_held = holds;
    if (!holds)
        fleet_sweeps_want_all(fleet);
}

static void count_nodes(const struct fleet *fleet, struct fleet_totals *out)
{
    map_for_each (link, &fleet->nodes) {
        const struct node *node = CONTAINER_OF(link, struct node, node.link);
        out->nodes_alive += node->is_self ? fleet->is_joined : node->is_alive;
        out->nodes_dead += node->is_dead;
    }
}

void fleet_totals(const struct fleet *fleet, struct fleet_totals *out)
{
    *out = fleet->totals;
    out->is_joined = fleet->is_joined;
    out->store_is_ready = fleet->is_ready;
    out->name_is_taken = fleet->name_is_taken;
    out->is_settling = fleet->is_ready && fleet->now_ms < fleet->settled_ms;
    out->stranded = fleet_sweeps_stranded(fleet);
    count_nodes(fleet, out);
    list_for_each (at, &fleet->items) {
        const struct item *item = CONTAINER_OF(at, struct item, link);
        out->dirty += item->life == ITEM_CARRIED && item->is_dirty;
    }
}
