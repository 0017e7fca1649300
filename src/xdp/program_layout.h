/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/program_layout.h - what the program in the kernel and the process agree on: the maps' keys
 * and values, and the stamp before a frame.
 */
#ifndef XDP_PROGRAM_LAYOUT_H
#define XDP_PROGRAM_LAYOUT_H

#include <linux/types.h>

enum {
    XDP_ADDRESSES_MAX = 64, /* local addresses */
    XDP_WORKERS_MAX = 64,
    XDP_QUEUES_MAX = 64, /* of a device that are looked at; others are the kernel's */

    /* The longest frame that is taken: what of a frame's memory the kernel leaves for a packet
     * (XDP_PACKET_HEADROOM bytes go before it). */
    XDP_FRAME_SIZE = 2048,
    XDP_FRAME_HEADROOM = 256,
    XDP_FRAME_MAX = XDP_FRAME_SIZE - XDP_FRAME_HEADROOM,

    XDP_PORTS_PER_SLOT = 8,
    XDP_SLOTS_PER_ADDRESS = 65536 / XDP_PORTS_PER_SLOT,
};

/* Key of `addresses`; its value is the address' index, a __u32. */
struct xdp_address_key {
    __u8 family; /* 4 or 6 */
    __u8 zero[3];
    __u8 ip[16]; /* IPv4: the first 4, the rest is zero */
};

/* An element of `ports`, at address index * XDP_SLOTS_PER_ADDRESS + port / XDP_PORTS_PER_SLOT. */
struct xdp_port_slot {
    __u8 worker[XDP_PORTS_PER_SLOT]; /* 0: nobody, else worker + 1 */
};

/* The element of `card`: the interface that frames must come in by, and the hardware address that
 * they must be sent to. */
struct xdp_card {
    __u32 ifindex;
    __u8 mac[6];
    __u8 generic; /* the program runs behind the driver */
    __u8 zero;
};

/* Lies directly before each frame that a worker gets. */
struct xdp_stamp {
    __u32 magic;
    __u32 zero;
    __u64 arrival_ns; /* CLOCK_MONOTONIC */
};

#define XDP_STAMP_MAGIC 0x7374666du /* "mfts" */

#endif
