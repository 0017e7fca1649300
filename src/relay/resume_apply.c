/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/call_media.h"
#include "relay/dtls_path.h"
#include "relay/ice_path.h"
#include "relay/keys.h"
#include "relay/resume_media.h"

enum {
    GRACE_MS = 10000,      /* for checks to come, where others may have come since the save */
    RTP_SKIPPED = 1 << 13, /* a few times in a row, and the receiver still guesses the ROC */
    RTCP_SKIPPED = 1 << 20,
};

/* That long before the save, on this clock, which may be younger than that. */
static uint64_t moment(const struct relay_resume *resume, uint64_t ago_ms, uint64_t now_ms)
{
    uint64_t age_ms = resume->age_ms;
    return ago_ms < now_ms && age_ms < now_ms - ago_ms ? now_ms - ago_ms - age_ms : 0;
}

static const struct relay_resume_transport *find_transport(
    const struct relay_resume *resume, uint32_t id)
{
    for (uint32_t i = 0; i < resume->transport_count; i++)
        if (resume->transports[i].transport == id)
            return &resume->transports[i];
    return NULL;
}

static const struct relay_resume_stream *find_stream(const struct relay_resume *resume, uint32_t id)
{
    for (uint32_t i = 0; i < resume->stream_count; i++)
        if (resume->streams[i].stream == id)
            return &resume->streams[i];
    return NULL;
}

/* --- a transport -------------------------------------------------------------------------------
 */

/* A later offer or answer has opened a window of its own; what was learned about the same address
 * stays in use until something better shows up. */
static void resume_learning(struct learning *l, const struct relay_resume_learning *saved,
    bool same_window, uint64_t age_ms, uint64_t now_ms)
{
    if (!address_equal(&saved->signalled, &l->signalled) || !learning_may_learn(l))
        return;
    l->target = saved->target;
    if (!same_window)
        return;
    l->source = saved->source;
    l->best = saved->best;
    l->settled = saved->settled;
    l->window_end_ms = now_ms;
    if (saved->window_left_ms > age_ms)
        l->window_end_ms += saved->window_left_ms - age_ms;
}

static void resume_ice(struct transport *t, const struct relay_resume_transport *saved,
    const struct relay_resume *resume, uint64_t now_ms)
{
    if (t->ice == NULL || saved->ice == NULL || saved->ice_generation != t->plan.ice->generation)
        return;
    t->ice_active_ms = moment(resume, saved->ice_idle_ms, now_ms);
    ice_path_restore(
        t, saved->ice, resume->age_ms, relay_resume_jumps(resume) == 0 ? 0 : GRACE_MS, now_ms);
    for (unsigned i = 0; i < COUNT_OF(t->components); i++) {
        struct component *c = &t->components[i];
        c->consent_expired = c->selected.socket == NULL && saved->components[i].consent_expired;
    }
}

/* In their order, and never one that another transport has by now. */
static void resume_tuples(struct transport *t, const struct relay_resume_transport *saved)
{
    for (uint32_t i = 0; i < saved->tuple_count; i++) {
        const struct relay_resume_tuple *tuple = &saved->tuples[i];
        struct port *port = tuple->local < t->plan.local_count ? t->ports[tuple->local][0] : NULL;
        if (port == NULL || port->channel != PACKET_CHANNEL_SHARED)
            continue;
        const struct tuple *known = port_find_tuple(port, &tuple->remote);
        if (known == NULL || known->transport == t)
            port_bind_tuple(port, &tuple->remote, t, tuple->local);
    }
}

/* Without an association there are only the keys of an earlier one, until the next has connected.
 */
static void resume_dtls(struct component *c, const struct relay_resume_transport *saved)
{
    const struct relay_resume_component *from = &saved->components[c->index];
    if (saved->dtls_generation == c->transport->plan.dtls->generation &&
        (from->dtls == NULL || dtls_path_restore(c, from)))
        keys_restore(c, &from->rx, &from->tx);
}

void resume_transport(struct transport *t, const struct relay_resume *resume, uint64_t now_ms)
{
    const struct relay_resume_transport *saved = find_transport(resume, t->plan.id);
    if (saved == NULL)
        return;
    for (unsigned i = 0; i < COUNT_OF(t->components); i++) {
        const struct relay_resume_component *from = &saved->components[i];
        struct component *c = &t->components[i];
        resume_learning(&c->learning, &from->learning, saved->signalled == t->plan.signalled,
            resume->age_ms, now_ms);
        c->local = from->local < t->plan.local_count ? from->local : 0;
    }
    resume_tuples(t, saved);
    resume_ice(t, saved, resume, now_ms);
    if (t->plan.security != PLAN_DTLS)
        return;
    resume_dtls(&t->components[0], saved);
    if (!t->plan.rtcp_mux)
        resume_dtls(&t->components[1], saved);
}

/* --- statistics --------------------------------------------------------------------------------
 */

/* Neither before this clock began nor in the future. */
static void from_unix(uint64_t *at_ms, const struct relay *relay)
{
    int64_t offset_ms = relay->unix_offset_us / 1000;
    uint64_t now_ms = worker_now_ms(relay->worker);
    if (*at_ms == 0)
        return;
    *at_ms = (int64_t)*at_ms > offset_ms ? *at_ms - (uint64_t)offset_ms : 1;
    if (*at_ms > now_ms)
        *at_ms = now_ms;
}

static void resume_quality(
    struct ssrc_entry *entry, const struct quality *saved, struct relay *relay)
{
    if (saved == NULL || saved->interval_ms == 0 ||
        saved->progression_count > COUNT_OF(saved->progression))
        return;
    struct quality *quality = ssrc_entry_quality(entry, &relay->ssrcs);
    if (quality == NULL)
        return;
    *quality = *saved;
    from_unix(&quality->started_ms, relay);
    from_unix(&quality->last_ms, relay);
    from_unix(&quality->lowest.at_ms, relay);
    from_unix(&quality->highest.at_ms, relay);
}

static void resume_table(struct ssrc_table *table, const struct relay_resume_ssrc *saved,
    uint32_t count, const struct relay_resume *resume, struct relay *relay)
{
    uint64_t now_ms = worker_now_ms(relay->worker);
    for (uint32_t i = 0; i < count; i++, saved++) {
        struct ssrc_entry *entry =
            ssrc_table_restore(table, &relay->ssrcs, saved->ssrc, &saved->reception);
        if (entry == NULL)
            continue;
        entry->packets = saved->packets;
        entry->bytes = saved->bytes;
        entry->last_timestamp = saved->last_timestamp;
        entry->used_us = moment(resume, saved->idle_ms, now_ms) * 1000;
        entry->reported_lost = saved->reported_lost;
        entry->seq_known = saved->seq_known;
        entry->seq_last = saved->seq_last;
        entry->seq_shift = saved->seq_shift;
        resume_quality(entry, saved->quality, relay);
    }
}

static void resume_stream(struct stream *s, const struct relay_resume *resume, uint64_t now_ms)
{
    const struct relay_resume_stream *saved = find_stream(resume, s->plan.id);
    struct relay *relay = s->call->relay;
    if (saved == NULL)
        return;
    memcpy(s->in, saved->in, sizeof(s->in));
    memcpy(s->out, saved->out, sizeof(s->out));
    memcpy(s->last_packet_us, saved->last_packet_us, sizeof(s->last_packet_us));
    s->active_ms = moment(resume, saved->idle_ms, now_ms);
    resume_table(&s->ssrc_in, saved->ssrc_in, saved->ssrc_in_count, resume, relay);
    resume_table(&s->ssrc_out, saved->ssrc_out, saved->ssrc_out_count, resume, relay);
    if (saved->rtt_us != 0)
        stream_begin_round_trip(s);
    if (s->round_trip != NULL)
        s->round_trip->rtt_us = saved->rtt_us;
}

/* --- marks -------------------------------------------------------------------------------------
 */

static bool sends_to(const struct stream *s, const struct transport *t)
{
    for (uint8_t i = 0; i < s->sink_count; i++)
        if (s->sinks[i]->transport == t)
            return true;
    return false;
}

/* Whether the numbers of `ssrc` on their way out at `t` are those of a sender of SRTP, who uses
 * each once. */
static bool numbers_are_proven(const struct transport *t, uint32_t ssrc)
{
    bool proven = false;
    list_for_each (at, &t->call->streams) {
        const struct stream *s = CONTAINER_OF(at, struct stream, link);
        if (!sends_to(s, t) || ssrc_table_find(&s->ssrc_in, ssrc) == NULL)
            continue;
        if (s->transport == NULL || s->transport->plan.security == PLAN_PLAIN)
            return false;
        proven = true;
    }
    return proven;
}

/* What goes out next under this SSRC gets the number behind that of the mark. */
static void renumber(const struct transport *t, const struct rtpsec_mark *mark)
{
    list_for_each (at, &t->call->streams) {
        const struct stream *s = CONTAINER_OF(at, struct stream, link);
        struct ssrc_entry *entry =
            s->transport == t ? ssrc_table_find(&s->ssrc_out, mark->ssrc) : NULL;
        if (entry == NULL)
            continue;
        entry->seq_known = true;
        entry->seq_jumps = true;
        entry->seq_last = mark->seq;
    }
}

/* Where they may have got to since, at most. */
static struct rtpsec_mark skipped(
    const struct transport *t, const struct rtpsec_mark *mark, uint32_t jumps)
{
    struct rtpsec_mark later = *mark;
    if (jumps == 0 || !mark->has_rtp || numbers_are_proven(t, mark->ssrc))
        return later;
    uint64_t index = ((uint64_t)mark->roc << 16 | mark->seq) + (uint64_t)jumps * RTP_SKIPPED;
    if (index >> 48 != 0)
        index = UINT64_MAX; /* the end */
    later.seq = (uint16_t)index;
    later.roc = (uint32_t)(index >> 16);
    renumber(t, &later);
    return later;
}

static bool is_key_of(
    const struct relay_resume_session *saved, const struct rtpsec_session *session)
{
    const struct rtpsec_suite *suite = rtpsec_session_suite(session);
    return saved->suite == suite &&
           bytes_equal(bytes_of(saved->key, suite->key_len), rtpsec_session_key(session)) &&
           bytes_equal(bytes_of(saved->salt, suite->salt_len), rtpsec_session_salt(session));
}

/* A session that cannot have all its marks is none: packets are dropped then, but no index serves
 * twice. */
static void resume_session(const struct component *c, struct rtpsec_session **session,
    const struct relay_resume_session *saved, uint32_t jumps)
{
    if (*session == NULL || !is_key_of(saved, *session))
        return;
    rtpsec_session_begin_rtcp(*session, saved->rtcp_begin);
    for (uint32_t i = 0; i < saved->mark_count; i++) {
        struct rtpsec_mark mark = skipped(c->transport, &saved->marks[i], jumps);
        if (rtpsec_session_restore(*session, &mark))
            continue;
        rtpsec_session_free(*session);
        *session = NULL;
        keys_failed(c->transport);
        return;
    }
    if (saved->unsure)
        rtpsec_session_doubt(*session, 0);
}

static void resume_marks(struct component *c, const struct relay_resume *resume)
{
    const struct relay_resume_transport *saved = find_transport(resume, c->transport->plan.id);
    const uint32_t jumps = relay_resume_jumps(resume);
    if (saved != NULL) {
        const struct relay_resume_component *from = &saved->components[c->index];
        resume_session(c, &c->rx, &from->rx, 0);
        resume_session(c, &c->tx, &from->tx, jumps);
    }
    if (jumps == 0)
        return;
    if (c->rx != NULL)
        rtpsec_session_doubt(c->rx, 0);
    if (c->tx != NULL)
        rtpsec_session_doubt(c->tx, jumps * RTCP_SKIPPED);
}

static void resume_learned(struct transport *t, const struct relay_resume *resume)
{
    const struct relay_resume_transport *saved = find_transport(resume, t->plan.id);
    for (uint32_t i = 0; saved != NULL && t->bundle != NULL && i < saved->learned_count; i++)
        demux_learn(&t->bundle->demux, saved->learned[i].ssrc, saved->learned[i].stream);
}

void resume_streams(struct call_media *call, const struct relay_resume *resume, uint64_t now_ms)
{
    list_for_each (at, &call->streams)
        resume_stream(CONTAINER_OF(at, struct stream, link), resume, now_ms);
    list_for_each (at, &call->transports) {
        struct transport *t = CONTAINER_OF(at, struct transport, link);
        resume_learned(t, resume);
        for (unsigned i = 0; i < COUNT_OF(t->components); i++)
            resume_marks(&t->components[i], resume);
    }
}
