/* SPDX-License-Identifier: Apache-2.0 */
/* A router to a master whose Sentinels say what the test wants. */
#include "redis/router.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/container.h"
#include "router_world.h"

enum { SENTINELS = 3, MASTERS = 2 };

struct sentinel {
    struct fake_redis fake;
    const char *says; /* to the question for the master; NULL: nothing */
    char heard[256];  /* of the first words */
};

struct master {
    struct fake_redis fake;
    const char *name;
    const char *role;
    const char *says; /* NULL: its name */
};

struct bench {
    struct world world;
    struct sentinel sentinels[SENTINELS];
    struct master masters[MASTERS];
    char names[MASTERS][64]; /* answers that name them */
    char target[256];
};

static struct bench bench;

static void note(char *heard, const struct redis_reply *command)
{
    for (size_t i = 0; i < command->count && strlen(heard) < 150; i++) {
        strncat(heard, command->items[i]->text.data, command->items[i]->text.len);
        strcat(heard, i + 1 < command->count ? " " : "|");
    }
}

static void sentinel_script(struct fake_redis *fake, const struct redis_reply *command)
{
    struct sentinel *sentinel = CONTAINER_OF(fake, struct sentinel, fake);
    note(sentinel->heard, command);
    if (!fake_redis_greet(fake, command) && sentinel->says != NULL)
        fake_redis_say_text(fake, sentinel->says);
}

static void master_script(struct fake_redis *fake, const struct redis_reply *command)
{
    struct master *master = CONTAINER_OF(fake, struct master, fake);
    char reply[64];
    if (fake_redis_greet(fake, command))
        return;
    if (text_is(command->items[0]->text, "ROLE"))
        snprintf(reply, sizeof(reply), "*3\r\n$%zu\r\n%s\r\n:0\r\n*0\r\n", strlen(master->role),
            master->role);
    else
        snprintf(reply, sizeof(reply), "+%s\r\n", master->name);
    fake_redis_say_text(fake,
        text_is(command->items[0]->text, "SET") && master->says != NULL ? master->says : reply);
}

static int set_up(void **state)
{
    static const char *const names[MASTERS] = {"A", "B"};
    struct bench *b = &bench;
    *b = (struct bench){.target = ""};
    *state = b;
    world_start(&b->world);
    for (size_t i = 0; i < MASTERS; i++) {
        struct master *master = &b->masters[i];
        fake_redis_start(&master->fake, &b->world.loop, 0, master_script);
        master->name = names[i];
        master->role = "master";
        snprintf(b->names[i], sizeof(b->names[i]), "*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%u\r\n",
            snprintf(NULL, 0, "%u", master->fake.port), master->fake.port);
    }
    for (size_t i = 0; i < SENTINELS; i++) {
        fake_redis_start(&b->sentinels[i].fake, &b->world.loop, 0, sentinel_script);
        b->sentinels[i].says = b->names[0];
    }
    snprintf(b->target, sizeof(b->target),
        "redis+sentinel://u:p@127.0.0.1:%u,127.0.0.1:%u,127.0.0.1:%u/the-one/2"
        "?sentinel-user=s&sentinel-password=t",
        b->sentinels[0].fake.port, b->sentinels[1].fake.port, b->sentinels[2].fake.port);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    world_close_router(&b->world);
    for (size_t i = 0; i < SENTINELS; i++)
        if (b->sentinels[i].fake.is_listening)
            fake_redis_stop(&b->sentinels[i].fake);
    for (size_t i = 0; i < MASTERS; i++)
        if (b->masters[i].fake.is_listening)
            fake_redis_stop(&b->masters[i].fake);
    world_stop(&b->world);
    return 0;
}

static struct world *open_ready(struct bench *b)
{
    world_open(&b->world, b->target);
    assert_true(run_until(&b->world.loop, &b->world.ready, 1));
    return &b->world;
}

static void all_say(struct bench *b, const char *what)
{
    for (size_t i = 0; i < SENTINELS; i++)
        b->sentinels[i].says = what;
}

/* --- tests --- */

static void finds_the_master(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    assert_string_equal(world_ask(w, "GET|a"), "A");
    assert_true(text_starts_with(text_from(b->sentinels[0].heard),
        "AUTH s t|PING|SENTINEL get-master-addr-by-name the-one|"));
    assert_int_equal(b->masters[1].fake.connections, 0);
    assert_int_equal(counter_get(&redis_router_counters(w->router)->is_ready), 1);
}

/* The first of them is of another mind; once all are asked it does not count. */
static void most_answers_count(void **state)
{
    struct bench *b = *state;
    b->sentinels[0].says = b->names[1];
    struct world *w = &b->world;
    world_open(w, b->target);
    assert_true(world_comes_to_say(w, "GET|a", "A"));
    run_for(&w->loop, 1500);
    assert_string_equal(world_ask(w, "GET|a"), "A");
}

static void who_does_not_answer_has_no_vote(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    b->sentinels[1].says = NULL; /* frozen */
    fake_redis_stop(&b->sentinels[2].fake);
    b->sentinels[0].says = b->names[1];
    assert_true(run_until(&w->loop, &w->ready, 2));
    assert_string_equal(world_ask(w, "GET|a"), "B");
}

static void goes_to_another_when_it_is_named(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    all_say(b, b->names[1]);
    assert_true(run_until(&w->loop, &w->ready, 2));
    assert_int_equal(w->lost, 1);
    assert_string_equal(world_ask(w, "GET|a"), "B");
    assert_int_equal(world_log_lines(w, "event=redis-master"), 2);
}

static void a_replica_is_not_the_master(void **state)
{
    struct bench *b = *state;
    struct world *w = &b->world;
    b->masters[0].role = "slave";
    world_open(w, b->target);
    run_for(&w->loop, 600);
    assert_int_equal(w->ready, 0);
    assert_int_equal(world_send(w, "GET|a"), -ENOTCONN);
    assert_int_equal(world_log_lines(w, "not a master"), 1);
    all_say(b, b->names[1]);
    assert_true(run_until(&w->loop, &w->ready, 1));
    assert_string_equal(world_ask(w, "GET|a"), "B");
}

/* The answer is the caller's, and the connection is looked at anew. */
static void readonly_ends_the_connection(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    b->masters[0].says = "-READONLY You can't write against a read only replica.\r\n";
    b->masters[0].role = "slave";
    assert_int_equal(world_send(w, "SET|a"), 0);
    assert_int_equal(world_send(w, "SET|b"), 0); /* behind it: lost */
    assert_true(run_until(&w->loop, &w->done, 2));
    assert_int_equal(w->answered, 1);
    assert_int_equal(w->lost, 1);
    all_say(b, b->names[1]);
    assert_true(run_until(&w->loop, &w->ready, 2));
    assert_string_equal(world_ask(w, "SET|a"), "B");
}

static void strange_answers_are_none(void **state)
{
    static const char *const strange[] = {"*-1\r\n", "$-1\r\n", "*2\r\n$0\r\n\r\n$1\r\n1\r\n",
        "*2\r\n$1\r\nh\r\n$1\r\n0\r\n", "*2\r\n$1\r\nh\r\n$5\r\n65536\r\n", "*1\r\n$1\r\nh\r\n",
        "*2\r\n:1\r\n:2\r\n", "*2\r\n$1\r\nh\r\n$-1\r\n", "-ERR No such master\r\n", "+OK\r\n"};
    struct bench *b = *state;
    struct world *w = &b->world;
    world_open(w, b->target);
    for (size_t i = 0; i < COUNT_OF(strange); i++) {
        all_say(b, strange[i]);
        run_for(&w->loop, 250);
        assert_int_equal(w->ready, 0);
    }
    assert_int_equal(world_log_lines(w, "event=redis-sentinel"), 1);
    all_say(b, b->names[0]);
    assert_true(run_until(&w->loop, &w->ready, 1));
}

/* All Sentinels may be away: who is connected stays so. */
static void works_without_them(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    for (size_t i = 0; i < SENTINELS; i++)
        fake_redis_stop(&b->sentinels[i].fake);
    run_for(&w->loop, 1500);
    assert_int_equal(w->lost, 0);
    assert_string_equal(world_ask(w, "GET|a"), "A");
    fake_redis_hang_up(&b->masters[0].fake);
    assert_true(run_until(&w->loop, &w->ready, 2)); /* where it was */
}

static void closes_at_any_time(void **state)
{
    struct bench *b = *state;
    struct world *w = &b->world;
    for (int turns = 0; turns < 16; turns++) {
        world_open(w, b->target);
        for (int i = 0; i < turns; i++)
            uv_run(&w->loop, UV_RUN_NOWAIT);
        world_close_router(w);
    }
    w->ready = 0;
    open_ready(b);
    assert_int_equal(world_send(w, "GET|a"), 0);
    world_close_router(w);
    assert_int_equal(w->unanswered, 1);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(finds_the_master),
        BENCH_TEST(most_answers_count),
        BENCH_TEST(who_does_not_answer_has_no_vote),
        BENCH_TEST(goes_to_another_when_it_is_named),
        BENCH_TEST(a_replica_is_not_the_master),
        BENCH_TEST(readonly_ends_the_connection),
        BENCH_TEST(strange_answers_are_none),
        BENCH_TEST(works_without_them),
        BENCH_TEST(closes_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
