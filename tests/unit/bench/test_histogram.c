/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"
#include "histogram.h"

static struct histogram *empty(void)
{
    struct histogram *h = calloc(1, sizeof(*h));
    assert_non_null(h);
    return h;
}

static void an_empty_one_says_zero(void **state)
{
    (void)state;
    struct histogram *h = empty();
    assert_int_equal(histogram_at(h, 500), 0);
    assert_int_equal(histogram_at(h, 1000), 0);
    free(h);
}

static void small_numbers_are_exact(void **state)
{
    (void)state;
    struct histogram *h = empty();
    for (uint64_t i = 1; i <= 100; i++)
        histogram_add(h, i);
    assert_int_equal(h->count, 100);
    assert_int_equal(histogram_at(h, 0), 1);
    assert_int_equal(histogram_at(h, 10), 1);
    assert_int_equal(histogram_at(h, 500), 50);
    assert_int_equal(histogram_at(h, 990), 99);
    assert_int_equal(histogram_at(h, 999), 100);
    assert_int_equal(histogram_at(h, 1000), 100);
    free(h);
}

/* Alone in a histogram every number is told exactly, since none is larger; with a larger one beside
 * it, to 1/64 and never too small. */
static void large_numbers_are_near(void **state)
{
    (void)state;
    (void)state;
    struct gen g = gen_start();
    for (unsigned i = 0; i < 200; i++) {
        struct histogram *h = empty();
        uint64_t value = gen_u64(&g) >> (24 + gen_below(&g, 40));
        histogram_add(h, value);
        assert_int_equal(histogram_at(h, 500), value);
        histogram_add(h, UINT64_MAX);
        uint64_t told = histogram_at(h, 500);
        assert_true(told >= value && told - value <= value / 64);
        free(h);
    }
}

static void what_is_too_large_is_cut(void **state)
{
    (void)state;
    struct histogram *h = empty();
    histogram_add(h, UINT64_MAX);
    histogram_add(h, UINT64_C(1) << HISTOGRAM_BITS);
    assert_int_equal(h->max, (UINT64_C(1) << HISTOGRAM_BITS) - 1);
    assert_int_equal(histogram_at(h, 1), h->max);
    assert_int_equal(h->slots[HISTOGRAM_SLOTS - 1], 2);
    free(h);
}

static void the_tail_is_where_it_is(void **state)
{
    (void)state;
    struct histogram *h = empty();
    for (unsigned i = 0; i < 998; i++)
        histogram_add(h, 10);
    histogram_add(h, 5000);
    histogram_add(h, 60);
    assert_int_equal(histogram_at(h, 990), 10);
    assert_int_equal(histogram_at(h, 998), 10);
    assert_int_equal(histogram_at(h, 999), 60);
    assert_int_equal(histogram_at(h, 1000), 5000);
    free(h);
}

static void merged_is_as_if_added(void **state)
{
    (void)state;
    struct histogram *one = empty(), *other = empty(), *both = empty();
    for (unsigned i = 0; i < 500; i++) {
        histogram_add(i % 3 == 0 ? one : other, i * i);
        histogram_add(both, i * i);
    }
    histogram_merge(one, other);
    assert_memory_equal(one, both, sizeof(*both));
    free(one);
    free(other);
    free(both);
}

/* The ends of slots, where they begin to be wider than one. */
static void slots_end_where_the_next_begins(void **state)
{
    (void)state;
    static const uint64_t ends[][2] = {{63, 63}, {64, 64}, {127, 127}, {128, 129}, {129, 129},
        {130, 131}, {255, 255}, {256, 259}, {4096, 4159}, {4159, 4159}, {4160, 4223}};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct histogram *h = empty();
        histogram_add(h, ends[i][0]);
        histogram_add(h, UINT64_MAX);
        assert_int_equal(histogram_at(h, 500), ends[i][1]);
        free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_says_zero),
        cmocka_unit_test(small_numbers_are_exact),
        cmocka_unit_test(large_numbers_are_near),
        cmocka_unit_test(what_is_too_large_is_cut),
        cmocka_unit_test(the_tail_is_where_it_is),
        cmocka_unit_test(slots_end_where_the_next_begins),
        cmocka_unit_test(merged_is_as_if_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
