/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage behind decryption: a packet finds its stream, its source is judged and learned from,
 * and it is counted.
 */
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
    int member = demux_rtp(&t->demux, &rtp);
    if (member == DEMUX_NONE)
        return DROP_NO_STREAM;
    in->stream = t->streams[member];
    return DROP_NONE;
}

static enum drop_reason find_stream_of_rtcp(struct inbound *in)
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
    if (t->demux.member_count == 0)
        return DROP_NO_STREAM;
    if (in->kind == KIND_RTP && t->demux.member_count > 1)
        return find_member(in);
    in->stream = t->streams[0];
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

/* There is nothing to learn from it: the party is known to be there. */
static bool is_settled(const struct component *c, const struct address *source, uint8_t local)
{
    return c->learning.settled && c->local == local && address_equal(source, &c->learning.source);
}

/* Without ICE. Stray RTCP on the port of RTP says nothing about where RTP goes (ng-protocol 3.13).
 */
static enum drop_reason judge_source(const struct inbound *in, uint64_t now_ms)
{
    struct component *c = in->component;
    const struct transport *t = c->transport;
    const struct address *source = &in->packet->peer;

    if (in->kind == KIND_RTCP && c->index == 0 && !t->plan.rtcp_mux) {
        bool refused = t->plan.strict_source && !address_same_ip(source, &c->learning.target);
        return refused ? DROP_SOURCE_REFUSED : DROP_NONE;
    }
    if (is_settled(c, source, in->local))
        return DROP_NONE;
    return component_learn(c, source, in->local, is_authentic(in), now_ms);
}

static void follow_pair(const struct inbound *in, uint64_t now_ms)
{
    struct transport *t = in->component->transport;
    struct ice_local local = {.component = (uint8_t)(in->component->index + 1), .index = in->local};
    if (ice_agent_saw_media(t->ice, &in->packet->peer, local, now_ms))
        ice_path_follow(t, now_ms);
}

static void count(struct inbound *in, uint64_t now_ms)
{
    struct stream *s = in->stream;
    struct relay *relay = s->call->relay;
    unsigned which = in->kind == KIND_RTCP;

    s->in[which].packets++;
    s->in[which].bytes += in->packet->len;
    s->last_packet_us[which] = (int64_t)in->now_us + relay->unix_offset_us;
    s->active_ms = now_ms;
    if (in->kind == KIND_RTP)
        in->order = (uint8_t)ssrc_table_count(
            &s->ssrc_in, &relay->ssrcs, &in->rtp, in->packet->len, &s->plan, in->now_us);
    if (in->kind == KIND_RTCP)
        reports_received(s, packet_bytes(in->packet), in->now_us);
}

void round_refuse(struct inbound *in, enum drop_reason why)
{
    struct transport *t = in->component->transport;
    struct stream *s = in->stream;
    /* Refused before it was told whose it is: the first stream of the transport is charged. */
    if (s == NULL && t->demux.member_count > 0)
        s = t->streams[0];
    if (s != NULL)
        s->in[in->kind == KIND_RTCP].errors++;
    transport_drop(t, in->packet, why);
}

bool round_place(struct inbound *in, uint64_t now_ms)
{
    struct transport *t = in->component->transport;
    enum drop_reason drop = find_stream(in);

    if (drop == DROP_NONE && t->ice != NULL)
        follow_pair(in, now_ms);
    if (drop == DROP_NONE && t->ice == NULL)
        drop = judge_source(in, now_ms);
    if (drop != DROP_NONE) {
        round_refuse(in, drop);
        return false;
    }
    count(in, now_ms);
    /* RTCP goes on while a party is on hold (RFC 3264, section 5.1). */
    if (in->kind != KIND_RTCP && !in->stream->plan.party_sends) {
        in->packet->drop = DROP_NOT_SENDING;
        return false;
    }
    return true;
}
