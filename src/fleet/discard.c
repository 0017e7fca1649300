/* SPDX-License-Identifier: Apache-2.0 */
/* A stranded item is over. */
#include <stdlib.h>

#include "fleet/state.h"

struct discard {
    struct fleet *fleet;
    struct list link;
    enum store_kind kind;
    size_t id_len;
    char id[];
};

static void free_discard(struct discard *discard)
{
    list_remove(&discard->link);
    free(discard);
}

static void saw(struct discard *discard, const struct store_version *version)
{
    struct fleet *fleet = discard->fleet;
    struct text id = text_of(discard->id, discard->id_len);
    if (!fleet_owner_is_gone(fleet, version->owner) || fleet_item(fleet, discard->kind, id) != NULL)
        return;
    memo_note(&fleet->graves, discard->kind, id, version->epoch, fleet->now_ms);
    fleet_remove_version(fleet, discard->kind, id, version);
}

static void get_answered(void *owner, enum store_result result, const struct store_record *record)
{
    struct discard *discard = owner;
    if (result == STORE_DONE)
        saw(discard, &record->version);
    free_discard(discard);
}

void fleet_discard(struct fleet *fleet, enum store_kind kind, struct text id)
{
    if (id.len == 0 || id.len > STORE_MAX_ID || !fleet->is_ready || fleet_is_over(fleet))
        return;
    struct taking *taking = fleet_taking(fleet, kind, id);
    if (taking != NULL) {
        taking->has_ended = true;
        return;
    }
    struct discard *discard = calloc(1, sizeof(*discard) + id.len);
    if (discard == NULL)
        return;
    discard->fleet = fleet;
    discard->kind = kind;
    discard->id_len = id.len;
    memcpy(discard->id, id.data, id.len);
    list_push_back(&fleet->discards, &discard->link);
    if (!fleet->store->ops->get(fleet->store, kind, id, false, get_answered, discard))
        free_discard(discard);
}

void fleet_discards_free(struct fleet *fleet)
{
    for (struct list *at = list_first(&fleet->discards); at != NULL;
         at = list_first(&fleet->discards))
        free_discard(CONTAINER_OF(at, struct discard, link));
}
