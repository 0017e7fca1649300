/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/quotas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "credentials/long_term.h"
#include "four_threads.h"

static bool takes(
    struct quotas *quotas, const char *realm, const char *user, uint64_t of_user, uint64_t of_all)
{
    struct quota_limits limits = {.user = of_user, .total = of_all};
    return quotas_take(quotas, &limits, text_from(realm), text_from(user));
}

static void give(struct quotas *quotas, const char *realm, const char *user)
{
    quotas_give(quotas, text_from(realm), text_from(user));
}

static void a_user_has_so_many(void **state)
{
    (void)state;
    struct quotas *quotas = quotas_new();
    assert_true(takes(quotas, "r", "alice", 2, 0));
    assert_true(takes(quotas, "r", "alice", 2, 0));
    assert_false(takes(quotas, "r", "alice", 2, 0));
    assert_true(takes(quotas, "r", "bob", 2, 0));
    give(quotas, "r", "alice");
    assert_true(takes(quotas, "r", "alice", 2, 0));
    assert_false(takes(quotas, "r", "alice", 2, 0));
    quotas_free(quotas);
}

static void all_have_so_many(void **state)
{
    (void)state;
    struct quotas *quotas = quotas_new();
    assert_true(takes(quotas, "r", "alice", 0, 2));
    assert_true(takes(quotas, "s", "bob", 0, 2));
    assert_false(takes(quotas, "r", "carol", 0, 2));
    assert_false(takes(quotas, "r", "alice", 0, 2));
    give(quotas, "s", "bob");
    assert_true(takes(quotas, "r", "carol", 0, 2));
    quotas_free(quotas);
}

/* Also when the limits change while something is taken. */
static void zero_is_no_limit(void **state)
{
    (void)state;
    struct quotas *quotas = quotas_new();
    for (int i = 0; i < 100; i++)
        assert_true(takes(quotas, "r", "alice", 0, 0));
    assert_false(takes(quotas, "r", "alice", 100, 0));
    assert_false(takes(quotas, "r", "bob", 0, 100));
    assert_true(takes(quotas, "r", "alice", 101, 101));
    quotas_free(quotas);
}

static void user_and_realm_do_not_mix(void **state)
{
    static const char *const names[][2] = {
        {"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}, {"A", "bc"}};
    (void)state;
    struct quotas *quotas = quotas_new();
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_true(takes(quotas, names[i][0], names[i][1], 1, 0));
    give(quotas, "ab", "c");
    assert_false(takes(quotas, "a", "bc", 1, 0));
    assert_true(takes(quotas, "ab", "c", 1, 0));
    quotas_free(quotas);
}

/* A name is bytes, and may hold a zero. */
static void a_zero_in_a_name_ends_nothing(void **state)
{
    (void)state;
    struct quotas *quotas = quotas_new();
    struct quota_limits limits = {.user = 1};
    assert_true(quotas_take(quotas, &limits, TEXT("r"), text_of("a\0b", 3)));
    assert_true(quotas_take(quotas, &limits, TEXT("r"), text_of("a\0c", 3)));
    assert_true(quotas_take(quotas, &limits, TEXT("r"), TEXT("a")));
    assert_false(quotas_take(quotas, &limits, TEXT("r"), text_of("a\0b", 3)));
    quotas_free(quotas);
}

static void what_was_not_taken_is_not_given_back(void **state)
{
    (void)state;
    struct quotas *quotas = quotas_new();
    assert_true(takes(quotas, "r", "alice", 0, 1));
    give(quotas, "r", "bob");
    assert_false(takes(quotas, "r", "bob", 0, 1));
    give(quotas, "r", "alice");
    give(quotas, "r", "alice");
    assert_true(takes(quotas, "r", "bob", 0, 1));
    assert_false(takes(quotas, "r", "bob", 0, 1));
    quotas_free(quotas);
}

static void a_name_that_nobody_can_have_is_refused(void **state)
{
    (void)state;
    static char longest[LONG_TERM_MAX_REALM];
    struct quotas *quotas = quotas_new();
    struct quota_limits limits = {.user = 0};
    memset(longest, 'x', sizeof(longest));
    assert_true(quotas_take(quotas, &limits, TEXT("r"), text_of(longest, LONG_TERM_MAX_NAME)));
    assert_false(quotas_take(quotas, &limits, text_of(longest, LONG_TERM_MAX_REALM),
        text_of(longest, LONG_TERM_MAX_NAME + 1)));
    quotas_give(
        quotas, text_of(longest, LONG_TERM_MAX_REALM), text_of(longest, LONG_TERM_MAX_NAME + 1));
    quotas_free(quotas);
}

enum { ROUNDS = 3000, OF_USER = 2, OF_ALL = 5 };

static struct quotas *shared;
static atomic_uint taken[2], taken_by_all;

static void *take_and_give(void *unused)
{
    static const char *const users[] = {"alice", "bob"};
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        int n = i % 3 == 0;
        if (!takes(shared, "r", users[n], OF_USER, OF_ALL))
            continue;
        expect(atomic_fetch_add(&taken[n], 1) < OF_USER);
        expect(atomic_fetch_add(&taken_by_all, 1) < OF_ALL);
        atomic_fetch_sub(&taken[n], 1);
        atomic_fetch_sub(&taken_by_all, 1);
        give(shared, "r", users[n]);
    }
    return NULL;
}

static void threads_never_exceed_a_limit(void **state)
{
    (void)state;
    shared = quotas_new();
    assert_int_equal(run_threads(take_and_give, NULL), 0);
    assert_true(takes(shared, "r", "alice", 1, 1)); /* all was given back */
    quotas_free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_has_so_many),
        cmocka_unit_test(all_have_so_many),
        cmocka_unit_test(zero_is_no_limit),
        cmocka_unit_test(user_and_realm_do_not_mix),
        cmocka_unit_test(a_zero_in_a_name_ends_nothing),
        cmocka_unit_test(what_was_not_taken_is_not_given_back),
        cmocka_unit_test(a_name_that_nobody_can_have_is_refused),
        cmocka_unit_test(threads_never_exceed_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
