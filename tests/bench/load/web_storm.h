/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_storm.h - handshakes by the hundred while media flows.
 *
 *     storm HANDSHAKES/S SECONDS FILE
 *
 * FILE holds a line `flow NAME ... dtls ...` for each handshake, and no more are made than it has
 * lines. They begin with the next run, each does ICE and DTLS once, and the run's line gets
 *     "storm": {"started": N, "done": N, "failed": N, "open": N, "failure": "why the last failed",
 *         "us": {"p50": x, "p99": x, "max": x}}
 * The time is that from the first check to the keys. Media and handshakes share the load's
 * processor: between two packets of media one step of one handshake is done.
 */
#ifndef LOAD_WEB_STORM_H
#define LOAD_WEB_STORM_H

#include "flow.h"
#include "run.h"

/* Reads the words of the command and sets `job`, for one run: it clears itself. Ends the program
 * when something is wrong. */
void web_storm(struct side_job *job, struct text words);

#endif
