/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/stream.h"

#include <stdlib.h>

#include "relay/call_media.h"

static void on_new_ssrc(struct ssrc_table *table)
{
    call_media_changed(CONTAINER_OF(table, struct stream, ssrc_in)->call);
}

struct stream *stream_new(struct call_media *call, uint32_t id, uint64_t now_ms)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->call = call;
    s->plan.id = id;
    s->active_ms = now_ms;
    s->ssrc_in.on_new = on_new_ssrc;
    s->sinks = s->first_sink;
    s->sink_room = COUNT_OF(s->first_sink);
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

static void free_sinks(struct stream *s)
{
    if (s->sinks != s->first_sink)
        free(s->sinks);
}

void stream_add_sink(struct stream *s, struct stream *sink)
{
    if (s->sink_count == s->sink_room) {
        struct stream **all = calloc(PLAN_MAX_SINKS, sizeof(*all));
        if (all == NULL || s->sink_count == PLAN_MAX_SINKS) {
            free(all);
            counter_add(&s->call->relay->counters.errors, 1);
            return;
        }
        memcpy(all, s->sinks, s->sink_count * sizeof(*all));
        free_sinks(s);
        s->sinks = all;
        s->sink_room = PLAN_MAX_SINKS;
    }
    s->sinks[s->sink_count++] = sink;
}

void stream_free(struct stream *s)
{
    free_sinks(s);
    struct relay *relay = s->call->relay;
    ssrc_table_done(&s->ssrc_in, &relay->ssrcs);
    ssrc_table_done(&s->ssrc_out, &relay->ssrcs);
    pool_give(&relay->round_trips, s->round_trip);
    list_remove(&s->link);
    counter_subtract(&relay->counters.streams, 1);
    free(s);
}
