/* SPDX-License-Identifier: Apache-2.0 */
/* Any datagram to the RTCP reader: what rtcp_check() accepts is walked and stripped. */
#include "../require.h"
#include "mediaferry/rtcp.h"

static void walk_reports(const struct rtcp_packet *p)
{
    struct reader r = rtcp_reports(p);
    struct rtcp_report report;
    size_t count = 0;
    while (rtcp_next_report(&r, &report)) {
        require(report.lost >= -0x800000 && report.lost <= 0x7fffff);
        count++;
    }
    require(reader_ok(&r));
    require(count == (p->type == RTCP_SR || p->type == RTCP_RR ? p->count : 0));
}

static void walk_contents(const struct rtcp_packet *p)
{
    struct rtcp_sender sender;
    struct rtcp_feedback feedback;
    struct rtcp_sdes sdes = rtcp_sdes(p);
    struct rtcp_sdes_item item;
    struct rtcp_xr_block block;
    uint32_t ssrc;
    size_t sources = 0;

    require(rtcp_read_sender(p, &sender) == (p->type == RTCP_SR));
    bool is_feedback = p->type == RTCP_RTPFB || p->type == RTCP_PSFB;
    require(rtcp_read_feedback(p, &feedback) == is_feedback);
    if (is_feedback)
        require(lies_within(feedback.control, p->body));
    while (rtcp_next_sdes_item(&sdes, &item))
        require(lies_within(text_bytes(item.value), p->body) && item.type != 0);
    require(sdes.chunks_left == 0);
    for (struct reader r = rtcp_bye_sources(p); rtcp_next_source(&r, &ssrc);)
        sources++;
    require(sources == (p->type == RTCP_BYE ? p->count : 0));
    for (struct reader r = rtcp_xr_blocks(p); rtcp_next_xr_block(&r, &block);)
        require(lies_within(block.contents, p->body));
}

static void strip(struct bytes datagram, size_t expected)
{
    uint8_t *copy = malloc(datagram.len);
    struct rtcp_packet p;
    require(copy != NULL);
    memcpy(copy, datagram.data, datagram.len);
    size_t len = rtcp_strip_feedback(copy, datagram.len);
    require(len == expected);
    if (len > 0)
        require(rtcp_check(bytes_of(copy, len)) == RTCP_OK);
    for (struct reader r = reader_over(bytes_of(copy, len)); rtcp_next(&r, &p);)
        require(p.type != RTCP_RTPFB && p.type != RTCP_PSFB);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes datagram = bytes_of(data, size);
    struct reader r = reader_over(datagram);
    struct rtcp_packet p;
    size_t total = 0, kept = 0;

    if (rtcp_check(datagram) != RTCP_OK)
        return 0;
    while (rtcp_next(&r, &p)) {
        require(lies_within(p.body, datagram) && p.body.len + 4 <= p.whole.len);
        total += p.whole.len;
        if (p.type != RTCP_RTPFB && p.type != RTCP_PSFB)
            kept += p.whole.len;
        walk_reports(&p);
        walk_contents(&p);
    }
    require(total == size);
    strip(datagram, kept);
    return 0;
}
