/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "fleet/state.h"

static size_t count_words(struct text places)
{
    size_t count = 0;
    while (text_word(&places, ' ').len > 0)
        count++;
    return count;
}

/* False when out of memory. */
static bool read_places(struct place_set *set, struct text places)
{
    set->is_valid = true;
    size_t words = count_words(places);
    if (words == 0)
        return true;
    set->ips = calloc(words, sizeof(*set->ips));
    if (set->ips == NULL)
        return false;
    for (size_t i = 0; i < words; i++)
        if (address_parse(text_word(&places, ' '), &set->ips[set->count]))
            set->count++;
    set->is_valid = set->count == words;
    return true;
}

static bool is_here(const struct fleet *fleet, const struct place_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (!fleet->host.is_here(fleet->host.owner, &set->ips[i]))
            return false;
    return set->is_valid;
}

static void free_set(struct fleet *fleet, struct place_set *set)
{
    map_remove(&fleet->place_sets, &set->node);
    free(set->ips);
    free(set);
}

struct place_set *fleet_place_set(struct fleet *fleet, struct text places)
{
    struct map_node *node = map_find(&fleet->place_sets, text_bytes(places));
    if (node != NULL) {
        struct place_set *found = CONTAINER_OF(node, struct place_set, node);
        found->users++;
        return found;
    }
    struct place_set *set = calloc(1, sizeof(*set) + places.len + 1);
    if (set == NULL)
        return NULL;
    list_init(&set->items);
    set->users = 1;
    set->len = places.len;
    if (places.len > 0)
        memcpy(set->text, places.data, places.len);
    map_put(&fleet->place_sets, &set->node, bytes_of(set->text, set->len));
    if (!read_places(set, places)) {
        free_set(fleet, set);
        return NULL;
    }
    set->is_here = is_here(fleet, set);
    return set;
}

void fleet_place_set_unref(struct fleet *fleet, struct place_set *set)
{
    if (set != NULL && --set->users == 0)
        free_set(fleet, set);
}

static void came(struct fleet *fleet, const struct place_set *set)
{
    list_for_each (at, &set->items)
        fleet_unrelease_item(CONTAINER_OF(at, struct item, placed));
    memo_forget_all(&fleet->shunned);
    fleet_sweep_places_came(fleet, set);
}

static void left(const struct place_set *set)
{
    list_for_each (at, &set->items)
        fleet_release_item(CONTAINER_OF(at, struct item, placed));
}

void fleet_places_look(struct fleet *fleet)
{
    map_for_each (link, &fleet->place_sets) {
        struct place_set *set = CONTAINER_OF(link, struct place_set, node.link);
        bool was_here = set->is_here;
        set->is_here = is_here(fleet, set);
        if (set->is_here && !was_here)
            came(fleet, set);
        else if (!set->is_here && was_here)
            left(set);
    }
}
