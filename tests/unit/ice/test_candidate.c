/* SPDX-License-Identifier: Apache-2.0 */
#include "ice/candidate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"

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

static void random_text_uses_its_whole_alphabet_evenly(void **state)
{
    struct gen g = gen_start();
    size_t counts[256] = {0};
    enum { ROUNDS = 62 * 100, LEN = ICE_PWD_LEN };
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t random[2 * LEN];
        char out[LEN + 1];
        out[LEN] = '#';
        gen_fill(&g, random, sizeof(random));
        ice_random_text(random, out, LEN);
        assert_int_equal(out[LEN], '#');
        for (size_t c = 0; c < LEN; c++)
            counts[(uint8_t)out[c]]++;
    }
    for (unsigned c = 0; c < 256; c++) {
        bool in_alphabet =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (in_alphabet)
            assert_in_range(counts[c], 100 * LEN * 8 / 10, 100 * LEN * 12 / 10);
        else
            assert_int_equal(counts[c], 0);
    }
}

static void random_text_reaches_both_ends(void **state)
{
    static const uint8_t random[] = {0, 0, 0xff, 0xff};
    char out[2];
    (void)state;
    ice_random_text(random, out, 2);
    assert_int_equal(out[0], '0');
    assert_int_equal(out[1], 'Z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priorities_are_those_on_the_wire),
        cmocka_unit_test(pair_priorities_follow_the_rfc),
        cmocka_unit_test(random_text_uses_its_whole_alphabet_evenly),
        cmocka_unit_test(random_text_reaches_both_ends),
    };
    return cmocka_run_group_tests_name("ice candidates", tests, NULL, NULL);
}
