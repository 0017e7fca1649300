/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/quality.h"

enum { SAMPLE_MS = 1000, FIRST_INTERVAL_MS = 1000, MAX_RTT_US = 60 * 1000 * 1000 };

/* NTP seconds and fractions: the middle 32 bits (RFC 3550, section 4). */
static uint32_t middle_of(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}

void round_trip_sent(struct round_trip *t, const struct rtcp_sender *sender, uint64_t now_us)
{
    unsigned at = t->next % ROUND_TRIP_MARKS;
    t->marks[at].ssrc = sender->ssrc;
    t->marks[at].ntp = middle_of(sender->ntp);
    t->marks[at].sent_us = now_us;
    t->next = at + 1;
}

bool round_trip_report(struct round_trip *t, const struct rtcp_report *report, uint64_t now_us)
{
    uint64_t held_us = (uint64_t)report->delay_last_sr * 1000000 >> 16;
    if (report->last_sr == 0)
        return false;
    for (size_t i = 0; i < ROUND_TRIP_MARKS; i++) {
        if (t->marks[i].ssrc != report->ssrc || t->marks[i].ntp != report->last_sr)
            continue;
        uint64_t gone_us = now_us - t->marks[i].sent_us;
        if (held_us > gone_us || gone_us - held_us > MAX_RTT_US)
            return false;
        t->rtt_us = gone_us > held_us ? (uint32_t)(gone_us - held_us) : 1;
        return true;
    }
    return false;
}

/* The curve fitted to the E-model has its minimum at R = 77.5 and would rise again below, where a
 * stream is even worse: there it goes on downwards in a straight line. */
static double adjusted(double r)
{
    const double turn = 77.5;
    double bounded = r > turn ? r : turn;
    double rx = 0.18 * bounded * bounded - 27.9 * bounded + 1126.62;
    return r < turn ? rx - (turn - r) : rx;
}

uint32_t quality_mos_10(uint32_t rtt_us, uint32_t jitter_ms, double loss_percent)
{
    double delay_ms = (double)rtt_us / 2000.0 + (double)jitter_ms;
    double impairment = 0.024 * delay_ms;
    if (delay_ms > 177.3)
        impairment += 0.11 * (delay_ms - 177.3);

    double rx = adjusted(93.2 - (loss_percent > 93.0 ? 93.0 : loss_percent)) - impairment;
    if (rx <= 0)
        return 10;
    if (rx >= 100)
        return 45;
    double mos = 1.0 + 0.035 * rx + rx * (rx - 60.0) * (100.0 - rx) * 7e-6;
    return mos < 1.0 ? 10 : mos > 4.5 ? 45 : (uint32_t)(mos * 10.0 + 0.5);
}

void quality_init(struct quality *q)
{
    *q = (struct quality){.interval_ms = FIRST_INTERVAL_MS};
}

static void add_sample(struct quality_sums *sums, const struct quality_sample *s)
{
    sums->samples++;
    sums->mos_10 += s->mos_10;
    sums->rtt_us += s->rtt_us;
    sums->rtt_leg_us += s->rtt_leg_us;
    sums->jitter_ms += s->jitter_ms;
    sums->loss_percent += s->loss_percent;
}

static void add_sums(struct quality_sums *sums, const struct quality_sums *other)
{
    sums->samples += other->samples;
    sums->mos_10 += other->mos_10;
    sums->rtt_us += other->rtt_us;
    sums->rtt_leg_us += other->rtt_leg_us;
    sums->jitter_ms += other->jitter_ms;
    sums->loss_percent += other->loss_percent;
}

/* Joins the entries in pairs: the same time in half the places. */
static void halve_progression(struct quality *q)
{
    struct quality_sums joined[QUALITY_PROGRESSION_MAX] = {{0}};
    for (size_t i = 0; i < q->progression_count; i++)
        add_sums(&joined[i / 2], &q->progression[i]);
    memcpy(q->progression, joined, sizeof(joined));
    q->progression_count = (q->progression_count + 1) / 2;
    q->interval_ms *= 2;
}

static void add_to_progression(struct quality *q, const struct quality_sample *s)
{
    uint64_t age = s->at_ms - q->started_ms;
    while (age / q->interval_ms >= QUALITY_PROGRESSION_MAX)
        halve_progression(q);

    size_t index = (size_t)(age / q->interval_ms);
    add_sample(&q->progression[index], s);
    if (q->progression_count <= index)
        q->progression_count = index + 1;
}

static struct quality_sample sample_of(const struct quality_report *report, uint64_t now_ms)
{
    double loss_percent = (double)report->block.fraction_lost * 100.0 / 256.0;
    struct quality_sample s = {
        .at_ms = now_ms,
        .rtt_us = report->rtt_us,
        .rtt_leg_us = report->rtt_leg_us,
        .loss_percent = (uint32_t)(loss_percent + 0.5),
    };
    if (report->clock_rate > 0) {
        uint64_t jitter_ms = (uint64_t)report->block.jitter * 1000 / report->clock_rate;
        s.jitter_ms = (uint32_t)(jitter_ms > UINT32_MAX ? UINT32_MAX : jitter_ms);
    }
    s.mos_10 = quality_mos_10(s.rtt_us, s.jitter_ms, loss_percent);
    return s;
}

bool quality_add(struct quality *q, const struct quality_report *report, uint64_t now_ms)
{
    bool first = q->all.samples == 0;
    q->lost = report->block.lost;
    /* Packets of several sockets are not in the order of their arrival. */
    if (!first && now_ms < q->last_ms + SAMPLE_MS)
        return false;

    struct quality_sample s = sample_of(report, now_ms);
    if (first)
        q->started_ms = now_ms;
    q->last_ms = now_ms;
    add_sample(&q->all, &s);
    add_to_progression(q, &s);
    if (first || s.mos_10 < q->lowest.mos_10)
        q->lowest = s;
    if (first || s.mos_10 > q->highest.mos_10)
        q->highest = s;
    return true;
}

static bool mean_of(const struct quality_sums *sums, struct quality_sample *out)
{
    uint64_t n = sums->samples;
    if (n == 0)
        return false;
    *out = (struct quality_sample){
        .mos_10 = (uint32_t)((sums->mos_10 + n / 2) / n),
        .rtt_us = (uint32_t)(sums->rtt_us / n),
        .rtt_leg_us = (uint32_t)(sums->rtt_leg_us / n),
        .jitter_ms = (uint32_t)(sums->jitter_ms / n),
        .loss_percent = (uint32_t)((sums->loss_percent + n / 2) / n),
    };
    return true;
}

bool quality_average(const struct quality *q, struct quality_sample *out)
{
    return mean_of(&q->all, out);
}

bool quality_progression(const struct quality *q, size_t index, struct quality_sample *out)
{
    if (index >= q->progression_count || !mean_of(&q->progression[index], out))
        return false;
    out->at_ms = q->started_ms + index * q->interval_ms;
    return true;
}
