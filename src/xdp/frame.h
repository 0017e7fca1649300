/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/frame.h - UDP datagrams as Ethernet frames: those received are read, those to be sent laid
 * out.
 *
 * Both speak of plain frames only: Ethernet II without tags, IPv4 without options and not a
 * fragment or IPv6 without extension headers, UDP. Pure.
 */
#ifndef XDP_FRAME_H
#define XDP_FRAME_H

#include "base/drops.h"
#include "mediaferry/address.h"

enum { FRAME_MAC_SIZE = 6 };

/* What goes before a datagram. */
enum {
    FRAME_ETHERNET_SIZE = 14,
    FRAME_IP4_SIZE = 20,
    FRAME_IP6_SIZE = 40,
    FRAME_UDP_SIZE = 8,
};

struct frame_in {
    struct address from, to;
    uint8_t tos;          /* the traffic class, with its ECN bits */
    struct bytes payload; /* lies in the frame */
};

/*
 * Returns DROP_NONE, or DROP_FRAME_MALFORMED when it is no plain frame, or DROP_FRAME_CHECKSUM.
 * Addresses are not judged.
 *
 * Besides a right UDP checksum, and none (IPv4 only), that of the pseudo header alone is right:
 * where sender and receiver are one machine, the rest was left to a card that there is none of.
 */
NODISCARD enum drop_reason frame_read(struct bytes frame, struct frame_in *out);

/* How a datagram leaves; all borrowed. */
struct frame_out {
    const uint8_t *source_mac, *destination_mac;
    const struct address *from, *to; /* of one family */
    uint8_t tos;
    uint8_t hop_limit;
    bool dont_fragment; /* IPv4 only, as the next */
    uint16_t id;        /* tells datagrams apart that may be fragmented; sent as 0 without need */
};

/* Its size as an IP packet, which is what an MTU is about. */
static inline size_t frame_packet_size(enum address_family family, size_t payload_len)
{
    size_t ip_size = family == ADDRESS_IP6 ? FRAME_IP6_SIZE : FRAME_IP4_SIZE;
    return ip_size + FRAME_UDP_SIZE + payload_len;
}

/* Returns the length of the frame written, with full checksums; 0 when it does not fit into
 * `capacity` or is longer than an IP packet can be. */
NODISCARD size_t frame_write(
    uint8_t *out, size_t capacity, const struct frame_out *how, struct bytes payload);

#endif
