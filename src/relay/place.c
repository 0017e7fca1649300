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

static enum drop_reason find_stream(struct inbound *in)
{
    struct transport *t = in->component->transport;
    struct bytes bytes = packet_bytes(in->packet);
    int member = t->demux.member_count > 0 ? 0 : DEMUX_NONE;

    if (in->kind == KIND_RTCP) {
        if (rtcp_check(bytes) != RTCP_OK)
            return DROP_RTCP_MALFORMED;
        in->stream = reports_find_stream(t, bytes);
        return in->stream == NULL ? DROP_NO_STREAM : DROP_NONE;
    }
    if (in->kind == KIND_RTP) {
        if (rtp_parse(bytes, &in->rtp) != RTP_OK)
            return DROP_RTP_MALFORMED;
        member = demux_rtp(&t->demux, &in->rtp);
    }
    if (member == DEMUX_NONE)
        return DROP_NO_STREAM;
    in->stream = t->streams[member];
    return DROP_NONE;
}

/* Whether SRTP has proven who sent it. */
static bool is_authentic(const struct inbound *in)
{
    const struct plan_transport *plan = &in->component->transport->plan;
    if (plan->security == PLAN_SDES && in->kind != KIND_RTCP)
        return !plan->srtp_rx.unauthenticated_srtp;
    return plan->security != PLAN_PLAIN;
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
    uint64_t now_us = in->packet->arrival_ns / 1000;

    s->in[which].packets++;
    s->in[which].bytes += in->packet->len;
    s->last_packet_us[which] = (int64_t)now_us + relay->unix_offset_us;
    s->active_ms = now_ms;
    if (in->kind == KIND_RTP)
        in->order = ssrc_table_count(
            &s->ssrc_in, &relay->ssrcs, &in->rtp, in->packet->len, &s->plan, now_us);
    if (in->kind == KIND_RTCP)
        reports_received(s, packet_bytes(in->packet), now_us);
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
