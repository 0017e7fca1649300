/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of one SSRC, with its quality as RTCP told it. */
#include "ng/report.h"

static void put_quality(
    struct ng_arena *arena, struct ng_value *out, const struct relay_quality *quality)
{
    ng_put_int(arena, out, TEXT("MOS"), quality->mos_x10);
    ng_put_int(arena, out, TEXT("round-trip time"), quality->rtt_us);
    ng_put_int(arena, out, TEXT("round-trip time leg"), quality->rtt_leg_us);
    ng_put_int(arena, out, TEXT("jitter"), quality->jitter_ms);
    ng_put_int(arena, out, TEXT("packet loss"), quality->loss_percent);
}

static void put_reported(struct ng_arena *arena, struct ng_value *out, struct text key,
    const struct relay_quality *quality)
{
    struct ng_value *dict = ng_put_dict(arena, out, key);
    put_quality(arena, dict, quality);
    ng_put_int(arena, dict, TEXT("reported at"), quality->reported_at);
}

static void put_progression(
    struct ng_arena *arena, struct ng_value *out, const struct relay_ssrc *ssrc)
{
    struct ng_value *progression = ng_put_dict(arena, out, TEXT("MOS progression"));
    ng_put_int(arena, progression, TEXT("interval"), ssrc->progression_interval_s);
    struct ng_value *entries = ng_put_list(arena, progression, TEXT("entries"));
    for (size_t i = 0; i < ssrc->progression_count && i < COUNT_OF(ssrc->progression); i++) {
        struct ng_value *entry = ng_add_dict(arena, entries);
        put_quality(arena, entry, &ssrc->progression[i]);
        ng_put_int(arena, entry, TEXT("reported at"), ssrc->progression[i].reported_at);
    }
}

void ng_report_ssrc(struct ng_arena *arena, struct ng_value *out, const struct relay_ssrc *ssrc)
{
    ng_put_int(arena, out, TEXT("bytes"), (int64_t)ssrc->bytes);
    ng_put_int(arena, out, TEXT("packets"), (int64_t)ssrc->packets);
    ng_put_int(arena, out, TEXT("last RTP timestamp"), ssrc->last_timestamp);
    ng_put_int(arena, out, TEXT("last RTP seq"), ssrc->last_sequence);
    if (ssrc->average.samples == 0)
        return;

    ng_put_int(arena, out, TEXT("cumulative loss"), ssrc->cumulative_loss);
    struct ng_value *average = ng_put_dict(arena, out, TEXT("average MOS"));
    put_quality(arena, average, &ssrc->average);
    ng_put_int(arena, average, TEXT("samples"), ssrc->average.samples);
    put_reported(arena, out, TEXT("lowest MOS"), &ssrc->lowest);
    put_reported(arena, out, TEXT("highest MOS"), &ssrc->highest);
    put_progression(arena, out, ssrc);
}

void ng_report_arrival(
    struct ng_arena *arena, struct ng_value *out, const struct relay_ssrc *ssrc, uint32_t clock_hz)
{
    ng_put_int(arena, out, TEXT("lost"), ssrc->lost);
    ng_put_int(arena, out, TEXT("duplicates"), (int64_t)ssrc->duplicates);
    if (clock_hz > 0)
        ng_put_int(arena, out, TEXT("jitter"), (int64_t)ssrc->jitter * 1000 / clock_hz);
}
