/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/rate.h - how fast a counter grows, over the last ten seconds.
 *
 * Looked at once a second by its owner, who passes the time in.
 */
#ifndef DAEMON_RATE_H
#define DAEMON_RATE_H

#include "mediaferry/bytes.h"

enum { RATE_SAMPLES = 11 };

/* All zeros: never looked at. */
struct rate {
    struct {
        uint64_t at_ms;
        uint64_t value;
    } samples[RATE_SAMPLES];
    size_t count; /* ever */
};

void rate_look(struct rate *rate, uint64_t value, uint64_t now_ms);

/* Per second; 0 before it was looked at twice. */
double rate_per_second(const struct rate *rate);

#endif
