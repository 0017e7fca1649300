/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of other nodes, as ng asks for them. */
#include <stdlib.h>

#include "base/container.h"
#include "base/list.h"
#include "daemon/fleet_state.h"

/* Whom to tell. */
struct search {
    struct list link; /* in fleet_service.searches */
    void *asker;
    ng_found_fn *found;                             /* of one call */
    void (*each)(void *asker, struct text call_id); /* of a list */
    void (*done)(void *asker);
};

static struct search *search_new(struct fleet_service *s, void *asker)
{
    struct search *search = calloc(1, sizeof(*search));
    if (search == NULL)
        return NULL;
    search->asker = asker;
    list_push_back(&s->searches, &search->link);
    return search;
}

static void search_free(struct search *search)
{
    list_remove(&search->link);
    free(search);
}

/* --- one call --- */

static enum ng_place_kind kind_of(enum fleet_place_kind kind)
{
    switch (kind) {
    case FLEET_HERE:
        return NG_HERE;
    case FLEET_THERE:
        return NG_THERE;
    case FLEET_STRANDED:
        return NG_STRANDED;
    case FLEET_NOWHERE:
    case FLEET_UNKNOWN:
        break;
    }
    return NG_NOWHERE;
}

static void found(void *owner, const struct fleet_place *place)
{
    struct search *search = owner;
    const struct ng_place told = {
        .kind = kind_of(place->kind), .node = place->node, .address = place->ng};
    ng_found_fn *tell = search->found;
    void *asker = search->asker;
    search_free(search);
    tell(asker, &told);
}

static bool find(void *owner, struct text call_id, uint64_t wait_ms, ng_found_fn *tell, void *asker)
{
    struct fleet_service *s = owner;
    struct search *search = s->store != NULL ? search_new(s, asker) : NULL;
    if (search == NULL)
        return false;
    search->found = tell;
    if (fleet_find(s->fleet, STORE_CALL, call_id, wait_ms, fleet_now_ms(s), found, search))
        return true;
    search_free(search);
    return false;
}

static void discard(void *owner, struct text call_id)
{
    struct fleet_service *s = owner;
    if (s->store != NULL)
        fleet_discard(s->fleet, STORE_CALL, call_id);
}

/* --- all calls --- */

static void list_one(void *owner, struct text node, struct text id)
{
    struct search *search = owner;
    (void)node;
    search->each(search->asker, id);
}

static void list_done(void *owner)
{
    struct search *search = owner;
    void (*done)(void *asker) = search->done;
    void *asker = search->asker;
    search_free(search);
    done(asker);
}

static bool list_calls(void *owner, size_t limit, void (*each)(void *asker, struct text call_id),
    void (*done)(void *asker), void *asker)
{
    struct fleet_service *s = owner;
    struct search *search = s->store != NULL ? search_new(s, asker) : NULL;
    if (search == NULL)
        return false;
    search->each = each;
    search->done = done;
    if (fleet_list(s->fleet, STORE_CALL, limit, list_one, list_done, search))
        return true;
    search_free(search);
    return false;
}

/* --- both --- */

static void cancel(void *owner, const void *asker)
{
    struct fleet_service *s = owner;
    list_for_each_safe (at, &s->searches) {
        struct search *search = CONTAINER_OF(at, struct search, link);
        if (search->asker != asker)
            continue;
        fleet_cancel(s->fleet, search);
        search_free(search);
    }
}

void fleet_forget_searches(struct fleet_service *s)
{
    list_for_each_safe (at, &s->searches)
        search_free(CONTAINER_OF(at, struct search, link));
}

struct ng_elsewhere fleet_elsewhere(struct fleet_service *s)
{
    return (struct ng_elsewhere){.owner = s,
        .find = find,
        .cancel = cancel,
        .discard = discard,
        .list = list_calls,
        .name = text_from(s->own.config->fleet.node_name)};
}
