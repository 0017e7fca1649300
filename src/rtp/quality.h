/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtp/quality.h - how good a stream sounds to its receiver, by the receiver's RTCP reports: loss,
 * jitter, round-trip time, and MOS by the simplified E-model (ITU-T G.107).
 *
 * Pure; times are passed in. Units are those of ng replies: MOS times 10, microseconds for
 * round-trip times, milliseconds for jitter, percent for loss.
 */
#ifndef RTP_QUALITY_H
#define RTP_QUALITY_H

#include "mediaferry/rtcp.h"

enum { QUALITY_PROGRESSION_MAX = 10, ROUND_TRIP_MARKS = 8 };

/* The sender reports that went out to one peer, so that its report on them shows the distance. */
struct round_trip {
    struct {
        uint32_t ssrc;
        uint32_t ntp; /* middle 32 bits */
        uint64_t sent_us;
    } marks[ROUND_TRIP_MARKS];
    unsigned next;
    uint32_t rtt_us; /* the last one; 0: not known */
};

void round_trip_sent(struct round_trip *t, const struct rtcp_sender *sender, uint64_t now_us);

/* False when the report answers no report that was noted, or is impossible. */
NODISCARD bool round_trip_report(
    struct round_trip *t, const struct rtcp_report *report, uint64_t now_us);

struct quality_sample {
    uint64_t at_ms;
    uint32_t mos_10;
    uint32_t rtt_us;     /* end to end */
    uint32_t rtt_leg_us; /* to the peer that reported */
    uint32_t jitter_ms;
    uint32_t loss_percent;
};

struct quality_sums {
    uint64_t samples;
    uint64_t mos_10;
    uint64_t rtt_us;
    uint64_t rtt_leg_us;
    uint64_t jitter_ms;
    uint64_t loss_percent;
};

struct quality {
    struct quality_sums all;
    struct quality_sample lowest;
    struct quality_sample highest;
    int32_t lost; /* in all, as reported last */
    uint64_t started_ms;
    uint64_t last_ms;     /* of the last sample */
    uint64_t interval_ms; /* of the progression; doubles when it is full */
    size_t progression_count;
    struct quality_sums progression[QUALITY_PROGRESSION_MAX];
};

/* End-to-end MOS times 10, from 10 to 45. */
uint32_t quality_mos_10(uint32_t rtt_us, uint32_t jitter_ms, double loss_percent);

void quality_init(struct quality *q);

struct quality_report {
    struct rtcp_report block;
    uint32_t clock_rate; /* of the stream reported on, in Hz */
    uint32_t rtt_us;     /* end to end: both legs */
    uint32_t rtt_leg_us;
};

/* False when it made no sample, because the last one is less than a second old. */
bool quality_add(struct quality *q, const struct quality_report *report, uint64_t now_ms);

/* False while there is no sample; `at_ms` is 0 in an average. */
NODISCARD bool quality_average(const struct quality *q, struct quality_sample *out);

/* Entry `index` covers the interval from `started_ms + index * interval_ms`; false when it has no
 * sample or there is none such. */
NODISCARD bool quality_progression(
    const struct quality *q, size_t index, struct quality_sample *out);

#endif
