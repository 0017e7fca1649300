/* SPDX-License-Identifier: Apache-2.0 */
/* Our own lease. */
#include "fleet/state.h"

enum { PARTS = 3, RETRY_PARTS = 6, RETRY_MAX_MS = 500 };

static uint64_t retry_after(const struct fleet *fleet)
{
    uint64_t wait = fleet->lease_ms / RETRY_PARTS;
    return fleet->now_ms + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
}

static void joined(struct fleet *fleet)
{
    fleet->is_joined = true;
    fleet->name_is_taken = false;
    fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_JOINED, .node = fleet_name(fleet)});
    fleet->poll_ms = fleet->now_ms;
    fleet_write_all_again(fleet);
    fleet_sweep_want_ours(fleet);
    fleet_wake(fleet, fleet->now_ms);
}

/* Leases of others may have been refused as well, and come back now. */
static void is_taken_again(struct fleet *fleet)
{
    if (fleet->lease.was_refused)
        fleet->settled_ms = fleet->now_ms + fleet->lease_ms + FLEET_SETTLE_MS;
    fleet->lease.was_refused = false;
}

static void name_is_taken(struct fleet *fleet)
{
    fleet->is_joined = false;
    fleet->lease.next_ms = retry_after(fleet);
    if (fleet->name_is_taken)
        return;
    fleet->name_is_taken = true;
    fleet_tell(fleet, &(struct fleet_event){.kind = FLEET_NAME_TAKEN, .node = fleet_name(fleet)});
}

static void lease_answered(void *owner, enum store_result result)
{
    struct fleet *fleet = owner;
    struct lease *lease = &fleet->lease;
    uint64_t sent_ms = lease->sent_ms[0];
    lease->sent--;
    memmove(lease->sent_ms, lease->sent_ms + 1, lease->sent * sizeof(lease->sent_ms[0]));
    switch (result) {
    case STORE_DONE:
        lease->until_ms = sent_ms + fleet->lease_ms;
        is_taken_again(fleet);
        if (!fleet->is_joined && fleet->is_ready && fleet->now_ms < lease->until_ms)
            joined(fleet);
        return;
    case STORE_CONFLICT:
        name_is_taken(fleet);
        return;
    case STORE_FAILED:
        lease->was_refused = true;
        lease->next_ms = retry_after(fleet);
        return;
    case STORE_ABSENT:
    case STORE_AWAY:
        lease->next_ms = retry_after(fleet);
        return;
    }
}

void fleet_lease_tick(struct fleet *fleet)
{
    struct lease *lease = &fleet->lease;
    if (fleet->now_ms >= lease->until_ms) {
        lease->was_refused = lease->was_refused || fleet->is_joined;
        fleet->is_joined = false;
    }
    if (!fleet->is_ready || lease->sent == FLEET_MAX_LEASES || fleet_is_over(fleet) ||
        fleet->now_ms < lease->next_ms)
        return;
    char info[FLEET_INFO_SIZE];
    lease->next_ms = fleet->now_ms + fleet->lease_ms / PARTS;
    if (fleet->store->ops->lease(fleet->store, fleet_name(fleet), text_from(fleet->instance),
            fleet_info(fleet, info), fleet->lease_ms, lease_answered, fleet))
        lease->sent_ms[lease->sent++] = fleet->now_ms;
    else
        lease->next_ms = retry_after(fleet);
}
