/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "gen.h"

static struct timers timers;
static struct timer *fired[1000];
static size_t fired_count;

static void note(struct timer *self, uint64_t now_ms)
{
    assert_true(self->due_ms <= now_ms);
    fired[fired_count++] = self;
}

static int fresh(void **state)
{
    (void)state;
    timers_init(&timers);
    fired_count = 0;
    return 0;
}

static void fires_in_order_of_time(void **state)
{
    (void)state;
    struct timer a, b, c;
    timer_init(&a, note);
    timer_init(&b, note);
    timer_init(&c, note);
    assert_true(timers_next_due(&timers) == TIMERS_NEVER);
    timer_arm(&timers, &a, 30);
    timer_arm(&timers, &b, 10);
    timer_arm(&timers, &c, 10);
    assert_int_equal(timers_next_due(&timers), 10);
    assert_int_equal(timers_run(&timers, 9), 0);
    assert_int_equal(timers_run(&timers, 10), 2);
    assert_ptr_equal(fired[0], &b); /* armed first */
    assert_ptr_equal(fired[1], &c);
    assert_false(timer_is_armed(&b));
    assert_true(timer_is_armed(&a));
    timer_arm(&timers, &a, 40); /* moved */
    assert_int_equal(timers_run(&timers, 39), 0);
    assert_int_equal(timers_run(&timers, 100), 1);
    assert_int_equal(timers.armed, 0);
}

static void equal_times_fire_in_the_order_of_arming(void **state)
{
    (void)state;
    static struct timer early[7], equal[50];
    for (size_t i = 0; i < 50; i++) {
        timer_init(&equal[i], note);
        timer_arm(&timers, &equal[i], 100);
        if (i % 8 == 0) { /* stir the heap */
            timer_init(&early[i / 8], note);
            timer_arm(&timers, &early[i / 8], 1 + i);
        }
    }
    assert_int_equal(timers_run(&timers, 99), 7);
    assert_int_equal(timers_run(&timers, 100), 50);
    for (size_t i = 0; i < 50; i++)
        assert_ptr_equal(fired[7 + i], &equal[i]);
}

static struct timer victim;

static void cancel_victim(struct timer *self, uint64_t now_ms)
{
    note(self, now_ms);
    timer_cancel(&timers, &victim);
}

static void a_callback_may_cancel_one_that_is_due(void **state)
{
    (void)state;
    struct timer killer;
    timer_init(&killer, cancel_victim);
    timer_init(&victim, note);
    timer_arm(&timers, &killer, 1);
    timer_arm(&timers, &victim, 2);
    assert_int_equal(timers_run(&timers, 5), 1);
    assert_false(timer_is_armed(&victim));
    assert_int_equal(timers_run(&timers, 5), 0);
}

static void arm_again(struct timer *self, uint64_t now_ms)
{
    note(self, now_ms);
    timer_arm(&timers, self, now_ms);
}

static void what_a_callback_arms_waits_for_the_next_run(void **state)
{
    (void)state;
    struct timer endless;
    timer_init(&endless, arm_again);
    timer_arm(&timers, &endless, 1);
    assert_int_equal(timers_run(&timers, 5), 1);
    assert_int_equal(timers_next_due(&timers), 5);
    assert_int_equal(timers_run(&timers, 5), 1);
    timer_cancel(&timers, &endless);
    assert_int_equal(timers.armed, 0);
}

static void push_victim_back(struct timer *self, uint64_t now_ms)
{
    note(self, now_ms);
    timer_arm(&timers, &victim, now_ms + 100);
}

static void a_callback_may_move_one_that_is_due(void **state)
{
    (void)state;
    struct timer mover;
    timer_init(&mover, push_victim_back);
    timer_init(&victim, note);
    timer_arm(&timers, &mover, 1);
    timer_arm(&timers, &victim, 2);
    assert_int_equal(timers_run(&timers, 5), 1);
    assert_int_equal(timers_next_due(&timers), 105);
    assert_int_equal(timers_run(&timers, 105), 1);
}

static void a_timer_of_zeros_may_be_cancelled(void **state)
{
    (void)state;
    struct timer never;
    memset(&never, 0, sizeof(never));
    timer_cancel(&timers, &never);
    assert_false(timer_is_armed(&never));
}

/* Random arming, moving and cancelling against a plain array that is always right. */
static void agrees_with_a_plain_array(void **state)
{
    (void)state;
    static struct timer all[300];
    uint64_t due[300];
    struct gen gen = gen_start();
    uint64_t now = 0;

    for (size_t i = 0; i < 300; i++) {
        timer_init(&all[i], note);
        due[i] = TIMERS_NEVER;
    }
    for (int step = 0; step < 20000; step++) {
        size_t i = gen_below(&gen, 300);
        if (gen_below(&gen, 4) == 0) {
            timer_cancel(&timers, &all[i]);
            due[i] = TIMERS_NEVER;
        } else {
            due[i] = now + gen_below(&gen, 50);
            timer_arm(&timers, &all[i], due[i]);
        }
        if (gen_below(&gen, 20) > 0)
            continue;

        now += gen_below(&gen, 20);
        size_t expected = 0;
        uint64_t next = TIMERS_NEVER;
        for (size_t k = 0; k < 300; k++) {
            expected += due[k] <= now;
            next = due[k] > now && due[k] < next ? due[k] : next;
        }
        fired_count = 0;
        assert_int_equal(timers_run(&timers, now), expected);
        for (size_t k = 0; k < expected; k++) {
            assert_true(k == 0 || fired[k - 1]->due_ms <= fired[k]->due_ms);
            due[fired[k] - all] = TIMERS_NEVER;
        }
        assert_true(timers_next_due(&timers) == next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fires_in_order_of_time, fresh),
        cmocka_unit_test_setup(equal_times_fire_in_the_order_of_arming, fresh),
        cmocka_unit_test_setup(a_callback_may_cancel_one_that_is_due, fresh),
        cmocka_unit_test_setup(what_a_callback_arms_waits_for_the_next_run, fresh),
        cmocka_unit_test_setup(a_callback_may_move_one_that_is_due, fresh),
        cmocka_unit_test_setup(a_timer_of_zeros_may_be_cancelled, fresh),
        cmocka_unit_test_setup(agrees_with_a_plain_array, fresh),
    };
    return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
