/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first stage: what a datagram is and whose it is. The slow lane begins and ends here: STUN is
 * answered at once (its cost is that of two hashes), DTLS within the limit of a loop turn.
 */
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

/* With a USERNAME it is a connectivity check, and on a shared port that names the transport. */
static void admit_stun(
    struct relay *relay, struct port *port, struct packet *packet, uint64_t now_ms)
{
    struct ice_local local = {
        .component = port->channel == PACKET_CHANNEL_RTCP ? 2 : 1, .index = port->index};
    struct transport *t = port->transport;
    struct text ufrag;

    if (!ice_peek_ufrag(packet_bytes(packet), &ufrag)) {
        answer_plain(relay, packet);
        return;
    }
    if (port->channel == PACKET_CHANNEL_SHARED) {
        t = ice_path_find(relay, ufrag);
        if (t != NULL && !local_number(t, port, &local.index))
            t = NULL;
    }
    if (t == NULL || t->ice == NULL) {
        packet->drop = DROP_STUN_UNKNOWN_USER;
        return;
    }
    ice_path_check(t, packet, local, now_ms);
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

/* Media over ICE comes from where a check has come from, and from nowhere else. */
static bool source_is_valid(const struct arrival *at, const struct packet *packet)
{
    if (at->transport->ice == NULL)
        return true;
    struct ice_local local = {.component = (uint8_t)(at->component->index + 1), .index = at->local};
    return ice_agent_is_valid_source(at->transport->ice, &packet->peer, local);
}

static void admit_media(
    struct relay *relay, const struct arrival *at, struct packet *packet, enum payload_kind kind)
{
    struct round *round = relay->round;

    if (kind == KIND_RTP && at->component->index == 1) {
        transport_drop(at->transport, packet, DROP_WRONG_PORT);
        return;
    }
    if (!source_is_valid(at, packet)) {
        transport_drop(at->transport, packet, DROP_ICE_SOURCE);
        return;
    }
    struct inbound *in = &round->in[round->in_count++];
    in->packet = packet;
    in->component = at->component;
    in->local = at->local;
    in->kind = kind;
    in->stream = NULL;
}

/* What is not RTP may begin with any byte. Only a whole STUN message is taken for STUN then. */
static bool is_for_raw(const struct arrival *at, const struct packet *packet)
{
    struct stun_message message;
    return transport_is_raw(at->transport) && stun_parse(packet_bytes(packet), &message) != STUN_OK;
}

void round_admit(struct relay *relay, struct packet *packet, uint64_t now_ms)
{
    struct port *port = packet->socket->user;
    struct arrival at = {0};

    if (port == NULL) {
        packet->drop = DROP_SOCKET_CLOSED;
        return;
    }
    enum packet_kind kind = packet_classify(packet_bytes(packet));
    enum drop_reason unknown = find_arrival(port, packet, &at);

    if (unknown == DROP_NONE && is_for_raw(&at, packet)) {
        admit_media(relay, &at, packet, KIND_RAW);
        return;
    }
    if (kind == PACKET_STUN) {
        admit_stun(relay, port, packet, now_ms);
        return;
    }
    if (kind != PACKET_DTLS && kind != PACKET_RTP && kind != PACKET_RTCP)
        unknown = DROP_UNKNOWN_PROTOCOL;
    if (unknown != DROP_NONE)
        packet->drop = unknown;
    else if (kind == PACKET_DTLS)
        dtls_path_receive(at.component, packet, at.local, now_ms);
    else
        admit_media(relay, &at, packet, kind == PACKET_RTCP ? KIND_RTCP : KIND_RTP);
}
