/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/tick.h - what is done for each call once a second: timeouts, and memory of handshakes that
 * goes back. With thousands of calls that takes milliseconds, so it is done a few calls at a time,
 * and media has its turn in between.
 */
#ifndef RELAY_TICK_H
#define RELAY_TICK_H

#include "relay/state.h"

enum { TICK_TURN_US = 100 };

/* A second is over: all calls are due. */
void tick_begin(struct relay *relay);

/* Sees to calls that are due, as many as the time of one turn allows; asks for another one when
 * some are left. */
void tick_turn(struct relay *relay, uint64_t now_ms);

#endif
