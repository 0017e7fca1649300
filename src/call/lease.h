/* SPDX-License-Identifier: Apache-2.0 */
/* call/lease.h - transports for the sides of a party: kept while they fit, else leased anew. */
#ifndef CALL_LEASE_H
#define CALL_LEASE_H

#include "call/work.h"

/*
 * Gives every open side of the party that the command works on a transport, one for all sections of
 * a BUNDLE group. The transport a side has is kept when it still fits what is wanted. A side with a
 * new transport also gets new ICE credentials, for two agents must not share them.
 */
NODISCARD enum call_status lease_transports(struct work *w, struct party *p);

/* Members of a group take the transport of its tagged section, rejected sides lose theirs. */
void lease_follow_leads(struct party *p);

/* Releases what this command leased and no plan is going to name. */
void lease_sweep(struct work *w, const struct plan *kept);

#endif
