/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/packet.h"

enum { RTP_VERSION = 2, SRTCP_INDEX_MASK = 0x7fffffff };

bool rtpsec_read_rtp(struct bytes packet, struct rtpsec_header *out)
{
    struct reader r = reader_over(packet);
    uint8_t first = reader_u8(&r);
    reader_u8(&r); /* marker and payload type */
    uint16_t seq = reader_u16(&r);
    reader_u32(&r); /* timestamp */
    uint32_t ssrc = reader_u32(&r);
    reader_take(&r, (size_t)(first & 0x0f) * 4); /* contributing sources */
    if ((first & 0x10) != 0) {
        reader_u16(&r); /* kind of extension */
        reader_take(&r, (size_t)reader_u16(&r) * 4);
    }
    if (!reader_ok(&r) || first >> 6 != RTP_VERSION)
        return false;
    *out = (struct rtpsec_header){.ssrc = ssrc, .seq = seq, .len = packet.len - reader_left(&r)};
    return true;
}

bool rtpsec_read_rtcp(struct bytes packet, struct rtpsec_header *out)
{
    struct reader r = reader_over(packet);
    uint8_t first = reader_u8(&r);
    reader_take(&r, 3); /* packet type and length */
    uint32_t ssrc = reader_u32(&r);
    if (!reader_ok(&r) || first >> 6 != RTP_VERSION)
        return false;
    *out = (struct rtpsec_header){.ssrc = ssrc, .len = packet.len - reader_left(&r)};
    return true;
}

uint32_t rtpsec_read_rtcp_index(const struct rtpsec_suite *suite, struct bytes packet)
{
    size_t behind = suite->is_aead ? 0 : suite->rtcp_tag_len;
    struct reader r = reader_over(packet);
    reader_take(&r, packet.len - behind - 4);
    return reader_u32(&r) & SRTCP_INDEX_MASK;
}

size_t rtpsec_remove_mki(uint8_t *data, size_t len, size_t mki_len, size_t tag_len)
{
    uint8_t *tag = data + len - tag_len;
    memmove(tag - mki_len, tag, tag_len);
    return len - mki_len;
}

size_t rtpsec_insert_mki(uint8_t *data, size_t len, struct bytes mki, size_t tag_len)
{
    uint8_t *tag = data + len - tag_len;
    memmove(tag + mki.len, tag, tag_len);
    memcpy(tag, mki.data, mki.len);
    return len + mki.len;
}
