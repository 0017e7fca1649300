/* SPDX-License-Identifier: Apache-2.0 */
#include "base/squeeze.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MAX = 70000 };

static uint8_t input[MAX], squeezed[MAX + MAX / 255 + 16], output[MAX];

/* There and back; returns how long it became. */
static size_t round_trip(size_t len)
{
    size_t became = squeeze(bytes_of(input, len), squeezed);
    assert_true(became <= squeeze_bound(len));
    memset(output, 0xee, sizeof(output));
    assert_true(unsqueeze(bytes_of(squeezed, became), output, len));
    assert_memory_equal(input, output, len);
    return became;
}

static void what_repeats_becomes_small(void **state)
{
    (void)state;
    memset(input, 0, sizeof(input));
    assert_true(round_trip(sizeof(input)) < 300);
    for (size_t i = 0; i < 4000; i++)
        input[i] = (uint8_t) "a=rtpmap:0 PCMU/8000\r\n"[i % 22];
    assert_true(round_trip(4000) < 64);
    assert_int_equal(round_trip(0), 1);
    assert_int_equal(round_trip(1), 2);
}

/* Few kinds of bytes and many, all lengths about the borders of the counts. */
static void everything_comes_back(void **state)
{
    (void)state;
    srand(7);
    for (int kinds = 1; kinds <= 256; kinds *= 4) {
        for (size_t i = 0; i < sizeof(input); i++)
            input[i] = (uint8_t)(rand() % kinds);
        for (size_t len = 0; len < 600; len++)
            round_trip(len);
        round_trip(sizeof(input));
    }
}

/* A match further back than can be told is none. */
static void the_distance_has_a_limit(void **state)
{
    (void)state;
    srand(9);
    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (uint8_t)rand();
    memcpy(input + 65600, input, 64);
    memcpy(input + 66000, input + 500, 64);
    round_trip(sizeof(input));
}

static void never_leaves_the_buffers(void **state)
{
    (void)state;
    static const uint8_t bad[][6] = {
        {0x10},                          /* a literal that is not there */
        {0x10, 'a'},                     /* fewer bytes than asked for */
        {0x50, 'a', 'b', 'c', 'd', 'e'}, /* more */
        {0x10, 'a', 2, 0},               /* a match before the beginning */
        {0x10, 'a', 0, 0},               /* of itself */
        {0x1f, 'a', 1, 0, 255},          /* a length without an end */
        {0xf0, 255, 255, 255},
    };
    static const size_t lens[] = {1, 2, 6, 4, 4, 5, 4};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(unsqueeze(bytes_of(bad[i], lens[i]), output, 4));
    assert_false(unsqueeze(bytes_of(NULL, 0), output, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_repeats_becomes_small),
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(the_distance_has_a_limit),
        cmocka_unit_test(never_leaves_the_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
