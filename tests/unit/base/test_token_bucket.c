/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/token_bucket.h"
#include "gen.h"

static void spends_its_burst_and_waits(void **state)
{
    (void)state;
    const struct token_rate rate = {.per_second = 10, .burst = 3};
    struct token_bucket bucket = {0};

    for (int i = 0; i < 3; i++)
        assert_true(token_bucket_take(&bucket, &rate, 1, 5000));
    assert_false(token_bucket_take(&bucket, &rate, 1, 5000));
    assert_false(token_bucket_take(&bucket, &rate, 1, 5099));
    assert_true(token_bucket_take(&bucket, &rate, 1, 5100));
    assert_false(token_bucket_take(&bucket, &rate, 1, 5100));
    assert_true(token_bucket_take(&bucket, &rate, 3, 5400));
    assert_false(token_bucket_take(&bucket, &rate, 1, 5499));
}

/* Of a stream of bytes: all that is wanted in the end, and never more than the rate. */
static void gives_a_part(void **state)
{
    (void)state;
    const struct token_rate rate = {.per_second = 1000, .burst = 300}, none = {0};
    struct token_bucket bucket = {0};

    assert_int_equal(token_bucket_take_some(&bucket, &rate, 200, 5000), 200);
    assert_int_equal(token_bucket_take_some(&bucket, &rate, 200, 5000), 100);
    assert_int_equal(token_bucket_take_some(&bucket, &rate, 200, 5000), 0);
    assert_int_equal(token_bucket_take_some(&bucket, &rate, 200, 5007), 7);
    assert_int_equal(token_bucket_take_some(&bucket, &rate, 1000, 9000), 300);
    assert_int_equal(token_bucket_take_some(&bucket, &none, 1u << 30, 9000), 1u << 30);
    /* What a datagram owes is paid first. */
    bucket = (struct token_bucket){0};
    assert_true(token_bucket_take(&bucket, &rate, 1300, 5000));
    assert_int_equal(token_bucket_take_some(&bucket, &rate, 1, 5900), 0);
    assert_int_equal(token_bucket_take_some(&bucket, &rate, 1000, 6100), 100);
}

static void no_rate_is_no_limit(void **state)
{
    (void)state;
    const struct token_rate none = {0};
    struct token_bucket bucket = {0};
    for (int i = 0; i < 1000; i++)
        assert_true(token_bucket_take(&bucket, &none, 1u << 30, 1));
}

/* 1 a second asked every millisecond for a day: not one more, not one less. */
static void low_rates_do_not_drift(void **state)
{
    (void)state;
    const struct token_rate rate = {.per_second = 7, .burst = 1};
    struct token_bucket bucket = {0};
    uint64_t passed = 0;
    for (uint64_t now = 1; now <= 3600 * 1000; now++)
        passed += token_bucket_take(&bucket, &rate, 1, now);
    /* A unit is whole after 143 ms at the earliest, and its fraction is kept. */
    assert_true(passed >= 3600 * 7 * 143 / 144 && passed <= 3600 * 7 + 1);

    const struct token_rate even = {.per_second = 1, .burst = 1};
    bucket = (struct token_bucket){0};
    passed = 0;
    for (uint64_t now = 1; now <= 3600 * 1000; now++)
        passed += token_bucket_take(&bucket, &even, 1, now);
    assert_int_equal(passed, 3600);
}

/* However it is asked, a rate is never exceeded, and a greedy taker gets all of it. */
static void the_rate_is_kept(void **state)
{
    (void)state;
    struct gen g = gen_start();
    for (int round = 0; round < 100; round++) {
        struct token_rate rate = {
            .per_second = 1 + gen_below(&g, 100000), .burst = 10000 + gen_below(&g, 10000)};
        struct token_bucket bucket = {0};
        uint64_t now = 1, passed = 0;
        const uint64_t largest = 1500;
        while (now < 60000) {
            now += gen_below(&g, 20);
            uint64_t units = 1 + gen_below(&g, largest);
            passed += token_bucket_take(&bucket, &rate, units, now) ? units : 0;
        }
        uint64_t allowed = rate.burst + rate.per_second * now / 1000;
        assert_true(passed <= allowed);
        uint64_t wished = 60000 / 10 * largest / 2; /* on average */
        if (wished > 2 * allowed)
            assert_true(passed + largest + rate.burst >= allowed);
    }
}

static void more_than_the_burst_is_paid_off(void **state)
{
    (void)state;
    const struct token_rate rate = {.per_second = 1000, .burst = 100};
    struct token_bucket bucket = {0};

    assert_true(token_bucket_take(&bucket, &rate, 1200, 1));
    assert_false(token_bucket_take(&bucket, &rate, 1, 1100));
    assert_true(token_bucket_take(&bucket, &rate, 1, 1102));
    assert_true(token_bucket_take(&bucket, &rate, 1200, 1203));
}

static void clocks_and_rates_may_jump(void **state)
{
    (void)state;
    const struct token_rate rate = {.per_second = 1000, .burst = 1};
    const struct token_rate huge = {.per_second = UINT64_MAX, .burst = 1};
    struct token_bucket bucket = {0};

    assert_true(token_bucket_take(&bucket, &rate, 1, 1000));
    assert_false(token_bucket_take(&bucket, &rate, 1, 500)); /* backwards */
    assert_false(token_bucket_take(&bucket, &rate, 1, 1000));
    assert_true(token_bucket_take(&bucket, &rate, 1, UINT64_MAX));
    assert_false(token_bucket_take(&bucket, &huge, 1, UINT64_MAX));
    bucket.updated_ms = 0;
    assert_true(token_bucket_take(&bucket, &huge, 1, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spends_its_burst_and_waits),
        cmocka_unit_test(gives_a_part),
        cmocka_unit_test(no_rate_is_no_limit),
        cmocka_unit_test(low_rates_do_not_drift),
        cmocka_unit_test(the_rate_is_kept),
        cmocka_unit_test(more_than_the_burst_is_paid_off),
        cmocka_unit_test(clocks_and_rates_may_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
