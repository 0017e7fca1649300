/* SPDX-License-Identifier: Apache-2.0 */
/* A router to one server, with a real one behind it. */
#include "redis/router.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "redis_process.h"
#include "router_world.h"

enum { RECORD = 8 << 20 };

static struct world world;
static struct redis_process server;
static char target[64];

static int set_up(void **state)
{
    world_start(&world);
    server = (struct redis_process){.port = free_port(), .password = "s3 cret"};
    snprintf(target, sizeof(target), "redis://:s3%%20cret@127.0.0.1:%u/3", server.port);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    world_stop(*state);
    redis_process_kill(&server);
    return 0;
}

static void open_ready(struct world *w)
{
    if (!redis_process_start(&server))
        skip();
    world_open(w, target);
    assert_true(run_until(&w->loop, &w->ready, 1));
}

static void sends_and_is_answered(void **state)
{
    struct world *w = *state;
    struct str where = {.data = NULL};
    open_ready(w);
    assert_string_equal(world_ask(w, "SET|a|1"), "OK");
    assert_string_equal(world_ask(w, "INCR|a"), "2");
    assert_string_equal(world_ask(w, "EVAL|return redis.call('GET', KEYS[1])|1|a"), "2");
    assert_string_equal(world_ask(w, "PING"), "PONG");
    assert_int_equal(redis_router_oldest_ms(w->router), 0);
    assert_int_equal(counter_get(&redis_router_counters(w->router)->is_ready), 1);
    redis_router_write_where(w->router, &where);
    assert_true(text_starts_with(str_text(&where), "127.0.0.1:"));
    str_done(&where);
}

/* The largest that a store keeps, there and back. */
static void large_records_fit(void **state)
{
    static char record[RECORD];
    struct world *w = *state;
    open_ready(w);
    for (size_t i = 0; i < sizeof(record); i++)
        record[i] = (char)(1 + (i * 2654435761u >> 13) % 255);
    const struct text words[] = {TEXT("EVAL"), TEXT("redis.call('SET', KEYS[1], ARGV[1]) return 7"),
        TEXT("1"), TEXT("big"), text_of(record, sizeof(record))};
    assert_int_equal(world_send_words(w, TEXT("big"), words, COUNT_OF(words)), 0);
    assert_true(run_until(&w->loop, &w->answered, 1));
    assert_string_equal(w->last, "7");
    world_ask(w, "GET|big");
    assert_int_equal(w->last_len, sizeof(record));
    assert_memory_equal(w->last, record, 64);
    assert_string_equal(world_ask(w, "STRLEN|big"), "8388608");
    const struct text one_more[] = {
        TEXT("SET"), TEXT("x"), text_of(record, sizeof(record)), text_of(record, 70000)};
    assert_int_equal(world_send_words(w, TEXT("x"), one_more, COUNT_OF(one_more)), -E2BIG);
}

/* What a frozen server does not take is bounded, and the rest refused at once. */
static void a_frozen_server_fills_no_memory(void **state)
{
    static char record[1 << 20];
    struct world *w = *state;
    w->config.limits.unsent = 4 << 20;
    open_ready(w);
    redis_process_freeze(&server);
    const struct text words[] = {TEXT("SET"), TEXT("a"), text_of(record, sizeof(record))};
    unsigned taken = 0;
    int error = 0;
    for (; taken < 64 && error == 0; taken++)
        error = world_send_words(w, TEXT("a"), words, COUNT_OF(words));
    assert_int_equal(error, -EAGAIN);
    assert_in_range(taken, 4, 20); /* and what the kernel holds */
    assert_int_equal(counter_get(&redis_router_counters(w->router)->refused), 1);
    run_for(&w->loop, 300);
    assert_true(redis_router_oldest_ms(w->router) >= 200);
    assert_int_equal(w->done, 0);
    assert_true(run_until(&w->loop, &w->unanswered, taken - 1)); /* the timeout */
    assert_int_equal(w->lost, 1);
    assert_int_equal(world_send(w, "PING"), -ENOTCONN);
    redis_process_thaw(&server);
    assert_true(run_until(&w->loop, &w->ready, 2));
    assert_string_equal(world_ask(w, "PING"), "PONG");
}

/* The back-off stays short, for this is what calls are kept in. */
static void is_back_soon_after_the_server(void **state)
{
    struct world *w = *state;
    open_ready(w);
    redis_process_kill(&server);
    assert_true(run_until(&w->loop, &w->lost, 1));
    run_for(&w->loop, 3000);
    assert_true(redis_process_start(&server));
    uint64_t before = uv_hrtime();
    assert_true(run_until(&w->loop, &w->ready, 2));
    assert_true(uv_hrtime() - before < 1500000000u);
    assert_in_range(world_log_lines(w, "event=redis-away"), 1, 3);
    assert_int_equal(world_log_lines(w, "cret"), 0);
}

static void errors_are_the_callers(void **state)
{
    struct world *w = *state;
    open_ready(w);
    assert_string_equal(world_ask(w, "SET|a|1"), "OK");
    assert_true(text_starts_with(text_from(world_ask(w, "LPUSH|a|1")), "WRONGTYPE"));
    redis_process_do(&server, "REPLICAOF|127.0.0.1|1");
    assert_true(text_starts_with(text_from(world_ask(w, "SET|a|2")), "READONLY"));
    redis_process_do(&server, "REPLICAOF|NO|ONE");
    redis_process_do(&server, "CONFIG|SET|maxmemory|1");
    assert_true(text_starts_with(text_from(world_ask(w, "SET|a|2")), "OOM"));
    assert_int_equal(w->lost, 0);
}

static void pending_commands_end_with_it(void **state)
{
    struct world *w = *state;
    open_ready(w);
    assert_int_equal(world_send(w, "GET|a"), 0);
    assert_int_equal(world_send(w, "GET|b"), 0);
    world_close_router(w);
    assert_int_equal(w->unanswered, 2);
    assert_int_equal(w->lost, 0);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(sends_and_is_answered),
        WORLD_TEST(large_records_fit),
        WORLD_TEST(a_frozen_server_fills_no_memory),
        WORLD_TEST(is_back_soon_after_the_server),
        WORLD_TEST(errors_are_the_callers),
        WORLD_TEST(pending_commands_end_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
