/* SPDX-License-Identifier: Apache-2.0 */
/* Reading RTCP (RFC 3550, section 6; RFC 4585, section 6.1; RFC 3611, section 2). */
#include "mediaferry/rtcp.h"

enum {
    VERSION = 2,
    PADDING_BIT = 0x20,
    WORD = 4,
    REPORT_SIZE = 24,
    SENDER_SIZE = 24, /* SSRC and sender information */
    FIRST_TYPE = 192, /* RFC 5761, section 4 */
    LAST_TYPE = 223,
};

static bool is_feedback(const struct rtcp_packet *p)
{
    return p->type == RTCP_RTPFB || p->type == RTCP_PSFB;
}

/* Cuts the padding off the body of a datagram's last packet. RFC 3550 wants whole words; Chromium's
 * transport-wide feedback pads to the next word and counts only those bytes. */
static bool cut_padding(struct rtcp_packet *p)
{
    size_t padding = p->body.len > 0 ? p->body.data[p->body.len - 1] : 0;
    if (padding == 0 || padding > p->body.len)
        return false;
    p->body.len -= padding;
    return true;
}

static enum rtcp_status read_packet(struct reader *r, struct rtcp_packet *out)
{
    struct rtcp_packet p;
    struct bytes rest = r->rest;
    uint8_t first = reader_u8(r);
    p.type = reader_u8(r);
    size_t body_len = WORD * (size_t)reader_u16(r);
    p.body = reader_take(r, body_len);
    if (!reader_ok(r))
        return RTCP_TRUNCATED;
    if (first >> 6 != VERSION)
        return RTCP_BAD_VERSION;
    if (p.type < FIRST_TYPE || p.type > LAST_TYPE)
        return RTCP_BAD_TYPE;

    p.count = first & 0x1f;
    p.whole = bytes_of(rest.data, WORD + body_len);
    if ((first & PADDING_BIT) != 0 && (reader_left(r) > 0 || !cut_padding(&p)))
        return RTCP_BAD_PADDING;
    *out = p;
    return RTCP_OK;
}

bool rtcp_next(struct reader *r, struct rtcp_packet *out)
{
    return reader_left(r) > 0 && read_packet(r, out) == RTCP_OK;
}

static bool sdes_is_whole(const struct rtcp_packet *p)
{
    struct rtcp_sdes walk = rtcp_sdes(p);
    struct rtcp_sdes_item item;
    while (rtcp_next_sdes_item(&walk, &item))
        continue;
    return reader_ok(&walk.rest) && walk.chunks_left == 0;
}

static bool bye_is_whole(const struct rtcp_packet *p)
{
    struct reader r = reader_over(p->body);
    reader_take(&r, WORD * (size_t)p->count);
    if (reader_left(&r) > 0)
        reader_take(&r, reader_u8(&r)); /* the reason */
    return reader_ok(&r);
}

static bool xr_is_whole(const struct rtcp_packet *p)
{
    struct reader r = rtcp_xr_blocks(p);
    struct rtcp_xr_block block;
    while (rtcp_next_xr_block(&r, &block))
        continue;
    return p->body.len >= WORD && reader_ok(&r);
}

static bool contents_are_whole(const struct rtcp_packet *p)
{
    switch (p->type) {
    case RTCP_SR:
        return p->body.len >= SENDER_SIZE + REPORT_SIZE * (size_t)p->count;
    case RTCP_RR:
        return p->body.len >= WORD + REPORT_SIZE * (size_t)p->count;
    case RTCP_SDES:
        return sdes_is_whole(p);
    case RTCP_BYE:
        return bye_is_whole(p);
    case RTCP_APP: /* SSRC and name */
    case RTCP_RTPFB:
    case RTCP_PSFB:
        return p->body.len >= (size_t)2 * WORD;
    case RTCP_XR:
        return xr_is_whole(p);
    default:
        return true;
    }
}

enum rtcp_status rtcp_check(struct bytes datagram)
{
    struct reader r = reader_over(datagram);
    struct rtcp_packet p;
    if (datagram.len == 0)
        return RTCP_TRUNCATED;
    while (reader_left(&r) > 0) {
        enum rtcp_status status = read_packet(&r, &p);
        if (status != RTCP_OK)
            return status;
        if (!contents_are_whole(&p))
            return RTCP_BAD_CONTENTS;
    }
    return RTCP_OK;
}

bool rtcp_sender_ssrc(const struct rtcp_packet *p, uint32_t *out)
{
    struct reader r = reader_over(p->body);
    uint32_t ssrc = reader_u32(&r);
    if (!reader_ok(&r) || p->type == RTCP_SDES || (p->type == RTCP_BYE && p->count == 0))
        return false;
    *out = ssrc;
    return true;
}

bool rtcp_read_sender(const struct rtcp_packet *p, struct rtcp_sender *out)
{
    struct reader r = reader_over(p->body);
    struct rtcp_sender s;
    s.ssrc = reader_u32(&r);
    s.ntp = reader_u64(&r);
    s.rtp_timestamp = reader_u32(&r);
    s.packets = reader_u32(&r);
    s.octets = reader_u32(&r);
    if (p->type != RTCP_SR || !reader_ok(&r))
        return false;
    *out = s;
    return true;
}

struct reader rtcp_reports(const struct rtcp_packet *p)
{
    struct reader r = reader_over(p->body);
    if (p->type != RTCP_SR && p->type != RTCP_RR)
        return reader_over(bytes_of(NULL, 0));
    reader_take(&r, p->type == RTCP_SR ? SENDER_SIZE : WORD);
    return reader_over(reader_take(&r, REPORT_SIZE * (size_t)p->count));
}

/* Two's complement in 24 bits. */
static int32_t signed_24(uint32_t value)
{
    return value < 0x800000 ? (int32_t)value : (int32_t)value - 0x1000000;
}

bool rtcp_next_report(struct reader *r, struct rtcp_report *out)
{
    struct rtcp_report report;
    if (reader_left(r) == 0)
        return false;
    report.ssrc = reader_u32(r);
    report.fraction_lost = reader_u8(r);
    report.lost = signed_24(reader_u24(r));
    report.highest_seq = reader_u32(r);
    report.jitter = reader_u32(r);
    report.last_sr = reader_u32(r);
    report.delay_last_sr = reader_u32(r);
    if (!reader_ok(r))
        return false;
    *out = report;
    return true;
}

struct rtcp_sdes rtcp_sdes(const struct rtcp_packet *p)
{
    bool is_sdes = p->type == RTCP_SDES;
    return (struct rtcp_sdes){
        .rest = reader_over(is_sdes ? p->body : bytes_of(NULL, 0)),
        .chunks_left = is_sdes ? p->count : 0,
    };
}

/* A chunk ends with a zero and is padded with more of them; the body has whole words, so what is
 * left tells how many. */
bool rtcp_next_sdes_item(struct rtcp_sdes *walk, struct rtcp_sdes_item *out)
{
    struct reader *r = &walk->rest;
    while (walk->chunks_left > 0) {
        if (!walk->in_chunk) {
            walk->ssrc = reader_u32(r);
            walk->in_chunk = true;
        }
        uint8_t type = reader_u8(r);
        if (type != 0) {
            struct bytes value = reader_take(r, reader_u8(r));
            if (reader_ok(r))
                *out = (struct rtcp_sdes_item){walk->ssrc, type, text_from_bytes(value)};
            return reader_ok(r);
        }
        reader_take(r, reader_left(r) % WORD);
        if (!reader_ok(r))
            return false;
        walk->in_chunk = false;
        walk->chunks_left--;
    }
    return false;
}

struct reader rtcp_bye_sources(const struct rtcp_packet *p)
{
    struct reader r = reader_over(p->body);
    bool is_bye = p->type == RTCP_BYE;
    return reader_over(reader_take(&r, is_bye ? WORD * (size_t)p->count : 0));
}

bool rtcp_next_source(struct reader *r, uint32_t *out)
{
    if (reader_left(r) == 0)
        return false;
    uint32_t ssrc = reader_u32(r);
    if (reader_ok(r))
        *out = ssrc;
    return reader_ok(r);
}

bool rtcp_read_feedback(const struct rtcp_packet *p, struct rtcp_feedback *out)
{
    struct reader r = reader_over(p->body);
    uint32_t sender = reader_u32(&r);
    uint32_t media = reader_u32(&r);
    if (!is_feedback(p) || !reader_ok(&r))
        return false;
    *out = (struct rtcp_feedback){.sender_ssrc = sender, .media_ssrc = media, .control = r.rest};
    return true;
}

struct reader rtcp_xr_blocks(const struct rtcp_packet *p)
{
    struct reader r = reader_over(p->type == RTCP_XR ? p->body : bytes_of(NULL, 0));
    if (reader_left(&r) > 0)
        reader_u32(&r); /* sender */
    return r;
}

bool rtcp_next_xr_block(struct reader *r, struct rtcp_xr_block *out)
{
    if (reader_left(r) == 0)
        return false;
    uint8_t type = reader_u8(r);
    uint8_t specific = reader_u8(r);
    struct bytes contents = reader_take(r, WORD * (size_t)reader_u16(r));
    if (!reader_ok(r))
        return false;
    *out = (struct rtcp_xr_block){.type = type, .specific = specific, .contents = contents};
    return true;
}
