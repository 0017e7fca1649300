/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/stream.h - one m= section as one party sees it: what it sends, who gets it, and statistics.
 */
#ifndef RELAY_STREAM_H
#define RELAY_STREAM_H

#include "base/list.h"
#include "plan/plan.h"
#include "relay/ssrc_table.h"
#include "relay/transport.h"

struct stream {
    struct list link; /* in the call's list */
    struct call_media *call;
    struct plan_stream plan;     /* points into that of the call */
    struct transport *transport; /* NULL only while a plan is applied */
    uint8_t sink_count;
    uint8_t sink_room; /* of `sinks`; never shrinks */
    struct stream **sinks;
    struct stream *first_sink[1]; /* room for the one that most have */

    struct relay_counts in[2], out[2]; /* RTP and RTCP */
    uint64_t saved_in, saved_out;      /* RTP packets, when it was saved last */
    int64_t last_packet_us[2];         /* unix time */
    uint64_t active_ms;                /* the last packet, or when its timeout began to hold */
    struct ssrc_table ssrc_in, ssrc_out;
    struct round_trip *round_trip; /* to the party; NULL: no sender report went there yet */
};

/* Returns a new stream of `call`, in its list; NULL: out of memory. */
NODISCARD struct stream *stream_new(struct call_media *call, uint32_t id, uint64_t now_ms);

/* Takes the plan over; transport and sinks are linked by the call. */
void stream_apply(struct stream *s, const struct plan_stream *plan, uint64_t now_ms);

/* Gives it `round_trip`, which stays NULL when memory is short. */
void stream_begin_round_trip(struct stream *s);

/* Adds a stream that gets what this party sends; one that there is no memory for is left out. */
void stream_add_sink(struct stream *s, struct stream *sink);

void stream_free(struct stream *s);

#endif
