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

/* Why nobody would answer it, or DROP_NONE and where it waits. Costs little: what a flood is made
 * of never waits, or apart. */
static enum drop_reason judge_stun(
    struct relay *relay, const struct port *port, const struct packet *packet, enum slow_kind *kind)
{
    struct stun_message message;
    struct ice_local local;
    struct text ufrag;

    *kind = SLOW_STUN;
    if (ice_peek_ufrag(packet_bytes(packet), &ufrag))
        return find_checked(relay, port, ufrag, &local) != NULL ? DROP_NONE
                                                                : DROP_STUN_UNKNOWN_USER;
    *kind = SLOW_PLAIN;
    return stun_parse(packet_bytes(packet), &message) == STUN_OK ? DROP_NONE : DROP_STUN_IGNORED;
}

static void wait(struct relay *relay, struct packet *packet, enum slow_kind kind)
{
    if (slow_lane_put(&relay->slow_lane, packet, kind))
        worker_keep(relay->worker, packet);
    else
        packet->drop = kind == SLOW_DTLS ? DROP_DTLS_BUSY : DROP_STUN_BUSY;
}

static struct component *find_shared(
    const struct port *port, const struct packet *packet, uint8_t *local)
{
    const struct tuple *tuple = port_find_tuple(port, &packet->peer);
    if (tuple == NULL || tuple->transport->ports[tuple->index][0] != port)
        return NULL;
    *local = tuple->index;
    return &tuple->transport->components[0];
}

/* Whose the packet is, at its local address number `local`; NULL: nobody's. */
static struct component *find_component(
    const struct port *port, const struct packet *packet, uint8_t *local)
{
    if (port->channel == PACKET_CHANNEL_SHARED)
        return find_shared(port, packet, local);
    if (port->transport == NULL)
        return NULL;
    *local = port->index;
    return &port->transport->components[port->channel == PACKET_CHANNEL_RTCP ? 1 : 0];
}

/* Why find_component() has found nobody. */
static enum drop_reason why_nobody(const struct port *port)
{
    return port->channel == PACKET_CHANNEL_SHARED ? DROP_UNKNOWN_SOURCE : DROP_NO_TRANSPORT;
}

/* Media over ICE comes from where a check has come from, and from nowhere else; most often from
 * where ours goes to. */
static bool source_is_valid(const struct component *c, const struct packet *packet, uint8_t index)
{
    const struct route *selected = &c->selected;
    if (c->transport->ice == NULL ||
        (selected->socket == packet->socket && address_equal(&selected->remote, &packet->peer)))
        return true;
    struct ice_local local = {.component = (uint8_t)(c->index + 1), .index = index};
    return ice_agent_is_valid_source(c->transport->ice, &packet->peer, local);
}

static struct inbound *let_in(struct round *round, struct component *c, struct packet *packet,
    uint8_t local, enum payload_kind kind)
{
    struct inbound *in = &round->in[round->in_count++];
    in->packet = packet;
    in->component = c;
    in->stream = NULL;
    in->now_us = packet->arrival_ns / 1000;
    in->local = local;
    in->kind = (uint8_t)kind;
    in->order = RECEPTION_FIRST;
    return in;
}

/* The most common of all: RTP on a port of RTP. False, and nothing done, when it is not that. */
static bool admit_rtp(
    struct round *round, struct component *c, struct packet *packet, uint8_t local)
{
    struct bytes bytes = packet_bytes(packet);
    if (!packet_is_rtp(bytes) || c->index != 0 || c->transport->is_raw ||
        !source_is_valid(c, packet, local))
        return false;
    struct inbound *in = let_in(round, c, packet, local, KIND_RTP);
    if (rtp_read_header(bytes, &in->rtp) != RTP_OK)
        in->rtp = (struct rtp_header){.len = 0};
    return true;
}

/* RTP that is here has come to the port of RTCP, or from where it must not. */
static void admit_other_media(struct round *round, struct component *c, struct packet *packet,
    uint8_t local, enum payload_kind kind)
{
    if (kind == KIND_RTP && c->index == 1)
        transport_drop(c->transport, packet, DROP_WRONG_PORT);
    else if (!source_is_valid(c, packet, local))
        transport_drop(c->transport, packet, DROP_ICE_SOURCE);
    else
        let_in(round, c, packet, local, kind)->rtp = (struct rtp_header){.len = 0};
}

static void admit_dtls(
    struct relay *relay, const struct component *c, struct packet *packet, uint8_t local)
{
    enum drop_reason why = dtls_path_judge(c, packet, local);
    if (why == DROP_NONE)
        wait(relay, packet, SLOW_DTLS);
    else
        transport_drop(c->transport, packet, why);
}

static void admit_stun(struct relay *relay, const struct port *port, struct packet *packet)
{
    enum slow_kind kind;
    packet->drop = judge_stun(relay, port, packet, &kind);
    if (packet->drop == DROP_NONE)
        wait(relay, packet, kind);
}

/* What is not RTP may begin with any byte. Only a whole STUN message is taken for STUN then. */
static bool is_for_raw(const struct component *c, const struct packet *packet)
{
    struct stun_message message;
    return c->transport->is_raw && stun_parse(packet_bytes(packet), &message) != STUN_OK;
}

COLD static void admit_other(
    struct relay *relay, struct component *c, struct packet *packet, uint8_t local)
{
    const struct port *port = packet->socket->user;
    struct round *round = relay->round;

    if (c != NULL && is_for_raw(c, packet)) {
        admit_other_media(round, c, packet, local, KIND_RAW);
        return;
    }
    enum packet_kind kind = packet_classify(packet_bytes(packet));
    if (kind == PACKET_STUN)
        admit_stun(relay, port, packet);
    else if (kind != PACKET_DTLS && kind != PACKET_RTP && kind != PACKET_RTCP)
        packet->drop = DROP_UNKNOWN_PROTOCOL;
    else if (c == NULL)
        packet->drop = why_nobody(port);
    else if (kind == PACKET_DTLS)
        admit_dtls(relay, c, packet, local);
    else
        admit_other_media(round, c, packet, local, kind == PACKET_RTP ? KIND_RTP : KIND_RTCP);
}

void round_admit(struct relay *relay, const struct packet_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct packet *packet = batch->packets[i];
        const struct port *port = packet->socket->user;
        uint8_t local = 0;
        if (port == NULL) {
            packet->drop = DROP_SOCKET_CLOSED;
            continue;
        }
        struct component *c = find_component(port, packet, &local);
        if (c == NULL || !admit_rtp(relay->round, c, packet, local))
            admit_other(relay, c, packet, local);
    }
}

static void handle_dtls(const struct port *port, struct packet *packet, uint64_t now_ms)
{
    uint8_t local;
    struct component *c = find_component(port, packet, &local);
    if (c == NULL) {
        packet->drop = why_nobody(port);
        return;
    }
    enum drop_reason why = dtls_path_judge(c, packet, local);
    if (why == DROP_NONE)
        dtls_path_receive(c, packet, local, now_ms);
    else
        transport_drop(c->transport, packet, why);
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
