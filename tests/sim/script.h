/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/script.h - a call of four parties, and random things that happen to it.
 *
 * A phone with plain RTP behind a NAT, two with SDES, of which one has RTCP on its own port, and a
 * browser with two streams on one path; each stream has two sinks or so. Things that happen: RTP in
 * and out of order, after gaps and begun anew, RTCP, repeated packets, changed addresses, checks,
 * ICE restarts, hold, other plans, and time.
 *
 * What does not happen, because a move to another relay is allowed to show there: a packet that was
 * overtaken does not arrive in a later step, and no report is answered so that a distance shows.
 */
#ifndef SIM_SCRIPT_H
#define SIM_SCRIPT_H

#include "gen.h"
#include "moves.h"

extern struct scene scene;

/* A digest of all that came to any party since script_open(). */
extern uint64_t script_heard;

void script_open(void);
void script_close(void);

/* The next thing happens. */
void script_step(struct gen *g);

#endif
