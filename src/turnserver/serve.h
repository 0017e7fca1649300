/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/serve.h - one message or data of a client, to the protocol machine. */
#ifndef TURNSERVER_SERVE_H
#define TURNSERVER_SERVE_H

#include "turnserver/state.h"

struct serving {
    bool was_handed_over; /* by another worker, which does not know the client either */
    bool was_looked_up;   /* the user cache has been filled as far as possible */
};

/*
 * Serves what is in `p`. The packet stays the caller's unless it is queued then. With a path that
 * is no socket the link may be doomed afterwards, or its stream have moved to another worker.
 */
void serve(
    struct turn_worker *w, const struct turn_path *path, struct packet *p, struct serving serving);

/* The same for bytes that are in no packet yet. */
void serve_bytes(struct turn_worker *w, const struct turn_path *path, struct bytes message,
    struct serving serving);

#endif
