/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"

static const struct {
    bool started;
    uint64_t highest;
    uint16_t seq;
    uint64_t index;
} estimates[] = {
    {false, 0, 0, 0},
    {false, 0, 65535, 65535},
    {true, 10, 11, 11},
    {true, 10, 9, 9},
    {true, 10, 65535, 65535},      /* no turn before the first */
    {true, 65535, 0, 0x10000},     /* over */
    {true, 65535, 32766, 0x17ffe}, /* the farthest that is ahead */
    {true, 65535, 32767, 32767},   /* the farthest that is behind */
    {true, 0x10000, 65535, 65535}, /* back over */
    {true, 0x10000, 32769, 32769},
    {true, 0x10000, 32768, 0x18000},
    {true, 0x17fff, 65535, 0x1ffff},
    {true, 0x18000, 0, 0x10000},
    {true, 0x18001, 0, 0x20000},
    {true, 0xffffffff0000ffff, 1, 0xffffffff00010001},
};

static void estimates_the_index(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(estimates); i++) {
        uint64_t bits[1];
        struct rtpsec_window w;
        rtpsec_window_init(&w, bits, 64);
        w.started = estimates[i].started;
        w.highest = estimates[i].highest;
        assert_true(rtpsec_window_estimate(&w, estimates[i].seq) == estimates[i].index);
    }
}

/* Against a list of all that was ever added. */
static void knows_what_it_has_seen(void **state)
{
    (void)state;
    enum { INDICES = 20000 };
    static const uint16_t sizes[] = {64, 128, 1024};
    struct gen gen = gen_start();
    bool *seen = calloc(INDICES, sizeof(*seen));
    assert_non_null(seen);
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        uint64_t bits[1024 / 64];
        struct rtpsec_window w;
        rtpsec_window_init(&w, bits, sizes[s]);
        uint64_t highest = 0;
        bool started = false;
        memset(seen, 0, INDICES * sizeof(*seen));
        for (unsigned i = 0; i < 30000; i++) {
            uint64_t near = highest + gen_below(&gen, 40);
            uint64_t back = gen_below(&gen, 20) == 0 ? gen_below(&gen, 3000) : gen_below(&gen, 80);
            if (gen_below(&gen, 500) == 0)
                near += gen_below(&gen, 2500);
            uint64_t index = near > back ? near - back : 0;
            if (index >= INDICES)
                break;
            enum rtpsec_freshness expected = RTPSEC_FRESH;
            if (started && index + sizes[s] <= highest)
                expected = RTPSEC_BEYOND;
            else if (seen[index])
                expected = RTPSEC_SEEN;
            assert_int_equal(rtpsec_window_check(&w, index), expected);
            if (expected != RTPSEC_FRESH)
                continue;
            rtpsec_window_add(&w, index);
            seen[index] = true;
            highest = started && highest > index ? highest : index;
            started = true;
            assert_int_equal(w.highest, highest);
        }
    }
    free(seen);
}

static void starts_behind_a_mark(void **state)
{
    (void)state;
    uint64_t bits[2];
    struct rtpsec_window w;
    rtpsec_window_init(&w, bits, 128);
    rtpsec_window_restore(&w, 1000);
    assert_int_equal(rtpsec_window_check(&w, 1000), RTPSEC_SEEN);
    assert_int_equal(rtpsec_window_check(&w, 1000 - 127), RTPSEC_SEEN);
    assert_int_equal(rtpsec_window_check(&w, 1000 - 128), RTPSEC_BEYOND);
    assert_int_equal(rtpsec_window_check(&w, 1001), RTPSEC_FRESH);
    rtpsec_window_add(&w, 1003);
    assert_int_equal(rtpsec_window_check(&w, 1000), RTPSEC_SEEN);
    assert_int_equal(rtpsec_window_check(&w, 1001), RTPSEC_FRESH);
    assert_int_equal(rtpsec_window_check(&w, 1003), RTPSEC_SEEN);
}

static void doubts_up_to_the_next(void **state)
{
    (void)state;
    static const uint64_t next[] = {1001, 1003, 1127, 1128, 5000};
    for (size_t i = 0; i < COUNT_OF(next); i++) {
        uint64_t bits[2];
        struct rtpsec_window w;
        rtpsec_window_init(&w, bits, 128);
        rtpsec_window_restore(&w, 1000);
        rtpsec_window_doubt(&w);
        assert_int_equal(rtpsec_window_check(&w, next[i]), RTPSEC_FRESH);
        rtpsec_window_add(&w, next[i]);
        for (uint64_t behind = 0; behind < 128; behind++)
            assert_int_equal(rtpsec_window_check(&w, next[i] - behind), RTPSEC_SEEN);
        rtpsec_window_add(&w, next[i] + 2);
        assert_int_equal(rtpsec_window_check(&w, next[i] + 1), RTPSEC_FRESH);
    }
    uint64_t bits[2];
    struct rtpsec_window w;
    rtpsec_window_init(&w, bits, 128);
    rtpsec_window_doubt(&w); /* of nothing */
    rtpsec_window_add(&w, 50);
    assert_int_equal(rtpsec_window_check(&w, 49), RTPSEC_FRESH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_the_index),
        cmocka_unit_test(knows_what_it_has_seen),
        cmocka_unit_test(starts_behind_a_mark),
        cmocka_unit_test(doubts_up_to_the_next),
    };
    return cmocka_run_group_tests_name("rtpsec window", tests, NULL, NULL);
}
