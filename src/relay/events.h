/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/events.h - what a worker tells the control thread. (A closed lease tells of itself:
 * relay/lease.h.)
 */
#ifndef RELAY_EVENTS_H
#define RELAY_EVENTS_H

#include "relay/state.h"

/* These are false when memory is short: to be tried again. */
NODISCARD bool events_timed_out(struct relay *relay, uint64_t call, enum plan_timeout why);
NODISCARD bool events_changed(struct relay *relay, uint64_t call);

#endif
