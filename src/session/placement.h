/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/placement.h - which worker a new call is placed on: the one with the least to do.
 *
 * What a worker has to do are the packets it received in the last seconds, of TURN as well, and its
 * calls, because those that are silent may begin to talk. A new call counts at once as one that
 * talks, and that fades at the pace at which its packets come to be seen: many calls that come at
 * once do not all go to the same worker.
 */
#ifndef SESSION_PLACEMENT_H
#define SESSION_PLACEMENT_H

#include "mediaferry/bytes.h"

struct placement_worker {
    uint64_t received; /* when it was looked at last */
    uint64_t rate;     /* packets a second, smoothed, with those that are expected */
    size_t calls;
};

/* Cleared is empty. */
struct placement {
    struct placement_worker *workers;
    size_t count;
};

/* Adds a worker that has received so many packets by now. Returns 0 or -ENOMEM. */
NODISCARD int placement_add(struct placement *placement, uint64_t received);

void placement_done(struct placement *placement);

/* Once a second for each worker: all packets that it has received. */
void placement_look(struct placement *placement, size_t worker, uint64_t received);

/* The worker to place a call on; there is at least one. */
size_t placement_best(const struct placement *placement);

/* Places a call on a worker. */
void placement_put(struct placement *placement, size_t worker);

/* A call has ended. */
void placement_give(struct placement *placement, size_t worker);

#endif
