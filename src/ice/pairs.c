/* SPDX-License-Identifier: Apache-2.0 */
#include "ice/pairs.h"

#include <assert.h>

int ice_pairs_find(
    const struct ice_agent *agent, const struct address *remote, struct ice_local local)
{
    for (size_t i = 0; i < agent->pair_count; i++) {
        const struct ice_pair *p = &agent->pairs[i];
        if (p->local.component == local.component && p->local.index == local.index &&
            address_equal(&p->remote, remote))
            return (int)i;
    }
    return -1;
}

void ice_pairs_remove(struct ice_agent *agent, int index)
{
    int last = (int)agent->pair_count - 1;
    assert(index >= 0 && index <= last);
    agent->pairs[index] = agent->pairs[last];
    agent->pair_count--;
    for (size_t c = 0; c < ICE_COMPONENTS; c++) {
        if (agent->selected[c] == index)
            agent->selected[c] = -1;
        else if (agent->selected[c] == last)
            agent->selected[c] = index;
    }
}

static bool is_selected(const struct ice_agent *agent, int index)
{
    for (size_t c = 0; c < ICE_COMPONENTS; c++)
        if (agent->selected[c] == index)
            return true;
    return false;
}

/* There are more places than components, so one is always free to go. */
static void evict_oldest(struct ice_agent *agent)
{
    int oldest = -1;
    for (int i = 0; i < (int)agent->pair_count; i++) {
        if (is_selected(agent, i))
            continue;
        if (oldest < 0 || agent->pairs[i].checked_ms < agent->pairs[oldest].checked_ms)
            oldest = i;
    }
    ice_pairs_remove(agent, oldest);
    agent->stats.evicted++;
}

int ice_pairs_enter(struct ice_agent *agent, const struct address *remote, struct ice_local local)
{
    int found = ice_pairs_find(agent, remote, local);
    if (found >= 0)
        return found;
    if (agent->pair_count == ICE_MAX_PAIRS)
        evict_oldest(agent);
    agent->pairs[agent->pair_count] = (struct ice_pair){.local = local, .remote = *remote};
    return (int)agent->pair_count++;
}
