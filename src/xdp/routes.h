/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/routes.h - fills the table of next hops (xdp/next_hop.h) from the kernel's own tables.
 *
 * Asks the kernel for the route of each key that a worker has not found (rtnetlink(7)), and hears
 * of changes of neighbours, links, addresses, routes and rules. A neighbour's change takes effect
 * at once. Any other makes all next hops unknown at once, so that packets go through the kernel,
 * and the routes are asked for anew when it has been quiet for ROUTES_QUIET_MS, after
 * ROUTES_QUIET_MAX_MS at the latest. When the kernel has lost events, all is read anew.
 *
 * The route is that of a UDP packet between the two addresses with the process's user: rules that
 * look at ports, marks or the traffic class are not seen, and of several equal routes one is taken.
 * Policies of IPsec (ip-xfrm(8)) are no part of routes and not seen either.
 *
 * Belongs to the control thread and its loop. A question to the kernel is a system call that it
 * answers at once; they are asked in small portions, so that the loop goes on.
 */
#ifndef XDP_ROUTES_H
#define XDP_ROUTES_H

#include <uv.h>

#include "base/metrics.h"
#include "xdp/next_hop.h"

enum {
    ROUTES_QUIET_MS = 50,
    ROUTES_QUIET_MAX_MS = 200,
};

struct routes;

/* An interface, as its owner may want to know it. */
struct routes_device {
    unsigned ifindex;
    bool exists;
    bool is_up; /* and has a carrier */
    bool is_ethernet;
    unsigned mtu;
    uint8_t mac[ETH_ALEN];
};

struct routes_config {
    struct next_hops *hops;    /* borrowed */
    const unsigned *ifindexes; /* of the devices; only what leaves by them becomes READY. Copied */
    size_t count;
    int receive_buffer; /* of the socket that hears of changes, in bytes; 0: a default */

    /* A device of ours has changed; called from the loop. May be NULL. `device` is borrowed for the
     * call, which must not close. */
    void (*on_device)(void *owner, const struct routes_device *device);
    void *owner; /* borrowed */
};

struct routes_counters {
    struct counter requests; /* routes that the kernel was asked for */
    struct counter failures; /* of those: no answer */
    struct counter changes;  /* times that all next hops were forgotten */
    struct counter resyncs;  /* times that events were lost and all was read anew */
};

/* Reads links and neighbours, which takes as long as the kernel needs to list them, and listens to
 * `hops`. Returns 0 and a new one in `out`, or a negative errno or UV_E code. */
NODISCARD int routes_open(uv_loop_t *loop, const struct routes_config *config, struct routes **out);

/* The devices are others from now on. Returns 0 or -ENOMEM; then they are as before. */
NODISCARD int routes_set_devices(struct routes *routes, const unsigned *ifindexes, size_t count);

/* False when it is none of ours. */
NODISCARD bool routes_device(
    const struct routes *routes, unsigned ifindex, struct routes_device *out);

/* Read by any thread. */
const struct routes_counters *routes_counters(const struct routes *routes);

/* No longer listens; all next hops are unknown from now on, so that packets go through the kernel.
 * The memory is freed from the loop. Accepts NULL. */
void routes_close(struct routes *routes);

#endif
