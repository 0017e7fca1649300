/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/web_call.h - the call that most scenes are about: a browser (ICE, DTLS, SRTP, mux, on the
 * shared port) on transport 1 and stream 11, and a phone (plain RTP, two ports) on transport 2 and
 * stream 12.
 */
#ifndef SIM_WEB_CALL_H
#define SIM_WEB_CALL_H

#include "scene.h"

#define BROWSER "192.0.2.1:5000"

extern struct scene scene;
extern struct browser browser;
extern struct phone phone, phone_rtcp;

struct plan_transport *web(void);
struct plan_transport *pbx(void);

/* Opens the scene with both in the plan, which is to be applied still. The browser gets feedback.
 */
void web_call_begin(void);

/* Closes it, and all sums are right; for cmocka. */
int web_call_end(void **state);

const struct relay_counters *counters(void);

/* What the two say next, each time with the next number. */
extern struct speech there, back;

/* Audio passes both ways, as it was sent. */
void assert_talk(void);

/* A sender report and a name, in static memory. */
struct bytes compound(uint32_t ssrc);

#endif
