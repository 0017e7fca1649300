/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/streams.h"

#include <assert.h>
#include <stdlib.h>

#include "rtpsec/session.h"

void rtpsec_streams_done(struct rtpsec_streams *s)
{
    free(s->list);
    *s = (struct rtpsec_streams){0};
}

struct rtpsec_stream *rtpsec_streams_find(struct rtpsec_streams *s, uint32_t ssrc)
{
    if (s->last < s->count && s->list[s->last].ssrc == ssrc)
        return &s->list[s->last];
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].ssrc == ssrc) {
            s->last = i;
            return &s->list[i];
        }
    }
    return NULL;
}

static bool grow(struct rtpsec_streams *s)
{
    size_t capacity = s->capacity == 0 ? 2 : s->capacity * 2;
    capacity = capacity < s->limit ? capacity : s->limit;
    struct rtpsec_stream *list = reallocarray(s->list, capacity, sizeof(*list));
    if (list == NULL)
        return false;
    s->list = list;
    s->capacity = capacity;
    return true;
}

struct rtpsec_stream *rtpsec_streams_add(struct rtpsec_streams *s, uint32_t ssrc)
{
    assert(!rtpsec_streams_full(s));
    if (s->count == s->capacity && !grow(s))
        return NULL;
    struct rtpsec_stream *stream = &s->list[s->count++];
    *stream = (struct rtpsec_stream){
        .ssrc = ssrc, .rtp.size = RTPSEC_WINDOW, .rtcp.size = RTPSEC_RTCP_WINDOW};
    rtpsec_streams_touch(s, stream);
    return stream;
}

uint32_t rtpsec_streams_evict(struct rtpsec_streams *s)
{
    assert(s->count > 0);
    struct rtpsec_stream *oldest = s->list;
    for (size_t i = 1; i < s->count; i++)
        if (s->list[i].used < oldest->used)
            oldest = &s->list[i];
    uint32_t ssrc = oldest->ssrc;
    *oldest = s->list[--s->count];
    return ssrc;
}
