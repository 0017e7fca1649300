/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/snapshot.h"

#include <stdlib.h>

#include "dtls/association.h"
#include "relay/call_media.h"
#include "rtpsec/session.h"

struct snapshot_request {
    struct message message;
    struct relay *relay;
    struct relay_listener listener;
    uint64_t token;
    struct relay_snapshot snapshot;
};

struct snapshot_request *snapshot_request_new(struct relay *relay, uint64_t call, uint64_t token)
{
    struct snapshot_request *request = calloc(1, sizeof(*request));
    if (request == NULL)
        return NULL;
    request->relay = relay;
    request->listener = relay->config.listener;
    request->token = token;
    request->snapshot.call = call;
    return request;
}

static enum relay_dtls_state dtls_state(const struct component *c)
{
    if (c->dtls == NULL)
        return RELAY_DTLS_NONE;
    switch (dtls_association_state(c->dtls)) {
    case DTLS_IDLE:
        return RELAY_DTLS_NEW;
    case DTLS_HANDSHAKING:
        return RELAY_DTLS_HANDSHAKING;
    case DTLS_CONNECTED_UNVERIFIED:
        return RELAY_DTLS_UNVERIFIED;
    case DTLS_VERIFIED:
    case DTLS_CLOSED:
        return RELAY_DTLS_CONNECTED;
    case DTLS_FAILED:
        return RELAY_DTLS_FAILED;
    }
    return RELAY_DTLS_NONE;
}

/* Where packets go; before that is known, the first local address. */
static void fill_addresses(struct component *c, struct address *local, struct address *remote)
{
    const struct port *first = c->transport->ports[0][c->index];
    struct route route;

    if (component_route(c, &route) == DROP_NONE) {
        *local = route.socket->local;
        *remote = route.remote;
    } else if (first != NULL && first->socket != NULL) {
        *local = first->socket->local;
    }
}

static void fill_transport(struct transport *t, struct relay_transport_state *out)
{
    struct component *c = &t->components[0];
    const struct component *keys = component_keys(c);

    *out = (struct relay_transport_state){.transport = t->plan.id};
    fill_addresses(c, &out->local[0], &out->remote[0]);
    fill_addresses(transport_rtcp(t), &out->local[1], &out->remote[1]);
    out->confirmed = t->ice != NULL ? c->selected.socket != NULL : c->learning.settled;
    out->consent_expired = c->consent_expired;
    out->dtls = dtls_state(c);
    out->suite = keys->rx == NULL ? NULL : rtpsec_session_suite(keys->rx);
}

static struct relay_quality quality_of(
    const struct quality_sample *sample, uint64_t samples, int64_t offset_us)
{
    return (struct relay_quality){
        .mos_x10 = sample->mos_10,
        .rtt_us = sample->rtt_us,
        .rtt_leg_us = sample->rtt_leg_us,
        .jitter_ms = sample->jitter_ms,
        .loss_percent = sample->loss_percent,
        .samples = (uint32_t)samples,
        .reported_at =
            sample->at_ms == 0 ? 0 : ((int64_t)sample->at_ms * 1000 + offset_us) / 1000000,
    };
}

static void fill_quality(const struct quality *q, int64_t offset_us, struct relay_ssrc *out)
{
    struct quality_sample sample;
    if (!quality_average(q, &sample))
        return;
    out->average = quality_of(&sample, q->all.samples, offset_us);
    out->lowest = quality_of(&q->lowest, 1, offset_us);
    out->highest = quality_of(&q->highest, 1, offset_us);
    out->progression_interval_s = (uint32_t)(q->interval_ms / 1000);
    for (size_t i = 0; i < q->progression_count && i < COUNT_OF(out->progression); i++)
        if (quality_progression(q, i, &sample))
            out->progression[out->progression_count++] =
                quality_of(&sample, q->progression[i].samples, offset_us);
}

static void fill_ssrc(const struct ssrc_entry *entry, struct relay_ssrc *out)
{
    const struct reception *r = &entry->reception;
    *out = (struct relay_ssrc){
        .ssrc = entry->ssrc,
        .packets = entry->packets,
        .bytes = entry->bytes,
        .last_timestamp = entry->last_timestamp,
        .last_sequence = reception_highest(r),
        .duplicates = r->duplicates,
        .jitter = reception_jitter(r),
        .lost = (int64_t)reception_lost(r),
    };
}

/* What a party sends is judged by who gets it. */
static const struct ssrc_entry *judged(struct stream *s, uint32_t ssrc)
{
    for (uint8_t i = 0; i < s->sink_count; i++) {
        const struct ssrc_entry *entry = ssrc_table_find(&s->sinks[i]->ssrc_out, ssrc);
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

static void fill_judgement(
    const struct ssrc_entry *entry, int64_t offset_us, struct relay_ssrc *out)
{
    if (entry == NULL)
        return;
    out->cumulative_loss = entry->reported_lost;
    if (entry->quality != NULL)
        fill_quality(entry->quality, offset_us, out);
}

static void fill_stream(struct stream *s, struct relay_stream_state *out)
{
    int64_t offset_us = s->call->relay->unix_offset_us;

    out->stream = s->plan.id;
    memcpy(out->in, s->in, sizeof(out->in));
    memcpy(out->out, s->out, sizeof(out->out));
    memcpy(out->last_packet_us, s->last_packet_us, sizeof(out->last_packet_us));
    out->ssrc_in_count = s->ssrc_in.count;
    out->ssrc_out_count = s->ssrc_out.count;
    struct relay_ssrc *next = out->ssrc_in;
    for (const struct ssrc_entry *at = s->ssrc_in.first; at != NULL; at = at->next, next++) {
        fill_ssrc(at, next);
        fill_judgement(judged(s, at->ssrc), offset_us, next);
    }
    next = out->ssrc_out;
    for (const struct ssrc_entry *at = s->ssrc_out.first; at != NULL; at = at->next, next++) {
        fill_ssrc(at, next);
        fill_judgement(at, offset_us, next);
    }
}

static void fill(const struct call_media *call, struct relay_snapshot *out)
{
    size_t transports = list_count(&call->transports), streams = list_count(&call->streams);
    out->transports = calloc(transports + 1, sizeof(*out->transports));
    out->streams = calloc(streams + 1, sizeof(*out->streams));
    if (out->transports == NULL || out->streams == NULL)
        return;
    list_for_each (at, &call->transports)
        fill_transport(
            CONTAINER_OF(at, struct transport, link), &out->transports[out->transport_count++]);
    list_for_each (at, &call->streams)
        fill_stream(CONTAINER_OF(at, struct stream, link), &out->streams[out->stream_count++]);
    out->found = true;
}

static void tell(struct message *self, void *owner)
{
    struct snapshot_request *request = CONTAINER_OF(self, struct snapshot_request, message);
    (void)owner;
    request->listener.snapshot(request->listener.owner, request->token, &request->snapshot);
    free(request->snapshot.transports);
    free(request->snapshot.streams);
    free(request);
}

static void take_snapshot(struct message *self, void *owner)
{
    struct snapshot_request *request = CONTAINER_OF(self, struct snapshot_request, message);
    struct relay *relay = owner;
    const struct call_media *call = call_media_find(relay, request->snapshot.call);

    if (call != NULL)
        fill(call, &request->snapshot);
    request->message.deliver = tell;
    mailbox_post(relay->config.control, &request->message);
}

void snapshot_request_post(struct snapshot_request *request)
{
    request->message.deliver = take_snapshot;
    worker_post(request->relay->module, &request->message);
}
