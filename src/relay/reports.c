/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/reports.h"

#include "mediaferry/rtcp.h"
#include "relay/call_media.h"

static struct stream *stream_to(struct bundle *b, uint32_t ssrc)
{
    for (uint32_t i = 0; i < b->demux.member_count; i++)
        if (ssrc_table_find(&b->streams[i]->ssrc_out, ssrc) != NULL)
            return b->streams[i];
    return NULL;
}

/* The stream that a packet's first report or feedback is about. */
static struct stream *stream_meant(struct bundle *b, const struct rtcp_packet *p)
{
    struct rtcp_feedback feedback;
    struct rtcp_report report;
    struct reader reports = rtcp_reports(p);
    if (rtcp_next_report(&reports, &report))
        return stream_to(b, report.ssrc);
    if (rtcp_read_feedback(p, &feedback))
        return stream_to(b, feedback.media_ssrc);
    return NULL;
}

struct stream *reports_find_stream(struct transport *t, struct bytes compound)
{
    struct reader r = reader_over(compound);
    struct rtcp_packet p;
    uint32_t sender;

    struct bundle *b = t->bundle;
    if (b == NULL)
        return t->stream;
    while (rtcp_next(&r, &p)) {
        if (!rtcp_sender_ssrc(&p, &sender))
            continue;
        int member = demux_find_ssrc(&b->demux, sender);
        struct stream *s = member != DEMUX_NONE ? b->streams[member] : stream_meant(b, &p);
        if (s != NULL)
            return s;
    }
    return t->stream;
}

/* The stream whose party sends `ssrc` to the party of `s`. */
static const struct stream *source_of(const struct stream *s, uint32_t ssrc)
{
    list_for_each (at, &s->call->streams) {
        struct stream *source = CONTAINER_OF(at, struct stream, link);
        for (uint8_t i = 0; i < source->sink_count; i++)
            if (source->sinks[i] == s && ssrc_table_find(&source->ssrc_in, ssrc) != NULL)
                return source;
    }
    return NULL;
}

static uint32_t rtt_of(const struct stream *s)
{
    return s->round_trip != NULL ? s->round_trip->rtt_us : 0;
}

/* MOS is about the whole way, so it wants the round trips of both legs (ng-protocol 4.1). */
static void add_quality(
    struct stream *s, struct ssrc_entry *entry, const struct rtcp_report *block, uint64_t now_us)
{
    const struct stream *source = source_of(s, block->ssrc);
    uint32_t far_us = source == NULL ? 0 : rtt_of(source);
    uint32_t near_us = rtt_of(s);
    bool without_rtt = s->call->relay->config.mos_without_rtt;

    if (!without_rtt && far_us == 0)
        return;
    struct quality_report report = {
        .block = *block,
        .clock_rate = entry->clock_rate,
        .rtt_us = without_rtt ? 0 : far_us + near_us,
        .rtt_leg_us = near_us,
    };
    struct quality *quality = ssrc_entry_quality(entry, &s->call->relay->ssrcs);
    if (quality != NULL)
        quality_add(quality, &report, now_us / 1000);
}

static void read_report(struct stream *s, const struct rtcp_report *block, uint64_t now_us)
{
    struct ssrc_entry *entry = ssrc_table_find(&s->ssrc_out, block->ssrc);
    if (entry == NULL)
        return;
    struct round_trip *trip = s->round_trip;
    bool near_is_known =
        trip != NULL && (round_trip_report(trip, block, now_us) || trip->rtt_us != 0);
    entry->reported_lost = block->lost;
    if (near_is_known || s->call->relay->config.mos_without_rtt)
        add_quality(s, entry, block, now_us);
}

void reports_received(struct stream *s, struct bytes compound, uint64_t now_us)
{
    struct reader r = reader_over(compound);
    struct rtcp_packet p;
    while (rtcp_next(&r, &p)) {
        struct reader reports = rtcp_reports(&p);
        struct rtcp_report block;
        while (rtcp_next_report(&reports, &block))
            read_report(s, &block, now_us);
    }
}

void reports_sent(struct stream *s, struct bytes compound, uint64_t now_us)
{
    struct reader r = reader_over(compound);
    struct rtcp_packet p;
    struct rtcp_sender sender;
    while (rtcp_next(&r, &p)) {
        if (!rtcp_read_sender(&p, &sender))
            continue;
        if (s->round_trip == NULL)
            stream_begin_round_trip(s);
        if (s->round_trip != NULL)
            round_trip_sent(s->round_trip, &sender, now_us);
    }
}
