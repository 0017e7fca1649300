/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/pipeline.h"

#include <stdlib.h>

#include "base/cache_line.h"
#include "base/hot_path.h"
#include "relay/round.h"

struct round *pipeline_round_new(void)
{
    return cache_line_calloc(1, sizeof(struct round));
}

void pipeline_round_free(struct round *round)
{
    free(round);
}

enum drop_reason round_srtp_drop(enum rtpsec_verdict verdict)
{
    switch (verdict) {
    case RTPSEC_OK:
        return DROP_NONE;
    case RTPSEC_AUTH_FAILED:
        return DROP_SRTP_AUTH;
    case RTPSEC_REPLAYED:
    case RTPSEC_TOO_OLD:
        return DROP_SRTP_REPLAY;
    case RTPSEC_NO_KEY:
        return DROP_NO_KEYS;
    case RTPSEC_MALFORMED:
    case RTPSEC_NO_ROOM:
    case RTPSEC_KEY_EXPIRED:
    case RTPSEC_TOO_MANY_SSRC:
    case RTPSEC_NOT_READY:
    case RTPSEC_ENGINE_FAILED:
        return DROP_SRTP_FAILED;
    }
    return DROP_SRTP_FAILED;
}

/* What each stage will look at is asked for while the one before is at work: with thousands of
 * streams nothing of a call is in the cache when its packet comes. */
static void fetch_ports(const struct packet_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        prefetch(batch->packets[i]->socket->user);
    for (size_t i = 0; i < batch->count; i++) {
        const struct port *port = batch->packets[i]->socket->user;
        if (port == NULL || port->transport == NULL)
            continue;
        const struct transport *t = port->transport;
        prefetch(&t->ice);
        prefetch(&t->plan.security);
        prefetch(&t->components[port->channel == PACKET_CHANNEL_RTCP ? 1 : 0].learning);
    }
}

static const struct stream *likely_stream(const struct inbound *in)
{
    return in->component->transport->stream;
}

static void fetch_streams(const struct round *round)
{
    for (size_t i = 0; i < round->in_count; i++) {
        const struct stream *s = likely_stream(&round->in[i]);
        if (s == NULL)
            continue;
        prefetch(&s->plan.party_sends);
        prefetch(&s->sink_count);
        prefetch(&s->in);
        prefetch(&s->ssrc_in);
    }
}

static void fetch_ssrc(const struct ssrc_table *table)
{
    if (table->first == NULL)
        return;
    prefetch(table->first);
    prefetch(&table->first->reception.received);
}

static void fetch_sinks(const struct round *round)
{
    for (size_t i = 0; i < round->in_count; i++) {
        const struct stream *s = likely_stream(&round->in[i]);
        if (s == NULL || s->sink_count == 0)
            continue;
        fetch_ssrc(&s->ssrc_in);
        prefetch(&s->sinks[0]->plan.party_receives);
        prefetch(&s->sinks[0]->transport);
        prefetch(&s->sinks[0]->out);
        prefetch(&s->sinks[0]->ssrc_out);
    }
}

static void fetch_ways(const struct round *round)
{
    for (size_t i = 0; i < round->in_count; i++) {
        const struct stream *s = likely_stream(&round->in[i]);
        if (s == NULL || s->sink_count == 0 || s->sinks[0]->transport == NULL)
            continue;
        const struct transport *t = s->sinks[0]->transport;
        fetch_ssrc(&s->sinks[0]->ssrc_out);
        prefetch(&t->ice);
        prefetch(&t->plan.security);
        prefetch(&t->components[0].learning.target);
        prefetch(&t->first_port);
    }
}

static struct rtpsec_packet job_of(const struct inbound *in)
{
    struct packet *packet = in->packet;
    return (struct rtpsec_packet){
        .session = component_keys(in->component)->rx,
        .data = packet->data,
        .len = packet->len,
        .capacity = packet->len + packet_tailroom(packet),
        .is_rtcp = in->kind == KIND_RTCP,
        .header_len = in->kind == KIND_RTP ? in->rtp.len : 0,
        .seq = in->rtp.seq,
        .ssrc = in->rtp.ssrc,
    };
}

static void unprotect(struct round *round)
{
    size_t count = 0;
    for (size_t i = 0; i < round->in_count; i++) {
        const struct inbound *in = &round->in[i];
        if (in->component->transport->plan.security == PLAN_PLAIN)
            continue;
        round->owners[count] = i;
        round->jobs[count++] = job_of(in);
    }
    if (count > 0)
        rtpsec_unprotect(round->jobs, count);
    for (size_t i = 0; i < count; i++) {
        struct inbound *in = &round->in[round->owners[i]];
        in->packet->len = round->jobs[i].len;
        enum drop_reason drop = round_srtp_drop(round->jobs[i].verdict);
        if (drop != DROP_NONE)
            round_refuse(in, drop);
    }
}

void pipeline_run(struct relay *relay, struct packet_batch *batch, uint64_t now_ms)
{
    struct round *round = relay->round;

    round->in_count = 0;
    fetch_ports(batch);
    round_admit(relay, batch);
    fetch_streams(round);
    unprotect(round);
    fetch_sinks(round);
    fetch_ways(round);
    round_place(relay, now_ms);
    round_fan_out(relay);
    round_flush(relay);
    if (!slow_lane_is_empty(&relay->slow_lane))
        worker_stay_awake(relay->module);
}

/* The loop's clock may be a millisecond old by now; to what is slow that is all the same. */
static void handle(void *owner, struct packet *packet)
{
    struct relay *relay = owner;
    round_admit_slow(relay, packet, worker_now_ms(relay->worker));
}

void pipeline_slow_init(struct relay *relay)
{
    relay->slow_lane = (struct slow_lane){.owner = relay, .clock_ns = uv_hrtime, .handle = handle};
    slow_lane_init(&relay->slow_lane);
}

void pipeline_slow_turn(struct relay *relay)
{
    slow_lane_turn(&relay->slow_lane);
    if (!slow_lane_is_empty(&relay->slow_lane))
        worker_stay_awake(relay->module);
}

void pipeline_slow_forget(struct relay *relay, const struct packet_socket *socket)
{
    struct packet *packet;
    while ((packet = slow_lane_take_back(&relay->slow_lane, socket)) != NULL) {
        packet->drop = DROP_NO_TRANSPORT;
        worker_discard(relay->worker, packet);
    }
}
