/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/streams.h"

#include <assert.h>
#include <stdlib.h>

void rtpsec_streams_done(struct rtpsec_streams *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->list[i].stream);
    free(s->list);
    *s = (struct rtpsec_streams){0};
}

struct rtpsec_stream *rtpsec_streams_search(struct rtpsec_streams *s, uint32_t ssrc)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].ssrc == ssrc)
            return s->last = s->list[i].stream;
    return NULL;
}

/* There is room for as many entries as the next power of 2. */
static bool make_room(struct rtpsec_streams *s)
{
    size_t count = s->count;
    if ((count & (count - 1)) != 0)
        return true;
    size_t capacity = count == 0 ? 1 : count * 2;
    struct rtpsec_stream_entry *list = reallocarray(s->list, capacity, sizeof(*list));
    if (list == NULL)
        return false;
    s->list = list;
    return true;
}

struct rtpsec_stream *rtpsec_streams_add(struct rtpsec_streams *s, uint32_t ssrc)
{
    assert(!rtpsec_streams_full(s));
    struct rtpsec_stream *stream = malloc(sizeof(*stream));
    if (stream == NULL || !make_room(s)) {
        free(stream);
        return NULL;
    }
    stream->ssrc = ssrc;
    rtpsec_window_init(&stream->rtp, stream->rtp_seen, sizeof(stream->rtp_seen) * 8);
    rtpsec_window_init(&stream->rtcp, stream->rtcp_seen, sizeof(stream->rtcp_seen) * 8);
    s->list[s->count++] = (struct rtpsec_stream_entry){ssrc, stream};
    s->last = stream;
    rtpsec_streams_touch(s, stream);
    return stream;
}

void rtpsec_streams_skip_rtcp(struct rtpsec_stream *stream, uint32_t count)
{
    uint64_t highest = stream->rtcp.highest + count;
    if (count > 0)
        rtpsec_window_restore(
            &stream->rtcp, highest > RTPSEC_RTCP_INDEX_MAX ? RTPSEC_RTCP_INDEX_MAX : highest);
}

uint32_t rtpsec_streams_evict(struct rtpsec_streams *s)
{
    assert(s->count > 0);
    struct rtpsec_stream_entry *oldest = s->list;
    for (size_t i = 1; i < s->count; i++)
        if (s->list[i].stream->used < oldest->stream->used)
            oldest = &s->list[i];
    uint32_t ssrc = oldest->ssrc;
    free(oldest->stream);
    *oldest = s->list[--s->count];
    s->last = NULL;
    return ssrc;
}
