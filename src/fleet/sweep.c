/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index is read, and what we can go on with is taken: that of a dead node, that of nobody, and
 * our own, in which there should be nothing that we do not carry.
 *
 * What needs an address that is not here is not remembered, only the address: when it comes, the
 * index is read again.
 */
#include <stdlib.h>

#include "fleet/state.h"

enum {
    SOONEST_MS = 5000, /* between two readings without a reason; grows */
    LATEST_MS = 60000,
    MAX_ABSENT_SETS = 256,
    MAX_VERIFIED = 32, /* entries of each reading that may be stale */
};

struct candidate {
    struct list link;
    enum take_how how;
    enum store_kind kind;
    size_t id_len;
    char id[];
};

struct sweep {
    struct fleet *fleet;
    struct list link;
    bool is_wanted;
    bool is_under_way; /* from the reading to the last taking */
    bool is_listing;
    bool is_closed;
    uint64_t due_ms;
    uint64_t retry_ms; /* not before */
    uint64_t interval_ms;
    uint64_t counted; /* entries that were there when it was last read, and were not taken */
    uint64_t records; /* now */
    /* This reading: */
    struct list candidates;
    size_t found, taken, under_way, verified;
    size_t in_vain;  /* found the last time, when nothing could be taken */
    uint64_t absent; /* entries that need what is not here */
    uint64_t skip;   /* of these, before the next is verified */
    uint64_t started_ms;
    struct place_set *last;                  /* of the last entry; may be NULL */
    struct place_set *sets[MAX_ABSENT_SETS]; /* that are not here */
    size_t set_count;
    size_t name_len;
    char name[];
};

struct text fleet_sweep_name(const struct sweep *sweep)
{
    return text_of(sweep->name, sweep->name_len);
}

static bool is_ours(const struct sweep *sweep)
{
    return fleet_is_self(sweep->fleet, fleet_sweep_name(sweep));
}

struct sweep *fleet_sweep_new(struct fleet *fleet, struct text name)
{
    struct sweep *sweep = calloc(1, sizeof(*sweep) + name.len + 1);
    if (sweep == NULL)
        return NULL;
    sweep->fleet = fleet;
    sweep->interval_ms = SOONEST_MS;
    sweep->due_ms = fleet->now_ms;
    sweep->name_len = name.len;
    if (name.len > 0)
        memcpy(sweep->name, name.data, name.len);
    list_init(&sweep->candidates);
    list_push_back(&fleet->sweeps, &sweep->link);
    return sweep;
}

static void forget_sets(struct sweep *sweep)
{
    while (sweep->set_count > 0)
        fleet_place_set_unref(sweep->fleet, sweep->sets[--sweep->set_count]);
    fleet_place_set_unref(sweep->fleet, sweep->last);
    sweep->last = NULL;
}

static void forget_candidates(struct sweep *sweep)
{
    for (struct list *at = list_pop_front(&sweep->candidates); at != NULL;
         at = list_pop_front(&sweep->candidates))
        free(CONTAINER_OF(at, struct candidate, link));
}

static void free_sweep(struct sweep *sweep)
{
    forget_sets(sweep);
    forget_candidates(sweep);
    list_remove(&sweep->link);
    free(sweep);
}

static bool is_idle(const struct sweep *sweep)
{
    return !sweep->is_listing && sweep->under_way == 0 && list_is_empty(&sweep->candidates);
}

void fleet_sweep_close(struct sweep *sweep)
{
    if (sweep == NULL)
        return;
    sweep->is_closed = true;
    forget_candidates(sweep);
    if (is_idle(sweep))
        free_sweep(sweep);
}

void fleet_sweep_free_all(struct fleet *fleet)
{
    for (struct list *at = list_first(&fleet->sweeps); at != NULL; at = list_first(&fleet->sweeps))
        free_sweep(CONTAINER_OF(at, struct sweep, link));
}

/* --- when --- */

void fleet_sweep_want(struct sweep *sweep)
{
    if (sweep == NULL)
        return;
    sweep->is_wanted = true;
    sweep->interval_ms = SOONEST_MS;
    fleet_wake(sweep->fleet, sweep->fleet->now_ms);
}

void fleet_sweep_want_ours(struct fleet *fleet)
{
    struct node *self = fleet_node(fleet, fleet_name(fleet));
    if (self != NULL)
        fleet_sweep_want(self->sweep);
}

void fleet_sweeps_want_all(struct fleet *fleet)
{
    list_for_each (at, &fleet->sweeps)
        fleet_sweep_want(CONTAINER_OF(at, struct sweep, link));
}

void fleet_sweep_count(struct sweep *sweep, uint64_t records)
{
    if (sweep == NULL)
        return;
    sweep->records = records;
    if (records != sweep->counted)
        fleet_sweep_want(sweep);
}

void fleet_sweep_places_came(struct fleet *fleet, const struct place_set *set)
{
    list_for_each (at, &fleet->sweeps) {
        struct sweep *sweep = CONTAINER_OF(at, struct sweep, link);
        for (size_t i = 0; i < sweep->set_count; i++)
            if (sweep->sets[i] == set)
                fleet_sweep_want(sweep);
    }
}

static bool may_read(const struct sweep *sweep)
{
    const struct fleet *fleet = sweep->fleet;
    struct text name = fleet_sweep_name(sweep);
    if (sweep->is_closed || !is_idle(sweep) || !fleet->is_ready || !fleet->is_joined ||
        fleet->leaving != LEAVE_NOT || fleet->now_ms < sweep->retry_ms)
        return false;
    if (is_ours(sweep))
        return true;
    return fleet_can_take(fleet) && fleet->was_polled && fleet_owner_is_gone(fleet, name);
}

static bool is_due(const struct sweep *sweep)
{
    if (sweep->is_wanted)
        return true;
    return sweep->fleet->now_ms >= sweep->due_ms &&
           (sweep->records > 0 || (is_ours(sweep) && sweep->absent > 0));
}

/* --- reading --- */

static void add_candidate(struct sweep *sweep, const struct store_entry *entry, enum take_how how)
{
    struct candidate *candidate = malloc(sizeof(*candidate) + entry->id.len);
    if (candidate == NULL)
        return;
    *candidate = (struct candidate){.how = how, .kind = entry->kind, .id_len = entry->id.len};
    memcpy(candidate->id, entry->id.data, entry->id.len);
    list_push_back(&sweep->candidates, &candidate->link);
    sweep->found += how == TAKE_RESTORE;
}

static bool is_of(const struct place_set *set, struct text places)
{
    return set != NULL && text_equal(places, text_of(set->text, set->len));
}

static bool is_here(struct sweep *sweep, struct text places)
{
    if (!is_of(sweep->last, places)) {
        fleet_place_set_unref(sweep->fleet, sweep->last);
        sweep->last = fleet_place_set(sweep->fleet, places);
    }
    return sweep->last != NULL && sweep->last->is_here;
}

static void remember_set(struct sweep *sweep, struct text places)
{
    for (size_t i = 0; i < sweep->set_count; i++)
        if (is_of(sweep->sets[i], places))
            return;
    if (sweep->set_count == MAX_ABSENT_SETS)
        return;
    struct place_set *set = fleet_place_set(sweep->fleet, places);
    if (set != NULL)
        sweep->sets[sweep->set_count++] = set;
}

/* What lies for long may be an entry without a record: some of them are looked at each time. */
static void verify_some(struct sweep *sweep, const struct store_entry *entry)
{
    if (sweep->absent++ < sweep->skip || sweep->verified == MAX_VERIFIED)
        return;
    sweep->verified++;
    add_candidate(sweep, entry, TAKE_VERIFY);
}

static void read_entry(struct sweep *sweep, const struct store_entry *entry)
{
    struct fleet *fleet = sweep->fleet;
    if (entry->id.len == 0 || entry->id.len > STORE_MAX_ID ||
        fleet_taking(fleet, entry->kind, entry->id) != NULL)
        return;
    const struct item *item = fleet_item(fleet, entry->kind, entry->id);
    if (item != NULL) {
        if (item->is_known && !is_ours(sweep))
            (void)fleet->store->ops->unlist(
                fleet->store, fleet_sweep_name(sweep), entry->kind, entry->id);
        return;
    }
    sweep->counted++;
    if (is_here(sweep, entry->places) || (is_ours(sweep) && fleet->now_ms >= fleet->settled_ms)) {
        add_candidate(sweep, entry, TAKE_RESTORE);
        return;
    }
    remember_set(sweep, entry->places);
    verify_some(sweep, entry);
}

static void take_more(struct sweep *sweep);

static uint64_t clock_ms(const struct fleet *fleet)
{
    return fleet->host.now_ms != NULL ? fleet->host.now_ms(fleet->host.owner) : fleet->now_ms;
}

static void next_time(struct sweep *sweep)
{
    sweep->due_ms = sweep->fleet->now_ms + sweep->interval_ms;
    if (sweep->taken > 0)
        sweep->interval_ms = SOONEST_MS;
    else if (sweep->interval_ms < LATEST_MS)
        sweep->interval_ms *= 2;
    if (is_ours(sweep) && sweep->fleet->now_ms < sweep->fleet->settled_ms)
        sweep->due_ms = sweep->fleet->settled_ms;
}

/* As many as could not be gone on with the last time are most likely the same. */
static bool is_news(const struct sweep *sweep)
{
    return sweep->found > 0 && (sweep->taken > 0 || sweep->found != sweep->in_vain);
}

static void finish(struct sweep *sweep)
{
    if (sweep->is_closed) {
        free_sweep(sweep);
        return;
    }
    sweep->is_under_way = false;
    next_time(sweep);
    if (is_news(sweep))
        fleet_tell(sweep->fleet, &(struct fleet_event){
                                     .kind = FLEET_TAKEN_ALL,
                                     .node = fleet_sweep_name(sweep),
                                     .count = sweep->taken,
                                     .ms = clock_ms(sweep->fleet) - sweep->started_ms,
                                 });
    sweep->in_vain = sweep->taken == 0 ? sweep->found : 0;
    sweep->found = 0;
}

static void was_read(struct sweep *sweep)
{
    sweep->skip = sweep->verified == MAX_VERIFIED ? sweep->skip + MAX_VERIFIED : 0;
    if (is_news(sweep))
        fleet_tell(sweep->fleet, &(struct fleet_event){
                                     .kind = FLEET_TAKING,
                                     .node = fleet_sweep_name(sweep),
                                     .count = sweep->found,
                                 });
    if (list_is_empty(&sweep->candidates))
        finish(sweep);
    else
        take_more(sweep);
}

static void list_answered(void *owner, enum store_result result, const struct store_entry *entries,
    size_t count, bool more)
{
    struct sweep *sweep = owner;
    for (size_t i = 0; i < count && !sweep->is_closed; i++)
        read_entry(sweep, &entries[i]);
    if (more)
        return;
    sweep->is_listing = false;
    if (result == STORE_DONE || sweep->is_closed) {
        was_read(sweep);
        return;
    }
    forget_candidates(sweep);
    sweep->found = 0;
    sweep->is_under_way = false;
    sweep->retry_ms = sweep->fleet->now_ms + FLEET_RETRY_MS;
    sweep->is_wanted = true;
}

static void begin(struct sweep *sweep)
{
    struct fleet *fleet = sweep->fleet;
    forget_sets(sweep);
    sweep->found = sweep->taken = sweep->verified = 0;
    sweep->absent = 0;
    sweep->started_ms = clock_ms(fleet);
    sweep->counted = 0; /* not what the nodes' list said: that may be of before */
    sweep->is_wanted = false;
    sweep->is_listing =
        fleet->store->ops->list(fleet->store, fleet_sweep_name(sweep), list_answered, sweep);
    sweep->is_under_way = sweep->is_listing;
    if (sweep->is_listing)
        return;
    sweep->retry_ms = fleet->now_ms + FLEET_RETRY_MS;
    sweep->is_wanted = true;
}

void fleet_sweeps_tick(struct fleet *fleet)
{
    list_for_each_safe (at, &fleet->sweeps) {
        struct sweep *sweep = CONTAINER_OF(at, struct sweep, link);
        if (may_read(sweep) && is_due(sweep))
            begin(sweep);
        else
            take_more(sweep);
    }
}

void fleet_sweeps_stop(struct fleet *fleet)
{
    list_for_each (at, &fleet->sweeps) {
        struct sweep *sweep = CONTAINER_OF(at, struct sweep, link);
        forget_candidates(sweep);
        sweep->is_wanted = true;
    }
}

/* --- taking --- */

static bool take_next(struct sweep *sweep)
{
    struct list *at = list_first(&sweep->candidates);
    if (at == NULL || sweep->fleet->taking_count >= FLEET_TAKE_WINDOW)
        return false;
    struct candidate *candidate = CONTAINER_OF(at, struct candidate, link);
    struct text id = text_of(candidate->id, candidate->id_len);
    /* Something of that id may have come since the index was read. */
    bool is_known = fleet_item(sweep->fleet, candidate->kind, id) != NULL ||
                    fleet_taking(sweep->fleet, candidate->kind, id) != NULL;
    if (!is_known) {
        if (fleet_take(sweep->fleet, candidate->kind, id, candidate->how, sweep) == NULL)
            return false;
        sweep->under_way++;
    }
    list_remove(&candidate->link);
    free(candidate);
    return true;
}

static void take_more(struct sweep *sweep)
{
    if (!sweep->is_under_way && !sweep->is_closed)
        return;
    if (!sweep->is_listing)
        while (take_next(sweep))
            continue;
    if (is_idle(sweep))
        finish(sweep);
}

void fleet_sweep_taken(struct sweep *sweep, bool is_here)
{
    sweep->under_way--;
    sweep->taken += is_here;
    sweep->counted -= is_here && sweep->counted > 0;
    take_more(sweep);
}

uint64_t fleet_sweeps_stranded(const struct fleet *fleet)
{
    uint64_t stranded = 0;
    list_for_each (at, &fleet->sweeps) {
        const struct sweep *sweep = CONTAINER_OF(at, struct sweep, link);
        if (!is_ours(sweep) && fleet_owner_is_gone(fleet, fleet_sweep_name(sweep)))
            stranded += sweep->absent;
    }
    return stranded;
}
