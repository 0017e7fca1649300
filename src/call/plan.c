/* SPDX-License-Identifier: Apache-2.0 */
#include "call/plan.h"

#include "call/negotiate.h"
#include "call/write.h"
#include "plan/share.h"

enum { MAX_TRANSPORTS = 2 * PLAN_MAX_STREAMS };

/* A transport and the side that says what is agreed about it. */
struct ridden {
    struct transport *transport;
    const struct party *party;
    const struct side *side;
    bool is_current;
};

/* What is made lies in the arena of the call until plan_share() has taken it. */
struct planning {
    struct call *call;
    struct arena *arena;
    struct plan draft;
    struct ridden ridden[MAX_TRANSPORTS];
    uint32_t ridden_count;
    bool too_many;
};

static bool is_lead(const struct side *s)
{
    return s->bundle == 0 || s->is_bundle_tag;
}

static void note_side(
    struct planning *p, const struct party *party, const struct side *s, bool is_current)
{
    if (!side_is_open(s) || !is_lead(s))
        return;
    for (uint32_t i = 0; i < p->ridden_count; i++)
        if (p->ridden[i].transport == s->transport)
            return;
    if (p->ridden_count == MAX_TRANSPORTS) {
        p->too_many = true;
        return;
    }
    p->ridden[p->ridden_count++] = (struct ridden){s->transport, party, s, is_current};
}

/* What holds comes first; transports of an offer in progress are opened beside them. */
static void note_transports(struct planning *p)
{
    const struct call *call = p->call;
    for (uint32_t i = 0; i < call->party_count; i++) {
        const struct party *party = call->parties[i];
        for (uint32_t k = 0; k < party->section_count; k++)
            note_side(p, party, party->sections[k].current, true);
        for (uint32_t k = 0; k < party->section_count; k++)
            note_side(p, party, party->sections[k].pending, false);
    }
}

/* Terminated; never NULL unless memory is short. */
static char *string_of(struct arena *a, struct text text)
{
    char *string = arena_alloc(a, text.len + 1);
    if (string != NULL && text.len > 0)
        memcpy(string, text.data, text.len);
    return string;
}

static struct plan_ice *ice_of(struct arena *a, const struct ice_state *ice)
{
    struct plan_ice *out = ice->used ? arena_alloc(a, sizeof(*out)) : NULL;
    if (out == NULL)
        return NULL;
    *out = (struct plan_ice){
        .remote_lite = ice->lite,
        .generation = ice->generation,
        .local_ufrag = (char *)ice->ufrag,
        .local_pwd = (char *)ice->pwd,
        .remote_ufrag = string_of(a, ice->their_ufrag),
        .remote_pwd = string_of(a, ice->their_pwd),
        .candidate_count = ice->candidate_count,
        .candidates = ice->candidates,
    };
    return out;
}

static struct plan_dtls *dtls_of(struct arena *a, const struct dtls_state *dtls)
{
    struct plan_dtls *out = arena_alloc(a, sizeof(*out));
    if (out == NULL)
        return NULL;
    out->role = dtls->role;
    out->generation = dtls->generation;
    if (!dtls->theirs)
        return out;
    const char *hash = sdp_hash_name(dtls->hash);
    memcpy(out->hash, hash, strlen(hash));
    memcpy(out->digest, dtls->digest, dtls->digest_len);
    out->digest_len = dtls->digest_len;
    return out;
}

static void fill_security(
    const struct planning *p, const struct link *link, struct plan_transport *out)
{
    out->security = link->security;
    if (link->security == PLAN_SDES && link->sdes != NULL) {
        out->srtp_rx = &link->sdes->theirs.srtp;
        out->srtp_tx = &link->sdes->ours.srtp;
    }
    if (link->security == PLAN_DTLS)
        out->dtls = dtls_of(p->arena, &link->dtls);
}

/* Without ICE the first is the one to send from: the one that c= names. */
static struct plan_local *locals_of(const struct planning *p, const struct ridden *r)
{
    const struct transport *t = r->transport;
    struct plan_local *out = arena_alloc(p->arena, t->local_count * sizeof(*out));
    size_t first = r->side->link.ice.used ? 0 : (size_t)(write_local(r->side) - t->locals);
    for (uint8_t i = 0; out != NULL && i < t->local_count; i++) {
        const struct call_lease_local *local = &t->locals[(first + i) % t->local_count];
        out[i].lease = local->lease;
        out[i].rtp = local->bound_rtp;
        if (!t->rtcp_given_up)
            out[i].rtcp = local->bound_rtcp;
    }
    return out;
}

static void fill_transport(
    const struct planning *p, const struct ridden *r, struct plan_transport *out)
{
    struct transport *t = r->transport;
    const struct link *link = &r->side->link;
    *out = (struct plan_transport){
        .id = t->id,
        .local_count = t->local_count,
        .remote_rtp = link->rtp,
        .remote_rtcp = link->rtcp,
        .rtcp_mux = link->mux && (r->is_current || mux_is_sure(link)),
        /* Who sends to an address that was told to nobody yet is not the party. */
        .learning = r->side->told ? r->party->learning : PLAN_LEARN_OFF,
        .asymmetric = r->party->asymmetric,
        .strict_source = r->party->strict_source,
        .media_handover = r->party->media_handover,
        .signalled = t->signalled,
        .tos = p->call->tos,
        .ice = ice_of(p->arena, &link->ice),
    };
    if (out->rtcp_mux)
        out->remote_rtcp = link->rtp;
    /* An answer has settled it: the RTCP ports are closed for good. */
    t->rtcp_given_up = t->rtcp_given_up || (t->pair && out->rtcp_mux);
    out->locals = locals_of(p, r);
    fill_security(p, link, out);
}

static enum plan_timeout timeout_of(const struct side *s, bool is_heard)
{
    if (!s->told || !s->known)
        return PLAN_TIMEOUT_OFFER;
    return is_heard ? PLAN_TIMEOUT_MEDIA : PLAN_TIMEOUT_SILENT;
}

static void fill_stream(const struct planning *p, struct section *section, struct plan_stream *out)
{
    struct call *call = p->call;
    const struct side *s = section_side(section);
    if (section->stream == 0)
        section->stream = ++call->last_stream;
    *out = (struct plan_stream){
        .id = section->stream,
        .transport = s->transport->id,
        .kind = side_is_rtp(s) ? PLAN_STREAM_RTP : PLAN_STREAM_RAW,
        /* Nothing can come from one that does not know our address yet. */
        .party_sends = s->told && s->sends,
        .party_receives = s->receives,
        .feedback = (sdp_protocol_bits(s->protocol) & SDP_FEEDBACK) != 0,
        .strip_extensions = s->no_extensions,
        .timeout = timeout_of(s, s->sends),
        .mid_extension = s->mid_extension,
        .payload_count = s->payload_count,
        .payloads = s->payloads,
        .ssrc_count = s->ssrc_count,
        .ssrcs = s->ssrcs,
    };
    if (!s->plain && s->mid.len > 0 && s->mid.len < PLAN_MID_SIZE)
        out->mid = string_of(p->arena, s->mid);
}

/* From its offer on a party must be ready for what it asks to receive, and the other may send it
 * (RFC 3264, sections 5.1 and 8): until the answer both the old and the new direction hold. */
static void open_for_offer(
    const struct party *p, const struct party *peer, uint32_t index, struct plan_stream *out)
{
    const struct side *offered = p->sections[index].pending;
    if (offered == NULL || offered->rejected)
        return;
    out->party_receives = out->party_receives || offered->receives;
    if (peer == NULL || index >= peer->section_count)
        return;
    const struct side *asked = peer->sections[index].pending;
    bool is_asked = asked != NULL && !asked->rejected && asked->known && asked->receives;
    out->party_sends = out->party_sends || (offered->told && is_asked);
}

static uint32_t number_streams(struct call *call)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < call->party_count; i++)
        for (uint32_t k = 0; k < call->parties[i]->section_count; k++) {
            struct section *s = &call->parties[i]->sections[k];
            if (side_is_open(section_side(s)))
                count++;
            else
                s->stream = 0;
        }
    return count;
}

static void fill_streams(struct planning *p)
{
    struct call *call = p->call;
    struct plan_stream *next = p->draft.streams;
    for (uint32_t i = 0; i < call->party_count; i++)
        for (uint32_t k = 0; k < call->parties[i]->section_count; k++) {
            struct section *s = &call->parties[i]->sections[k];
            if (!side_is_open(section_side(s)))
                continue;
            fill_stream(p, s, next);
            open_for_offer(call->parties[i], call->parties[i]->current, k, next++);
        }
}

/* A party is heard by the one it talks to, as long as that one talks to it. */
static void connect(struct planning *planning)
{
    const struct call *call = planning->call;
    struct plan_stream *next = planning->draft.streams;
    for (uint32_t i = 0; i < call->party_count; i++) {
        const struct party *p = call->parties[i];
        const struct party *peer = p->current;
        for (uint32_t k = 0; k < p->section_count; k++) {
            if (p->sections[k].stream == 0)
                continue;
            struct plan_stream *stream = next++;
            bool is_heard = peer != NULL && peer->current == p && k < peer->section_count &&
                            peer->sections[k].stream != 0;
            if (!is_heard)
                continue;
            stream->sinks = &peer->sections[k].stream;
            stream->sink_count = 1;
        }
    }
}

enum call_status plan_make(struct call *call)
{
    struct planning p = {.call = call, .arena = &call->arena};
    note_transports(&p);
    uint32_t streams = number_streams(call);
    if (p.too_many || streams > PLAN_MAX_STREAMS)
        return CALL_TOO_LARGE;

    struct plan *plan = &p.draft;
    *plan = (struct plan){.transport_count = p.ridden_count, .stream_count = streams};
    if (p.ridden_count > 0)
        plan->transports = arena_alloc(p.arena, p.ridden_count * sizeof(*plan->transports));
    if (streams > 0)
        plan->streams = arena_alloc(p.arena, streams * sizeof(*plan->streams));
    if (p.arena->failed)
        return CALL_OUT_OF_MEMORY;
    for (uint32_t i = 0; i < p.ridden_count; i++)
        fill_transport(&p, &p.ridden[i], &plan->transports[i]);
    fill_streams(&p);
    connect(&p);
    call->plan = p.arena->failed ? NULL : plan_share(plan);
    return call->plan != NULL ? CALL_OK : CALL_OUT_OF_MEMORY;
}
