/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stages: a packet for each sink, rewritten to what its party understands, protected with
 * its keys, and sent. SSRC and timestamp stay as they came, and so does the sequence number, unless
 * a plain sender has started anew: see keep_sequence().
 */
#include "base/hot_path.h"
#include "mediaferry/rtcp.h"
#include "relay/call_media.h"
#include "relay/reports.h"
#include "relay/round.h"

static void let_go(struct relay *relay, const struct outbound *out, enum drop_reason reason)
{
    transport_drop(out->component->transport, out->packet, reason);
    if (out->is_copy)
        worker_discard(relay->worker, out->packet);
}

static void drop_out(struct relay *relay, const struct outbound *out, enum drop_reason reason)
{
    out->sink->out[out->kind == KIND_RTCP].errors++;
    let_go(relay, out, reason);
}

static bool goes_from_plain_to_srtp(const struct inbound *in, const struct transport *to)
{
    return to->plan.security != PLAN_PLAIN && in->kind == KIND_RTP &&
           in->component->transport->plan.security == PLAN_PLAIN;
}

/* How far `seq` is ahead of `of`; below 0: behind. */
static int seq_ahead(unsigned seq, unsigned of)
{
    return (int16_t)(uint16_t)(seq - of);
}

/* SRTP can send no number twice, and its receiver would drop it (RFC 3711, section 3.3.2). So where
 * a plain sender starts anew under its old SSRC, heard or unheard, the numbers go on where they
 * stopped. So they do where others may have sent since (relay/resume.h). */
static void keep_sequence(struct outbound *out)
{
    uint16_t seq = out->in->rtp.seq;
    struct ssrc_entry *entry = ssrc_table_find(&out->sink->ssrc_out, out->in->rtp.ssrc);
    if (entry == NULL)
        return;
    if (!entry->seq_known)
        entry->seq_last = (uint16_t)reception_highest(&entry->reception);
    entry->seq_known = true;
    if (entry->seq_jumps || out->in->order == RECEPTION_RESTARTED ||
        seq_ahead(seq + entry->seq_shift, entry->seq_last) <= -RTPSEC_WINDOW)
        entry->seq_shift = (uint16_t)(entry->seq_last + 1 - seq);
    entry->seq_jumps = false;
    out->seq = (uint16_t)(seq + entry->seq_shift);
    if (seq_ahead(out->seq, entry->seq_last) > 0)
        entry->seq_last = out->seq;
    if (out->seq != seq)
        rtp_set_seq(out->packet->data, out->seq);
}

COLD static void strip_extension(struct outbound *out)
{
    struct packet *p = out->packet;
    size_t offset = rtp_strip_extension(p->data, p->len);
    p->data += offset;
    p->len -= offset;
    out->header_len = (uint16_t)(out->header_len - offset);
}

/* What the party does not understand goes. False when nothing is left. */
COLD static bool rewrite_rtcp(const struct outbound *out)
{
    struct packet *p = out->packet;
    reports_sent(out->sink, packet_bytes(p), out->in->now_us);
    if (!out->sink->plan.feedback)
        p->len = rtcp_strip_feedback(p->data, p->len);
    return p->len > 0;
}

static void count(struct relay *relay, const struct outbound *out)
{
    struct stream *s = out->sink;
    unsigned which = out->kind == KIND_RTCP;
    s->out[which].packets++;
    s->out[which].bytes += out->plain_len;
    if (out->kind != KIND_RTP)
        return;
    ssrc_table_count(&s->ssrc_out, &relay->ssrcs, &out->in->rtp, out->seq, out->plain_len, &s->plan,
        out->in->now_us);
}

static struct rtpsec_packet job_of(const struct outbound *out)
{
    struct packet *packet = out->packet;
    return (struct rtpsec_packet){
        .session = component_keys(out->component)->tx,
        .data = packet->data,
        .len = packet->len,
        .capacity = packet->len + packet_tailroom(packet),
        .is_rtcp = out->kind == KIND_RTCP,
        .header_len = out->kind == KIND_RTP ? out->header_len : 0,
        .seq = out->seq,
        .ssrc = out->in->rtp.ssrc,
    };
}

static void protect(struct round *round)
{
    size_t count = 0;
    for (size_t i = 0; i < round->out_count; i++) {
        if (!round->out[i].is_secure)
            continue;
        round->owners[count] = i;
        round->jobs[count++] = job_of(&round->out[i]);
    }
    if (count > 0)
        rtpsec_protect(round->jobs, count);
    for (size_t i = 0; i < count; i++) {
        const struct outbound *out = &round->out[round->owners[i]];
        out->packet->len = round->jobs[i].len;
        out->packet->drop = round_srtp_drop(round->jobs[i].verdict);
    }
}

void round_flush(struct relay *relay)
{
    struct round *round = relay->round;
    uint64_t packets = 0, bytes = 0;

    protect(round);
    for (size_t i = 0; i < round->out_count; i++) {
        const struct outbound *out = &round->out[i];
        if (out->packet->drop != DROP_NONE) {
            drop_out(relay, out, out->packet->drop);
            continue;
        }
        count(relay, out);
        packets++;
        bytes += out->packet->len;
        worker_send(relay->worker, out->packet);
    }
    round->out_count = 0;
    counter_add(&relay->counters.relayed_packets, packets);
    counter_add(&relay->counters.relayed_bytes, bytes);
}

static struct component *component_for(const struct stream *sink, const struct inbound *in)
{
    struct transport *t = sink->transport;
    return in->kind == KIND_RTCP ? transport_rtcp(t) : &t->components[0];
}

/* As component_route(), of which it knows the most common case. */
static enum drop_reason find_route(const struct component *c, struct route *out)
{
    const struct transport *t = c->transport;
    const struct port *port = t->ports[c->local][c->index];
    if (t->ice != NULL || port == NULL || port->socket == NULL ||
        c->learning.target.family == ADDRESS_NONE)
        return component_route(c, out);
    out->socket = port->socket;
    out->remote = c->learning.target;
    return DROP_NONE;
}

/* DROP_NONE and the way of a packet to `sink`, or why there is none. */
static enum drop_reason find_way(
    const struct stream *sink, const struct inbound *in, struct route *out)
{
    if (in->kind != KIND_RTCP && !sink->plan.party_receives)
        return DROP_NOT_RECEIVING;
    if (in->order == RECEPTION_STRAY && goes_from_plain_to_srtp(in, sink->transport))
        return DROP_STRAY;
    return find_route(component_for(sink, in), out);
}

/* Sends `packet` to `sink`: it is the one that came in, or a copy of it. */
HOT void queue_out(struct relay *relay, struct stream *sink, const struct inbound *in,
    struct packet *packet, const struct route *route)
{
    struct round *round = relay->round;
    if (round->out_count == COUNT_OF(round->out))
        round_flush(relay);

    struct outbound *out = &round->out[round->out_count];
    out->packet = packet;
    out->sink = sink;
    out->component = component_for(sink, in);
    out->in = in;
    out->seq = in->rtp.seq;
    out->header_len = in->rtp.len;
    out->kind = in->kind;
    out->is_copy = packet != in->packet;
    out->is_secure = sink->transport->plan.security != PLAN_PLAIN;
    packet->socket = route->socket;
    packet->peer = route->remote;
    if (out->kind == KIND_RTP && sink->plan.strip_extensions)
        strip_extension(out);
    if (out->kind == KIND_RTCP && !rewrite_rtcp(out)) {
        let_go(relay, out, DROP_FEEDBACK); /* as agreed: no error */
        return;
    }
    out->plain_len = (uint32_t)packet->len;
    if (out->is_secure && goes_from_plain_to_srtp(in, sink->transport))
        keep_sequence(out);
    round->out_count++;
}

COLD static void queue_copy(struct relay *relay, struct stream *sink, const struct inbound *in)
{
    struct route route;
    if (find_way(sink, in, &route) != DROP_NONE)
        return;
    struct packet *copy = worker_packet_copy(relay->worker, in->packet);
    if (copy == NULL) {
        sink->out[in->kind == KIND_RTCP].errors++;
        return;
    }
    counter_add(&relay->counters.copies, 1);
    queue_out(relay, sink, in, copy, &route);
}

/* The original goes to the last sink that takes it: copies are made before it is rewritten. */
static void fan_out(struct relay *relay, const struct inbound *in)
{
    const struct stream *source = in->stream;
    enum drop_reason why = DROP_NO_SINK;
    struct route route;
    unsigned last = source->sink_count;

    while (last > 0 && (why = find_way(source->sinks[last - 1], in, &route)) != DROP_NONE)
        last--;
    if (last == 0) {
        transport_drop(in->component->transport, in->packet, why);
        return;
    }
    for (unsigned i = 0; i + 1 < last; i++)
        queue_copy(relay, source->sinks[i], in);
    queue_out(relay, source->sinks[last - 1], in, in->packet, &route);
}

void round_fan_out(struct relay *relay)
{
    const struct round *round = relay->round;
    for (size_t i = 0; i < round->in_count; i++)
        fan_out(relay, &round->in[i]);
}
