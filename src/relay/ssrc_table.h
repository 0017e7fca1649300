/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/ssrc_table.h - what is known of each SSRC of a stream, in one direction.
 *
 * At most RELAY_MAX_SSRCS at a time; a further one takes the place of the one idle longest. The
 * entries come from the worker's pool.
 */
#ifndef RELAY_SSRC_TABLE_H
#define RELAY_SSRC_TABLE_H

#include "base/pool.h"
#include "mediaferry/rtp.h"
#include "relay/relay.h"
#include "rtp/quality.h"
#include "rtp/reception.h"

struct ssrc_entry {
    uint32_t ssrc;
    uint32_t clock_rate; /* 0: not known */
    uint64_t packets, bytes;
    uint32_t last_timestamp;
    uint64_t used_us;
    int32_t reported_lost;
    /* Of what goes to SRTP: */
    bool seq_known;     /* the two below mean something */
    uint16_t seq_last;  /* the highest number handed on */
    uint16_t seq_shift; /* what is added to the sender's numbers */
    struct reception reception;
    struct quality quality; /* by the reports of who receives it */
};

struct ssrc_table {
    uint32_t count;
    struct ssrc_entry *entries[RELAY_MAX_SSRCS];
};

/* The entry, or NULL. */
struct ssrc_entry *ssrc_table_find(struct ssrc_table *table, uint32_t ssrc);

/* Counts one RTP packet and tells how it follows those before; when its SSRC is new, the clock is
 * looked up in `stream`. */
enum reception_verdict ssrc_table_count(struct ssrc_table *table, struct pool *pool,
    const struct rtp_header *rtp, size_t len, const struct plan_stream *stream, uint64_t now_us);

void ssrc_table_done(struct ssrc_table *table, struct pool *pool);

#endif
