/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/links.h"

#include <stdlib.h>

void links_init(struct links *links)
{
    map_init(&links->map);
}

static struct link *link_at(struct map_link *at)
{
    return CONTAINER_OF(at, struct link, node.link);
}

static void remove_link(struct links *links, struct link *link)
{
    u64_map_remove(&links->map, &link->node);
    free(link);
}

void links_done(struct links *links)
{
    map_for_each (at, &links->map)
        remove_link(links, link_at(at));
    map_done(&links->map);
}

static struct link *find(const struct links *links, uint32_t ifindex)
{
    struct u64_node *node = u64_map_find(&links->map, ifindex);
    return node != NULL ? CONTAINER_OF(node, struct link, node) : NULL;
}

const struct link *links_find(const struct links *links, uint32_t ifindex)
{
    return find(links, ifindex);
}

static enum links_news remove_told(struct links *links, uint32_t ifindex)
{
    struct link *link = find(links, ifindex);
    if (link == NULL)
        return LINKS_SAME;
    remove_link(links, link);
    return LINKS_UP_DOWN;
}

static struct link *add(struct links *links, uint32_t ifindex)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return NULL;
    link->device = (struct routes_device){.ifindex = ifindex, .exists = true};
    u64_map_put(&links->map, &link->node, ifindex);
    return link;
}

enum links_news links_apply(struct links *links, const struct route_link *told)
{
    if (!told->exists)
        return remove_told(links, told->ifindex);
    struct link *link = find(links, told->ifindex);
    if (link == NULL)
        link = add(links, told->ifindex);
    if (link == NULL)
        return LINKS_UP_DOWN;

    struct routes_device *device = &link->device;
    bool was_up = device->is_up;
    bool is_other = device->is_ethernet != told->is_ethernet ||
                    (told->mtu != 0 && device->mtu != told->mtu) ||
                    (told->mtu6 != 0 && link->mtu6 != told->mtu6) ||
                    (told->has_mac && memcmp(device->mac, told->mac, ETH_ALEN) != 0);
    device->is_up = told->is_up;
    device->is_ethernet = told->is_ethernet;
    if (told->mtu != 0)
        device->mtu = told->mtu;
    if (told->mtu6 != 0)
        link->mtu6 = told->mtu6;
    if (told->has_mac)
        memcpy(device->mac, told->mac, ETH_ALEN);
    link->is_listed = true;
    if (was_up != told->is_up)
        return LINKS_UP_DOWN;
    return is_other ? LINKS_OTHER : LINKS_SAME;
}

void links_begin_list(struct links *links)
{
    map_for_each (at, &links->map)
        link_at(at)->is_listed = false;
}

bool links_end_list(struct links *links, struct routes_device *gone)
{
    map_for_each (at, &links->map) {
        struct link *link = link_at(at);
        if (link->is_listed)
            continue;
        *gone = (struct routes_device){.ifindex = link->device.ifindex};
        remove_link(links, link);
        return true;
    }
    return false;
}
