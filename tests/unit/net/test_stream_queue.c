/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"

static void add(struct stream_queue *q, const void *data, size_t len)
{
    assert_int_equal(stream_queue_reserve(q, len), 0);
    stream_queue_add(q, bytes_of(data, len));
}

static void holds_no_memory_when_empty(void **state)
{
    (void)state;
    struct stream_queue q = {.data = NULL};
    assert_int_equal(stream_queue_bytes(&q).len, 0);
    add(&q, "abc", 3);
    stream_queue_drop(&q, 2);
    assert_true(bytes_equal(stream_queue_bytes(&q), bytes_of("c", 1)));
    stream_queue_drop(&q, 1);
    assert_null(q.data);
    assert_int_equal(stream_queue_bytes(&q).len, 0);
    stream_queue_done(&q);
}

/* A counter in bytes goes in, and the same comes out. */
static void keeps_the_order(void **state)
{
    (void)state;
    struct gen g = gen_start();
    struct stream_queue q = {.data = NULL};
    uint64_t in = 0, out = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t block[3000];
        size_t len = gen_below(&g, sizeof(block));
        if (q.len < 20000) {
            for (size_t i = 0; i < len; i++)
                block[i] = (uint8_t)(in++ * 37 >> 3);
            add(&q, block, len);
        }
        assert_int_equal(q.len, in - out);
        struct bytes b = stream_queue_bytes(&q);
        len = gen_below(&g, b.len + 1);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(b.data[i], (uint8_t)(out++ * 37 >> 3));
        stream_queue_drop(&q, len);
    }
    stream_queue_done(&q);
}

/* As with a reader that is always a little behind. */
static void does_not_grow_without_need(void **state)
{
    (void)state;
    static const uint8_t block[1000];
    struct stream_queue q = {.data = NULL};
    add(&q, block, 1000);
    for (int i = 0; i < 100000; i++) {
        add(&q, block, 1000);
        stream_queue_drop(&q, 1000);
    }
    assert_int_equal(q.len, 1000);
    assert_true(q.capacity <= 4096);
    stream_queue_done(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_no_memory_when_empty),
        cmocka_unit_test(keeps_the_order),
        cmocka_unit_test(does_not_grow_without_need),
    };
    return cmocka_run_group_tests_name("stream_queue", tests, NULL, NULL);
}
