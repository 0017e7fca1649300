/* SPDX-License-Identifier: Apache-2.0 */
/* What the other nodes carry: their indexes, one after the other. */
#include <stdlib.h>

#include "fleet/state.h"

struct listing {
    struct fleet *fleet;
    struct list link;
    enum store_kind kind;
    size_t limit; /* that many more */
    bool is_asking;
    bool is_cancelled;
    void (*each)(void *owner, struct text node, struct text id);
    void (*done)(void *owner);
    void *owner;
    size_t count, at;
    char names[][STORE_MAX_NAME + 1];
};

static void free_listing(struct listing *listing)
{
    list_remove(&listing->link);
    free(listing);
}

static void finish(struct listing *listing)
{
    void (*done)(void *) = listing->is_cancelled ? NULL : listing->done;
    void *owner = listing->owner;
    free_listing(listing);
    if (done != NULL)
        done(owner);
}

static void list_answered(void *owner, enum store_result result, const struct store_entry *entries,
    size_t count, bool more);

/* The next node that can be asked; false: there is none. */
static bool ask_next(struct listing *listing)
{
    struct store *store = listing->fleet->store;
    while (listing->at < listing->count && listing->limit > 0 && !listing->is_cancelled) {
        struct text name = text_from(listing->names[listing->at++]);
        listing->is_asking = store->ops->list(store, name, list_answered, listing);
        if (listing->is_asking)
            return true;
    }
    return false;
}

static void list_answered(void *owner, enum store_result result, const struct store_entry *entries,
    size_t count, bool more)
{
    (void)result;
    struct listing *listing = owner;
    struct text node = text_from(listing->names[listing->at - 1]);
    for (size_t i = 0; i < count && listing->limit > 0 && !listing->is_cancelled; i++) {
        if (entries[i].kind != listing->kind)
            continue;
        listing->limit--;
        listing->each(listing->owner, node, entries[i].id);
    }
    if (more)
        return;
    listing->is_asking = false;
    if (!ask_next(listing))
        finish(listing);
}

static void add_name(struct listing *listing, const struct node *node)
{
    if (node->is_self || !node->is_alive || node->name_len > STORE_MAX_NAME)
        return;
    memcpy(listing->names[listing->count], node->name, node->name_len);
    listing->count++;
}

bool fleet_list(struct fleet *fleet, enum store_kind kind, size_t limit,
    void (*each)(void *owner, struct text node, struct text id), void (*done)(void *owner),
    void *owner)
{
    if (!fleet->is_ready || fleet_is_over(fleet))
        return false;
    struct listing *listing =
        calloc(1, sizeof(*listing) + fleet->nodes.count * sizeof(listing->names[0]));
    if (listing == NULL)
        return false;
    listing->fleet = fleet;
    listing->kind = kind;
    listing->limit = limit;
    listing->each = each;
    listing->done = done;
    listing->owner = owner;
    map_for_each (link, &fleet->nodes)
        add_name(listing, CONTAINER_OF(link, struct node, node.link));
    list_push_back(&fleet->lists, &listing->link);
    if (!ask_next(listing))
        fleet_wake(fleet, fleet->now_ms); /* never from within */
    return true;
}

void fleet_lists_tick(struct fleet *fleet)
{
    struct list over;
    list_init(&over);
    list_for_each_safe (at, &fleet->lists) {
        if (CONTAINER_OF(at, struct listing, link)->is_asking)
            continue;
        list_remove(at);
        list_push_back(&over, at);
    }
    for (struct list *at = list_first(&over); at != NULL; at = list_first(&over))
        finish(CONTAINER_OF(at, struct listing, link));
}

void fleet_lists_cancel(struct fleet *fleet, const void *owner)
{
    list_for_each (at, &fleet->lists) {
        struct listing *listing = CONTAINER_OF(at, struct listing, link);
        if (listing->owner == owner)
            listing->is_cancelled = true;
    }
}

void fleet_lists_free(struct fleet *fleet)
{
    for (struct list *at = list_first(&fleet->lists); at != NULL; at = list_first(&fleet->lists))
        free_listing(CONTAINER_OF(at, struct listing, link));
}
