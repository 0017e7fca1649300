/* SPDX-License-Identifier: Apache-2.0 */
#include "turn_talk.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "mediaferry/channel_data.h"
#include "net/sockaddr.h"
#include "stamp.h"
#include "udp.h"

bool turn_talk_init(struct turn_talk *t, struct turn_clients *clients, enum turn_method method,
    size_t packet_len, size_t depth)
{
    bool by_channel = method == TURN_BY_CHANNEL;
    struct turn_load *load = clients->load;
    *t = (struct turn_talk){
        .clients = clients,
        .peer = by_channel ? load->channel_peer : load->indication_peer,
        .peer_name = by_channel ? &load->names.channel_peer : &load->names.indication_peer,
        .method = method,
        .packet_len = packet_len,
    };
    t->flows = calloc(TURN_WAYS * clients->count, sizeof(*t->flows));
    t->relayed = calloc(clients->count, sizeof(*t->relayed));
    if (t->flows == NULL || t->relayed == NULL ||
        !journal_init(&t->journal, TURN_WAYS * clients->count, depth)) {
        turn_talk_done(t);
        return false;
    }
    for (size_t i = 0; i < clients->count; i++) {
        struct sockaddr_storage to;
        sockaddr_from_address(&clients->list[i].relayed, &to);
        memcpy(&t->relayed[i], &to, sizeof(t->relayed[i]));
    }
    return true;
}

void turn_talk_done(struct turn_talk *t)
{
    journal_done(&t->journal);
    free(t->relayed);
    free(t->flows);
}

/* --- speaking ----------------------------------------------------------------------------------
 */

/* Returns the room for the packet in the datagram of a client, or NULL. */
static uint8_t *wrap(const struct turn_talk *t, struct writer *w, uint64_t number)
{
    if (t->method == TURN_BY_CHANNEL) {
        uint8_t *out = writer_reserve(w, CHANNEL_HEADER_SIZE + t->packet_len);
        if (out == NULL)
            return NULL;
        channel_data_header(out, TURN_CHANNEL, (uint16_t)t->packet_len);
        return out + CHANNEL_HEADER_SIZE;
    }
    uint8_t id[STUN_ID_SIZE] = {0};
    memcpy(id, &number, sizeof(number));
    return turn_write_send(w, bytes_of(id, sizeof(id)), t->peer_name, t->packet_len);
}

void turn_talk_speak(struct turn_talk *t, enum turn_way way, uint32_t client, uint64_t now_ns)
{
    uint32_t index = (uint32_t)way * (uint32_t)t->clients->count + client;
    struct turn_flow *flow = &t->flows[index];
    struct stamp stamp = {.flow = index, .number = flow->next++};
    struct turn_socket *from = way == TURN_TO_PEER ? t->clients->load->socket : t->peer;
    struct writer w = turn_socket_room(from);
    uint8_t *packet =
        way == TURN_TO_PEER ? wrap(t, &w, stamp.number) : writer_reserve(&w, t->packet_len);
    if (packet == NULL)
        return;
    stamp_write(packet, &stamp, 0, index);
    flow->spoke_ns = now_ns;
    flow->under_way++;
    t->tallies[way].sent++;
    journal_put(&t->journal, index, stamp.number, now_ns);
    uint64_t *sent_ns = journal_slot(&t->journal, index, stamp.number);
    if (way == TURN_TO_PEER)
        turn_socket_put(
            from, w.len, t->clients->list[client].ip, &t->clients->load->server, sent_ns);
    else
        turn_socket_put(from, w.len, 0, &t->relayed[client], sent_ns);
}

void turn_talk_flush(struct turn_talk *t)
{
    turn_socket_flush(t->clients->load->socket);
    turn_socket_flush(t->peer);
}

/* --- listening ---------------------------------------------------------------------------------
 */

static bool unwrap(const struct turn_talk *t, struct bytes datagram, struct bytes *packet)
{
    struct channel_data message;
    if (t->method == TURN_BY_INDICATION)
        return turn_read_data(datagram, packet);
    if (!channel_data_parse(datagram, &message) || message.number != TURN_CHANNEL)
        return false;
    *packet = message.data;
    return true;
}

/* Whether it came to, or from, whom it should. */
static bool is_right(
    const struct turn_talk *t, enum turn_way way, uint32_t client, const struct turn_datagram *d)
{
    if (way == TURN_TO_CLIENT)
        return d->to_ip == t->clients->list[client].ip;
    const struct sockaddr_in *relayed = &t->relayed[client];
    return d->from_ip == ntohl(relayed->sin_addr.s_addr) &&
           d->from_port == ntohs(relayed->sin_port);
}

static void count(struct turn_talk *t, enum turn_way way, const struct stamp *stamp,
    const struct turn_datagram *d)
{
    uint64_t sent_ns;
    struct tally *tally = &t->tallies[way];
    if (stamp->number < t->flows[stamp->flow].first)
        return;
    switch (journal_take(&t->journal, stamp->flow, stamp->number, &sent_ns)) {
    case JOURNAL_FIRST:
        tally->received++;
        histogram_add(&tally->delay_ns, d->arrived_ns > sent_ns ? d->arrived_ns - sent_ns : 0);
        break;
    case JOURNAL_AGAIN:
        tally->duplicates++;
        break;
    case JOURNAL_UNKNOWN:
        tally->foreign++;
        break;
    }
}

static void hear(
    struct turn_talk *t, enum turn_way way, struct bytes packet, const struct turn_datagram *d)
{
    struct stamp stamp;
    uint32_t count_all = (uint32_t)t->clients->count;
    if (!stamp_read(packet, &stamp) || stamp.flow / count_all != (uint32_t)way) {
        t->tallies[way].foreign++;
        return;
    }
    uint32_t client = stamp.flow % count_all;
    if (!is_right(t, way, client, d)) {
        t->tallies[way].wrong++;
        return;
    }
    t->came++;
    if (t->flows[stamp.flow].under_way > 0)
        t->flows[stamp.flow].under_way--;
    count(t, way, &stamp, d);
    if (t->heard != NULL)
        t->heard(t->owner, way, client);
}

static unsigned listen_at(struct turn_talk *t, struct turn_socket *socket, enum turn_way way)
{
    unsigned all = 0, got;
    do {
        all += got = turn_socket_receive(socket);
        for (unsigned i = 0; i < got; i++) {
            struct turn_datagram d = turn_socket_at(socket, i);
            struct bytes packet = d.data;
            if (way == TURN_TO_PEER || unwrap(t, d.data, &packet))
                hear(t, way, packet, &d);
        }
    } while (got == TURN_IN && all < 4 * TURN_IN);
    return all;
}

unsigned turn_talk_listen(struct turn_talk *t)
{
    return listen_at(t, t->clients->load->socket, TURN_TO_CLIENT) +
           listen_at(t, t->peer, TURN_TO_PEER);
}

void turn_talk_count_anew(struct turn_talk *t)
{
    memset(t->tallies, 0, sizeof(t->tallies));
    for (size_t i = 0; i < TURN_WAYS * t->clients->count; i++)
        t->flows[i].first = t->flows[i].next;
}
