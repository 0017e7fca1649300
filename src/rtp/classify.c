/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/classify.h"

#include "mediaferry/rtcp.h"
#include "mediaferry/rtp.h"
#include "mediaferry/stun.h"

struct range {
    uint8_t first, last;
    enum packet_kind kind;
    size_t min_len;
};

/* RFC 7983, section 7; what there is most of first. */
static const struct range ranges[] = {
    {64, 79, PACKET_CHANNEL_DATA, 4}, {0, 3, PACKET_STUN, STUN_HEADER_SIZE},
    {20, 63, PACKET_DTLS, 13}, /* a record's header: RFC 6347, section 4.1 */
    {16, 19, PACKET_ZRTP, 16}, /* header and CRC: RFC 6189, section 5 */
};

/* First bytes 128 to 191: RTP and RTCP. */
enum { MEDIA_BITS = 2 };

static enum packet_kind kind_of_media(struct bytes datagram)
{
    if (rtp_is_rtcp(datagram))
        return datagram.len >= RTCP_MIN_SIZE ? PACKET_RTCP : PACKET_UNKNOWN;
    return datagram.len >= RTP_HEADER_SIZE ? PACKET_RTP : PACKET_UNKNOWN;
}

enum packet_kind packet_classify(struct bytes datagram)
{
    if (datagram.len == 0)
        return PACKET_UNKNOWN;
    if (datagram.data[0] >> 6 == MEDIA_BITS)
        return kind_of_media(datagram);
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        const struct range *r = &ranges[i];
        if (datagram.data[0] < r->first || datagram.data[0] > r->last)
            continue;
        return datagram.len >= r->min_len ? r->kind : PACKET_UNKNOWN;
    }
    return PACKET_UNKNOWN;
}

const char *packet_kind_name(enum packet_kind kind)
{
    switch (kind) {
    case PACKET_STUN:
        return "stun";
    case PACKET_ZRTP:
        return "zrtp";
    case PACKET_DTLS:
        return "dtls";
    case PACKET_CHANNEL_DATA:
        return "channel-data";
    case PACKET_RTP:
        return "rtp";
    case PACKET_RTCP:
        return "rtcp";
    case PACKET_UNKNOWN:
        break;
    }
    return "unknown";
}
