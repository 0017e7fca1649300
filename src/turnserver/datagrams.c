/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/datagrams.h"

#include "mediaferry/channel_data.h"
#include "mediaferry/classify.h"
#include "turnserver/doors.h"
#include "turnserver/dtls_clients.h"
#include "turnserver/relays.h"

/* Channels of RFC 5766 begin with bytes that RFC 7983 gives to nobody. */
static bool is_old_channel(const struct turn_worker *w, const struct packet *p)
{
    return w->settings->turn->rfc5766_channels && p->len >= CHANNEL_HEADER_SIZE &&
           channel_number_is_known((unsigned)p->data[0] << 8);
}

static void serve_udp(
    struct turn_worker *w, const struct turn_path *path, struct packet *p, struct serving serving)
{
    if (w->server->config.udp)
        serve(w, path, p, serving);
    else
        p->drop = DROP_UNKNOWN_PROTOCOL;
}

void datagram_from_client(
    struct turn_worker *w, const struct turn_path *path, struct packet *p, struct serving serving)
{
    switch (packet_classify(packet_bytes(p))) {
    case PACKET_STUN:
    case PACKET_CHANNEL_DATA:
        serve_udp(w, path, p, serving);
        return;
    case PACKET_DTLS:
        dtls_clients_receive(w, path, p, serving.was_handed_over);
        return;
    case PACKET_ZRTP:
    case PACKET_RTP:
    case PACKET_RTCP:
    case PACKET_UNKNOWN:
        if (is_old_channel(w, p))
            serve_udp(w, path, p, serving);
        else
            p->drop = DROP_UNKNOWN_PROTOCOL;
        return;
    }
}

static void from_door(struct turn_worker *w, struct packet *p, uint64_t now_ms)
{
    struct door *door = p->socket->user;
    struct turn_path path = {
        .transport = TURN_UDP,
        .server = p->socket->local,
        .hop = p->peer,
        .link = p->socket,
    };
    if (door == NULL || p->kind != PACKET_DATAGRAM)
        p->drop = DROP_SOCKET_CLOSED;
    else if (door_client(door, p, now_ms, &path.client))
        datagram_from_client(w, &path, p, (struct serving){0});
}

static void from_relay(struct turn_worker *w, struct packet *p, uint64_t now_ms)
{
    struct relay_socket *relay = p->socket->user;
    if (relay == NULL)
        p->drop = DROP_SOCKET_CLOSED;
    else
        turn_from_peer(w->core, &relay->base, p, now_ms);
}

void datagrams_receive(void *state, struct packet_batch *batch, uint64_t now_ms)
{
    struct turn_worker *w = state;
    for (size_t i = 0; i < batch->count; i++) {
        struct packet *p = batch->packets[i];
        if (p->socket->channel == PACKET_CHANNEL_TURN)
            from_door(w, p, now_ms);
        else
            from_relay(w, p, now_ms);
    }
}
