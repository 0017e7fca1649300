/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first stage: what a datagram is and whose it is. STUN and DTLS that may be for somebody wait
 * in the slow lane until the media has left; then they come here again, as by then the call may
 * have changed.
 */
#include "base/hot_path.h"
#include "ice/username.h"
#include "mediaferry/classify.h"
#include "mediaferry/stun.h"
#include "relay/dtls_path.h"
#include "relay/ice_path.h"
#include "relay/round.h"

/* Where a packet arrived, seen from a transport. */
struct arrival {
    struct transport *transport;
    struct component *component;
    uint8_t local;
};

static void answer_plain(struct relay *relay, struct packet *packet)
{
    struct packet *reply = worker_packet(relay->worker);
    if (reply == NULL) {
        packet->drop = DROP_STUN_IGNORED;
        return;
    }
    struct writer w = writer_over(reply->data, PACKET_DATA_MAX);
    enum stun_answer answer =
        stun_answer_binding(packet_bytes(packet), &packet->peer, relay->software, &w);

    if (answer == STUN_ANSWER_NONE || !writer_ok(&w)) {
        worker_discard(relay->worker, reply);
        packet->drop = DROP_STUN_IGNORED;
        return;
    }
    reply->len = writer_bytes(&w).len;
    reply->socket = packet->socket;
    reply->peer = packet->peer;
    counter_add(&relay->counters.consumed, 1);
    counter_add(&relay->counters.originated, 1);
    counter_add(&relay->counters.stun_answered, 1);
    worker_send(relay->worker, reply);
}

static bool local_number(const struct transport *t, const struct port *port, uint8_t *out)
{
    for (uint8_t i = 0; i < t->plan.local_count; i++)
        if (t->ports[i][0] == port) {
            *out = i;
            return true;
        }
    return false;
}

/* With a USERNAME it is a connectivity check, and on a shared port that names the transport. NULL:
 * of nobody. */
static struct transport *find_checked(
    struct relay *relay, const struct port *port, struct text ufrag, struct ice_local *local)
{
    struct transport *t = port->transport;

    *local = (struct ice_local){
        .component = port->channel == PACKET_CHANNEL_RTCP ? 2 : 1, .index = port->index};
    if (port->channel == PACKET_CHANNEL_SHARED) {
        t = ice_path_find(relay, ufrag);
        if (t != NULL && !local_number(t, port, &local->index))
            t = NULL;
    }
    return t == NULL || t->ice == NULL ? NULL : t;
}

static void handle_stun(
    struct relay *relay, const struct port *port, struct packet *packet, uint64_t now_ms)
{
    struct ice_local local;
    struct text ufrag;

    if (!ice_peek_ufrag(packet_bytes(packet), &ufrag)) {
        answer_plain(relay, packet);
        return;
    }
    struct transport *t = find_checked(relay, port, ufrag, &local);
    if (t != NULL)
        ice_path_check(t, packet, local, now_ms);
    else
        packet->drop = DROP_STUN_UNKNOWN_USER;
}

/* Why nobody would answer it, or DROP_NONE. Costs little: what a flood is made of never waits. */
static enum drop_reason judge_stun(
    struct relay *relay, const struct port *port, const struct packet *packet)
{
    struct stun_message message;
    struct ice_local local;
    struct text ufrag;

    if (ice_peek_ufrag(packet_bytes(packet), &ufrag))
        return find_checked(relay, port, ufrag, &local) != NULL ? DROP_NONE
                                                                : DROP_STUN_UNKNOWN_USER;
    return stun_parse(packet_bytes(packet), &message) == STUN_OK ? DROP_NONE : DROP_STUN_IGNORED;
}

static void wait(struct relay *relay, struct packet *packet, enum slow_kind kind)
{
    if (slow_lane_put(&relay->slow_lane, packet, kind))
        worker_keep(relay->worker, packet);
    else
        packet->drop = kind == SLOW_STUN ? DROP_STUN_BUSY : DROP_DTLS_BUSY;
}

static bool find_shared(const struct port *port, const struct packet *packet, struct arrival *out)
{
    const struct tuple *tuple = port_find_tuple(port, &packet->peer);
    if (tuple == NULL || tuple->transport->ports[tuple->index][0] != port)
        return false;
    *out = (struct arrival){
        .transport = tuple->transport,
        .component = &tuple->transport->components[0],
        .local = tuple->index,
    };
    return true;
}

static enum drop_reason find_arrival(
    const struct port *port, const struct packet *packet, struct arrival *out)
{
    if (port->channel == PACKET_CHANNEL_SHARED)
        return find_shared(port, packet, out) ? DROP_NONE : DROP_UNKNOWN_SOURCE;
    if (port->transport == NULL)
        return DROP_NO_TRANSPORT;
    *out = (struct arrival){
        .transport = port->transport,
        .component = &port->transport->components[port->channel == PACKET_CHANNEL_RTCP ? 1 : 0],
        .local = port->index,
    };
    return DROP_NONE;
}

/* Media over ICE comes from where a check has come from, and from nowhere else; most often from
 * where ours goes to. */
static bool source_is_valid(
    const struct arrival *at, const struct port *port, const struct packet *packet)
{
    const struct route *selected = &at->component->selected;
    if (selected->socket == port->socket && address_equal(&selected->remote, &packet->peer))
        return true;
    struct ice_local local = {.component = (uint8_t)(at->component->index + 1), .index = at->local};
    return ice_agent_is_valid_source(at->transport->ice, &packet->peer, local);
}

/* DROP_NONE, or why media may not come in here. */
static enum drop_reason judge_media(const struct arrival *at, const struct port *port,
    const struct packet *packet, enum payload_kind kind)
{
    if (kind == KIND_RTP && at->component->index == 1)
        return DROP_WRONG_PORT;
    if (at->transport->ice != NULL && !source_is_valid(at, port, packet))
        return DROP_ICE_SOURCE;
    return DROP_NONE;
}

static void admit_media(struct round *round, const struct arrival *at, const struct port *port,
    struct packet *packet, enum payload_kind kind)
{
    enum drop_reason why = judge_media(at, port, packet, kind);
    if (why != DROP_NONE) {
        transport_drop(at->transport, packet, why);
        return;
    }
    struct inbound *in = &round->in[round->in_count++];
    in->packet = packet;
    in->component = at->component;
    in->stream = NULL;
    in->now_us = packet->arrival_ns / 1000;
    in->local = at->local;
    in->kind = (uint8_t)kind;
    in->order = RECEPTION_FIRST;
    if (kind != KIND_RTP || rtp_read_header(packet_bytes(packet), &in->rtp) != RTP_OK)
        in->rtp = (struct rtp_header){.len = 0};
}

COLD static void admit_dtls(struct relay *relay, const struct arrival *at, struct packet *packet)
{
    enum drop_reason why = dtls_path_judge(at->component, packet, at->local);
    if (why == DROP_NONE)
        wait(relay, packet, SLOW_DTLS);
    else
        transport_drop(at->transport, packet, why);
}

COLD static void admit_stun(struct relay *relay, const struct port *port, struct packet *packet)
{
    packet->drop = judge_stun(relay, port, packet);
    if (packet->drop == DROP_NONE)
        wait(relay, packet, SLOW_STUN);
}

/* What is not RTP may begin with any byte. Only a whole STUN message is taken for STUN then. */
static bool is_for_raw(const struct arrival *at, const struct packet *packet)
{
    struct stun_message message;
    return at->transport->demux.is_raw && stun_parse(packet_bytes(packet), &message) != STUN_OK;
}

void round_admit(struct relay *relay, struct packet *packet)
{
    const struct port *port = packet->socket->user;
    struct arrival at;

    if (port == NULL) {
        packet->drop = DROP_SOCKET_CLOSED;
        return;
    }
    enum packet_kind kind = packet_classify(packet_bytes(packet));
    enum drop_reason unknown = find_arrival(port, packet, &at);

    if (unknown == DROP_NONE && is_for_raw(&at, packet)) {
        admit_media(relay->round, &at, port, packet, KIND_RAW);
        return;
    }
    if (kind == PACKET_STUN) {
        admit_stun(relay, port, packet);
        return;
    }
    if (kind != PACKET_DTLS && kind != PACKET_RTP && kind != PACKET_RTCP)
        unknown = DROP_UNKNOWN_PROTOCOL;
    if (unknown != DROP_NONE)
        packet->drop = unknown;
    else if (kind == PACKET_DTLS)
        admit_dtls(relay, &at, packet);
    else
        admit_media(relay->round, &at, port, packet, kind == PACKET_RTCP ? KIND_RTCP : KIND_RTP);
}

static void handle_dtls(const struct port *port, struct packet *packet, uint64_t now_ms)
{
    struct arrival at;
    packet->drop = find_arrival(port, packet, &at);
    if (packet->drop != DROP_NONE)
        return;
    enum drop_reason why = dtls_path_judge(at.component, packet, at.local);
    if (why == DROP_NONE)
        dtls_path_receive(at.component, packet, at.local, now_ms);
    else
        transport_drop(at.transport, packet, why);
}

void round_admit_slow(struct relay *relay, struct packet *packet, uint64_t now_ms)
{
    const struct port *port = packet->socket->user;
    if (packet_classify(packet_bytes(packet)) == PACKET_STUN)
        handle_stun(relay, port, packet, now_ms);
    else
        handle_dtls(port, packet, now_ms);
    worker_discard(relay->worker, packet);
}
