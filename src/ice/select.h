/* SPDX-License-Identifier: Apache-2.0 */
/* ice/select.h - which pair carries media; for the files of this folder. The rules: select.c. */
#ifndef ICE_SELECT_H
#define ICE_SELECT_H

#include "ice/agent.h"

/* Pair `index` was checked; `anew` when its check carries USE-CANDIDATE and the one before did not,
 * or was long ago. */
void ice_select_after_check(struct ice_agent *agent, int index, bool anew, uint64_t now_ms);

/* True when media on pair `index` moves the selection there. */
bool ice_select_after_media(struct ice_agent *agent, int index, uint64_t now_ms);

/* Pair `index` was signalled by a lite peer. */
void ice_select_after_signal(struct ice_agent *agent, int index);

/* Chooses among what is left, for a component that lost its pair; true when something was. */
bool ice_select_again(struct ice_agent *agent, unsigned component);

/* Whether the current generation has selected a pair for some component. */
bool ice_select_is_settled(const struct ice_agent *agent);

/* When it has: from now on the days of the previous generation are numbered. */
void ice_select_settle(struct ice_agent *agent, uint64_t now_ms);

/* Whether a nomination that was last repeated at `nominated_ms` has been given up. */
bool ice_nomination_is_stale(uint64_t nominated_ms, uint64_t now_ms);

#endif
