/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/reports.h - what passing RTCP tells: whom it is about, round-trip times and quality.
 *
 * RTCP is relayed as it is; here it is only read. Compounds have passed rtcp_check().
 */
#ifndef RELAY_REPORTS_H
#define RELAY_REPORTS_H

#include "relay/stream.h"

/* Which stream of a transport a compound belongs to: by who sent it, else by what it is about, else
 * the first. NULL: the transport has no stream. */
struct stream *reports_find_stream(struct transport *t, struct bytes compound);

/* A compound came from the party of `s`: its reports are about what we send to it. */
void reports_received(struct stream *s, struct bytes compound, uint64_t now_us);

/* A compound goes to the party of `s`: its sender reports will be answered. */
void reports_sent(struct stream *s, struct bytes compound, uint64_t now_us);

#endif
