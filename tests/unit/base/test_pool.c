/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <cmocka.h>

static void gives_whole_objects_up_to_the_limit(void **state)
{
    (void)state;
    struct pool pool;
    uint8_t *objects[10];
    pool_init(&pool, 33, 4, 10);
    for (size_t i = 0; i < 10; i++) {
        objects[i] = pool_take(&pool);
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % alignof(max_align_t), 0);
        memset(objects[i], (int)i, 33);
    }
    assert_null(pool_take(&pool));
    for (size_t i = 0; i < 10; i++)
        for (size_t at = 0; at < 33; at++)
            assert_int_equal(objects[i][at], i);
    for (size_t i = 0; i < 10; i++)
        pool_give(&pool, objects[i]);
    assert_int_equal(pool.used, 0);
    pool_done(&pool);
}

static void reuses_what_came_back(void **state)
{
    (void)state;
    struct pool pool;
    pool_init(&pool, 64, 1, SIZE_MAX);
    void *first = pool_take(&pool);
    pool_give(&pool, first);
    pool_give(&pool, NULL);
    assert_ptr_equal(pool_take(&pool), first);
    assert_int_equal(pool.made, 1);
    pool_give(&pool, first);
    pool_done(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_whole_objects_up_to_the_limit),
        cmocka_unit_test(reuses_what_came_back),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
