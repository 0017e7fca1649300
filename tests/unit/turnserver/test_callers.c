/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/callers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_address),
        cmocka_unit_test(an_ip6_network_is_one_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
