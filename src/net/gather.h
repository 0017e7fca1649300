/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/gather.h - when a worker sleeps so that packets gather, and when it does not.
 *
 * Waking up costs as much as handling a packet. So a busy worker begins a batch no sooner than the
 * wait after it began the one before, and sleeps until then. One that handles for longer than the
 * wait, or has more to receive at once, does not sleep; one that is idle or nearly so never does:
 *
 *                3 packets in a wait
 *     IDLE --------------------------------> BUSY
 *      ^  each packet is handled at once      |  a batch for each wait
 *      |______________________________________|
 *                fewer than 2
 *
 * The packets are an average over some waits. Pure: times come in as arguments, nanoseconds of one
 * monotonic clock.
 */
#ifndef NET_GATHER_H
#define NET_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gather {
    uint64_t wait_ns;  /* 0: never sleep */
    uint64_t began_ns; /* when the batch before began */
    uint64_t load;     /* packets in a wait, smoothed; in 1/1024 */
    bool is_busy;
    bool has_more; /* the batch before left some to be received at once */
};

void gather_init(struct gather *gather, unsigned wait_us);

/* A batch of `packets`, none or more, began to be received at `now_ns`. */
void gather_note(struct gather *gather, uint64_t now_ns, size_t packets, bool has_more);

/* Until when to sleep before the next batch; 0: not at all. Never further away than the wait. */
uint64_t gather_until(const struct gather *gather, uint64_t now_ns);

#endif
