/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void fills_any_length(void **state)
{
    (void)state;
    static uint8_t first[1000], second[1000];
    random_bytes(first, sizeof(first));
    random_bytes(second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
    unsigned bits = 0;
    for (size_t i = 0; i < sizeof(first); i++)
        bits += (unsigned)__builtin_popcount(first[i]);
    assert_in_range(bits, 3600, 4400); /* 4000 of 8000 is the mean, 45 the deviation */
}

static void stays_below_and_reaches_all(void **state)
{
    (void)state;
    unsigned seen[6] = {0};
    for (int i = 0; i < 6000; i++)
        seen[random_below(6)]++;
    for (size_t i = 0; i < 6; i++)
        assert_in_range(seen[i], 700, 1300);
    assert_int_equal(random_below(1), 0);
}

/* A plain remainder would give the lower third of this range half of all values. */
static void favours_nothing(void **state)
{
    (void)state;
    unsigned low = 0;
    for (int i = 0; i < 6000; i++)
        low += random_below(3u << 30) < 1u << 30;
    assert_in_range(low, 1700, 2300);
}

static void makes_words(void **state)
{
    (void)state;
    char word[33], other[33];
    memset(word, '!', sizeof(word));
    random_alphanumeric(word, 32);
    assert_int_equal(strlen(word), 32);
    for (size_t i = 0; i < 32; i++)
        assert_true(isalnum((unsigned char)word[i]));
    random_alphanumeric(other, 32);
    assert_string_not_equal(word, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_any_length),
        cmocka_unit_test(stays_below_and_reaches_all),
        cmocka_unit_test(favours_nothing),
        cmocka_unit_test(makes_words),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
