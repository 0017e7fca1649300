/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/streams.h - what a session knows of each SSRC: a small table.
 *
 * Grows as needed, up to a limit. Pointers into it hold until the next addition.
 */
#ifndef RTPSEC_STREAMS_H
#define RTPSEC_STREAMS_H

#include "rtpsec/window.h"

struct rtpsec_stream {
    uint32_t ssrc;
    uint64_t used; /* when it last had a packet, in packets of the session */
    struct rtpsec_window rtp;
    struct rtpsec_window rtcp;
};

struct rtpsec_streams {
    struct rtpsec_stream *list;
    size_t count;
    size_t capacity;
    size_t limit;
    size_t last; /* where the last search ended: packets come in runs */
    uint64_t clock;
};

void rtpsec_streams_done(struct rtpsec_streams *s);

/* Borrowed, or NULL when not known. */
struct rtpsec_stream *rtpsec_streams_find(struct rtpsec_streams *s, uint32_t ssrc);

static inline bool rtpsec_streams_full(const struct rtpsec_streams *s)
{
    return s->count == s->limit;
}

/* Adds one that is not known, when the table is not full; NULL when out of memory. */
struct rtpsec_stream *rtpsec_streams_add(struct rtpsec_streams *s, uint32_t ssrc);

/* Removes the one idle longest from a table that is not empty, and returns its SSRC. */
uint32_t rtpsec_streams_evict(struct rtpsec_streams *s);

static inline void rtpsec_streams_touch(struct rtpsec_streams *s, struct rtpsec_stream *stream)
{
    stream->used = ++s->clock;
}

#endif
