/* SPDX-License-Identifier: Apache-2.0 */
/* The calls are seen to once a second, in turns that are bounded by time; the clock is scripted. */
#include "relay/tick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "net/worker_state.h"
#include "relay/call_media.h"

enum { CALLS = 50 };

static uint64_t now_ns, cost_ns;

/* The first look is at the beginning of a turn, the others follow a call each. */
static uint64_t clock_ns(void)
{
    uint64_t now = now_ns;
    now_ns += cost_ns;
    return now;
}

static void again(void *state, uint64_t now_ms)
{
    (void)state, (void)now_ms;
}

static const struct worker_hooks hooks = {.on_again = again};
static struct worker worker;
static struct relay relay;
static struct call_media calls[CALLS];

static void open_calls(unsigned count)
{
    worker.modules[0] = (struct worker_module){.worker = &worker, .hooks = &hooks};
    worker.again = 0;
    relay = (struct relay){.module = &worker.modules[0], .slow_lane = {.clock_ns = clock_ns}};
    map_init(&relay.calls);
    list_init(&relay.call_order);
    for (unsigned i = 0; i < count; i++) {
        calls[i] = (struct call_media){.relay = &relay, .timed_out = true};
        list_init(&calls[i].transports);
        list_init(&calls[i].streams);
        u64_map_put(&relay.calls, &calls[i].node, i);
        list_push_back(&relay.call_order, &calls[i].order);
    }
}

static void end_call(unsigned i)
{
    u64_map_remove(&relay.calls, &calls[i].node);
    list_remove(&calls[i].order);
}

static unsigned first_in_order(void)
{
    return (
        unsigned)(CONTAINER_OF(list_first(&relay.call_order), struct call_media, order) - calls);
}

/* As the worker does; returns how many turns it took. */
static unsigned run(void)
{
    unsigned turns = 0;
    for (; worker.again != 0; turns++) {
        worker.again = 0;
        tick_turn(&relay, 1000);
    }
    return turns;
}

static void a_turn_is_bounded_by_time(void **state)
{
    static const struct {
        unsigned calls, cost_us, turns;
    } cases[] = {{0, 1, 0}, {1, 1, 1}, {50, 1, 1}, {50, 10, 5}, {50, 99, 25}, {7, 5000, 7}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        open_calls(cases[i].calls);
        cost_ns = cases[i].cost_us * UINT64_C(1000);
        tick_begin(&relay);
        unsigned turns = run();
        /* One turn more may be asked for, when time and calls end together. */
        assert_in_range(turns, cases[i].turns, cases[i].turns + 1);
        assert_int_equal(relay.calls_due, 0);
        if (cases[i].calls > 0)
            assert_int_equal(first_in_order(), 0); /* all went round once */
        map_done(&relay.calls);
    }
}

static void goes_on_where_it_stopped(void **state)
{
    (void)state;
    open_calls(10);
    cost_ns = 50 * 1000;
    tick_begin(&relay);
    tick_turn(&relay, 1000);
    assert_int_equal(first_in_order(), 2);
    tick_turn(&relay, 1000);
    assert_int_equal(first_in_order(), 4);
    assert_int_equal(relay.calls_due, 6);
    map_done(&relay.calls);
}

static void calls_may_end_meanwhile(void **state)
{
    (void)state;
    open_calls(6);
    cost_ns = 100 * 1000;
    tick_begin(&relay);
    tick_turn(&relay, 1000);
    for (unsigned i = 1; i < 6; i++)
        end_call(i);
    tick_turn(&relay, 1000);
    assert_int_equal(relay.calls_due, 0);
    end_call(0);
    tick_begin(&relay);
    tick_turn(&relay, 2000);
    map_done(&relay.calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_is_bounded_by_time),
        cmocka_unit_test(goes_on_where_it_stopped),
        cmocka_unit_test(calls_may_end_meanwhile),
    };
    return cmocka_run_group_tests_name("tick", tests, NULL, NULL);
}
