/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/demux.h - which stream of a transport an RTP packet belongs to, when several ride on one
 * (BUNDLE, RFC 9143 section 9.2).
 *
 * In the order of the RFC: the mid header extension, an SSRC known from SDP or learned, a payload
 * type that only one stream uses. What a packet proves is remembered for its SSRC. A transport with
 * one stream has nothing to tell apart: everything belongs to it. Pure; members are named by their
 * index.
 */
#ifndef RELAY_DEMUX_H
#define RELAY_DEMUX_H

#include "mediaferry/rtp.h"
#include "plan/plan.h"

enum { DEMUX_MAX_SSRCS = 64, DEMUX_NONE = -1 };

struct demux_ssrc {
    uint32_t ssrc;
    int8_t member;
    bool signalled; /* by an a=ssrc line: kept when room is short */
};

struct demux {
    uint32_t member_count;
    bool is_raw;                                         /* the single member is no RTP */
    const struct plan_stream *members[PLAN_MAX_STREAMS]; /* borrowed */
    uint32_t ids[PLAN_MAX_STREAMS];                      /* of the members */
    int8_t by_payload[128];                              /* member, or below 0: none or several */
    uint32_t ssrc_count;
    uint32_t next_victim;
    struct demux_ssrc ssrcs[DEMUX_MAX_SSRCS];
};

/* Forgets everything. */
void demux_init(struct demux *d);

/* Adds a stream and returns its index. Borrows `stream` until the next demux_init(). */
int demux_add(struct demux *d, const struct plan_stream *stream);

/* The member the packet belongs to, or DEMUX_NONE. Learns the packet's SSRC. */
NODISCARD int demux_rtp(struct demux *d, const struct rtp_packet *packet);

/* The member that sends `ssrc`, as far as known; learns nothing. */
NODISCARD int demux_find_ssrc(const struct demux *d, uint32_t ssrc);

/* Packets of `ssrc` belong to the stream with this id, as far as there is one and nothing else is
 * known. */
void demux_learn(struct demux *d, uint32_t ssrc, uint32_t id);

/* Takes over what `from` has learned, for members that still are there (by stream id). The members
 * of `from` may be gone already. */
void demux_keep_learned(struct demux *d, const struct demux *from);

#endif
