/* SPDX-License-Identifier: Apache-2.0 */
/* call/write.h - the SDP for the receiver, in the order of ng-protocol 3.2. */
#ifndef CALL_WRITE_H
#define CALL_WRITE_H

#include "call/work.h"

/*
 * Writes the SDP for w->receiver from the pending sides and from what the sender's SDP has to pass
 * on, keeps it as receiver->sdp_out and gives it in w->out->sdp. `offered` is our own SDP that the
 * sender has answered; NULL when the message is an offer.
 */
NODISCARD enum call_status write_sdp(struct work *w, const struct sdp *offered);

/* For write.c: one section, from m= to its last attribute. */
void write_section(struct work *w, struct writer *out, uint32_t section, const struct sdp *offered);

/* The b= lines of a part, in the order of ng-protocol 3.2. */
void write_bandwidths(struct writer *out, struct text lines);

/* The local address of a transport that c= and m= name. */
const struct call_lease_local *write_local(const struct side *side);

/* The address to print for one of ours: `media-address` in its place, when it is given. */
struct address write_advertised(const struct work *w, struct address ours);

#endif
