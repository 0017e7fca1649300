/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/callers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "four_threads.h"

static bool connects(struct callers *callers, const char *from, uint64_t per_ip, uint64_t all)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(from), 0, &a));
    return callers_connect(callers, &a, per_ip, all);
}

static void disconnect(struct callers *callers, const char *from)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(from), 0, &a));
    callers_disconnect(callers, &a);
}

static void counts_by_address(void **state)
{
    (void)state;
    struct callers *callers = callers_new();
    assert_true(connects(callers, "192.0.2.1:1", 2, 0));
    assert_true(connects(callers, "192.0.2.1:2", 2, 0));
    assert_false(connects(callers, "192.0.2.1:3", 2, 0));
    assert_true(connects(callers, "192.0.2.2:3", 2, 0));
    disconnect(callers, "192.0.2.1:1");
    assert_true(connects(callers, "192.0.2.1:3", 2, 0));
    assert_false(connects(callers, "192.0.2.9:3", 2, 3));
    callers_free(callers);
}

/* Whoever has one IPv6 address has the 2^64 of its network. */
static void an_ip6_network_is_one_caller(void **state)
{
    (void)state;
    struct callers *callers = callers_new();
    assert_true(connects(callers, "[2001:db8:0:1::1]:1", 2, 0));
    assert_true(connects(callers, "[2001:db8:0:1::2]:1", 2, 0));
    assert_false(connects(callers, "[2001:db8:0:1:ffff:ffff:ffff:ffff]:1", 2, 0));
    assert_true(connects(callers, "[2001:db8:0:2::1]:1", 2, 0));
    disconnect(callers, "[2001:db8:0:1::2]:1");
    assert_true(connects(callers, "[2001:db8:0:1::3]:1", 2, 0));
    callers_free(callers);
}

static void all_together_have_so_many(void **state)
{
    (void)state;
    struct callers *callers = callers_new();
    assert_true(connects(callers, "192.0.2.1:1", 0, 3));
    assert_true(connects(callers, "[2001:db8::1]:1", 0, 3));
    assert_true(connects(callers, "192.0.2.1:2", 0, 3));
    assert_false(connects(callers, "192.0.2.9:1", 0, 3));
    assert_false(connects(callers, "192.0.2.1:3", 0, 3)); /* of those already there, too */
    disconnect(callers, "192.0.2.9:1");                   /* never was there */
    assert_false(connects(callers, "192.0.2.9:1", 0, 3));
    disconnect(callers, "192.0.2.1:9"); /* whichever port */
    assert_true(connects(callers, "192.0.2.9:1", 0, 3));
    assert_true(connects(callers, "192.0.2.9:2", 0, 0)); /* 0: no limit */
    callers_free(callers);
}

enum { ROUNDS = 3000, OF_EACH = 2, OF_ALL = 3 };

static atomic_uint connected;

static void *connect_and_disconnect(void *argument)
{
    static const char *const from[] = {"192.0.2.1:1", "192.0.2.2:1"};
    struct callers *callers = argument;
    for (int i = 0; i < ROUNDS; i++) {
        struct address a;
        expect(address_parse_with_port(text_from(from[i % 2]), 0, &a));
        if (!callers_connect(callers, &a, OF_EACH, OF_ALL))
            continue;
        expect(atomic_fetch_add(&connected, 1) < OF_ALL);
        atomic_fetch_sub(&connected, 1);
        callers_disconnect(callers, &a);
    }
    return NULL;
}

static void threads_never_exceed_a_limit(void **state)
{
    (void)state;
    struct callers *callers = callers_new();
    assert_int_equal(run_threads(connect_and_disconnect, callers), 0);
    assert_true(connects(callers, "192.0.2.1:1", 1, 1)); /* nobody is left */
    callers_free(callers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_address),
        cmocka_unit_test(an_ip6_network_is_one_caller),
        cmocka_unit_test(all_together_have_so_many),
        cmocka_unit_test(threads_never_exceed_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
