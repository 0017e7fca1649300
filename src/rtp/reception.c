/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/reception.h"

/* As in RFC 3550, appendix A.1. */
enum { MAX_MISORDER = 100, SEQ_MOD = 1 << 16, SEEN_BITS = 64 };

void reception_init(struct reception *r, uint32_t clock_rate)
{
    *r = (struct reception){.clock_rate = clock_rate, .next_bad = RECEPTION_NO_BAD};
}

uint32_t reception_highest(const struct reception *r)
{
    return r->wraps + r->highest;
}

uint32_t reception_expected(const struct reception *r)
{
    return r->started ? reception_highest(r) - r->first + 1 : 0;
}

/* What is missing since the last restart; duplicates do not stand in for lost packets. */
static uint64_t lost_now(const struct reception *r)
{
    uint32_t unique = r->received_now - r->duplicates_now;
    uint32_t expected = reception_expected(r);
    return expected > unique ? expected - unique : 0;
}

uint64_t reception_lost(const struct reception *r)
{
    return r->lost_before + lost_now(r);
}

static void start_at(struct reception *r, uint16_t seq)
{
    r->lost_before += lost_now(r);
    r->started = true;
    r->highest = seq;
    r->wraps = 0;
    r->first = seq;
    r->seen = 1;
    r->next_bad = RECEPTION_NO_BAD;
    r->received_now = 0;
    r->duplicates_now = 0;
    r->expected_prior = 0;
    r->received_prior = 0;
}

/* A packet from behind the highest number. The first one seen need not have been the first sent. */
static enum reception_verdict fill_in(struct reception *r, unsigned behind)
{
    uint32_t extended = reception_highest(r) - behind;
    if (behind < SEEN_BITS) {
        uint64_t bit = (uint64_t)1 << behind;
        if ((r->seen & bit) != 0)
            return RECEPTION_DUPLICATE;
        r->seen |= bit;
    }
    if ((int32_t)(extended - r->first) < 0)
        r->first = extended;
    return RECEPTION_LATE;
}

/* What is no next packet of a stream in order. */
static enum reception_verdict judge(struct reception *r, uint16_t seq)
{
    unsigned step = (uint16_t)(seq - r->highest);
    if (!r->started) {
        start_at(r, seq);
        return RECEPTION_FIRST;
    }
    if (step == 0 || step > SEQ_MOD - MAX_MISORDER)
        return fill_in(r, (SEQ_MOD - step) % SEQ_MOD);
    if (seq != r->next_bad) {
        r->next_bad = (uint16_t)(seq + 1);
        return RECEPTION_STRAY;
    }
    start_at(r, seq);
    return RECEPTION_RESTARTED;
}

enum reception_verdict reception_add_other(
    struct reception *r, uint16_t seq, uint32_t timestamp, uint64_t now_us)
{
    enum reception_verdict verdict = judge(r, seq);
    if (verdict == RECEPTION_STRAY)
        return verdict;

    bool anew = verdict == RECEPTION_FIRST || verdict == RECEPTION_RESTARTED;
    bool again = verdict == RECEPTION_DUPLICATE;
    r->received++;
    r->received_now++;
    r->duplicates += again;
    r->duplicates_now += again;
    r->reordered += verdict == RECEPTION_LATE;
    r->restarts += verdict == RECEPTION_RESTARTED;
    if (!again && r->clock_rate > 0)
        reception_measure_jitter(r, timestamp, now_us, !anew);
    return verdict;
}

uint32_t reception_jitter(const struct reception *r)
{
    return r->jitter_16 >> 4;
}

uint32_t reception_jitter_ms(const struct reception *r)
{
    return r->clock_rate > 0 ? (uint32_t)((uint64_t)reception_jitter(r) * 1000 / r->clock_rate) : 0;
}

/* RFC 3550, appendix A.3: duplicates count as received, so an interval may have lost nothing. */
static uint8_t fraction_lost(struct reception *r)
{
    uint32_t expected = reception_expected(r);
    uint32_t expected_interval = expected - r->expected_prior;
    uint32_t received_interval = r->received_now - r->received_prior;
    r->expected_prior = expected;
    r->received_prior = r->received_now;
    if (expected_interval == 0 || received_interval >= expected_interval)
        return 0;
    uint64_t fraction =
        ((uint64_t)(expected_interval - received_interval) << 8) / expected_interval;
    return (uint8_t)(fraction > UINT8_MAX ? UINT8_MAX : fraction);
}

void reception_report(struct reception *r, uint32_t ssrc, struct rtcp_report *out)
{
    int64_t lost = (int64_t)r->lost_before + reception_expected(r) - r->received_now;
    int64_t limited = lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost;
    *out = (struct rtcp_report){
        .ssrc = ssrc,
        .fraction_lost = fraction_lost(r),
        .lost = (int32_t)limited,
        .highest_seq = reception_highest(r),
        .jitter = reception_jitter(r),
    };
}
