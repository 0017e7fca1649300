/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/tick.h"

#include "relay/call_media.h"

void tick_begin(struct relay *relay)
{
    relay->calls_due = relay->calls.count;
    if (relay->calls_due > 0)
        worker_stay_awake(relay->module);
}

/* The longest not seen to first. A call that has ended meanwhile lets another one be seen to a
 * second too early, which is no harm. */
static void tick_next(struct relay *relay, uint64_t now_ms)
{
    struct list *link = list_pop_front(&relay->call_order);
    list_push_back(&relay->call_order, link);
    call_media_tick(CONTAINER_OF(link, struct call_media, order), now_ms);
}

void tick_turn(struct relay *relay, uint64_t now_ms)
{
    if (relay->calls_due == 0)
        return;
    uint64_t end_ns = relay->slow_lane.clock_ns() + TICK_TURN_US * UINT64_C(1000);
    if (relay->calls_due > relay->calls.count)
        relay->calls_due = relay->calls.count;
    do {
        if (relay->calls_due == 0)
            return;
        relay->calls_due--;
        tick_next(relay, now_ms);
    } while (relay->slow_lane.clock_ns() < end_ns);
    worker_stay_awake(relay->module);
}
