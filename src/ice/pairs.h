/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ice/pairs.h - the table of addresses that have proven themselves; for the files of this folder.
 *
 * Pairs move when one is removed: an index lasts until the next change of the table.
 */
#ifndef ICE_PAIRS_H
#define ICE_PAIRS_H

#include "ice/agent.h"

/* The place of a pair in the table, or -1. */
int ice_pairs_find(
    const struct ice_agent *agent, const struct address *remote, struct ice_local local);

/* Finds or makes the pair; the one that was checked longest ago gives way when the table is full.
 */
int ice_pairs_enter(struct ice_agent *agent, const struct address *remote, struct ice_local local);

/* Whoever had it selected has nothing selected afterwards. */
void ice_pairs_remove(struct ice_agent *agent, int index);

#endif
