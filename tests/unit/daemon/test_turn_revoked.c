/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/turn_revoked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct world {
    struct user_cache *cache;
    struct turn_revoked revoked;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    w->cache = user_cache_new(16);
    turn_revoked_init(&w->revoked, w->cache);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    turn_revoked_done(&w->revoked);
    user_cache_unref(w->cache);
    free(w);
    return 0;
}

/* The names are one character each. */
static void set(struct world *w, const char *realm, const char *users)
{
    struct text list[8];
    size_t count = strlen(users);
    for (size_t i = 0; i < count; i++)
        list[i] = text_of(users + i, 1);
    turn_revoked_set(&w->revoked, text_from(realm), list, count);
}

static void add(struct world *w, const char *realm, const char *user, int64_t until_s)
{
    assert_true(turn_revoked_add(&w->revoked, text_from(realm), text_from(user), until_s));
}

/* Who of a to d is refused. */
static void expect_refused(struct world *w, const char *realm, const char *expected)
{
    char found[8] = "";
    for (char name = 'a'; name <= 'd'; name++)
        if (user_cache_is_revoked(w->cache, text_from(realm), text_of(&name, 1)))
            found[strlen(found)] = name;
    assert_string_equal(found, expected);
}

static void a_list_replaces_the_one_before(void **state)
{
    struct world *w = *state;
    set(w, "r", "ab");
    expect_refused(w, "r", "ab");
    set(w, "r", "bc");
    expect_refused(w, "r", "bc");
    set(w, "r", "bc");
    expect_refused(w, "r", "bc");
    set(w, "r", "bb");
    expect_refused(w, "r", "b");
    set(w, "r", "");
    expect_refused(w, "r", "");
    assert_int_equal(w->revoked.entries.count, 0);
}

static void each_realm_has_its_list(void **state)
{
    struct world *w = *state;
    set(w, "r", "ab");
    set(w, "s", "bc");
    expect_refused(w, "r", "ab");
    expect_refused(w, "s", "bc");
    set(w, "r", "");
    expect_refused(w, "r", "");
    expect_refused(w, "s", "bc");
}

static void the_operator_refuses_for_a_time(void **state)
{
    struct world *w = *state;
    add(w, "r", "a", 100);
    add(w, "r", "b", 200);
    add(w, "s", "c", 200);
    turn_revoked_sweep(&w->revoked, 99);
    expect_refused(w, "r", "ab");
    turn_revoked_sweep(&w->revoked, 100);
    expect_refused(w, "r", "b");
    expect_refused(w, "s", "c");
    turn_revoked_sweep(&w->revoked, 200);
    expect_refused(w, "r", "");
    assert_int_equal(w->revoked.entries.count, 0);
}

/* The later of two times counts, whichever was said first. */
static void a_time_is_prolonged_only(void **state)
{
    struct world *w = *state;
    add(w, "r", "a", 200);
    add(w, "r", "a", 100);
    turn_revoked_sweep(&w->revoked, 150);
    expect_refused(w, "r", "a");
    add(w, "r", "a", 300);
    turn_revoked_sweep(&w->revoked, 250);
    expect_refused(w, "r", "a");
    turn_revoked_sweep(&w->revoked, 300);
    expect_refused(w, "r", "");
}

/* Whoever is refused by both comes back when both are over. */
static void two_sources_do_not_disturb_each_other(void **state)
{
    struct world *w = *state;
    set(w, "r", "ab");
    add(w, "r", "b", 100);
    add(w, "r", "c", 100);
    set(w, "r", "a"); /* only the operator refuses b now */
    expect_refused(w, "r", "abc");
    set(w, "r", "ac");
    turn_revoked_sweep(&w->revoked, 100); /* only Redis refuses c now */
    expect_refused(w, "r", "ac");
    set(w, "r", "c");
    expect_refused(w, "r", "c");
    set(w, "r", "");
    expect_refused(w, "r", "");
    assert_int_equal(w->revoked.entries.count, 0);
}

/* The whole list comes again with each change of it. */
static void a_long_list_is_no_burden(void **state)
{
    enum { USERS = 20000 };
    struct world *w = *state;
    static char names[USERS][8];
    static struct text list[USERS];
    for (int i = 0; i < USERS; i++)
        list[i] = text_of(names[i], (size_t)snprintf(names[i], sizeof(names[i]), "u%d", i));
    for (int i = 0; i < 4; i++)
        turn_revoked_set(&w->revoked, TEXT("r"), list, USERS);
    assert_int_equal(w->revoked.entries.count, USERS);
    assert_true(user_cache_is_revoked(w->cache, TEXT("r"), TEXT("u19999")));
}

static void a_name_that_nobody_can_have_is_left_out(void **state)
{
    struct world *w = *state;
    static char name[LONG_TERM_MAX_REALM];
    struct text long_name = text_of(name, LONG_TERM_MAX_NAME + 1);
    memset(name, 'x', sizeof(name));
    assert_false(turn_revoked_add(&w->revoked, text_of(name, LONG_TERM_MAX_REALM), long_name, 100));
    turn_revoked_set(&w->revoked, text_of(name, LONG_TERM_MAX_REALM), &long_name, 1);
    assert_int_equal(w->revoked.entries.count, 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_list_replaces_the_one_before),
        WITH_WORLD(each_realm_has_its_list),
        WITH_WORLD(the_operator_refuses_for_a_time),
        WITH_WORLD(a_time_is_prolonged_only),
        WITH_WORLD(two_sources_do_not_disturb_each_other),
        WITH_WORLD(a_long_list_is_no_burden),
        WITH_WORLD(a_name_that_nobody_can_have_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
