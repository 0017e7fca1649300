/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ice/candidate.h - priorities of candidates and pairs (RFC 8445, sections 5.1.2 and 6.1.2.3).
 *
 * Pure functions.
 */
#ifndef ICE_CANDIDATE_H
#define ICE_CANDIDATE_H

#include "mediaferry/bytes.h"

/* Type preferences (RFC 8445, section 5.1.2.2). */
enum ice_type {
    ICE_HOST = 126,
    ICE_PEER_REFLEXIVE = 110,
    ICE_SERVER_REFLEXIVE = 100,
    ICE_RELAYED = 0
};

/* The priority of a candidate on the local address number `index` (0 is the preferred one). */
uint32_t ice_priority(enum ice_type type, unsigned index, unsigned component);

/* `controlling` and `controlled` are the priorities of the two candidates of a pair, of which one
 * at least is below 2^31, as ours always is. */
uint64_t ice_pair_priority(uint32_t controlling, uint32_t controlled);

#endif
