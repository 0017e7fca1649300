/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/turnserver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "four_threads.h"

/* What is not freed with the last reference, or is twice, the sanitizers tell. */
static void the_last_reference_frees_all(void **state)
{
    (void)state;
    struct turn_settings *turn = turn_settings_new();
    turn_settings_ref(turn);
    struct turnserver_settings *s = turnserver_settings_new(turn);
    struct address_range range;
    assert_null(address_range_parse(TEXT("192.0.2.0/24"), &range));
    assert_int_equal(address_ranges_add(&s->proxies, &range), 0);
    address_ranges_seal(&s->proxies);

    assert_ptr_equal(turnserver_settings_ref(s), s);
    turnserver_settings_unref(s);
    assert_int_equal(atomic_load(&turn->references), 2);
    turnserver_settings_unref(s);
    assert_int_equal(atomic_load(&turn->references), 1);
    turn_settings_unref(turn);
    turnserver_settings_unref(NULL);
}

static void without_limits_at_first(void **state)
{
    (void)state;
    struct turnserver_settings *s = turnserver_settings_new(turn_settings_new());
    assert_null(s->tls);
    assert_true(s->user_quota == 0 && s->total_quota == 0 && s->capacity_bytes_per_s == 0);
    assert_true(s->max_connections == 0 && s->max_connections_per_ip == 0);
    assert_true(s->max_half_open == 0);
    turnserver_settings_unref(s);
}

static void *ref_and_unref(void *argument)
{
    struct turnserver_settings *s = argument;
    for (int i = 0; i < 10000; i++) {
        struct turnserver_settings *own = turnserver_settings_ref(s);
        expect(own->turn->stun);
        turnserver_settings_unref(own);
    }
    turnserver_settings_unref(s);
    return NULL;
}

/* Whichever comes last. */
static void threads_share_them(void **state)
{
    (void)state;
    struct turnserver_settings *s = turnserver_settings_new(turn_settings_new());
    for (int i = 1; i < THREADS; i++)
        turnserver_settings_ref(s);
    assert_int_equal(run_threads(ref_and_unref, s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_reference_frees_all),
        cmocka_unit_test(without_limits_at_first),
        cmocka_unit_test(threads_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
