/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/channel.h - channels: a number in place of a peer's address (RFC 8656, section 12).
 *
 * Found by number for data of the client and by address for data of the peer, both at once.
 */
#ifndef TURN_CHANNEL_H
#define TURN_CHANNEL_H

#include "turn/permission.h"

struct channel {
    struct address_node node; /* in allocation->channels, by the peer's address */
    struct channel *next;     /* in its chain of allocation->numbers */
    struct permission *permission;
    uint64_t expires_ms;
    uint16_t number;
};

static inline const struct address *channel_peer(const struct channel *channel)
{
    return &channel->node.key;
}

/* NULL when there is none; perhaps its time is over. */
static inline struct channel *channel_of_number(
    const struct turn_allocation *allocation, uint16_t number)
{
    if (allocation->number_slots == 0)
        return NULL;
    struct channel *at = allocation->numbers[number & (allocation->number_slots - 1)];
    while (at != NULL && at->number != number)
        at = at->next;
    return at;
}

static inline struct channel *channel_of_peer(
    const struct turn_allocation *allocation, const struct address *peer)
{
    struct address_node *node = address_map_find(&allocation->channels, peer);
    return node == NULL ? NULL : CONTAINER_OF(node, struct channel, node);
}

/* One that another process has bound; left out when peer or number are bound already, the peer has
 * no permission, or there is no room. */
void channel_restore(struct turn_allocation *allocation, uint16_t number,
    const struct address *peer, uint64_t expires_ms);

/* Ends it; its permission stays. */
void channel_end(struct turn_allocation *allocation, struct channel *channel);

/* Ends those whose time is over; returns when the next one is due, TIMERS_NEVER without. */
uint64_t channels_sweep(struct turn_allocation *allocation, uint64_t now_ms);

/* Ends those that point to `permission`. */
void channels_end_of(struct turn_allocation *allocation, const struct permission *permission);

/* ChannelBind (RFC 8656, section 12.2). */
enum turn_verdict channel_bind(struct turn_request *r);

#endif
