/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

static const uint64_t seed[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

/* Every length around the word size, and every bit, matters. */
static void every_byte_and_the_length_matter(void **state)
{
    (void)state;
    uint8_t data[24] = {0};
    for (size_t len = 0; len <= sizeof(data); len++) {
        struct bytes exact = exact_copy(bytes_of(data, len));
        uint64_t before = hash_bytes(exact, seed);
        free((void *)exact.data);
        if (len < sizeof(data))
            assert_true(before != hash_bytes(bytes_of(data, len + 1), seed));
        for (size_t i = 0; i < len; i++) {
            data[i] ^= 0x80;
            assert_true(before != hash_bytes(bytes_of(data, len), seed));
            data[i] ^= 0x80;
        }
    }
}

static void the_seed_matters(void **state)
{
    (void)state;
    const uint64_t first[2] = {seed[0] + 1, seed[1]};
    const uint64_t second[2] = {seed[0], seed[1] + 1};
    assert_true(hash_u64(7, seed) != hash_u64(7, first));
    assert_true(hash_u64(7, seed) != hash_u64(7, second));
    assert_true(hash_u64(7, seed) != hash_u64(8, seed));
    assert_true(hash_u64(7, seed) == hash_u64(7, seed));
}

/* Sequential numbers spread evenly over a small table. */
static void spreads(void **state)
{
    (void)state;
    unsigned filled[64] = {0};
    for (uint64_t i = 0; i < 6400; i++)
        filled[hash_u64(i, seed) % 64]++;
    for (size_t i = 0; i < 64; i++)
        assert_in_range(filled[i], 50, 160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_and_the_length_matter),
        cmocka_unit_test(the_seed_matters),
        cmocka_unit_test(spreads),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
