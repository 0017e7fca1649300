/* SPDX-License-Identifier: Apache-2.0 */
/* RTP packets: reading, writing, changing fields in place (RFC 3550, section 5.1). */
#include "mediaferry/rtp.h"

enum { VERSION = 2, EXTENSION_BIT = 0x10, MARKER_BIT = 0x80, WORD = 4 };

static uint32_t u16_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

/* Where the payload starts, which lies within the packet; 0 when it would not. */
static size_t payload_start(struct bytes packet)
{
    uint8_t first = packet.data[0];
    size_t len = RTP_HEADER_SIZE + WORD * (size_t)(first & 0x0f);
    if ((first & EXTENSION_BIT) != 0 && len + WORD <= packet.len)
        len += WORD + WORD * (size_t)u16_at(packet.data + len + 2);
    else if ((first & EXTENSION_BIT) != 0)
        return 0;
    return len <= packet.len ? len : 0;
}

enum rtp_status rtp_find_payload(struct bytes packet, struct rtp_header *out)
{
    if (packet.len > 0 && packet.data[0] >> 6 != VERSION)
        return RTP_BAD_VERSION;
    size_t len = packet.len < RTP_HEADER_SIZE ? 0 : payload_start(packet);
    if (len == 0 || len > UINT16_MAX)
        return RTP_TRUNCATED;
    out->len = (uint16_t)len;
    return RTP_OK;
}

bool rtp_check_padding(struct bytes packet, const struct rtp_header *header)
{
    size_t room = packet.len - header->len;
    uint8_t padding = room > 0 ? packet.data[packet.len - 1] : 0;
    return padding > 0 && padding <= room;
}

enum rtp_status rtp_parse_protected(struct bytes packet, struct rtp_packet *out)
{
    struct rtp_header header;
    enum rtp_status status = rtp_read_header(packet, &header);
    if (status != RTP_OK)
        return status;

    const uint8_t *data = packet.data;
    size_t csrcs_len = WORD * (size_t)(header.first & 0x0f);
    size_t extension_at = RTP_HEADER_SIZE + csrcs_len + WORD;
    bool has_extension = (header.first & EXTENSION_BIT) != 0;
    *out = (struct rtp_packet){
        .marker = (data[1] & MARKER_BIT) != 0,
        .has_extension = has_extension,
        .payload_type = header.payload_type,
        .seq = header.seq,
        .timestamp = header.timestamp,
        .ssrc = header.ssrc,
        .extension_profile = has_extension ? (uint16_t)u16_at(data + extension_at - WORD) : 0,
        .csrcs = bytes_of(data + RTP_HEADER_SIZE, csrcs_len),
        .extension = has_extension ? bytes_of(data + extension_at, header.len - extension_at)
                                   : bytes_of(NULL, 0),
        .payload = bytes_of(data + header.len, packet.len - header.len),
        .header_len = header.len,
    };
    return RTP_OK;
}

enum rtp_status rtp_parse(struct bytes packet, struct rtp_packet *out)
{
    struct rtp_packet p;
    enum rtp_status status = rtp_parse_protected(packet, &p);
    if (status != RTP_OK)
        return status;
    if ((packet.data[0] & RTP_PADDING_BIT) != 0) {
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

    writer_u8(w, (uint8_t)(VERSION << 6 | (packet->padding_len > 0 ? RTP_PADDING_BIT : 0) |
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
