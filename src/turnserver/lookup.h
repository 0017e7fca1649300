/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turnserver/lookup.h - requests that wait until the control thread has looked a user up.
 *
 * The request itself travels there and back, so that nothing is parked in the worker. Bounded: what
 * is dropped comes again (RFC 8489, section 6.2.1).
 */
#ifndef TURNSERVER_LOOKUP_H
#define TURNSERVER_LOOKUP_H

#include "turnserver/state.h"

enum { MAX_LOOKUPS = 1024 /* of one worker */ };

/* Takes a copy of the request in `p`; false when too many wait, or there is no database. */
NODISCARD bool lookup_start(struct turn_worker *w, const struct turn_path *path,
    const struct packet *p, const struct turn_elsewhere *elsewhere);

#endif
