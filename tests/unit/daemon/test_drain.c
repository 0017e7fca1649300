/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/rate.h"

static const struct drain_left nothing, a_call = {.calls = 1}, an_allocation = {.allocations = 1};

static void a_hold_ends_nothing(void **state)
{
    struct drain drain = {0};
    (void)state;
    assert_false(drain_refuses_work(&drain));
    assert_int_equal(drain_look(&drain, &nothing, 5), DRAIN_WAIT);
    drain_hold(&drain, 10);
    assert_true(drain_refuses_work(&drain));
    assert_int_equal(drain_look(&drain, &nothing, 1000000), DRAIN_WAIT);
    drain_hold(&drain, 20);
    assert_int_equal(drain.since_ms, 10);
    assert_true(drain_cancel(&drain));
    assert_false(drain_refuses_work(&drain));
}

static void it_leaves_when_nothing_is_left(void **state)
{
    struct drain drain = {0};
    (void)state;
    drain_leave(&drain, true, 60000, 1000);
    assert_true(drain_refuses_work(&drain));
    assert_int_equal(drain_look(&drain, &a_call, 1200), DRAIN_WAIT);
    assert_int_equal(drain_look(&drain, &an_allocation, 1400), DRAIN_WAIT);
    assert_int_equal(drain_look(&drain, &nothing, 1600), DRAIN_END);
    assert_int_equal(drain_look(&drain, &nothing, 1800), DRAIN_WAIT); /* told once */
    assert_true(drain_refuses_work(&drain));
}

static void it_leaves_when_the_time_is_over(void **state)
{
    struct drain drain = {0};
    (void)state;
    drain_leave(&drain, true, 60000, 1000);
    assert_int_equal(drain_look(&drain, &a_call, 60999), DRAIN_SAY);
    assert_int_equal(drain_look(&drain, &a_call, 61000), DRAIN_END);
}

static void without_a_limit_it_waits(void **state)
{
    struct drain drain = {0};
    (void)state;
    drain_leave(&drain, false, DRAIN_WITHOUT_LIMIT, 1000);
    assert_int_equal(drain_look(&drain, &a_call, UINT64_MAX - 1), DRAIN_SAY);
    assert_int_equal(drain_look(&drain, &nothing, UINT64_MAX - 1), DRAIN_END);
}

static void without_time_it_leaves_at_once(void **state)
{
    struct drain drain = {0};
    (void)state;
    drain_leave(&drain, true, 0, 1000);
    assert_int_equal(drain_look(&drain, &a_call, 1000), DRAIN_END);
}

static void the_log_is_told_now_and_then(void **state)
{
    struct drain drain = {0};
    int said = 0;
    (void)state;
    drain_leave(&drain, true, 60000, 0);
    for (uint64_t now_ms = 200; now_ms < 60000; now_ms += 200)
        said += drain_look(&drain, &a_call, now_ms) == DRAIN_SAY;
    assert_int_equal(said, 5);
}

static void a_second_signal_hurries(void **state)
{
    struct drain drain = {0};
    (void)state;
    drain_leave(&drain, true, 60000, 1000);
    drain_leave(&drain, false, 90000, 2000); /* an operator cannot make it longer */
    assert_int_equal(drain_look(&drain, &a_call, 3000), DRAIN_WAIT);
    drain_leave(&drain, true, 60000, 3000);
    assert_int_equal(drain_look(&drain, &a_call, 3000), DRAIN_END);
    drain_leave(&drain, true, 60000, 4000);
    assert_int_equal(drain.phase, DRAIN_ENDED);
}

static void only_an_operator_can_change_his_mind(void **state)
{
    struct drain drain = {0};
    (void)state;
    drain_leave(&drain, false, 60000, 1000);
    drain_hold(&drain, 1500); /* asks for less than what is going on */
    assert_int_equal(drain.phase, DRAIN_LEAVING);
    assert_true(drain_cancel(&drain));
    assert_false(drain_refuses_work(&drain));
    drain_leave(&drain, false, 60000, 2000);
    drain_leave(&drain, true, 10000, 3000); /* the first signal: it has its own time */
    assert_false(drain_cancel(&drain));
    assert_int_equal(drain.since_ms, 2000);
    assert_int_equal(drain_look(&drain, &a_call, 12999), DRAIN_WAIT);
    assert_int_equal(drain_look(&drain, &a_call, 13000), DRAIN_END);
    assert_false(drain_cancel(&drain));
}

static void rates_are_of_the_last_ten_seconds(void **state)
{
    struct rate rate = {0};
    uint64_t value = 1000;
    (void)state;
    assert_true(rate_per_second(&rate) < 0.001);
    rate_look(&rate, value, 1000);
    assert_true(rate_per_second(&rate) < 0.001); /* what was before is not known */
    for (uint64_t at_ms = 2000; at_ms <= 20000; at_ms += 1000) {
        value += 50;
        rate_look(&rate, value, at_ms);
        assert_true(rate_per_second(&rate) > 49.99 && rate_per_second(&rate) < 50.01);
    }
    for (uint64_t at_ms = 21000; at_ms <= 25000; at_ms += 1000)
        rate_look(&rate, value, at_ms);
    assert_true(rate_per_second(&rate) > 24.99 && rate_per_second(&rate) < 25.01);
    for (uint64_t at_ms = 26000; at_ms <= 30000; at_ms += 1000)
        rate_look(&rate, value, at_ms);
    assert_true(rate_per_second(&rate) < 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_ends_nothing),
        cmocka_unit_test(it_leaves_when_nothing_is_left),
        cmocka_unit_test(it_leaves_when_the_time_is_over),
        cmocka_unit_test(without_a_limit_it_waits),
        cmocka_unit_test(without_time_it_leaves_at_once),
        cmocka_unit_test(the_log_is_told_now_and_then),
        cmocka_unit_test(a_second_signal_hurries),
        cmocka_unit_test(only_an_operator_can_change_his_mind),
        cmocka_unit_test(rates_are_of_the_last_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
