/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/report.h - what query and delete tell about a call (ng-protocol 4.1).
 *
 * Names, units and order are those that proxies read: MOS times 10, round-trip times in
 * microseconds, jitter in milliseconds, loss in percent.
 */
#ifndef NG_REPORT_H
#define NG_REPORT_H

#include "mediaferry/ng.h"
#include "ng/server.h"
#include "session/session.h"

/*
 * Puts the report of `report->call`, which is not NULL, into `out`; without a snapshot all counters
 * are missing or 0. With a `tag` only that party and those it talks to are told of, else all.
 */
void ng_report(struct ng_arena *arena, struct ng_value *out, const struct session_report *report,
    struct text tag, enum ng_ssrc_reporting reporting);

/* One SSRC: packets, and quality if RTCP told of any. */
void ng_report_ssrc(struct ng_arena *arena, struct ng_value *out, const struct relay_ssrc *ssrc);

/* How one arrives here, whatever RTCP says: packets lost on the way and doubled, and jitter in
 * milliseconds, if the clock of its codec is known (`clock_hz` not 0). */
void ng_report_arrival(
    struct ng_arena *arena, struct ng_value *out, const struct relay_ssrc *ssrc, uint32_t clock_hz);

#endif
