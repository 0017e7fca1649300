/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - media of all flows for some seconds, and what came of it.
 *
 * Sends for a short while before it counts, so that caches and learned addresses are what they are
 * in the middle of a call; and waits at the end for what is still under way. Never sleeps while
 * packets are to be sent. A packet belongs to the count by its number, whenever it comes.
 */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "base/str.h"
#include "flow.h"

struct run_config {
    uint64_t per_s;     /* packets of all flows */
    unsigned seconds;   /* that are counted */
    size_t payload_len; /* of RTP: STAMP_SIZE or more */
    uint8_t payload_type;
    bool has_rtcp;
    struct text from; /* only flows whose name begins so send */
};

/* Work beside the media of a run: a storm of handshakes. */
struct side_job {
    /* Called every some 10 us; must be short. NULL: no job. */
    void (*turn)(void *owner, uint64_t now_ns);
    /* Adds to the run's line of JSON: `, "name": value`. */
    void (*tell)(void *owner, struct str *out);
    void *owner;
};

/* Runs and prints the line of JSON; ends the program when it cannot. */
void run_media(
    const struct flow_set *flows, const struct run_config *config, const struct side_job *job);

#endif
