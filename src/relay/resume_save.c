/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/call_media.h"
#include "relay/dtls_path.h"
#include "relay/resume_media.h"

_Static_assert((int)RELAY_MAX_TUPLES == (int)PORT_MAX_TUPLES, "room for all tuples");
_Static_assert((int)RELAY_MAX_LEARNED == (int)DEMUX_MAX_SSRCS, "room for all that is learned");

struct saver {
    struct relay_resume *resume;
    bool failed;
    uint64_t now_ms;
    int64_t offset_ms; /* unix time less the worker's */
};

static void *take(struct saver *saver, size_t count, size_t size)
{
    void *memory = relay_resume_alloc(saver->resume, count, size);
    saver->failed |= memory == NULL && count > 0;
    return memory;
}

/* Packets may be younger than the worker's clock. */
static uint64_t age_ms(const struct saver *saver, uint64_t at_ms)
{
    return saver->now_ms > at_ms ? saver->now_ms - at_ms : 0;
}

static void save_session(
    struct saver *saver, const struct rtpsec_session *session, struct relay_resume_session *out)
{
    struct rtpsec_mark marks[RTPSEC_TX_SSRCS];
    if (session == NULL)
        return;
    struct bytes key = rtpsec_session_key(session), salt = rtpsec_session_salt(session);
    out->suite = rtpsec_session_suite(session);
    memcpy(out->key, key.data, key.len);
    memcpy(out->salt, salt.data, salt.len);
    out->rtcp_begin = rtpsec_session_rtcp_begin(session);
    out->unsure = rtpsec_session_is_unsure(session);
    size_t count = rtpsec_session_save(session, marks, COUNT_OF(marks));
    out->marks = take(saver, count, sizeof(marks[0]));
    if (out->marks == NULL)
        return;
    memcpy(out->marks, marks, count * sizeof(marks[0]));
    out->mark_count = (uint32_t)count;
}

static void save_dtls(
    struct saver *saver, const struct component *c, struct relay_resume_component *out)
{
    struct dtls_saved saved;
    if (!dtls_path_save(c, &saved, &out->dtls_peer, &out->dtls_local))
        return;
    out->dtls = take(saver, 1, sizeof(saved));
    if (out->dtls != NULL)
        *out->dtls = saved;
    explicit_bzero(&saved, sizeof(saved));
}

static void save_component(
    struct saver *saver, const struct component *c, struct relay_resume_component *out)
{
    const struct learning *l = &c->learning;
    out->local = c->local;
    out->consent_expired = c->consent_expired;
    out->learning = (struct relay_resume_learning){
        .signalled = l->signalled,
        .target = l->target,
        .source = l->source,
        .best = l->best,
        .settled = l->settled,
        .window_left_ms = l->window_end_ms > saver->now_ms ? l->window_end_ms - saver->now_ms : 0,
    };
    save_session(saver, c->rx, &out->rx);
    save_session(saver, c->tx, &out->tx);
    save_dtls(saver, c, out);
}

static void save_ice(
    struct saver *saver, const struct transport *t, struct relay_resume_transport *out)
{
    if (t->plan.ice == NULL || t->ice == NULL)
        return;
    out->ice_generation = t->plan.ice->generation;
    out->ice_idle_ms = age_ms(saver, t->ice_active_ms);
    out->ice = take(saver, 1, sizeof(*out->ice));
    if (out->ice != NULL)
        ice_agent_save(t->ice, saver->now_ms, out->ice);
}

static void save_tuples(
    struct saver *saver, const struct transport *t, struct relay_resume_transport *out)
{
    out->tuples = take(saver, list_count(&t->tuples), sizeof(*out->tuples));
    if (out->tuples == NULL)
        return;
    list_for_each (at, &t->tuples) {
        const struct tuple *tuple = CONTAINER_OF(at, struct tuple, link);
        out->tuples[out->tuple_count++] =
            (struct relay_resume_tuple){.remote = tuple->by_source.key, .local = tuple->index};
    }
}

static void save_learned(
    struct saver *saver, const struct transport *t, struct relay_resume_transport *out)
{
    const struct demux *demux = t->bundle != NULL ? &t->bundle->demux : NULL;
    if (demux == NULL)
        return;
    out->learned = take(saver, demux->ssrc_count, sizeof(*out->learned));
    for (uint32_t i = 0; i < demux->ssrc_count && out->learned != NULL; i++) {
        const struct demux_ssrc *from = &demux->ssrcs[i];
        if (!from->signalled)
            out->learned[out->learned_count++] = (struct relay_resume_learned){
                .ssrc = from->ssrc, .stream = demux->ids[from->member]};
    }
}

static void save_transport(
    struct saver *saver, const struct transport *t, struct relay_resume_transport *out)
{
    out->transport = t->plan.id;
    out->signalled = t->plan.signalled;
    if (t->plan.security == PLAN_DTLS)
        out->dtls_generation = t->plan.dtls->generation;
    save_ice(saver, t, out);
    for (unsigned i = 0; i < COUNT_OF(t->components); i++)
        save_component(saver, &t->components[i], &out->components[i]);
    save_tuples(saver, t, out);
    save_learned(saver, t, out);
}

static void to_unix(const struct saver *saver, uint64_t *at_ms)
{
    if (*at_ms != 0)
        *at_ms = (uint64_t)((int64_t)*at_ms + saver->offset_ms);
}

static struct quality *save_quality(struct saver *saver, const struct quality *quality)
{
    struct quality *out = quality != NULL ? take(saver, 1, sizeof(*out)) : NULL;
    if (out == NULL)
        return NULL;
    *out = *quality;
    to_unix(saver, &out->started_ms);
    to_unix(saver, &out->last_ms);
    to_unix(saver, &out->lowest.at_ms);
    to_unix(saver, &out->highest.at_ms);
    return out;
}

static struct relay_resume_ssrc save_ssrc(struct saver *saver, const struct ssrc_entry *entry)
{
    return (struct relay_resume_ssrc){
        .ssrc = entry->ssrc,
        .packets = entry->packets,
        .bytes = entry->bytes,
        .last_timestamp = entry->last_timestamp,
        .idle_ms = age_ms(saver, entry->used_us / 1000),
        .reported_lost = entry->reported_lost,
        .seq_known = entry->seq_known,
        .seq_last = entry->seq_last,
        .seq_shift = entry->seq_shift,
        .reception = entry->reception,
        .quality = save_quality(saver, entry->quality),
    };
}

static struct relay_resume_ssrc *save_table(
    struct saver *saver, const struct ssrc_table *table, uint32_t *count)
{
    struct relay_resume_ssrc *out = take(saver, table->count, sizeof(*out));
    for (const struct ssrc_entry *at = table->first; at != NULL && out != NULL; at = at->next)
        out[(*count)++] = save_ssrc(saver, at);
    return out;
}

static void save_stream(
    struct saver *saver, const struct stream *s, struct relay_resume_stream *out)
{
    out->stream = s->plan.id;
    memcpy(out->in, s->in, sizeof(out->in));
    memcpy(out->out, s->out, sizeof(out->out));
    memcpy(out->last_packet_us, s->last_packet_us, sizeof(out->last_packet_us));
    out->idle_ms = age_ms(saver, s->active_ms);
    out->rtt_us = s->round_trip != NULL ? s->round_trip->rtt_us : 0;
    out->ssrc_in = save_table(saver, &s->ssrc_in, &out->ssrc_in_count);
    out->ssrc_out = save_table(saver, &s->ssrc_out, &out->ssrc_out_count);
}

static void save_all(struct saver *saver, const struct call_media *call)
{
    struct relay_resume *out = saver->resume;
    out->transports = take(saver, list_count(&call->transports), sizeof(*out->transports));
    out->streams = take(saver, list_count(&call->streams), sizeof(*out->streams));
    if (saver->failed)
        return;
    list_for_each (at, &call->transports)
        save_transport(saver, CONTAINER_OF(at, struct transport, link),
            &out->transports[out->transport_count++]);
    list_for_each (at, &call->streams)
        save_stream(
            saver, CONTAINER_OF(at, struct stream, link), &out->streams[out->stream_count++]);
}

struct relay_resume *resume_save(const struct call_media *call, uint64_t now_ms)
{
    struct saver saver = {
        .resume = relay_resume_new(),
        .now_ms = now_ms,
        .offset_ms = call->relay->unix_offset_us / 1000,
    };
    if (saver.resume == NULL)
        return NULL;
    save_all(&saver, call);
    if (!saver.failed)
        return saver.resume;
    relay_resume_free(saver.resume);
    return NULL;
}
