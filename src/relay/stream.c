/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/stream.h"

#include <stdlib.h>

#include "relay/call_media.h"

struct stream *stream_new(struct call_media *call, uint32_t id, uint64_t now_ms)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->call = call;
    s->plan.id = id;
    s->active_ms = now_ms;
    list_push_back(&call->streams, &s->link);
    counter_add(&call->relay->counters.streams, 1);
    return s;
}

void stream_apply(struct stream *s, const struct plan_stream *plan, uint64_t now_ms)
{
    /* After an hour on hold the timeout for media begins anew. */
    if (s->plan.timeout != plan->timeout)
        s->active_ms = now_ms;
    s->plan = *plan;
}

void stream_begin_round_trip(struct stream *s)
{
    s->round_trip = pool_take(&s->call->relay->round_trips);
    if (s->round_trip != NULL)
        *s->round_trip = (struct round_trip){0};
}

void stream_free(struct stream *s)
{
    struct relay *relay = s->call->relay;
    ssrc_table_done(&s->ssrc_in, &relay->ssrcs);
    ssrc_table_done(&s->ssrc_out, &relay->ssrcs);
    pool_give(&relay->round_trips, s->round_trip);
    list_remove(&s->link);
    counter_subtract(&relay->counters.streams, 1);
    free(s);
}
