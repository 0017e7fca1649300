/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/classify.h - what a datagram on a media port is, by its first bytes (RFC 7983,
 * RTP and RTCP apart by RFC 5761).
 *
 * Only first bytes and minimum lengths are looked at: each protocol's own parser has the last word.
 */
#ifndef MEDIAFERRY_CLASSIFY_H
#define MEDIAFERRY_CLASSIFY_H

#include "mediaferry/rtp.h"

enum packet_kind {
    PACKET_UNKNOWN, /* no protocol of ours, or too short for the one it looks like */
    PACKET_STUN,
    PACKET_ZRTP,
    PACKET_DTLS,
    PACKET_CHANNEL_DATA,
    PACKET_RTP,
    PACKET_RTCP,
};

enum packet_kind packet_classify(struct bytes datagram);

/* Whether that would be PACKET_RTP: for who has little else to tell apart. */
static inline bool packet_is_rtp(struct bytes datagram)
{
    return datagram.len >= RTP_HEADER_SIZE && datagram.data[0] >> 6 == 2 && !rtp_is_rtcp(datagram);
}

/* A constant word for logs and metrics. */
const char *packet_kind_name(enum packet_kind kind);

#endif
