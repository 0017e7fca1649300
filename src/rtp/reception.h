/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtp/reception.h - what a receiver knows of one RTP stream (RFC 3550, appendices A.1, A.3, A.8).
 *
 * One struct per SSRC, in the caller's memory; the time of arrival is passed in. Nothing is dropped
 * here: the verdict only says what a packet was.
 */
#ifndef RTP_RECEPTION_H
#define RTP_RECEPTION_H

#include "mediaferry/rtcp.h"

enum reception_verdict {
    RECEPTION_FIRST,
    RECEPTION_IN_ORDER,  /* a new highest sequence number, perhaps after a gap */
    RECEPTION_LATE,      /* fills a gap */
    RECEPTION_DUPLICATE, /* seen already, within the last 64 numbers */
    RECEPTION_STRAY,     /* far from what was expected, once */
    RECEPTION_RESTARTED, /* far again, in order: the sender has started anew */
};

enum {
    RECEPTION_DROPOUT = 3000, /* MAX_DROPOUT of RFC 3550, appendix A.1: a longer gap is suspect */
    RECEPTION_NO_BAD = (1 << 16) + 1, /* follows no number */
};

struct reception {
    bool started;
    uint16_t highest;  /* highest sequence number seen */
    uint32_t wraps;    /* times 65536 */
    uint32_t first;    /* extended number of the first packet */
    uint32_t next_bad; /* the number that would confirm a restart, or RECEPTION_NO_BAD */
    uint64_t seen;     /* bit n: highest - n has come */
    uint32_t clock_rate;
    uint32_t transit;   /* of the previous packet, in units of the clock */
    uint32_t jitter_16; /* jitter times 16 */
    uint64_t received;  /* duplicates included, as in RFC 3550 */
    uint64_t duplicates;
    uint64_t reordered;
    uint64_t restarts;
    uint64_t lost_before; /* given up at restarts */
    uint32_t expected_prior;
    uint32_t received_prior;
    uint32_t received_now;   /* since the last restart */
    uint32_t duplicates_now; /* since the last restart */
};

/* `clock_rate` in Hz, of the media; 0 when not known: then there is no jitter. */
void reception_init(struct reception *r, uint32_t clock_rate);

/* A packet came: tells how it follows those before. */
static inline enum reception_verdict reception_add(
    struct reception *r, uint16_t seq, uint32_t timestamp, uint64_t now_us);

/* With the wraps in the upper half. */
uint32_t reception_highest(const struct reception *r);
uint32_t reception_expected(const struct reception *r);

/* Over the life of the stream, never below 0. */
uint64_t reception_lost(const struct reception *r);

/* In units of the media clock, and in milliseconds. */
uint32_t reception_jitter(const struct reception *r);
uint32_t reception_jitter_ms(const struct reception *r);

/* Fills the fields of a report on `ssrc` save those about the last SR, and starts the next interval
 * for its fraction lost. */
void reception_report(struct reception *r, uint32_t ssrc, struct rtcp_report *out);

/* --- what every packet comes by, in the caller's own code --------------------------------------
 */

/* RFC 3550, appendix A.8. A product that overflows, after years, spoils one difference, which then
 * is no jitter: a longer step than a second is a new time base. */
static inline void reception_measure_jitter(
    struct reception *r, uint32_t timestamp, uint64_t now_us, bool has_previous)
{
    uint32_t transit = (uint32_t)(now_us * r->clock_rate / 1000000) - timestamp;
    uint32_t change = transit - r->transit;
    uint32_t distance = change < 0x80000000 ? change : 0 - change;
    r->transit = transit;
    if (has_previous && distance <= r->clock_rate)
        r->jitter_16 += distance - ((r->jitter_16 + 8) >> 4);
}

/* All but the next packet of a stream in order. */
enum reception_verdict reception_add_other(
    struct reception *r, uint16_t seq, uint32_t timestamp, uint64_t now_us);

static inline enum reception_verdict reception_add(
    struct reception *r, uint16_t seq, uint32_t timestamp, uint64_t now_us)
{
    unsigned step = (uint16_t)(seq - r->highest);
    if (!r->started || step == 0 || step >= RECEPTION_DROPOUT)
        return reception_add_other(r, seq, timestamp, now_us);

    if (seq < r->highest)
        r->wraps += 1 << 16;
    r->highest = seq;
    r->seen = step < 64 ? r->seen << step | 1 : 1;
    r->next_bad = RECEPTION_NO_BAD;
    r->received++;
    r->received_now++;
    if (r->clock_rate > 0)
        reception_measure_jitter(r, timestamp, now_us, true);
    return RECEPTION_IN_ORDER;
}

#endif
