/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/former_tickets.h - mobility tickets that other processes have sealed, for allocations that
 * go on in this one. Shared by all workers; any thread.
 *
 * Their keys come with the records of the allocations (turn/saved.h) and go with the last of them.
 */
#ifndef TURN_FORMER_TICKETS_H
#define TURN_FORMER_TICKETS_H

#include "turn/saved.h"

enum { FORMER_TICKETS_MAX_KEYS = 32 /* of so many processes: each is tried */ };

struct former_tickets;

NODISCARD struct former_tickets *former_tickets_new(void);

/* Accepts NULL. */
void former_tickets_free(struct former_tickets *tickets);

/* What `ticket` says leads to the allocation `id` of this process from now on, whatever it led to
 * before. False when memory is short, or there are too many keys. */
NODISCARD bool former_tickets_add(
    struct former_tickets *tickets, const struct turn_saved_ticket *ticket, uint64_t id);

/* No more, if it still leads to `id`. */
void former_tickets_remove(
    struct former_tickets *tickets, const struct turn_saved_ticket *ticket, uint64_t id);

/* Opens a ticket; `out` has the id that the allocation has now. False when it is none of these. */
NODISCARD bool former_tickets_open(
    struct former_tickets *tickets, struct bytes sealed, struct ticket *out);

#endif
