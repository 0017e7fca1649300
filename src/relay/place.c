/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage behind decryption: a packet finds its stream, its source is judged and learned from,
 * and it is counted.
 */
#include "base/hot_path.h"
#include "mediaferry/rtcp.h"
#include "relay/call_media.h"
#include "relay/ice_path.h"
#include "relay/reports.h"
#include "relay/round.h"

/* Several streams ride on the transport (BUNDLE). */
static enum drop_reason find_member(struct inbound *in)
{
    struct transport *t = in->component->transport;
    struct rtp_packet rtp;
    if (rtp_parse_protected(packet_bytes(in->packet), &rtp) != RTP_OK)
        return DROP_RTP_MALFORMED;
    int member = demux_rtp(&t->bundle->demux, &rtp);
    if (member == DEMUX_NONE)
        return DROP_NO_STREAM;
    in->stream = t->bundle->streams[member];
    return DROP_NONE;
}

COLD static enum drop_reason find_stream_of_rtcp(struct inbound *in)
{
    struct bytes bytes = packet_bytes(in->packet);
    if (rtcp_check(bytes) != RTCP_OK)
        return DROP_RTCP_MALFORMED;
    in->stream = reports_find_stream(in->component->transport, bytes);
    return in->stream == NULL ? DROP_NO_STREAM : DROP_NONE;
}

static enum drop_reason find_stream(struct inbound *in)
{
    struct transport *t = in->component->transport;

    if (in->kind == KIND_RTCP)
        return find_stream_of_rtcp(in);
    if (in->kind == KIND_RTP &&
        (in->rtp.len == 0 || !rtp_padding_is_sound(packet_bytes(in->packet), &in->rtp)))
        return DROP_RTP_MALFORMED;
    if (t->stream == NULL)
        return DROP_NO_STREAM;
    if (in->kind == KIND_RTP && t->bundle != NULL)
        return find_member(in);
    in->stream = t->stream;
    return DROP_NONE;
}

/* Whether SRTP has proven who sent it. */
static bool is_authentic(const struct inbound *in)
{
    const struct plan_transport *plan = &in->component->transport->plan;
    if (plan->security == PLAN_SDES && in->kind != KIND_RTCP)
        return plan->srtp_rx != NULL && !plan->srtp_rx->unauthenticated_srtp;
    return plan->security != PLAN_PLAIN;
}

/* Without ICE. Stray RTCP on the port of RTP says nothing about where RTP goes (ng-protocol 3.13).
 */
COLD static enum drop_reason judge_source(const struct inbound *in, uint64_t now_ms)
{
    struct component *c = in->component;
    const struct transport *t = c->transport;
    const struct address *source = &in->packet->peer;

    if (in->kind == KIND_RTCP && c->index == 0 && !t->plan.rtcp_mux) {
        bool refused = t->plan.strict_source && !address_same_ip(source, &c->learning.target);
        return refused ? DROP_SOURCE_REFUSED : DROP_NONE;
    }
    return component_learn(c, source, in->local, is_authentic(in), now_ms);
}

/* RTP from where the party is known to be: there is nothing to learn or to judge. */
static bool is_settled(const struct inbound *in)
{
    const struct component *c = in->component;
    return in->kind == KIND_RTP && c->learning.settled && c->local == in->local &&
           address_equal(&in->packet->peer, &c->learning.source);
}

static void follow_pair(const struct inbound *in, uint64_t now_ms)
{
    struct transport *t = in->component->transport;
    struct ice_local local = {.component = (uint8_t)(in->component->index + 1), .index = in->local};
    if (ice_agent_saw_media(t->ice, &in->packet->peer, local, now_ms))
        ice_path_follow(t, now_ms);
}

static enum drop_reason find_stream_and_source(struct inbound *in, uint64_t now_ms)
{
    enum drop_reason drop = find_stream(in);
    if (drop != DROP_NONE)
        return drop;
    if (in->component->transport->ice == NULL)
        return is_settled(in) ? DROP_NONE : judge_source(in, now_ms);
    follow_pair(in, now_ms);
    return DROP_NONE;
}

static void count(const struct relay *relay, const struct inbound *in, uint64_t now_ms)
{
    struct stream *s = in->stream;
    unsigned which = in->kind == KIND_RTCP;

    s->in[which].packets++;
    s->in[which].bytes += in->packet->len;
    s->last_packet_us[which] = (int64_t)in->now_us + relay->unix_offset_us;
    s->active_ms = now_ms;
}

void round_refuse(const struct inbound *in, enum drop_reason why)
{
    struct transport *t = in->component->transport;
    struct stream *s = in->stream;
    /* Refused before it was told whose it is: the first stream of the transport is charged. */
    if (s == NULL)
        s = t->stream;
    if (s != NULL)
        s->in[in->kind == KIND_RTCP].errors++;
    transport_drop(t, in->packet, why);
}

/* False, with a drop verdict, when it goes no further. */
static bool place(struct relay *relay, struct inbound *in, uint64_t now_ms)
{
    enum drop_reason drop = find_stream_and_source(in, now_ms);
    if (drop != DROP_NONE) {
        round_refuse(in, drop);
        return false;
    }
    struct stream *s = in->stream;
    count(relay, in, now_ms);
    if (in->kind == KIND_RTCP) {
        /* It goes on while a party is on hold (RFC 3264, section 5.1). */
        reports_received(s, packet_bytes(in->packet), in->now_us);
        return true;
    }
    if (in->kind == KIND_RTP)
        in->order = (uint8_t)ssrc_table_count(&s->ssrc_in, &relay->ssrcs, &in->rtp, in->rtp.seq,
            in->packet->len, &s->plan, in->now_us);
    if (!s->plan.party_sends)
        in->packet->drop = DROP_NOT_SENDING;
    return s->plan.party_sends;
}

/* Those that go on are put side by side. */
void round_place(struct relay *relay, uint64_t now_ms)
{
    struct round *round = relay->round;
    size_t kept = 0;
    for (size_t i = 0; i < round->in_count; i++) {
        struct inbound *in = &round->in[i];
        if (in->packet->drop != DROP_NONE || !place(relay, in, now_ms))
            continue;
        if (kept != i)
            round->in[kept] = *in;
        kept++;
    }
    round->in_count = kept;
}
