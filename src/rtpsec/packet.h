/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/packet.h - the places in a packet that SRTP cares for: header, SRTCP index, MKI.
 *
 * Where the trailer's parts lie (RFC 3711 sections 3.1 and 3.4, RFC 7714 sections 8.2 and 9.2):
 *     AES-CM RTP    ... payload              MKI tag
 *     AES-CM RTCP   ... payload    E+index   MKI tag
 *     AEAD RTP      ... payload tag          MKI
 *     AEAD RTCP     ... payload tag E+index  MKI
 * Pure functions; nothing is kept.
 */
#ifndef RTPSEC_PACKET_H
#define RTPSEC_PACKET_H

#include "rtpsec/suite.h"

struct rtpsec_header {
    uint32_t ssrc;
    uint16_t seq; /* RTP */
    size_t len;   /* what is never encrypted */
};

/* Reads the header of an RTP packet, extension included; false when it is not one. */
NODISCARD bool rtpsec_read_rtp(struct bytes packet, struct rtpsec_header *out);

/* Reads the first header of an RTCP packet; false when it is not one. */
NODISCARD bool rtpsec_read_rtcp(struct bytes packet, struct rtpsec_header *out);

/* The SRTCP index of a protected packet without MKI, which is long enough. */
uint32_t rtpsec_read_rtcp_index(const struct rtpsec_suite *suite, struct bytes packet);

/* Takes `mki_len` bytes of MKI out of a packet, which is long enough; returns its new length.
 * `tag_len` is that of a tag that follows the MKI, 0 for AEAD. */
size_t rtpsec_remove_mki(uint8_t *data, size_t len, size_t mki_len, size_t tag_len);

/* Puts an MKI in, for which there is room behind the packet; returns its new length. */
size_t rtpsec_insert_mki(uint8_t *data, size_t len, struct bytes mki, size_t tag_len);

#endif
