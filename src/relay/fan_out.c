/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stages: a packet for each sink, rewritten to what its party understands, protected with
 * its keys, and sent. SSRC and timestamp stay as they came, and so does the sequence number, unless
 * a plain sender has started anew: see keep_sequence().
 */
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
    return in->kind == KIND_RTP && in->component->transport->plan.security == PLAN_PLAIN &&
           to->plan.security != PLAN_PLAIN;
}

/* How far `seq` is ahead of `of`; below 0: behind. */
static int seq_ahead(unsigned seq, unsigned of)
{
    return (int16_t)(uint16_t)(seq - of);
}

/* SRTP can send no number twice, and its receiver would drop it (RFC 3711, section 3.3.2). So where
 * a plain sender starts anew under its old SSRC, heard or unheard, the numbers go on where they
 * stopped. */
static void keep_sequence(struct outbound *out)
{
    uint16_t seq = out->in->rtp.seq;
    struct ssrc_entry *entry = ssrc_table_find(&out->sink->ssrc_out, out->in->rtp.ssrc);
    if (entry == NULL)
        return;
    if (!entry->seq_known)
        entry->seq_last = (uint16_t)reception_highest(&entry->reception);
    entry->seq_known = true;
    if (out->in->order == RECEPTION_RESTARTED ||
        seq_ahead(seq + entry->seq_shift, entry->seq_last) <= -RTPSEC_WINDOW)
        entry->seq_shift = (uint16_t)(entry->seq_last + 1 - seq);
    out->seq = (uint16_t)(seq + entry->seq_shift);
    if (seq_ahead(out->seq, entry->seq_last) > 0)
        entry->seq_last = out->seq;
    if (out->seq != seq)
        rtp_set_seq(out->packet->data, out->seq);
}

/* Takes out what the party does not understand. False when nothing is left. */
static bool rewrite(struct outbound *out)
{
    struct packet *p = out->packet;
    const struct plan_stream *sink = &out->sink->plan;

    if (out->kind == KIND_RTP && sink->strip_extensions) {
        size_t offset = rtp_strip_extension(p->data, p->len);
        p->data += offset;
        p->len -= offset;
    }
    if (out->kind == KIND_RTCP && !sink->feedback)
        p->len = rtcp_strip_feedback(p->data, p->len);
    out->plain_len = p->len;
    return p->len > 0;
}

static void count(struct relay *relay, const struct outbound *out)
{
    struct stream *s = out->sink;
    unsigned which = out->kind == KIND_RTCP;
    s->out[which].packets++;
    s->out[which].bytes += out->plain_len;
    counter_add(&relay->counters.relayed_packets, 1);
    counter_add(&relay->counters.relayed_bytes, out->packet->len);
    if (out->kind != KIND_RTP)
        return;
    struct rtp_packet rtp = out->in->rtp;
    rtp.seq = out->seq;
    ssrc_table_count(&s->ssrc_out, &relay->ssrcs, &rtp, out->plain_len, &s->plan,
        out->packet->arrival_ns / 1000);
}

static void send_out(struct relay *relay, const struct outbound *out)
{
    count(relay, out);
    out->packet->socket = out->route.socket;
    out->packet->peer = out->route.remote;
    worker_send(relay->worker, out->packet);
}

static void protect(struct round *round)
{
    size_t count = 0;
    for (size_t i = 0; i < round->out_count; i++) {
        const struct outbound *out = &round->out[i];
        if (out->component->transport->plan.security == PLAN_PLAIN)
            continue;
        round->owners[count] = i;
        round->jobs[count++] = (struct rtpsec_packet){
            .session = component_keys(out->component)->tx,
            .data = out->packet->data,
            .len = out->packet->len,
            .capacity = out->packet->len + packet_tailroom(out->packet),
            .is_rtcp = out->kind == KIND_RTCP,
        };
    }
    rtpsec_protect(round->jobs, count);
    for (size_t i = 0; i < count; i++) {
        struct outbound *out = &round->out[round->owners[i]];
        out->packet->len = round->jobs[i].len;
        out->packet->drop = round_srtp_drop(round->jobs[i].verdict);
    }
}

void round_flush(struct relay *relay)
{
    struct round *round = relay->round;
    protect(round);
    for (size_t i = 0; i < round->out_count; i++) {
        const struct outbound *out = &round->out[i];
        if (out->packet->drop == DROP_NONE)
            send_out(relay, out);
        else
            drop_out(relay, out, out->packet->drop);
    }
    round->out_count = 0;
}

/* Where a packet for `sink` leaves; DROP_NONE, or why it cannot. */
static enum drop_reason find_way(
    struct stream *sink, const struct inbound *in, struct outbound *out)
{
    struct transport *t = sink->transport;
    *out = (struct outbound){
        .sink = sink,
        .kind = in->kind,
        .in = in,
        .seq = in->rtp.seq,
        .component = in->kind == KIND_RTCP ? transport_rtcp(t) : &t->components[0],
    };
    if (in->kind != KIND_RTCP && !sink->plan.party_receives)
        return DROP_NOT_RECEIVING;
    if (goes_from_plain_to_srtp(in, t) && in->order == RECEPTION_STRAY)
        return DROP_STRAY;
    return component_route(out->component, &out->route);
}

static void queue_out(struct relay *relay, struct outbound *out)
{
    struct round *round = relay->round;
    if (out->kind == KIND_RTCP)
        reports_sent(out->sink, packet_bytes(out->packet), out->packet->arrival_ns / 1000);
    if (!rewrite(out)) {
        let_go(relay, out, DROP_FEEDBACK); /* as agreed: no error */
        return;
    }
    if (goes_from_plain_to_srtp(out->in, out->component->transport))
        keep_sequence(out);
    if (round->out_count == COUNT_OF(round->out))
        round_flush(relay);
    round->out[round->out_count++] = *out;
}

static void queue_copy(struct relay *relay, struct outbound *out, const struct packet *original)
{
    out->packet = worker_packet_copy(relay->worker, original);
    out->is_copy = true;
    if (out->packet == NULL) {
        out->sink->out[out->kind == KIND_RTCP].errors++;
        return;
    }
    counter_add(&relay->counters.copies, 1);
    queue_out(relay, out);
}

/* The original goes to the last sink that takes it: copies are made before it is rewritten. */
void round_fan_out(struct relay *relay, struct inbound *in)
{
    struct stream *source = in->stream;
    struct outbound out, last;
    enum drop_reason why = DROP_NO_SINK;
    bool has_last = false;

    for (uint8_t i = 0; i < source->sink_count; i++) {
        enum drop_reason drop = find_way(source->sinks[i], in, &out);
        if (drop != DROP_NONE) {
            why = drop;
            continue;
        }
        if (has_last)
            queue_copy(relay, &last, in->packet);
        last = out;
        has_last = true;
    }
    if (!has_last) {
        transport_drop(in->component->transport, in->packet, why);
        return;
    }
    last.packet = in->packet;
    queue_out(relay, &last);
}
