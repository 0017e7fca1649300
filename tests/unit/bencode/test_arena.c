/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/ng.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <cmocka.h>

#include "gen.h"

static void gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct ng_arena arena;
    struct gen g = gen_start();
    ng_arena_init(&arena, 1 << 20);
    for (unsigned i = 0; i < 500; i++) {
        size_t size = gen_below(&g, i % 50 == 0 ? 20000 : 100);
        uint8_t *taken = ng_arena_take(&arena, size);
        if (taken == NULL)
            break;
        assert_int_equal((uintptr_t)taken % alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(taken[k], 0);
        memset(taken, 0xff, size); /* ASan, and the zeros above, see an overlap */
    }
    assert_true(arena.used <= arena.cap);
    ng_arena_done(&arena);
}

static void never_exceeds_its_cap(void **state)
{
    (void)state;
    static const size_t caps[] = {0, 1, 31, 32, 100, 8191, 8192, 8193, 20000};
    for (size_t i = 0; i < COUNT_OF(caps); i++) {
        struct ng_arena arena;
        size_t taken = 0;
        ng_arena_init(&arena, caps[i]);
        while (ng_arena_take(&arena, 96) != NULL)
            taken += 96;
        assert_true(arena.used <= caps[i]);
        assert_true(taken <= caps[i]);
        assert_true(taken + 600 >= caps[i]); /* and the cap is made use of */
        assert_false(ng_arena_ok(&arena));
        assert_null(ng_arena_take(&arena, 0)); /* failed once, failed for good */

        ng_arena_done(&arena);
        assert_true(ng_arena_ok(&arena));
        assert_int_equal(arena.used, 0);
        assert_int_equal(arena.cap, caps[i]);
    }
}

static void survives_absurd_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 8, SIZE_MAX / 2, 1001};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct ng_arena arena;
        ng_arena_init(&arena, 1000);
        assert_null(ng_arena_take(&arena, sizes[i]));
        assert_false(ng_arena_ok(&arena));
        ng_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory),
        cmocka_unit_test(never_exceeds_its_cap),
        cmocka_unit_test(survives_absurd_sizes),
    };
    return cmocka_run_group_tests_name("bencode/arena", tests, NULL, NULL);
}
