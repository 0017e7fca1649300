/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/drain.h"

enum { SAY_EACH_MS = 10000 };

static void enter(struct drain *drain, enum drain_phase phase, uint64_t now_ms)
{
    if (drain->phase == DRAIN_WORKING)
        drain->since_ms = now_ms;
    drain->phase = phase;
}

void drain_hold(struct drain *drain, uint64_t now_ms)
{
    if (drain->phase == DRAIN_WORKING)
        enter(drain, DRAIN_HOLDING, now_ms);
}

void drain_leave(struct drain *drain, bool is_final, uint64_t wait_ms, uint64_t now_ms)
{
    if (drain->phase == DRAIN_ENDED)
        return;
    if (drain->phase == DRAIN_LEAVING && drain->is_final) {
        if (is_final)
            drain->until_ms = now_ms;
        return;
    }
    enter(drain, DRAIN_LEAVING, now_ms);
    drain->is_final = is_final;
    drain->until_ms = wait_ms < UINT64_MAX - now_ms ? now_ms + wait_ms : UINT64_MAX;
    drain->said_ms = now_ms;
}

bool drain_cancel(struct drain *drain)
{
    if (drain->phase == DRAIN_ENDED || (drain->phase == DRAIN_LEAVING && drain->is_final))
        return false;
    *drain = (struct drain){.phase = DRAIN_WORKING};
    return true;
}

enum drain_step drain_look(struct drain *drain, const struct drain_left *left, uint64_t now_ms)
{
    if (drain->phase != DRAIN_LEAVING)
        return DRAIN_WAIT;
    if ((left->calls == 0 && left->allocations == 0) || now_ms >= drain->until_ms) {
        drain->phase = DRAIN_ENDED;
        return DRAIN_END;
    }
    if (now_ms - drain->said_ms < SAY_EACH_MS)
        return DRAIN_WAIT;
    drain->said_ms = now_ms;
    return DRAIN_SAY;
}
