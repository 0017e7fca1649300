/* SPDX-License-Identifier: Apache-2.0 */
/* xdp/routes_state.h - what the files of xdp/routes.h share. */
#ifndef XDP_ROUTES_STATE_H
#define XDP_ROUTES_STATE_H

#include "xdp/links.h"
#include "xdp/route_message.h"
#include "xdp/route_socket.h"
#include "xdp/routes.h"

struct routes {
    uv_loop_t *loop;
    struct next_hops *hops;
    int events;    /* sockets; -1: closed */
    int questions; /* a new one for each reading of all, so that no old answer is in it */
    uv_poll_t poll;
    uv_async_t wakeup;
    uv_timer_t quiet;
    uv_timer_t expire;
    unsigned expiries; /* how often it has fired */
    unsigned handles;  /* not closed yet */

    struct links links;
    unsigned *devices;
    size_t device_count;

    uint32_t seq;
    bool is_quiet;  /* nothing is asked until the timer fires */
    bool must_read; /* the kernel's tables anew, before anything is asked */
    uint64_t changed_ms;

    struct routes_counters counters;
    void (*on_device)(void *owner, const struct routes_device *device);
    void *owner;
    uint32_t buffer[ROUTE_SOCKET_BUFFER / sizeof(uint32_t)];
};

bool routes_have_device(const struct routes *r, uint32_t ifindex);

/* What the kernel told, as an event or when asked. */
void routes_set_neighbour(const struct routes *r, const struct route_neighbour *told);
void routes_set_link(struct routes *r, const struct route_link *told);

/* A link that was not in the list of all. */
void routes_tell_device(const struct routes *r, const struct routes_device *device);

/* Reads links and neighbours. Returns 0, or a negative errno: then they must be read again. */
NODISCARD int routes_read_all(struct routes *r);

/* Reads the links of our devices. */
void routes_read_devices(struct routes *r);

/* Asks the kernel for some next hops, unless the time for it has not come; the rest when the loop
 * has gone round. */
void routes_ask(struct routes *r);

#endif
