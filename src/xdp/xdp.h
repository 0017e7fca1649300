/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/xdp.h - packets past the kernel's UDP stack (AF_XDP): the process's one.
 *
 * It attaches a program to network interfaces and makes packet back ends (net/packet_io.h) for
 * workers. Those keep all their sockets as ever and lose nothing that the kernel can do for them:
 * what is not plain, in either direction, goes through the sockets.
 *
 *     xdp_open() -> worker_new() with packet_io_new_xdp and xdp_worker() -> ... -> worker_stop()
 *     -> xdp_close()
 *
 * Frames of media do not pass the kernel's filters (nftables, iptables), its connection tracking
 * and its reverse path filter, nor are they seen by tcpdump. Ports that several workers share
 * (SO_REUSEPORT) stay with the kernel, which spreads them.
 */
#ifndef XDP_XDP_H
#define XDP_XDP_H

#include <uv.h>

#include "base/str.h"
#include "net/packet_io.h"
#include "xdp/device.h"
#include "xdp/next_hop.h"
#include "xdp/routes.h"

enum { XDP_DEVICES_MAX = 16 };

struct xdp;

struct xdp_config {
    uv_loop_t *loop;               /* of the control thread */
    const char *const *interfaces; /* their names, at least one */
    size_t interface_count;
    const struct address *addresses; /* local IPs that sockets are bound to; others stay with the
                                        kernel */
    size_t address_count;
    enum device_attach attach;
    size_t workers;
};

/*
 * Returns 0 and a new one in `out` when one interface at least could be attached to; `why` then
 * has a sentence on the others, or on addresses too many. Or a negative errno, with sentences in
 * `why`. On the control thread.
 */
NODISCARD int xdp_open(const struct xdp_config *config, struct xdp **out, struct str *why);

/* When the workers have ended. Accepts NULL. What it needs of the loop is freed from there. */
void xdp_close(struct xdp *xdp);

/* The maker, and what it is to be given for a worker (below the configured number, each once). */
packet_io_maker packet_io_new_xdp;
struct xdp_worker;
struct xdp_worker *xdp_worker(struct xdp *xdp, size_t index);

size_t xdp_device_count(const struct xdp *xdp);
const struct device *xdp_device(const struct xdp *xdp, size_t index);

/* Why a packet left through its socket: states of next hops, and these. */
enum {
    XDP_DETOUR_TOO_LONG = NEXT_HOP_STATE_COUNT, /* for the path, as far as is known */
    XDP_DETOUR_RING_FULL,
    XDP_DETOUR_ADDRESS, /* not from a single address, or to one that cannot be */
    XDP_DETOUR_COUNT,
};

/* In lower case with a dash, for metrics. */
const char *xdp_detour_name(unsigned detour);

/* Of one worker, beside packet_io_counters, where these packets are counted like all others. */
struct xdp_counters {
    struct counter received_packets;          /* by rings */
    struct counter sent_packets;              /* the same */
    struct counter detours[XDP_DETOUR_COUNT]; /* packets sent through sockets, by reason; none for
                                                NEXT_HOP_READY */
};

/* Of all workers, read by any thread. */
void xdp_sum(const struct xdp *xdp, struct xdp_counters *out);

/* How many next hops are in each state. */
void xdp_next_hops(const struct xdp *xdp, size_t out[NEXT_HOP_STATE_COUNT]);

const struct routes_counters *xdp_routes(const struct xdp *xdp);

#endif
