/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel may say on a socket of rtnetlink: one datagram. */
#include "../require.h"
#include "xdp/route_message.h"

/* Its own bytes, in a block where one more is seen. */
static struct bytes block_of(struct bytes b)
{
    uint8_t *data = malloc(b.len > 0 ? b.len : 1);
    if (data == NULL)
        abort();
    if (b.len > 0)
        memcpy(data, b.data, b.len);
    return bytes_of(data, b.len);
}

static void check(const struct route_message *m)
{
    switch (m->kind) {
    case ROUTE_MESSAGE_ROUTE:
        require(m->route.state == NEXT_HOP_WAITING || m->route.state == NEXT_HOP_LOCAL ||
                m->route.state == NEXT_HOP_SPECIAL || m->route.state == NEXT_HOP_NO_ROUTE);
        require(m->route.gateway.family <= ADDRESS_IP6 && m->route.gateway.port == 0);
        break;
    case ROUTE_MESSAGE_NEIGHBOUR:
        require(address_ip_len(&m->neighbour.via.ip) > 0 && m->neighbour.via.ip.port == 0);
        break;
    case ROUTE_MESSAGE_LINK:
        require(m->link.mtu6 <= INT32_MAX);
        break;
    case ROUTE_MESSAGE_CHANGE:
    case ROUTE_MESSAGE_DONE:
    case ROUTE_MESSAGE_ERROR:
    case ROUTE_MESSAGE_OTHER:
    case ROUTE_MESSAGE_BAD:
        break;
    }
}

static bool same(const struct route_message *a, const struct route_message *b)
{
    if (a->kind != b->kind || a->seq != b->seq || a->error != b->error)
        return false;
    if (a->kind == ROUTE_MESSAGE_ROUTE)
        return a->route.state == b->route.state && a->route.ifindex == b->route.ifindex &&
               a->route.mtu == b->route.mtu && address_equal(&a->route.gateway, &b->route.gateway);
    if (a->kind == ROUTE_MESSAGE_NEIGHBOUR)
        return a->neighbour.is_usable == b->neighbour.is_usable &&
               address_equal(&a->neighbour.via.ip, &b->neighbour.via.ip) &&
               memcmp(a->neighbour.mac, b->neighbour.mac, ETH_ALEN) == 0;
    if (a->kind == ROUTE_MESSAGE_LINK)
        return a->link.ifindex == b->link.ifindex && a->link.is_up == b->link.is_up &&
               a->link.mtu == b->link.mtu && a->link.mtu6 == b->link.mtu6 &&
               memcmp(a->link.mac, b->link.mac, ETH_ALEN) == 0;
    return true;
}

/* A message means what it means alone. */
static void read_alone(struct bytes bytes, const struct route_message *expected)
{
    struct bytes block = block_of(bytes), rest = block;
    struct route_message alone;
    require(route_message_next(&rest, &alone));
    require(rest.len == 0);
    require(same(&alone, expected));
    free((void *)(uintptr_t)block.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes block = block_of(bytes_of(data, size)), rest = block;
    struct route_message m;
    for (;;) {
        struct bytes before = rest;
        if (!route_message_next(&rest, &m))
            break;
        require(rest.len < before.len && lies_within(rest, before));
        check(&m);
        read_alone(bytes_of(before.data, before.len - rest.len), &m);
    }
    require(rest.len == 0);
    free((void *)(uintptr_t)block.data);
    return 0;
}
