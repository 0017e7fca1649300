/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/data.h"

#include "mediaferry/channel_data.h"
#include "turn/channel.h"
#include "turn/mobility.h"

/* ICMP errors told to a client a second, and at once: enough to learn of a dead peer or a path
 * MTU (RFC 8656, section 11.5 wants a limit). */
enum { ICMP_PER_S = 10 };

static enum turn_verdict drop(struct packet *p, enum drop_reason reason)
{
    p->drop = reason;
    return TURN_DONE;
}

/* Whether the limits of the allocation let `len` bytes pass; they are then spent. */
static bool spend(
    struct turn_spending *spent, const struct turn_settings *settings, size_t len, uint64_t now_ms)
{
    const struct token_rate packets = {settings->max_packets_per_s, settings->max_packets_per_s};
    const struct token_rate bytes = {settings->max_bytes_per_s, settings->max_bytes_per_s};
    return token_bucket_take(&spent->packets, &packets, 1, now_ms) &&
           token_bucket_take(&spent->bytes, &bytes, len, now_ms);
}

static void count(
    struct turn_traffic *traffic, struct counter *packets, struct counter *bytes, size_t len)
{
    traffic->packets++;
    traffic->bytes += len;
    counter_add(packets, 1);
    counter_add(bytes, len);
}

/* --- from the client --- */

/* The allocation of a path that data came by; a mobile client has moved by that. NULL with the
 * verdict when there is none. */
static struct turn_allocation *allocation_of(
    struct turn_server *server, const struct turn_arrival *arrival, enum turn_verdict *verdict)
{
    struct turn_route *route = route_find(server, arrival->path);
    if (route == NULL) {
        bool is_final = arrival->is_final || turn_path_is_stream(arrival->path);
        *verdict = is_final ? drop(arrival->packet, DROP_TURN_NO_ALLOCATION) : TURN_NOT_FOUND;
        return NULL;
    }
    struct turn_allocation *allocation = route->allocation;
    if (route == allocation->coming_route)
        mobility_settle(allocation);
    return allocation;
}

/* Sends the payload, which lies inside the packet, to `peer`. */
static enum turn_verdict to_peer(struct turn_allocation *allocation, struct permission *permission,
    const struct address *peer, struct packet *p, struct bytes payload, uint64_t now_ms)
{
    struct turn_server *server = allocation->server;
    enum drop_reason reason = permission_check(allocation, permission, peer, now_ms);
    if (reason != DROP_NONE)
        return drop(p, reason);
    if (!spend(&allocation->from_client_spent, server->settings, payload.len, now_ms))
        return drop(p, DROP_TURN_BANDWIDTH);

    p->data += payload.data - p->data;
    p->len = payload.len;
    p->peer = *peer;
    count(&allocation->from_client, &server->counters.client_packets,
        &server->counters.client_bytes, payload.len);
    server->host.to_peer(
        server->host.owner, allocation_relayed(allocation, peer->family)->relay, p);
    return TURN_DONE;
}

enum turn_verdict data_from_channel(struct turn_server *server, const struct turn_arrival *arrival)
{
    struct packet *p = arrival->packet;
    struct channel_data message;
    enum turn_verdict verdict;

    if (!channel_data_parse(packet_bytes(p), &message))
        return drop(p, DROP_TURN_MALFORMED);
    struct turn_allocation *allocation = allocation_of(server, arrival, &verdict);
    if (allocation == NULL)
        return verdict;
    struct channel *channel = channel_of_number(allocation, message.number);
    if (channel == NULL || channel->expires_ms <= arrival->now_ms)
        return drop(p, DROP_TURN_NO_CHANNEL);
    return to_peer(
        allocation, channel->permission, channel_peer(channel), p, message.data, arrival->now_ms);
}

/* RFC 8656, section 11.2; unknown comprehension-required attributes end an indication silently. */
enum turn_verdict data_from_send(
    struct turn_server *server, const struct turn_arrival *arrival, const struct stun_message *m)
{
    struct packet *p = arrival->packet;
    struct turn_request r = {.server = server, .arrival = arrival, .message = *m};
    struct address peer;
    enum turn_verdict verdict;

    struct turn_allocation *allocation = allocation_of(server, arrival, &verdict);
    if (allocation == NULL)
        return verdict;
    request_read(&r);
    if (r.unknown_count > 0 || !request_peer(&r, &peer) || !request_has(&r, REQUEST_DATA) ||
        peer.port == 0 || allocation->is_tcp)
        return drop(p, DROP_TURN_MALFORMED);
    p->dont_fragment = request_has(&r, REQUEST_DONT_FRAGMENT);
    return to_peer(allocation, permission_find(allocation, &peer), &peer, p, r.values[REQUEST_DATA],
        arrival->now_ms);
}

/* --- from the peer --- */

/* Room for `before` bytes in front of the payload and `after` behind it; moves the payload when it
 * came with a short headroom, through another relay of this process. */
static bool make_room(struct packet *p, size_t before, size_t after)
{
    if (p->len + before + after > sizeof(p->buffer))
        return false;
    if (packet_headroom(p) >= before && packet_tailroom(p) >= after)
        return true;
    memmove(p->buffer + before, p->data, p->len);
    p->data = p->buffer + before;
    return true;
}

static bool wrap_channel_data(struct packet *p, uint16_t number)
{
    if (!make_room(p, CHANNEL_HEADER_SIZE, 0))
        return false;
    size_t len = p->len;
    p->data -= CHANNEL_HEADER_SIZE;
    p->len += CHANNEL_HEADER_SIZE;
    channel_data_header(p->data, number, (uint16_t)len);
    return true;
}

/* The lengths stand in the headers before the payload is behind them, so stun_begin() and its like
 * cannot write them. */
static void write_data_header(struct turn_server *server, struct writer *w,
    const struct address *peer, size_t attrs_len, size_t payload_len)
{
    uint8_t id[STUN_ID_SIZE];
    indication_id(server, id);
    stun_begin(w, stun_type(STUN_DATA, STUN_INDICATION), bytes_of(id, sizeof(id)));
    stun_write_xor_address(w, STUN_XOR_PEER_ADDRESS, peer);
    writer_u16(w, STUN_DATA_ATTR);
    writer_u16(w, (uint16_t)payload_len);
    w->data[2] = (uint8_t)(attrs_len >> 8);
    w->data[3] = (uint8_t)attrs_len;
}

/* A Data indication around the payload, in place (RFC 8656, section 11.3). */
static bool wrap_data(struct turn_server *server, struct packet *p)
{
    size_t before = STUN_HEADER_SIZE + STUN_ATTR_HEADER_SIZE + 4 + address_ip_len(&p->peer) +
                    STUN_ATTR_HEADER_SIZE;
    size_t padding = channel_data_padding(p->len);
    if (!make_room(p, before, padding))
        return false;

    struct writer w = writer_over(p->data - before, before);
    write_data_header(server, &w, &p->peer, before - STUN_HEADER_SIZE + p->len + padding, p->len);
    memset(p->data + p->len, 0, padding);
    p->data -= before;
    p->len += before + padding;
    return true;
}

/* The attribute ICMP of RFC 8656, section 18.13: 16 bits reserved, 7 type, 9 code, 32 data. */
static void tell_icmp(struct turn_allocation *allocation, const struct packet *p)
{
    struct turn_reply indication;
    uint8_t value[8];
    struct writer v = writer_over(value, sizeof(value));

    if (!indication_begin(&indication, allocation->server, STUN_DATA))
        return;
    writer_u32(&v, (uint32_t)(p->icmp_type & 0x7f) << 9 | p->icmp_code);
    writer_u32(&v, p->icmp_data);
    stun_write_xor_address(&indication.w, STUN_XOR_PEER_ADDRESS, &p->peer);
    stun_write_attr(&indication.w, STUN_ICMP, writer_bytes(&v));
    counter_add(&allocation->server->counters.icmp_errors, 1);
    reply_send(&indication, &allocation->route.path);
}

/* Destination unreachable and time exceeded, packet too big (RFC 8656, section 11.5). */
static bool icmp_is_of_interest(const struct packet *p)
{
    if (p->peer.family == ADDRESS_IP4)
        return p->icmp_type == 3 || p->icmp_type == 11;
    return p->icmp_type >= 1 && p->icmp_type <= 3;
}

static void from_icmp(struct turn_allocation *allocation, struct packet *p, uint64_t now_ms)
{
    const struct token_rate rate = {ICMP_PER_S, ICMP_PER_S};
    enum drop_reason reason =
        permission_check(allocation, permission_find(allocation, &p->peer), &p->peer, now_ms);

    if (reason == DROP_NONE &&
        (!icmp_is_of_interest(p) || !token_bucket_take(&allocation->icmp_spent, &rate, 1, now_ms)))
        reason = DROP_TURN_ICMP;
    p->drop = reason;
    if (reason == DROP_NONE)
        tell_icmp(allocation, p);
}

static void from_peer(struct turn_allocation *allocation, struct packet *p, uint64_t now_ms)
{
    struct turn_server *server = allocation->server;
    struct channel *channel = channel_of_peer(allocation, &p->peer);
    struct permission *permission =
        channel != NULL ? channel->permission : permission_find(allocation, &p->peer);
    size_t len = p->len;

    p->drop = permission_check(allocation, permission, &p->peer, now_ms);
    if (p->drop == DROP_NONE && !spend(&allocation->from_peer_spent, server->settings, len, now_ms))
        p->drop = DROP_TURN_BANDWIDTH;
    if (p->drop != DROP_NONE)
        return;
    bool has_channel = channel != NULL && channel->expires_ms > now_ms;
    if (!(has_channel ? wrap_channel_data(p, channel->number) : wrap_data(server, p))) {
        p->drop = DROP_TRUNCATED;
        return;
    }
    p->dont_fragment = false;
    count(
        &allocation->from_peer, &server->counters.peer_packets, &server->counters.peer_bytes, len);
    server->host.to_client(server->host.owner, &allocation->route.path, p);
}

void turn_from_peer(
    struct turn_server *server, struct turn_relay *relay, struct packet *p, uint64_t now_ms)
{
    struct turn_allocation *allocation = relay->owner;
    (void)server;
    if (!route_is_linked(&allocation->route))
        p->drop = DROP_TURN_AWAY;
    else if (p->kind == PACKET_ICMP)
        from_icmp(allocation, p, now_ms);
    else
        from_peer(allocation, p, now_ms);
}
