/* SPDX-License-Identifier: Apache-2.0 */
#include "session/placement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { WORKERS = 3, AUDIO_RATE = 100 };

/* Workers whose calls, and clients of TURN, send so many packets a second. */
struct world {
    struct placement placement;
    uint64_t received[WORKERS];
    uint64_t rate[WORKERS];
    size_t placed[WORKERS];
};

static void open_world(struct world *w)
{
    *w = (struct world){0};
    for (size_t i = 0; i < WORKERS; i++) {
        w->received[i] = 1000000 * i; /* a worker may have a past */
        assert_int_equal(placement_add(&w->placement, w->received[i]), 0);
    }
}

static void pass_seconds(struct world *w, unsigned seconds)
{
    for (; seconds > 0; seconds--)
        for (size_t i = 0; i < WORKERS; i++) {
            w->received[i] += w->rate[i];
            placement_look(&w->placement, i, w->received[i]);
        }
}

static size_t take(struct placement *placement)
{
    size_t worker = placement_best(placement);
    placement_put(placement, worker);
    return worker;
}

static void place(struct world *w, unsigned calls, uint64_t rate)
{
    for (; calls > 0; calls--) {
        size_t worker = take(&w->placement);
        w->placed[worker]++;
        w->rate[worker] += rate;
    }
}

static void expect_placed(const struct world *w, size_t first, size_t second, size_t third)
{
    assert_int_equal(w->placed[0], first);
    assert_int_equal(w->placed[1], second);
    assert_int_equal(w->placed[2], third);
}

static void calls_without_media_are_dealt_out(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    place(&w, 30, 0);
    expect_placed(&w, 10, 10, 10);
    pass_seconds(&w, 60);
    place(&w, 3, 0);
    expect_placed(&w, 11, 11, 11);
    placement_done(&w.placement);
}

static void what_ended_makes_room(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    place(&w, 30, 0);
    pass_seconds(&w, 60);
    for (unsigned i = 0; i < 6; i++)
        placement_give(&w.placement, 1);
    w.placed[1] -= 6;
    place(&w, 1, 0);
    expect_placed(&w, 10, 5, 10);
    placement_done(&w.placement);
}

/* The first has a client of TURN, or a video call, that is worth 40 calls. */
static void packets_weigh(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    w.rate[0] = 40 * (AUDIO_RATE + 25);
    pass_seconds(&w, 60);
    for (unsigned i = 0; i < 80; i++) {
        place(&w, 1, AUDIO_RATE);
        pass_seconds(&w, 1);
    }
    expect_placed(&w, 0, 40, 40);
    place(&w, 30, AUDIO_RATE);
    assert_in_range(w.placed[0], 8, 12);
    placement_done(&w.placement);
}

/* Also those that come faster than their packets are seen. */
static void a_burst_of_calls_is_spread(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    w.rate[0] = 1000;
    w.rate[1] = 1000;
    pass_seconds(&w, 60);
    place(&w, 300, AUDIO_RATE);
    for (size_t i = 0; i < WORKERS; i++)
        assert_in_range(w.placed[i], 94, 112);
    placement_done(&w.placement);
}

/* Neither before its packets are seen nor after does a call count twice. */
static void what_is_expected_fades_as_it_comes(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    place(&w, 30, AUDIO_RATE);
    for (unsigned second = 0; second < 60; second++) {
        for (size_t i = 0; i < WORKERS; i++)
            assert_in_range(w.placement.workers[i].rate, 10 * AUDIO_RATE - 2, 10 * AUDIO_RATE);
        pass_seconds(&w, 1);
    }
    placement_done(&w.placement);
}

/* A worker that has become quiet is found within seconds. */
static void the_past_is_forgotten(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    for (size_t i = 0; i < WORKERS; i++)
        w.rate[i] = 50000;
    pass_seconds(&w, 60);
    w.rate[2] = 0;
    pass_seconds(&w, 10);
    place(&w, 100, AUDIO_RATE);
    expect_placed(&w, 0, 0, 100);
    placement_done(&w.placement);
}

static void one_worker_gets_all(void **state)
{
    (void)state;
    struct placement placement = {0};
    assert_int_equal(placement_add(&placement, 0), 0);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(take(&placement), 0);
    placement_done(&placement);
    placement_done(&placement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_without_media_are_dealt_out),
        cmocka_unit_test(what_ended_makes_room),
        cmocka_unit_test(packets_weigh),
        cmocka_unit_test(a_burst_of_calls_is_spread),
        cmocka_unit_test(what_is_expected_fades_as_it_comes),
        cmocka_unit_test(the_past_is_forgotten),
        cmocka_unit_test(one_worker_gets_all),
    };
    return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
