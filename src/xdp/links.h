/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/links.h - the network interfaces of this machine, as the kernel has told of them.
 *
 * Pure. All are kept, devices of ours or not: when one goes down, the kernel drops the routes over
 * it without a word, and other routes come into effect.
 */
#ifndef XDP_LINKS_H
#define XDP_LINKS_H

#include "base/map.h"
#include "xdp/route_message.h"
#include "xdp/routes.h"

struct links {
    struct map map;
};

struct link {
    struct u64_node node; /* by number */
    struct routes_device device;
    uint32_t mtu6; /* of IPv6 packets; 0: not told */
    bool is_listed;
};

enum links_news {
    LINKS_SAME,
    LINKS_OTHER,   /* a property of it */
    LINKS_UP_DOWN, /* it is up, down or gone; also: there is no memory to remember it */
};

void links_init(struct links *links);
void links_done(struct links *links);

/* NULL when it is not known. */
const struct link *links_find(const struct links *links, uint32_t ifindex);

/* Takes what was told of one; what the message says nothing of remains as it was. */
enum links_news links_apply(struct links *links, const struct route_link *told);

/* A list of all begins: each in it is applied. When it has ended, links_end_list() removes one
 * that was not in it, and says which; false when all are. */
void links_begin_list(struct links *links);
NODISCARD bool links_end_list(struct links *links, struct routes_device *gone);

#endif
