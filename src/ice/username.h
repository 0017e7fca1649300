/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ice/username.h - whom a connectivity check is for: USERNAME is "<receiver>:<sender>", the ufrags
 * of the two agents (RFC 8445, section 7.2.2).
 */
#ifndef ICE_USERNAME_H
#define ICE_USERNAME_H

#include "mediaferry/bytes.h"

/* Splits at the first colon; false without one or when the receiver's half is empty. */
NODISCARD bool ice_split_username(struct bytes value, struct text *receiver, struct text *sender);

/* Finds our ufrag in a Binding request, to choose the agent on a port that many share. Cheap, and
 * nothing is verified: the agent does that. The result borrows the datagram. */
NODISCARD bool ice_peek_ufrag(struct bytes datagram, struct text *local_ufrag);

#endif
