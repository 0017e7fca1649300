/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet.h"

enum { CHUNK_PACKETS = 64 };

void packet_reset(struct packet *p)
{
    p->data = p->buffer + PACKET_HEADROOM;
    p->len = 0;
    p->socket = NULL;
    p->peer = (struct address){.family = ADDRESS_NONE};
    p->arrival_ns = 0;
    p->kind = PACKET_DATAGRAM;
    p->tos = 0;
    p->dont_fragment = false;
    p->icmp_type = p->icmp_code = 0;
    p->icmp_data = 0;
    p->drop = DROP_NONE;
    p->queued = false;
    p->next = NULL;
    p->user = NULL;
}

bool packet_set(struct packet *p, struct bytes data)
{
    if (data.len > PACKET_DATA_MAX)
        return false;
    p->data = p->buffer + PACKET_HEADROOM;
    p->len = data.len;
    if (data.len > 0)
        memmove(p->data, data.data, data.len);
    return true;
}

void packet_pool_init(struct pool *pool, size_t limit)
{
    pool_init(pool, sizeof(struct packet), CHUNK_PACKETS, limit);
}

struct packet *packet_take(struct pool *pool)
{
    struct packet *p = pool_take(pool);
    if (p != NULL)
        packet_reset(p);
    return p;
}

struct packet *packet_copy(struct pool *pool, const struct packet *p)
{
    struct packet *copy = packet_take(pool);
    if (copy == NULL)
        return NULL;
    copy->data = copy->buffer + packet_headroom(p);
    copy->len = p->len;
    memcpy(copy->data, p->data, p->len);
    copy->socket = p->socket;
    copy->peer = p->peer;
    copy->arrival_ns = p->arrival_ns;
    copy->kind = p->kind;
    copy->tos = p->tos;
    copy->dont_fragment = p->dont_fragment;
    copy->icmp_type = p->icmp_type;
    copy->icmp_code = p->icmp_code;
    copy->icmp_data = p->icmp_data;
    copy->user = p->user;
    return copy;
}

void packet_give(struct pool *pool, struct packet *p)
{
    pool_give(pool, p);
}
