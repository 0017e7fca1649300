/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/ssrc_table.h - what is known of each SSRC of a stream, in one direction.
 *
 * At most RELAY_MAX_SSRCS at a time; a further one takes the place of the one idle longest. The
 * entries come from the worker's pools; most have no report about them, and no memory for it.
 */
#ifndef RELAY_SSRC_TABLE_H
#define RELAY_SSRC_TABLE_H

#include "base/hot_path.h"
#include "base/pool.h"
#include "mediaferry/rtp.h"
#include "relay/relay.h"
#include "rtp/quality.h"
#include "rtp/reception.h"

struct ssrc_entry {
    struct ssrc_entry *next;
    uint32_t ssrc;
    uint32_t clock_rate; /* 0: not known */
    uint64_t packets, bytes;
    uint32_t last_timestamp;
    uint64_t used_us;
    int32_t reported_lost;
    /* Of what goes to SRTP: */
    bool seq_known;     /* the two below mean something */
    bool seq_jumps;     /* the next number is the one behind `seq_last`, whatever it was */
    uint16_t seq_last;  /* the highest number handed on */
    uint16_t seq_shift; /* what is added to the sender's numbers */
    struct reception reception;
    struct quality *quality; /* by the reports of who receives it; NULL: none came */
};

struct ssrc_table {
    struct ssrc_entry *first; /* the others behind it, in the order of their coming */
    uint32_t count;
    void (*on_new)(struct ssrc_table *table); /* a packet has brought one more; NULL: nobody asks */
};

/* What the worker has of each. */
struct ssrc_pools {
    struct pool entries, qualities;
};

void ssrc_pools_init(struct ssrc_pools *pools, size_t limit);
void ssrc_pools_done(struct ssrc_pools *pools);

/* The entry, or NULL. */
struct ssrc_entry *ssrc_table_find(const struct ssrc_table *table, uint32_t ssrc);

/* Its quality, made with the first report; NULL when memory is short. */
struct quality *ssrc_entry_quality(struct ssrc_entry *entry, struct ssrc_pools *pools);

/* The entry of a packet, or a new one, which is told, and whose clock is looked up in `stream`.
 * NULL: out of memory. */
COLD struct ssrc_entry *ssrc_table_find_or_add(struct ssrc_table *table, struct ssrc_pools *pools,
    const struct rtp_header *rtp, const struct plan_stream *stream);

/* Puts one in that another process had; NULL: out of memory, too many, or known already. */
struct ssrc_entry *ssrc_table_restore(struct ssrc_table *table, struct ssrc_pools *pools,
    uint32_t ssrc, const struct reception *reception);

/* Counts one RTP packet, which has the number `seq`, and tells how it follows those before. */
static inline enum reception_verdict ssrc_table_count(struct ssrc_table *table,
    struct ssrc_pools *pools, const struct rtp_header *rtp, uint16_t seq, size_t len,
    const struct plan_stream *stream, uint64_t now_us)
{
    struct ssrc_entry *entry = table->first;
    if (entry == NULL || entry->ssrc != rtp->ssrc)
        entry = ssrc_table_find_or_add(table, pools, rtp, stream);
    if (entry == NULL)
        return RECEPTION_FIRST;
    entry->packets++;
    entry->bytes += len;
    entry->last_timestamp = rtp->timestamp;
    entry->used_us = now_us;
    return reception_add(&entry->reception, seq, rtp->timestamp, now_us);
}

void ssrc_table_done(struct ssrc_table *table, struct ssrc_pools *pools);

#endif
