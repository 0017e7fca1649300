/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/channel.h"

#include <stdlib.h>

#include "mediaferry/channel_data.h"

enum { FIRST_SLOTS = 4 };

static struct channel *of_link(struct map_link *link)
{
    return CONTAINER_OF(CONTAINER_OF(link, struct address_node, link), struct channel, node);
}

/* --- the table by number --- */

static struct channel **chain_of(struct turn_allocation *allocation, uint16_t number)
{
    return &allocation->numbers[number & (allocation->number_slots - 1)];
}

static void link_number(struct turn_allocation *allocation, struct channel *channel)
{
    struct channel **chain = chain_of(allocation, channel->number);
    channel->next = *chain;
    *chain = channel;
}

static void unlink_number(struct turn_allocation *allocation, struct channel *channel)
{
    struct channel **at = chain_of(allocation, channel->number);
    while (*at != channel)
        at = &(*at)->next;
    *at = channel->next;
}

/* Makes room for one more; false when out of memory and there is no table at all. */
static bool make_slot(struct turn_allocation *allocation)
{
    if (allocation->channels.count < allocation->number_slots)
        return true;
    uint32_t slots = allocation->number_slots == 0 ? FIRST_SLOTS : allocation->number_slots * 2;
    struct channel **numbers = calloc(slots, sizeof(struct channel *));
    if (numbers == NULL)
        return allocation->number_slots > 0; /* longer chains, the same answers */

    free(allocation->numbers);
    allocation->numbers = numbers;
    allocation->number_slots = slots;
    map_for_each (at, &allocation->channels)
        link_number(allocation, of_link(at));
    return true;
}

/* --- life --- */

static struct channel *channel_new(struct turn_allocation *allocation, uint16_t number,
    const struct address *peer, struct permission *permission)
{
    struct channel *channel = calloc(1, sizeof(*channel));
    if (channel == NULL || !make_slot(allocation)) {
        free(channel);
        return NULL;
    }
    channel->number = number;
    channel->permission = permission;
    permission->channels++;
    link_number(allocation, channel);
    address_map_put(&allocation->channels, &channel->node, peer);
    counter_add(&allocation->server->counters.channels, 1);
    return channel;
}

void channel_restore(struct turn_allocation *allocation, uint16_t number,
    const struct address *peer, uint64_t expires_ms)
{
    struct permission *permission = permission_find(allocation, peer);
    if (permission == NULL || channel_of_number(allocation, number) != NULL ||
        channel_of_peer(allocation, peer) != NULL ||
        allocation->channels.count >= allocation->server->settings->max_channels)
        return;
    struct channel *channel = channel_new(allocation, number, peer, permission);
    if (channel == NULL)
        return;
    channel->expires_ms = expires_ms;
    allocation_due(allocation, expires_ms);
}

void channel_end(struct turn_allocation *allocation, struct channel *channel)
{
    unlink_number(allocation, channel);
    address_map_remove(&allocation->channels, &channel->node);
    channel->permission->channels--;
    counter_subtract(&allocation->server->counters.channels, 1);
    free(channel);
}

uint64_t channels_sweep(struct turn_allocation *allocation, uint64_t now_ms)
{
    uint64_t due = TIMERS_NEVER;
    map_for_each (at, &allocation->channels) {
        struct channel *channel = of_link(at);
        if (channel->expires_ms <= now_ms)
            channel_end(allocation, channel);
        else if (channel->expires_ms < due)
            due = channel->expires_ms;
    }
    return due;
}

void channels_end_of(struct turn_allocation *allocation, const struct permission *permission)
{
    map_for_each (at, &allocation->channels) {
        struct channel *channel = of_link(at);
        if (channel->permission == permission)
            channel_end(allocation, channel);
    }
}

/* --- ChannelBind --- */

struct binding {
    uint16_t number;
    struct address peer;
    bool checks_port;
};

/* 0, or the code of the error. */
static unsigned read_binding(const struct turn_request *r, struct binding *out)
{
    const struct peer_policy *policy = r->server->settings->policy;
    uint32_t value;

    if (!request_u32(r, REQUEST_CHANNEL, &value) || !request_peer(r, &out->peer))
        return STUN_BAD_REQUEST;
    out->number = (uint16_t)(value >> 16);
    bool is_valid = r->server->settings->rfc5766_channels ? channel_number_is_known(out->number)
                                                          : channel_number_is_valid(out->number);
    if (!is_valid || out->peer.port == 0)
        return STUN_BAD_REQUEST;
    unsigned code = permission_judge(r->allocation, &out->peer, &out->checks_port);
    if (code != 0)
        return code;
    if (out->checks_port && !policy_peer_port(policy, &out->peer, NULL)) {
        counter_add(&r->server->counters.peers_denied, 1);
        return STUN_FORBIDDEN;
    }
    return 0;
}

/* The channel of number and peer, new if need be. A bound number goes to no other peer, and a bound
 * peer to no other number (RFC 8656, section 12.2). */
static unsigned bind(struct turn_request *r, const struct binding *b, struct channel **out)
{
    struct turn_allocation *allocation = r->allocation;
    channels_sweep(allocation, r->arrival->now_ms);
    permissions_sweep(allocation, r->arrival->now_ms);

    struct channel *channel = channel_of_number(allocation, b->number);
    if (channel != channel_of_peer(allocation, &b->peer))
        return STUN_BAD_REQUEST;
    if (channel == NULL && allocation->channels.count >= r->server->settings->max_channels)
        return STUN_INSUFFICIENT_CAPACITY;

    struct permission *permission = permission_prepare(allocation, &b->peer, b->checks_port);
    if (permission == NULL)
        return STUN_INSUFFICIENT_CAPACITY;
    if (channel == NULL)
        channel = channel_new(allocation, b->number, &b->peer, permission);
    if (channel == NULL) {
        permissions_sweep(allocation, r->arrival->now_ms);
        return STUN_INSUFFICIENT_CAPACITY;
    }
    *out = channel;
    return 0;
}

enum turn_verdict channel_bind(struct turn_request *r)
{
    struct turn_allocation *allocation = r->allocation;
    struct binding b = {.number = 0};
    struct channel *channel;

    if (allocation->is_tcp)
        return reply_error(r, STUN_FORBIDDEN);
    unsigned code = read_binding(r, &b);
    if (code == 0)
        code = bind(r, &b, &channel);
    if (code != 0)
        return reply_error(r, (enum stun_error)code);

    uint64_t now_ms = r->arrival->now_ms;
    channel->expires_ms = now_ms + r->server->settings->channel_s * 1000ull;
    allocation_due(allocation, channel->expires_ms);
    permission_renew(allocation, channel->permission, now_ms);
    allocation_changed(allocation);
    return reply_success(r);
}
