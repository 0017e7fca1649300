/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/quality.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void mos_follows_the_formula(void **state)
{
    static const struct {
        uint32_t rtt_us, jitter_ms;
        double loss;
        uint32_t mos_10;
    } cases[] = {
        {0, 0, 0, 43},      /* Rx = 89.86: MOS 4.34 */
        {100000, 0, 0, 43}, /* 50 ms one way: Rx = 88.66: 4.30 */
        {354600, 0, 0, 42}, /* 177.3 ms: Rx = 85.60: 4.21 */
        {600000, 0, 0, 36}, /* 300 ms: Rx = 69.16: 3.56 */
        {0, 300, 0, 36},    /* jitter counts like delay */
        {0, 0, 1.0, 42},    /* Rx = 84.39: 4.18 */
        {0, 0, 5.0, 34},    /* Rx = 66.10: 3.41 */
        {UINT32_MAX, 0, 0, 10},
        {0, UINT32_MAX, 0, 10},
        {0, 0, 100.0, 10},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(
            quality_mos_10(cases[i].rtt_us, cases[i].jitter_ms, cases[i].loss), cases[i].mos_10);
}

static void worse_never_sounds_better(void **state)
{
    (void)state;
    for (uint32_t rtt = 0; rtt < 2000000; rtt += 50000) {
        uint32_t last = 45;
        for (uint32_t loss = 0; loss <= 100; loss++) {
            uint32_t mos = quality_mos_10(rtt, 0, loss);
            assert_in_range(mos, 10, last);
            assert_true(mos >= quality_mos_10(rtt + 50000, 0, loss));
            last = mos;
        }
    }
}

static struct rtcp_report answer_to(uint32_t ssrc, uint64_t ntp, double held_s)
{
    return (struct rtcp_report){
        .ssrc = ssrc,
        .last_sr = (uint32_t)(ntp >> 16),
        .delay_last_sr = (uint32_t)(held_s * 65536.0),
    };
}

static void round_trips_are_measured(void **state)
{
    struct round_trip t = {.rtt_us = 0};
    const struct rtcp_sender sender = {.ssrc = 7, .ntp = 0x1122334455667788};
    struct rtcp_report report = answer_to(7, sender.ntp, 2.5);
    (void)state;

    assert_false(round_trip_report(&t, &report, 5000000)); /* nothing was sent */
    round_trip_sent(&t, &sender, 1000000);
    assert_true(round_trip_report(&t, &report, 3580000));
    assert_int_equal(t.rtt_us, 80000);
    assert_false(round_trip_report(&t, &report, 3499999)); /* held longer than it was gone */
    assert_false(round_trip_report(&t, &report, 3500000 + 60000001));
    assert_int_equal(t.rtt_us, 80000);
    assert_true(round_trip_report(&t, &report, 3500000)); /* too fast for the clock */
    assert_int_equal(t.rtt_us, 1);

    report.ssrc = 8;
    assert_false(round_trip_report(&t, &report, 3580000));
    report = answer_to(7, sender.ntp + 0x10000, 2.5);
    assert_false(round_trip_report(&t, &report, 3580000));
    report = answer_to(0, 0, 0); /* no report yet: the empty marks do not count */
    assert_false(round_trip_report(&t, &report, 3580000));
}

static void the_oldest_mark_gives_way(void **state)
{
    struct round_trip t = {.rtt_us = 0};
    (void)state;
    for (uint64_t i = 1; i <= ROUND_TRIP_MARKS + 1; i++) {
        const struct rtcp_sender sender = {.ssrc = 7, .ntp = i << 32};
        round_trip_sent(&t, &sender, i * 1000000);
    }
    for (uint64_t i = 1; i <= ROUND_TRIP_MARKS + 1; i++) {
        struct rtcp_report report = answer_to(7, i << 32, 0);
        assert_int_equal(round_trip_report(&t, &report, i * 1000000 + 500), i > 1);
    }
}

static struct quality_report report_with(uint8_t fraction_lost, uint32_t jitter, uint32_t rtt_us)
{
    return (struct quality_report){
        .block = {.fraction_lost = fraction_lost, .jitter = jitter, .lost = 5},
        .clock_rate = 8000,
        .rtt_us = rtt_us,
        .rtt_leg_us = rtt_us / 2,
    };
}

static void keeps_average_lowest_and_highest(void **state)
{
    struct quality q;
    struct quality_sample s;
    (void)state;
    quality_init(&q);
    assert_false(quality_average(&q, &s));

    struct quality_report good = report_with(0, 80, 100000), bad = report_with(26, 800, 700000);
    assert_true(quality_add(&q, &good, 5000));
    assert_false(quality_add(&q, &bad, 5999)); /* at most one sample a second */
    assert_true(quality_add(&q, &bad, 6000));
    assert_true(quality_add(&q, &good, 9000));

    assert_true(quality_average(&q, &s));
    assert_int_equal(q.all.samples, 3);
    assert_int_equal(s.rtt_us, 300000);
    assert_int_equal(s.rtt_leg_us, 150000);
    assert_int_equal(s.jitter_ms, (10 + 100 + 10) / 3);
    assert_int_equal(s.loss_percent, 3);
    assert_int_equal(q.lowest.at_ms, 6000);
    assert_int_equal(q.lowest.loss_percent, 10);
    assert_int_equal(q.lowest.jitter_ms, 100);
    assert_int_equal(q.highest.at_ms, 5000); /* the first of equals */
    assert_int_equal(q.highest.mos_10, 43);
    assert_int_equal(q.lost, 5);
}

static void progression_covers_the_whole_call_in_ten_entries(void **state)
{
    struct quality q;
    struct quality_sample s;
    struct quality_report good = report_with(0, 0, 100000), bad = report_with(128, 0, 100000);
    (void)state;
    quality_init(&q);
    for (uint64_t second = 0; second < 3600; second += 5)
        assert_true(quality_add(&q, second < 1800 ? &good : &bad, 77000 + second * 1000));

    assert_in_range(q.progression_count, QUALITY_PROGRESSION_MAX / 2, QUALITY_PROGRESSION_MAX);
    assert_int_equal(q.interval_ms, 512000);
    uint64_t samples = 0;
    for (size_t i = 0; i < q.progression_count; i++) {
        assert_true(quality_progression(&q, i, &s));
        assert_int_equal(s.at_ms, 77000 + i * q.interval_ms);
        assert_true(i == 3 || (s.mos_10 > 40) == (i < 3)); /* 1800 s are in the fourth */
        samples += q.progression[i].samples;
    }
    assert_int_equal(samples, 720);
    assert_false(quality_progression(&q, q.progression_count, &s));
}

static void a_long_pause_leaves_empty_entries(void **state)
{
    struct quality q;
    struct quality_sample s;
    struct quality_report good = report_with(0, 0, 0);
    (void)state;
    quality_init(&q);
    assert_true(quality_add(&q, &good, 0));
    assert_true(quality_add(&q, &good, 8000));
    assert_int_equal(q.progression_count, 9);
    assert_true(quality_progression(&q, 0, &s));
    assert_false(quality_progression(&q, 4, &s));
    assert_true(quality_progression(&q, 8, &s));
    assert_true(quality_add(&q, &good, UINT64_C(86400000) * 365));
    assert_true(quality_progression(&q, 0, &s));
    assert_int_equal(q.progression[0].samples, 2);
}

/* Times of arrival may step back, when the wall clock is set while a packet waits. */
static void a_report_from_before_makes_no_sample(void **state)
{
    struct quality q;
    struct quality_report good = report_with(0, 0, 0);
    (void)state;
    quality_init(&q);
    assert_true(quality_add(&q, &good, 5000));
    assert_false(quality_add(&q, &good, 4999));
    assert_false(quality_add(&q, &good, 3000));
    assert_true(quality_add(&q, &good, 6000));
    assert_int_equal(q.interval_ms, 1000);
    assert_int_equal(q.progression_count, 2);
}

static void an_unknown_clock_has_no_jitter(void **state)
{
    struct quality q;
    struct quality_report report = report_with(0, UINT32_MAX, 0);
    (void)state;
    quality_init(&q);
    report.clock_rate = 0;
    assert_true(quality_add(&q, &report, 0));
    assert_int_equal(q.lowest.jitter_ms, 0);
    report.clock_rate = 1;
    assert_true(quality_add(&q, &report, 1000));
    assert_int_equal(q.lowest.jitter_ms, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mos_follows_the_formula),
        cmocka_unit_test(worse_never_sounds_better),
        cmocka_unit_test(round_trips_are_measured),
        cmocka_unit_test(the_oldest_mark_gives_way),
        cmocka_unit_test(keeps_average_lowest_and_highest),
        cmocka_unit_test(progression_covers_the_whole_call_in_ten_entries),
        cmocka_unit_test(a_long_pause_leaves_empty_entries),
        cmocka_unit_test(a_report_from_before_makes_no_sample),
        cmocka_unit_test(an_unknown_clock_has_no_jitter),
    };
    return cmocka_run_group_tests_name("quality", tests, NULL, NULL);
}
