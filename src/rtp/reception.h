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

struct reception {
    bool started;
    uint16_t highest;  /* highest sequence number seen */
    uint32_t wraps;    /* times 65536 */
    uint32_t first;    /* extended number of the first packet */
    uint32_t next_bad; /* the number that would confirm a restart; over 16 bits: none */
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

enum reception_verdict reception_add(
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

#endif
