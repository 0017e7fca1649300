/* SPDX-License-Identifier: Apache-2.0 */
#include "ice/candidate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void priorities_are_those_on_the_wire(void **state)
{
    (void)state;
    assert_int_equal(ice_priority(ICE_HOST, 0, 1), 2130706431);
    assert_int_equal(ice_priority(ICE_HOST, 0, 2), 2130706430);
    assert_int_equal(ice_priority(ICE_HOST, 1, 1), 2130706175);
    assert_int_equal(ice_priority(ICE_PEER_REFLEXIVE, 0, 1), 1862270975);
    assert_int_equal(ice_priority(ICE_SERVER_REFLEXIVE, 0, 1), 1694498815);
    assert_int_equal(ice_priority(ICE_RELAYED, 65535, 256), 0);
}

/* RFC 8445, section 6.1.2.3 */
static void pair_priorities_follow_the_rfc(void **state)
{
    (void)state;
    assert_true(ice_pair_priority(1, 2) == (UINT64_C(1) << 32) + 4);
    assert_true(ice_pair_priority(2, 1) == (UINT64_C(1) << 32) + 5);
    assert_true(ice_pair_priority(7, 7) == (UINT64_C(7) << 32) + 14);
    assert_true(ice_pair_priority(UINT32_MAX, 0) == UINT64_C(2) * UINT32_MAX + 1);
    assert_true(ice_pair_priority(UINT32_MAX, INT32_MAX) > ice_pair_priority(INT32_MAX, INT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priorities_are_those_on_the_wire),
        cmocka_unit_test(pair_priorities_follow_the_rfc),
    };
    return cmocka_run_group_tests_name("ice candidates", tests, NULL, NULL);
}
