/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/timeouts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define MEDIA PLAN_TIMEOUT_MEDIA
#define SILENT PLAN_TIMEOUT_SILENT
#define OFFER PLAN_TIMEOUT_OFFER

/* timeout 60 s, silent-timeout 3600 s, offer-timeout 300 s; the time is 4,000 s. */
static const struct timeout_case {
    const char *name;
    size_t count;
    struct timeout_stream streams[3];
    bool ended;
    enum plan_timeout why;
} cases[] = {
    {"no streams", 0, {{0}}, false, MEDIA},
    {"one silent", 1, {{MEDIA, 3940000}}, true, MEDIA},
    {"one millisecond short", 1, {{MEDIA, 3940001}}, false, MEDIA},
    {"one of two alive", 2, {{MEDIA, 0}, {MEDIA, 3999000}}, false, MEDIA},
    {"on hold: the silent timeout", 1, {{SILENT, 400000}}, true, SILENT},
    {"on hold: not yet", 1, {{SILENT, 400001}}, false, MEDIA},
    {"one side on hold, the other dead", 2, {{MEDIA, 1}, {SILENT, 400000}}, true, MEDIA},
    {"one side on hold holds the call", 2, {{MEDIA, 1}, {SILENT, 500000}}, false, MEDIA},
    {"never answered", 2, {{OFFER, 3700000}, {OFFER, 3600000}}, true, OFFER},
    {"offered, not yet", 2, {{OFFER, 3700001}, {OFFER, 3600000}}, false, OFFER},
};

static void ends_when_it_should(void **state)
{
    const struct timeout_case *c = *state;
    struct timeout_rules rules = {.media_s = 60, .silent_s = 3600, .offer_s = 300};
    enum plan_timeout why = MEDIA;
    assert_int_equal(timeouts_ended(&rules, c->streams, c->count, 4000000, &why), c->ended);
    if (c->ended)
        assert_int_equal(why, c->why);
}

static void zero_is_never(void **state)
{
    (void)state;
    struct timeout_rules rules = {.media_s = 60};
    struct timeout_stream stream = {SILENT, 0};
    enum plan_timeout why;
    assert_false(timeouts_ended(&rules, &stream, 1, UINT64_MAX / 2, &why));
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(cases) + 1];
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name,
            .test_func = ends_when_it_should,
            .initial_state = (void *)(uintptr_t)&cases[i]};
    tests[COUNT_OF(cases)] = (struct CMUnitTest)cmocka_unit_test(zero_is_never);
    return cmocka_run_group_tests_name("timeouts", tests, NULL, NULL);
}
