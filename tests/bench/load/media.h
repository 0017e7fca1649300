/* SPDX-License-Identifier: Apache-2.0 */
/* media.h - the state of the mode `media`, for its commands. */
#ifndef LOAD_MEDIA_H
#define LOAD_MEDIA_H

#include "run.h"
#include "udp.h"

struct media {
    struct flow_set flows;
    struct side_job job; /* of the next run; whoever sets it clears it */
};

/* The kinds of flow, with NULL at the end. */
extern const struct flow_kind *const media_kinds[];

/* Opens the sockets of those flows that have none, and waits until all are ready; ends the program
 * when one fails, or after 30 s. */
void media_make_ready(struct media *m);

#endif
