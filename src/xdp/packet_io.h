/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/packet_io.h - the AF_XDP back end of packet_io as its own files see it: packet_io.c has its
 * life and its sockets, packet_io_receive.c and packet_io_send.c the packets.
 *
 * All sockets are those of an inner epoll back end, bound as ever. Beside it lies a fast lane: what
 * the program on a device took for one of them comes by rings, and what has a known next hop leaves
 * by them. All else, in either direction, goes through the sockets:
 *
 *     receive   rings --------- frame_read -- port table ---+
 *               inner epoll --------------------------------+--> batch
 *     send      next hop READY, fits -- frame_write ----------> rings
 *               all else -------------------------------------> inner epoll
 */
#ifndef XDP_PACKET_IO_H
#define XDP_PACKET_IO_H

#include "net/packet_io.h"
#include "xdp/device.h"
#include "xdp/next_hop.h"
#include "xdp/port_table.h"
#include "xdp/rings.h"
#include "xdp/xdp.h"

/* How the system sends datagrams of a socket that wishes nothing. */
struct xdp_manner {
    uint8_t hop_limit;
    bool dont_fragment;
};

/* What the makers of all workers have in common; borrowed by back ends. */
struct xdp_common {
    struct xdp_maps *maps;
    struct next_hops *hops;
    struct device *devices[XDP_DEVICES_MAX];
    size_t device_count;
    size_t workers;
    struct address addresses[XDP_ADDRESSES_MAX]; /* at their index in the maps; ports 0 */
    unsigned address_count;
    struct xdp_manner ip4, ip6;
};

/* The context of a maker. */
struct xdp_worker {
    const struct xdp_common *common;
    unsigned index;
    struct xdp_counters counters;
};

/* An AF_XDP socket at one queue of one device. */
struct xdp_lane {
    struct rings *rings;
    uint64_t lost; /* frames, when it was asked last */
};

/* A device as the worker sends by it. */
struct xdp_exit {
    struct rings *rings;
    unsigned ifindex;
    bool must_kick;
};

struct xdp_io {
    struct packet_io base;
    struct packet_io *inner;
    struct xdp_worker *worker; /* borrowed */
    const struct xdp_common *common;
    int fd;       /* readable when one of these is: */
    int retry_fd; /* an eventfd: a device was too busy to send */
    struct port_table ports;
    struct xdp_lane *lanes;
    size_t lane_count, first_lane;
    struct xdp_exit exits[XDP_DEVICES_MAX];
    struct next_hop_cache *hops;
    uint16_t datagram_id;
};

/* Index of the local address with the IP of `ip`; -1 when there is none. */
static inline int xdp_address_index(const struct xdp_common *common, const struct address *ip)
{
    for (unsigned i = 0; i < common->address_count; i++)
        if (address_same_ip(&common->addresses[i], ip))
            return (int)i;
    return -1;
}

/* The clock of next hops. */
uint64_t xdp_now_ms(void);

/* packet_io_receive() and packet_io_send(). */
void xdp_receive(struct packet_io *io, struct packet_batch *batch);
void xdp_send(struct packet_io *io, struct packet_batch *batch);

/* Has the devices send what they have not taken yet. */
void xdp_kick(struct xdp_io *io);

#endif
