/* SPDX-License-Identifier: Apache-2.0 */
/* RTP packets: reading, writing, changing fields in place (RFC 3550, section 5.1). */
#include "mediaferry/rtp.h"

enum { VERSION = 2, PADDING_BIT = 0x20, EXTENSION_BIT = 0x10, MARKER_BIT = 0x80, WORD = 4 };

enum rtp_status rtp_parse_protected(struct bytes packet, struct rtp_packet *out)
{
    struct rtp_packet p = {.marker = false};
    struct reader r = reader_over(packet);
    uint8_t first = reader_u8(&r);
    uint8_t second = reader_u8(&r);
    p.marker = (second & MARKER_BIT) != 0;
    p.payload_type = second & 0x7f;
    p.seq = reader_u16(&r);
    p.timestamp = reader_u32(&r);
    p.ssrc = reader_u32(&r);
    p.csrcs = reader_take(&r, WORD * (size_t)(first & 0x0f));
    p.has_extension = (first & EXTENSION_BIT) != 0;
    if (p.has_extension) {
        p.extension_profile = reader_u16(&r);
        p.extension = reader_take(&r, WORD * (size_t)reader_u16(&r));
    }
    if (packet.len > 0 && first >> 6 != VERSION)
        return RTP_BAD_VERSION;
    if (!reader_ok(&r))
        return RTP_TRUNCATED;
    p.header_len = packet.len - reader_left(&r);
    p.payload = r.rest;
    *out = p;
    return RTP_OK;
}

enum rtp_status rtp_parse(struct bytes packet, struct rtp_packet *out)
{
    struct rtp_packet p;
    enum rtp_status status = rtp_parse_protected(packet, &p);
    if (status != RTP_OK)
        return status;
    if ((packet.data[0] & PADDING_BIT) != 0) {
        p.padding_len = p.payload.len > 0 ? p.payload.data[p.payload.len - 1] : 0;
        if (p.padding_len == 0 || p.padding_len > p.payload.len)
            return RTP_BAD_PADDING;
        p.payload.len -= p.padding_len;
    }
    *out = p;
    return RTP_OK;
}

static void put_at(uint8_t *packet, size_t offset, uint32_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        packet[offset + i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

void rtp_set_seq(uint8_t *packet, uint16_t seq)
{
    put_at(packet, 2, seq, 2);
}

void rtp_set_timestamp(uint8_t *packet, uint32_t timestamp)
{
    put_at(packet, 4, timestamp, 4);
}

void rtp_set_ssrc(uint8_t *packet, uint32_t ssrc)
{
    put_at(packet, 8, ssrc, 4);
}

size_t rtp_strip_extension(uint8_t *packet, size_t len)
{
    struct rtp_packet p;
    if (rtp_parse_protected(bytes_of(packet, len), &p) != RTP_OK || !p.has_extension)
        return 0;

    size_t shift = WORD + p.extension.len;
    memmove(packet + shift, packet, p.header_len - shift);
    packet[shift] = (uint8_t)(packet[shift] & ~EXTENSION_BIT);
    return shift;
}

static void write_padding(struct writer *w, size_t len)
{
    uint8_t *padding = writer_reserve(w, len);
    if (padding == NULL || len == 0)
        return;
    memset(padding, 0, len);
    padding[len - 1] = (uint8_t)len;
}

void rtp_write(struct writer *w, const struct rtp_packet *packet)
{
    size_t csrcs = packet->csrcs.len / WORD;
    if (packet->csrcs.len % WORD != 0 || csrcs > RTP_MAX_CSRCS || packet->padding_len > UINT8_MAX ||
        packet->extension.len % WORD != 0 || packet->extension.len / WORD > UINT16_MAX)
        w->failed = true;

    writer_u8(w, (uint8_t)(VERSION << 6 | (packet->padding_len > 0 ? PADDING_BIT : 0) |
                           (packet->has_extension ? EXTENSION_BIT : 0) | csrcs));
    writer_u8(w, (uint8_t)((packet->marker ? MARKER_BIT : 0) | (packet->payload_type & 0x7f)));
    writer_u16(w, packet->seq);
    writer_u32(w, packet->timestamp);
    writer_u32(w, packet->ssrc);
    writer_put(w, packet->csrcs);
    if (packet->has_extension) {
        writer_u16(w, packet->extension_profile);
        writer_u16(w, (uint16_t)(packet->extension.len / WORD));
        writer_put(w, packet->extension);
    }
    writer_put(w, packet->payload);
    write_padding(w, packet->padding_len);
}
