/* SPDX-License-Identifier: Apache-2.0 */
/* Writing RTCP (RFC 3550, section 6). */
#include "mediaferry/rtcp.h"

#include <assert.h>

enum { VERSION = 2, WORD = 4, REPORT_SIZE = 24 };

static void write_header(struct writer *w, enum rtcp_type type, size_t count, size_t body_len)
{
    writer_u8(w, (uint8_t)(VERSION << 6 | count));
    writer_u8(w, (uint8_t)type);
    writer_u16(w, (uint16_t)(body_len / WORD));
}

static int32_t clamp_24(int32_t value)
{
    return value > 0x7fffff ? 0x7fffff : value < -0x800000 ? -0x800000 : value;
}

static void write_reports(struct writer *w, const struct rtcp_report *reports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct rtcp_report *r = &reports[i];
        uint32_t lost = (uint32_t)clamp_24(r->lost) & 0xffffff;
        writer_u32(w, r->ssrc);
        writer_u32(w, (uint32_t)r->fraction_lost << 24 | lost);
        writer_u32(w, r->highest_seq);
        writer_u32(w, r->jitter);
        writer_u32(w, r->last_sr);
        writer_u32(w, r->delay_last_sr);
    }
}

void rtcp_write_sr(struct writer *w, const struct rtcp_sender *sender,
    const struct rtcp_report *reports, size_t count)
{
    assert(count <= RTCP_MAX_REPORTS);
    write_header(w, RTCP_SR, count, (size_t)6 * WORD + REPORT_SIZE * count);
    writer_u32(w, sender->ssrc);
    writer_u64(w, sender->ntp);
    writer_u32(w, sender->rtp_timestamp);
    writer_u32(w, sender->packets);
    writer_u32(w, sender->octets);
    write_reports(w, reports, count);
}

void rtcp_write_rr(struct writer *w, uint32_t ssrc, const struct rtcp_report *reports, size_t count)
{
    assert(count <= RTCP_MAX_REPORTS);
    write_header(w, RTCP_RR, count, WORD + REPORT_SIZE * count);
    writer_u32(w, ssrc);
    write_reports(w, reports, count);
}

void rtcp_write_cname(struct writer *w, uint32_t ssrc, struct text cname)
{
    static const uint8_t zeros[WORD];
    assert(cname.len <= UINT8_MAX);
    size_t chunk = WORD + 2 + cname.len;
    size_t end = WORD - chunk % WORD; /* one zero at least ends the items */

    write_header(w, RTCP_SDES, 1, chunk + end);
    writer_u32(w, ssrc);
    writer_u8(w, RTCP_CNAME);
    writer_u8(w, (uint8_t)cname.len);
    writer_put(w, text_bytes(cname));
    writer_put(w, bytes_of(zeros, end));
}

void rtcp_write_bye(struct writer *w, uint32_t ssrc)
{
    write_header(w, RTCP_BYE, 1, WORD);
    writer_u32(w, ssrc);
}
