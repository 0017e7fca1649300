/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/reception.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { RATE = 8000, PTIME_US = 20000, STEP = 160 };

struct feed {
    uint16_t seq;
    enum reception_verdict verdict;
};

static void feed(struct reception *r, const struct feed *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(reception_add(r, steps[i].seq, 0, 0), steps[i].verdict);
}

static void a_clean_stream_loses_nothing(void **state)
{
    struct reception r;
    struct rtcp_report report;
    (void)state;
    reception_init(&r, RATE);
    assert_int_equal(reception_expected(&r), 0);
    for (uint32_t i = 0; i < 200000; i++) /* three wraps */
        assert_int_equal(reception_add(&r, (uint16_t)(65000 + i), i * STEP, (uint64_t)i * PTIME_US),
            i == 0 ? RECEPTION_FIRST : RECEPTION_IN_ORDER);
    assert_int_equal(reception_highest(&r), 65000 + 200000 - 1);
    assert_int_equal(reception_expected(&r), 200000);
    assert_int_equal(reception_lost(&r), 0);
    assert_int_equal(reception_jitter(&r), 0);
    reception_report(&r, 7, &report);
    assert_int_equal(report.ssrc, 7);
    assert_int_equal(report.fraction_lost, 0);
    assert_int_equal(report.lost, 0);
    assert_int_equal(report.highest_seq, 264999);
}

static void tells_late_duplicate_and_stray(void **state)
{
    static const struct feed steps[] = {
        {65534, RECEPTION_FIRST},
        {65535, RECEPTION_IN_ORDER},
        {2, RECEPTION_IN_ORDER}, /* 0 and 1 are missing */
        {0, RECEPTION_LATE},     /* across the wrap */
        {0, RECEPTION_DUPLICATE},
        {65535, RECEPTION_DUPLICATE},
        {2, RECEPTION_DUPLICATE},
        {65533, RECEPTION_LATE}, /* before the first one seen */
        {30000, RECEPTION_STRAY},
        {3, RECEPTION_IN_ORDER},
    };
    struct reception r;
    (void)state;
    reception_init(&r, RATE);
    feed(&r, steps, COUNT_OF(steps));
    assert_int_equal(reception_highest(&r), 65536 + 3);
    assert_int_equal(reception_expected(&r), 7); /* 65533 to 3 */
    assert_int_equal(reception_lost(&r), 1);     /* duplicates do not hide it */
    assert_int_equal(r.duplicates, 3);
    assert_int_equal(r.reordered, 2);
    assert_int_equal(r.received, 9); /* the stray one is not of this stream */
}

static void a_restart_needs_two_in_order(void **state)
{
    static const struct feed steps[] = {
        {100, RECEPTION_FIRST},
        {102, RECEPTION_IN_ORDER},
        {40000, RECEPTION_STRAY},
        {40002, RECEPTION_STRAY},
        {40003, RECEPTION_RESTARTED},
        {40004, RECEPTION_IN_ORDER},
    };
    struct reception r;
    (void)state;
    reception_init(&r, RATE);
    feed(&r, steps, COUNT_OF(steps));
    assert_int_equal(r.restarts, 1);
    assert_int_equal(reception_highest(&r), 40004);
    assert_int_equal(reception_expected(&r), 2);
    assert_int_equal(reception_lost(&r), 1); /* what was missing before is not forgotten */
}

/* RFC 3550, appendix A.1: 3000 ahead and 100 behind are the limits. */
static void limits_are_those_of_the_rfc(void **state)
{
    static const struct {
        uint16_t seq;
        enum reception_verdict verdict;
    } cases[] = {
        {10000 + 2999, RECEPTION_IN_ORDER},
        {10000 + 3000, RECEPTION_STRAY},
        {10000 - 99, RECEPTION_LATE},
        {10000 - 100, RECEPTION_STRAY},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reception r;
        reception_init(&r, RATE);
        assert_int_equal(reception_add(&r, 10000, 0, 0), RECEPTION_FIRST);
        assert_int_equal(reception_add(&r, cases[i].seq, 0, 0), cases[i].verdict);
    }
}

static void remembers_64_numbers(void **state)
{
    (void)state;
    for (uint16_t behind = 0; behind < 99; behind++) {
        struct reception r;
        reception_init(&r, RATE);
        for (uint16_t seq = 0; seq <= 200; seq++)
            (void)reception_add(&r, seq, 0, 0);
        assert_int_equal(reception_add(&r, (uint16_t)(200 - behind), 0, 0),
            behind < 64 ? RECEPTION_DUPLICATE : RECEPTION_LATE);
    }
}

static void fractions_are_per_interval(void **state)
{
    struct reception r;
    struct rtcp_report report;
    (void)state;
    reception_init(&r, RATE);
    for (uint16_t seq = 0; seq < 100; seq++)
        if (seq % 4 != 1)
            (void)reception_add(&r, seq, 0, 0);
    reception_report(&r, 7, &report);
    assert_int_equal(report.fraction_lost, 64); /* a quarter of 256 */
    assert_int_equal(report.lost, 25);
    for (uint16_t seq = 100; seq < 200; seq++)
        (void)reception_add(&r, seq, 0, 0);
    reception_report(&r, 7, &report);
    assert_int_equal(report.fraction_lost, 0);
    assert_int_equal(report.lost, 25);
    for (int i = 0; i < 50; i++) /* nothing but duplicates */
        (void)reception_add(&r, 199, 0, 0);
    reception_report(&r, 7, &report);
    assert_int_equal(report.fraction_lost, 0);
    assert_int_equal(report.lost, -25);
    assert_int_equal(reception_lost(&r), 25);
}

static void all_but_one_lost_stays_below_256(void **state)
{
    struct reception r;
    struct rtcp_report report;
    (void)state;
    reception_init(&r, RATE);
    (void)reception_add(&r, 0, 0, 0);
    reception_report(&r, 7, &report);
    (void)reception_add(&r, 2999, 0, 0);
    reception_report(&r, 7, &report);
    assert_int_equal(report.fraction_lost, 255);
}

/* Packets alternately 10 ms early and late: J tends to 20 ms (RFC 3550, appendix A.8). */
static void jitter_follows_the_rfc(void **state)
{
    struct reception r;
    (void)state;
    reception_init(&r, RATE);
    for (uint32_t i = 0; i < 500; i++) {
        uint64_t now = 1000000 + (uint64_t)i * PTIME_US + (i % 2 == 0 ? 10000 : 0) - 5000;
        (void)reception_add(&r, (uint16_t)i, 0xffffff00u + i * STEP, now);
    }
    assert_in_range(reception_jitter(&r), 78, 80);
    assert_in_range(reception_jitter_ms(&r), 9, 10);
}

static void jitter_survives_clocks_and_jumps(void **state)
{
    struct reception r;
    const uint64_t late = UINT64_MAX - 1000000; /* no product overflows into a jump */
    (void)state;
    reception_init(&r, 90000);
    for (uint32_t i = 0; i < 40; i++)
        (void)reception_add(&r, (uint16_t)i, i * 1800, late + (uint64_t)i * PTIME_US);
    assert_in_range(reception_jitter(&r), 0, 1);
    (void)reception_add(&r, 40, 0x7fffffff, late + 41 * PTIME_US); /* a new time base */
    assert_in_range(reception_jitter(&r), 0, 1);

    reception_init(&r, 0);
    (void)reception_add(&r, 1, 5, 0);
    (void)reception_add(&r, 2, 50000, 1000000);
    assert_int_equal(reception_jitter(&r), 0);
    assert_int_equal(reception_jitter_ms(&r), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_stream_loses_nothing),
        cmocka_unit_test(tells_late_duplicate_and_stray),
        cmocka_unit_test(a_restart_needs_two_in_order),
        cmocka_unit_test(limits_are_those_of_the_rfc),
        cmocka_unit_test(remembers_64_numbers),
        cmocka_unit_test(fractions_are_per_interval),
        cmocka_unit_test(all_but_one_lost_stays_below_256),
        cmocka_unit_test(jitter_follows_the_rfc),
        cmocka_unit_test(jitter_survives_clocks_and_jumps),
    };
    return cmocka_run_group_tests_name("reception", tests, NULL, NULL);
}
