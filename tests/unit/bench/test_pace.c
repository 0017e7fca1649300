/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pace.h"

enum { START = 7000 };

struct due_case {
    const char *name;
    uint64_t per_s, after_ns, packets;
};

static const struct due_case due_cases[] = {
    {"the first at once", 1000, 0, 1},
    {"not yet", 1000, 999999, 1},
    {"the second", 1000, 1000000, 2},
    {"a second", 1000, 1000000000, 1001},
    {"thirds of a second, before", 3, 333333333, 1},
    {"thirds of a second, at", 3, 333333334, 2},
    {"one a second", 1, 2999999999, 3},
    {"more than one a nanosecond", 2000000000, 3, 7},
    {"an hour of many", 1000000, UINT64_C(3600000000000), UINT64_C(3600000001)},
};

static void is_due(void **state)
{
    const struct due_case *c = *state;
    const struct pace pace = {.start_ns = START, .per_s = c->per_s};
    assert_int_equal(pace_due(&pace, START + c->after_ns), c->packets);
}

static void nothing_is_due_before_the_start(void **state)
{
    (void)state;
    const struct pace pace = {.start_ns = START, .per_s = 1000000};
    assert_int_equal(pace_due(&pace, START - 1), 0);
}

/* The two functions tell the same story, to the nanosecond. */
static void packets_are_due_when_it_is_said(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1, 3, 7, 50, 999, 50000, 333333, 1000000, 7777777};
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        const struct pace pace = {.start_ns = START, .per_s = rates[i]};
        for (uint64_t number = 1; number < 3 * rates[i]; number += 1 + rates[i] / 1000) {
            uint64_t due_ns = pace_due_ns(&pace, number);
            assert_int_equal(pace_due(&pace, due_ns), number + 1);
            assert_int_equal(pace_due(&pace, due_ns - 1), number);
        }
    }
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(due_cases) + 2] = {
        cmocka_unit_test(nothing_is_due_before_the_start),
        cmocka_unit_test(packets_are_due_when_it_is_said),
    };
    for (size_t i = 0; i < COUNT_OF(due_cases); i++)
        tests[i + 2] = (struct CMUnitTest){.name = due_cases[i].name,
            .test_func = is_due,
            .initial_state = (void *)(uintptr_t)&due_cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
