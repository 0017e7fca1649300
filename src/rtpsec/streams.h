/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/streams.h - what a session knows of each SSRC: a small table that grows one by one.
 *
 * A stream stays where it is until it is evicted.
 */
#ifndef RTPSEC_STREAMS_H
#define RTPSEC_STREAMS_H

#include "rtpsec/window.h"

enum {
    RTPSEC_WINDOW_WORDS = 1024 / 64,
    RTPSEC_RTCP_WINDOW_WORDS = 128 / 64,
    RTPSEC_RTCP_INDEX_MAX = 0x7fffffff,
};

#define RTPSEC_RTP_INDEX_MAX ((UINT64_C(1) << 48) - 1)

struct rtpsec_stream {
    uint32_t ssrc;
    uint64_t used; /* when it last had a packet, in packets of the session */
    struct rtpsec_window rtp;
    struct rtpsec_window rtcp;
    uint64_t rtp_seen[RTPSEC_WINDOW_WORDS];
    uint64_t rtcp_seen[RTPSEC_RTCP_WINDOW_WORDS];
};

struct rtpsec_stream_entry {
    uint32_t ssrc;
    struct rtpsec_stream *stream;
};

struct rtpsec_streams {
    struct rtpsec_stream_entry *list; /* by SSRC, unordered */
    struct rtpsec_stream *last;       /* that was looked for: packets come in runs */
    uint64_t clock;
    uint16_t count;
    uint16_t limit;
};

void rtpsec_streams_done(struct rtpsec_streams *s);

/* The part of rtpsec_streams_find() for when it was not the last. */
struct rtpsec_stream *rtpsec_streams_search(struct rtpsec_streams *s, uint32_t ssrc);

/* Borrowed, or NULL when not known. */
static inline struct rtpsec_stream *rtpsec_streams_find(struct rtpsec_streams *s, uint32_t ssrc)
{
    if (s->last != NULL && s->last->ssrc == ssrc)
        return s->last;
    return rtpsec_streams_search(s, ssrc);
}

static inline bool rtpsec_streams_full(const struct rtpsec_streams *s)
{
    return s->count == s->limit;
}

/* Adds one that is not known, when the table is not full; NULL when out of memory. */
struct rtpsec_stream *rtpsec_streams_add(struct rtpsec_streams *s, uint32_t ssrc);

/* The next SRTCP index lies `count` further on, with 0 where it is. */
void rtpsec_streams_skip_rtcp(struct rtpsec_stream *stream, uint32_t count);

/* Removes the one idle longest from a table that is not empty, and returns its SSRC. */
uint32_t rtpsec_streams_evict(struct rtpsec_streams *s);

static inline void rtpsec_streams_touch(struct rtpsec_streams *s, struct rtpsec_stream *stream)
{
    stream->used = ++s->clock;
}

#endif
