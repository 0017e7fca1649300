/* SPDX-License-Identifier: Apache-2.0 */
/* What the fleet keeps and takes: calls of the sessions, allocations of TURN. */
#include "daemon/fleet_state.h"
#include "session/session.h"
#include "turnserver/turnserver.h"

/* --- calls ------------------------------------------------------------------------------------ */

static void call_changed(void *owner, uint64_t handle, struct text call_id)
{
    const struct fleet_service *s = owner;
    if (s->store != NULL)
        fleet_changed(s->fleet, STORE_CALL, handle, call_id, fleet_now_ms(s));
}

static void call_ended(void *owner, uint64_t handle, struct text call_id)
{
    const struct fleet_service *s = owner;
    (void)call_id;
    if (s->store != NULL)
        fleet_ended(s->fleet, STORE_CALL, handle, fleet_now_ms(s));
}

static void call_saved(void *owner, uint64_t handle, const struct session_saved *saved)
{
    struct fleet_service *s = owner;
    struct fleet_saved item = {.id = TEXT("")};
    if (saved != NULL)
        item = (struct fleet_saved){
            .id = saved->call_id, .places = saved->places, .record = saved->record};
    if (s->store != NULL)
        fleet_saved(s->fleet, STORE_CALL, handle, saved != NULL ? &item : NULL, fleet_now_ms(s));
}

static int save_call(void *owner, uint64_t handle, enum fleet_save how)
{
    struct fleet_service *s = owner;
    return sessions_save(s->own.sessions, handle,
        how == FLEET_SAVE_AND_END ? RELAY_SAVE_AND_END : RELAY_SAVE_COPY, call_saved, s);
}

static enum fleet_restored outcome_of_call(enum session_refusal refusal)
{
    switch (refusal) {
    case SESSION_REFUSED_KNOWN:
        return FLEET_KNOWN;
    case SESSION_REFUSED_ADDRESS:
    case SESSION_REFUSED_INTERFACE:
    case SESSION_REFUSED_WORKER:
    case SESSION_REFUSED_PORTS:
    case SESSION_REFUSED_MEMORY:
    case SESSION_REFUSED_VERSION:
    case SESSION_REFUSED_OLD: /* perhaps it is our clock that is wrong */
        return FLEET_NOT_HERE;
    case SESSION_REFUSED_MALFORMED:
    case SESSION_REFUSED_DAMAGED:
    case SESSION_REFUSAL_COUNT:
        break;
    }
    return FLEET_REFUSED;
}

static enum fleet_restored restore_call(
    void *owner, struct bytes record, unsigned takes, uint64_t *handle)
{
    struct fleet_service *s = owner;
    const struct session_restoring how = {.age_limit_ms = FLEET_TAKE_MAX_AGE_MS,
        .takes = takes,
        .is_here = fleet_is_here,
        .owner = s};
    struct session_restored restored = sessions_restore(s->own.sessions, record, &how);
    *handle = restored.handle;
    return restored.ok ? FLEET_RESTORED : outcome_of_call(restored.refusal);
}

static void drop_call(void *owner, uint64_t handle)
{
    const struct fleet_service *s = owner;
    sessions_drop(s->own.sessions, handle);
}

struct fleet_holder fleet_holder_of_calls(struct fleet_service *s)
{
    return (struct fleet_holder){
        .owner = s, .save = save_call, .restore = restore_call, .drop = drop_call};
}

/* --- allocations ------------------------------------------------------------------------------ */

static void allocation_changed(void *owner, uint64_t handle, struct text id)
{
    const struct fleet_service *s = owner;
    if (s->store != NULL)
        fleet_changed(s->fleet, STORE_ALLOCATION, handle, id, fleet_now_ms(s));
}

static void allocation_ended(void *owner, uint64_t handle, struct text id)
{
    const struct fleet_service *s = owner;
    (void)id;
    if (s->store != NULL)
        fleet_ended(s->fleet, STORE_ALLOCATION, handle, fleet_now_ms(s));
}

static void allocation_saved(void *owner, uint64_t handle, const struct turnserver_saved *saved)
{
    struct fleet_service *s = owner;
    struct fleet_saved item = {.id = TEXT("")};
    if (saved != NULL)
        item =
            (struct fleet_saved){.id = saved->id, .places = saved->places, .record = saved->record};
    if (s->store != NULL)
        fleet_saved(
            s->fleet, STORE_ALLOCATION, handle, saved != NULL ? &item : NULL, fleet_now_ms(s));
}

static int save_allocation(void *owner, uint64_t handle, enum fleet_save how)
{
    struct fleet_service *s = owner;
    return turnserver_save(s->own.turnserver, handle,
        how == FLEET_SAVE_AND_END ? TURNSERVER_SAVE_AND_END : TURNSERVER_SAVE_COPY,
        allocation_saved, s);
}

static enum fleet_restored outcome_of_allocation(enum turnserver_refusal refusal)
{
    switch (refusal) {
    case TURNSERVER_REFUSED_KNOWN:
        return FLEET_KNOWN;
    case TURNSERVER_REFUSED_ADDRESS:
    case TURNSERVER_REFUSED_INTERFACE:
    case TURNSERVER_REFUSED_PORTS:
    case TURNSERVER_REFUSED_WORKER:
    case TURNSERVER_REFUSED_MEMORY:
    case TURNSERVER_REFUSED_VERSION:
        return FLEET_NOT_HERE;
    case TURNSERVER_REFUSED_MALFORMED:
    case TURNSERVER_REFUSED_DAMAGED:
    case TURNSERVER_REFUSED_OLD:
    case TURNSERVER_REFUSED_CLIENT:
    case TURNSERVER_REFUSED_USER:
    case TURNSERVER_REFUSAL_COUNT:
        break;
    }
    return FLEET_REFUSED;
}

/* Nothing of an allocation is used up by sending, so it does not matter how often it was taken. */
static enum fleet_restored restore_allocation(
    void *owner, struct bytes record, unsigned takes, uint64_t *handle)
{
    struct fleet_service *s = owner;
    const struct turnserver_restoring how = {.owner = s, .is_here = fleet_is_here};
    (void)takes;
    struct turnserver_restored restored = turnserver_restore(s->own.turnserver, record, &how);
    *handle = restored.handle;
    return restored.ok ? FLEET_RESTORED : outcome_of_allocation(restored.refusal);
}

static void drop_allocation(void *owner, uint64_t handle)
{
    const struct fleet_service *s = owner;
    turnserver_drop(s->own.turnserver, handle);
}

struct fleet_holder fleet_holder_of_allocations(struct fleet_service *s)
{
    return (struct fleet_holder){.owner = s,
        .save = save_allocation,
        .restore = restore_allocation,
        .drop = drop_allocation};
}

/* --- both --- */

void fleet_watch(struct fleet_service *s)
{
    const struct sessions_watcher calls = {
        .owner = s, .changed = call_changed, .ended = call_ended};
    const struct turnserver_watcher allocations = {
        .owner = s, .changed = allocation_changed, .ended = allocation_ended};
    sessions_watch(s->own.sessions, &calls);
    turnserver_watch(s->own.turnserver, &allocations);
}
