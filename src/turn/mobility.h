/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/mobility.h - allocations that move to another 5-tuple (RFC 8016).
 *
 *     Allocate, empty ticket        -> mobility_write_ticket()
 *     Refresh with a ticket         -> mobility_find(), credentials, mobility_move(), a new ticket
 *     first data on the new 5-tuple -> mobility_settle()
 *
 * Until it has settled, data to the client takes the old way. While the client is away (its stream
 * closed) the allocation lives on, and its quota stays charged, until its time is over.
 */
#ifndef TURN_MOBILITY_H
#define TURN_MOBILITY_H

#include "turn/request.h"
#include "turn/saved.h"

/* Finds the allocation that the ticket of a Refresh names and puts it into `r->allocation`, NULL
 * when there is none. Returns TURN_DONE, or TURN_ANOTHER with the worker in `r->elsewhere`. */
NODISCARD enum turn_verdict mobility_find(struct turn_request *r);

/* Lets the path of `r` lead to `r->allocation` too; it forgets a former one that was never used.
 * Credentials have been checked. Returns 0 or the code of the error. */
NODISCARD unsigned mobility_move(struct turn_request *r);

/* The client has used its new path: it becomes the route, the old one ends. `route` is gone. */
void mobility_settle(struct turn_allocation *allocation);

/* A path of a mobile allocation has closed. */
void mobility_path_closed(struct turn_allocation *allocation, const struct turn_path *path);

/* Adds a ticket, a new one each time, to an answer. */
void mobility_write_ticket(struct turn_allocation *allocation, struct writer *w);

/* Forgets the path that was not used yet, and tickets; when the allocation ends. */
void mobility_end(struct turn_allocation *allocation);

/* What another process needs: of tickets, but not of paths. */
void mobility_save(const struct turn_allocation *allocation, struct turn_saved *out);

/* The same from another process, and the path that was not used yet; `coming_link` is that one's.
 * False without memory. */
NODISCARD bool mobility_restore(
    struct turn_allocation *allocation, const struct turn_saved *saved, void *coming_link);

#endif
