/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/log.h"

/* Of a Cluster each master is to be asked in each round. */
enum { PATIENCE_MS = 10000, ROUNDS = 4, ASKED = 8 };

/* --- the loop --- */

static void on_time(uv_timer_t *timer)
{
    struct redis_bench *b = timer->data;
    b->is_late = true;
}

static void run(struct redis_bench *b, uint64_t ms, const unsigned *count, unsigned enough)
{
    b->is_late = false;
    uv_timer_start(&b->timer, on_time, ms, 0);
    while (!b->is_late && (count == NULL || *count < enough))
        uv_run(&b->loop, UV_RUN_ONCE);
    uv_timer_stop(&b->timer);
}

void bench_run_for(struct redis_bench *b, uint64_t ms)
{
    run(b, ms, NULL, 0);
}

void bench_run_until(struct redis_bench *b, const unsigned *count, unsigned enough)
{
    run(b, PATIENCE_MS, count, enough);
    assert_true(*count >= enough);
}

static void on_barrier(void *owner, enum store_result result, const struct store_record *record)
{
    unsigned *count = owner;
    (void)result;
    (void)record;
    ++*count;
}

/* What runs in the background goes back and forth a few times, as these do. */
static void settle(struct stage *stage, struct store *node, const unsigned *answers)
{
    static const char ids[ASKED][2] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    bench_run_until(stage->owner, answers, 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned count = 0, due = 0;
        for (unsigned i = 0; i < ASKED; i++)
            due += node->ops->get(node, STORE_CALL, text_from(ids[i]), false, on_barrier, &count);
        bench_run_until(stage->owner, &count, due);
    }
}

static void wait_ms(struct stage *stage, uint64_t ms)
{
    bench_run_for(stage->owner, ms);
}

/* --- the bench --- */

static void on_ready(void *owner, bool is_ready)
{
    struct redis_bench *b = owner;
    *(is_ready ? &b->ready : &b->lost) += 1;
}

static void on_trouble(void *owner, struct text why)
{
    struct redis_bench *b = owner;
    b->troubles++;
    snprintf(b->trouble, sizeof(b->trouble), "%.*s", TEXT_ARG(why));
}

void bench_start(struct redis_bench *b)
{
    *b = (struct redis_bench){.ready = 0};
    b->stage = (struct stage){.settle = settle, .wait = wait_ms, .owner = b};
    log_set_level(LOG_CRIT);
    assert_int_equal(uv_loop_init(&b->loop), 0);
    assert_int_equal(uv_timer_init(&b->loop, &b->timer), 0);
    b->timer.data = b;
}

int bench_stop(struct redis_bench *b)
{
    for (size_t i = 0; i < STORY_NODES; i++)
        bench_close(b, i);
    uv_close((uv_handle_t *)&b->timer, NULL);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    stage_done(&b->stage);
    return uv_loop_close(&b->loop);
}

void bench_open(struct redis_bench *b, size_t i, const char *spec, const char *keys)
{
    struct redis_target target = {.host_count = 0};
    struct str why = {.data = NULL};
    assert_int_equal(redis_target_parse(text_from(spec), &target, &why), 0);
    if (keys != NULL)
        assert_int_equal(seal_read(text_from(keys), &b->seals[i], &why), 0);
    const struct redis_store_config config = {
        .target = &target,
        .name = "test",
        .command_timeout_ms = 1000,
        .seal = b->seals[i],
        .on_ready = on_ready,
        .on_trouble = on_trouble,
        .owner = b,
    };
    assert_int_equal(redis_store_open(&b->loop, &config, &b->stores[i], &why), 0);
    b->stage.nodes[i] = redis_store_base(b->stores[i]);
    redis_target_done(&target);
    str_done(&why);
}

void bench_open_all(struct redis_bench *b, const char *spec)
{
    for (size_t i = 0; i < STORY_NODES; i++)
        bench_open(b, i, spec, NULL);
    bench_run_until(b, &b->ready, STORY_NODES);
}

void bench_close(struct redis_bench *b, size_t i)
{
    if (b->stores[i] != NULL)
        b->stage.nodes[i]->ops->close(b->stage.nodes[i]);
    seal_free(b->seals[i]);
    b->stores[i] = NULL;
    b->seals[i] = NULL;
}

void bench_expect(struct redis_bench *b, const char *line, const char *answer)
{
    assert_string_equal(stage_ask(&b->stage, line), answer);
}
