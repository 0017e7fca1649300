/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/rtp.h - RTP packets on the wire (RFC 3550, section 5; header extensions RFC 8285).
 *
 * Pure functions over memory the caller owns: no allocation, no clock, no logging. A parsed packet
 * borrows its datagram. The rtp_set_ functions write into a packet that rtp_parse() or
 * rtp_parse_protected() has accepted.
 */
#ifndef MEDIAFERRY_RTP_H
#define MEDIAFERRY_RTP_H

#include "mediaferry/bytes.h"

enum { RTP_HEADER_SIZE = 12, RTP_MAX_CSRCS = 15 };

/* Of the first byte: all but the padding, and what it is without sources and extension. */
enum { RTP_PADDING_BIT = 0x20, RTP_SHAPE_BITS = 0xdf, RTP_VERSION_BITS = 0x80 };

enum rtp_status {
    RTP_OK,
    RTP_TRUNCATED,   /* shorter than its header says */
    RTP_BAD_VERSION, /* not version 2 */
    RTP_BAD_PADDING, /* padding of no length, or longer than what follows the header */
};

struct rtp_packet {
    bool marker;
    bool has_extension;
    uint8_t payload_type;
    uint16_t seq;
    uint32_t timestamp;
    uint32_t ssrc;
    uint16_t extension_profile; /* 0 without an extension */
    struct bytes csrcs;         /* 4 bytes each */
    struct bytes extension;     /* without profile and length */
    struct bytes payload;       /* without padding */
    size_t header_len;          /* where the payload starts */
    size_t padding_len;
};

/* Reads a packet in the clear. `out` is written only on RTP_OK. */
NODISCARD enum rtp_status rtp_parse(struct bytes packet, struct rtp_packet *out);

/* Reads the header of an SRTP packet: its padding is encrypted, so `payload` is all that follows
 * the header and `padding_len` is 0. */
NODISCARD enum rtp_status rtp_parse_protected(struct bytes packet, struct rtp_packet *out);

/* Whether a packet of the RTP/RTCP family is RTCP (RFC 5761, section 4); false when too short. */
static inline bool rtp_is_rtcp(struct bytes packet)
{
    return packet.len >= 2 && packet.data[1] >= 192 && packet.data[1] <= 223;
}

/* The fixed fields and where the payload starts: all that is needed to hand a packet on. */
struct rtp_header {
    uint32_t ssrc;
    uint32_t timestamp;
    uint16_t seq;
    uint16_t len;  /* where the payload starts: the extension is in front of it */
    uint8_t first; /* the first byte: version, padding, extension, count of sources */
    uint8_t payload_type;
};

/* Reads the header of a packet in the clear or of an SRTP packet. `out` is written only on RTP_OK.
 * RTP_BAD_PADDING is not looked for: see rtp_padding_is_sound(). */
NODISCARD static inline enum rtp_status rtp_read_header(
    struct bytes packet, struct rtp_header *out);

/* The rarer part of both: sources, an extension, no header at all; padding. */
NODISCARD enum rtp_status rtp_find_payload(struct bytes packet, struct rtp_header *out);
NODISCARD bool rtp_check_padding(struct bytes packet, const struct rtp_header *header);

/* Read by place, after one look at the length: every packet of media comes by here. */
NODISCARD static inline enum rtp_status rtp_read_header(struct bytes packet, struct rtp_header *out)
{
    const uint8_t *data = packet.data;
    struct rtp_header header = {.len = RTP_HEADER_SIZE};
    if (packet.len < RTP_HEADER_SIZE || (data[0] & RTP_SHAPE_BITS) != RTP_VERSION_BITS) {
        enum rtp_status status = rtp_find_payload(packet, &header);
        if (status != RTP_OK)
            return status;
    }
    header.first = data[0];
    header.payload_type = data[1] & 0x7f;
    header.seq = (uint16_t)(data[2] << 8 | data[3]);
    header.timestamp =
        (uint32_t)data[4] << 24 | (uint32_t)data[5] << 16 | (uint32_t)data[6] << 8 | data[7];
    header.ssrc =
        (uint32_t)data[8] << 24 | (uint32_t)data[9] << 16 | (uint32_t)data[10] << 8 | data[11];
    *out = header;
    return RTP_OK;
}

/* Whether the padding of a packet in the clear, whose header was read, leaves a payload. */
static inline bool rtp_padding_is_sound(struct bytes packet, const struct rtp_header *header)
{
    return (header->first & RTP_PADDING_BIT) == 0 || rtp_check_padding(packet, header);
}

struct rtp_element {
    uint8_t id;
    struct bytes value;
};

/* Walks the elements of a header extension, one-byte or two-byte form. */
struct rtp_elements {
    struct reader rest;
    bool two_byte;
};

/* Empty when the packet has no extension or one of another profile. */
struct rtp_elements rtp_elements(const struct rtp_packet *packet);

/* Reads the next element; false at the end and at the first one that overruns the extension. */
NODISCARD bool rtp_next_element(struct rtp_elements *walk, struct rtp_element *out);

/* Finds the first element with `id`. */
NODISCARD bool rtp_find_element(const struct rtp_packet *packet, uint8_t id, struct bytes *out);

/* Takes the header extension out of a packet in place. The header moves up to the payload, which
 * stays where it is: returns the offset at which the packet now starts (0 when there was no
 * extension, or no packet). */
NODISCARD size_t rtp_strip_extension(uint8_t *packet, size_t len);

static inline void rtp_set_payload_type(uint8_t *packet, uint8_t payload_type)
{
    packet[1] = (uint8_t)((packet[1] & 0x80) | (payload_type & 0x7f));
}

static inline void rtp_set_marker(uint8_t *packet, bool marker)
{
    packet[1] = (uint8_t)((packet[1] & 0x7f) | (marker ? 0x80 : 0));
}

void rtp_set_seq(uint8_t *packet, uint16_t seq);
void rtp_set_timestamp(uint8_t *packet, uint32_t timestamp);
void rtp_set_ssrc(uint8_t *packet, uint32_t ssrc);

/* Writes the packet that rtp_parse() would read as `packet`; `header_len` is not looked at. */
void rtp_write(struct writer *w, const struct rtp_packet *packet);

#endif
