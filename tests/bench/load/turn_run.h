/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn_run.h - traffic of all TURN clients for some seconds, and what came of it.
 *
 * As run.h: sends for a short while before it counts, and waits at the end for what is under way.
 */
#ifndef LOAD_TURN_RUN_H
#define LOAD_TURN_RUN_H

#include "turn_talk.h"

struct turn_run_config {
    uint64_t per_s; /* packets of all clients and both ways; 0: as many as come back, with
                       TURN_WINDOW of each client and way under way */
    unsigned seconds;
    size_t packet_len; /* STAMP_PACKET_MIN or more */
    enum turn_method method;
    bool has_way[TURN_WAYS]; /* one at least */
};

enum { TURN_WINDOW = 4, TURN_PACKET_MAX = 1500 };

/* Runs and prints the line of JSON; ends the program when it cannot. */
void turn_run(struct turn_clients *clients, const struct turn_run_config *config);

#endif
