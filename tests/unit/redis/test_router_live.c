/* SPDX-License-Identifier: Apache-2.0 */
/* Routers to a real Cluster and to real Sentinels, through the loss of a master. */
#include "redis/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../net/pem.h"
#include "redis_fleet.h"
#include "router_world.h"

enum { KEYS = 60 };

static struct world world;
static struct redis_fleet fleet;

static int set_up(void **state)
{
    pem_init();
    world_start(&world);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    world_stop(*state);
    fleet_stop(&fleet);
    pem_done();
    return 0;
}

static const char *numbered(const char *format, int number)
{
    static char lines[4][64];
    static unsigned next;
    char *line = lines[next++ % 4];
    snprintf(line, 64, format, number);
    return line;
}

static void await_ready(struct world *w, unsigned ready)
{
    for (int i = 0; i < 4 && w->ready < ready; i++)
        (void)run_until(&w->loop, &w->ready, ready);
    assert_true(w->ready >= ready);
}

static void open_cluster(struct world *w)
{
    char target[128];
    if (!fleet_start_cluster(&fleet, "s3"))
        skip();
    snprintf(target, sizeof(target), "redis+cluster://:s3@127.0.0.1:%u,127.0.0.1:%u",
        fleet.list[1].port, fleet.list[3].port); /* a master and a replica */
    world_open(w, target);
    assert_true(run_until(&w->loop, &w->ready, 1));
}

static void put_all(struct world *w)
{
    for (int i = 0; i < KEYS; i++)
        assert_string_equal(world_ask(w, numbered("SET|call:{%d}|x", i)), "OK");
}

static void expect_all(struct world *w)
{
    for (int i = 0; i < KEYS; i++)
        assert_string_equal(world_ask(w, numbered("GET|call:{%d}", i)), "x");
}

static void a_cluster_whose_master_dies(void **state)
{
    struct world *w = *state;
    open_cluster(w);
    put_all(w);
    expect_all(w);
    assert_int_equal(counter_get(&redis_router_counters(w->router)->redirected), 0);
    redis_process_kill(&fleet.list[0]);
    assert_true(run_until(&w->loop, &w->lost, 1));
    await_ready(w, 2);
    expect_all(w);
    put_all(w);
    fleet_restart(&fleet, 0); /* as a replica */
    run_for(&w->loop, 1500);
    expect_all(w);
}

/* The slot of {7} is taken from its master, key by key, while it is written to. */
static void a_slot_that_moves(void **state)
{
    struct world *w = *state;
    char from[64], to[64], words[160];
    open_cluster(w);
    put_all(w);
    redis_process_ask(&fleet.list[0], "CLUSTER|KEYSLOT|{7}", words, sizeof(words));
    unsigned slot = (unsigned)atoi(words);
    size_t source = slot / 5461, target = (source + 1) % 3;
    redis_process_ask(&fleet.list[source], "CLUSTER|MYID", from, sizeof(from));
    redis_process_ask(&fleet.list[target], "CLUSTER|MYID", to, sizeof(to));
    snprintf(words, sizeof(words), "CLUSTER|SETSLOT|%u|IMPORTING|%s", slot, from);
    redis_process_do(&fleet.list[target], words);
    snprintf(words, sizeof(words), "CLUSTER|SETSLOT|%u|MIGRATING|%s", slot, to);
    redis_process_do(&fleet.list[source], words);

    assert_string_equal(world_ask(w, "SET|new:{7}|y"), "OK"); /* not there: ASK */
    assert_string_equal(world_ask(w, "GET|call:{7}"), "x");   /* still there */
    assert_true(counter_get(&redis_router_counters(w->router)->redirected) >= 1);
    snprintf(words, sizeof(words), "MIGRATE|127.0.0.1|%u|call:{7}|0|1000|AUTH|s3",
        fleet.list[target].port);
    redis_process_do(&fleet.list[source], words);
    assert_string_equal(world_ask(w, "GET|call:{7}"), "x"); /* ASK */
    snprintf(words, sizeof(words), "CLUSTER|SETSLOT|%u|NODE|%s", slot, to);
    redis_process_do(&fleet.list[target], words);
    redis_process_do(&fleet.list[source], words);
    assert_string_equal(world_ask(w, "GET|call:{7}"), "x"); /* MOVED */
    assert_string_equal(world_ask(w, "GET|new:{7}"), "y");
    expect_all(w);
    assert_int_equal(w->lost, 0);
}

static void open_watched(struct world *w)
{
    char target[256];
    if (!fleet_start_sentinels(&fleet, "s3"))
        skip();
    snprintf(target, sizeof(target),
        "redis+sentinel://:s3@127.0.0.1:%u,127.0.0.1:%u,127.0.0.1:%u/the-one/2", fleet.list[2].port,
        fleet.list[3].port, fleet.list[4].port);
    world_open(w, target);
    assert_true(run_until(&w->loop, &w->ready, 1));
}

/* Which of the two the router is connected to. Sentinels on a busy machine may change their minds
 * before the test wants them to. */
static size_t where(const struct world *w)
{
    struct str written = {.data = NULL};
    redis_router_write_where(w->router, &written);
    size_t index =
        strcmp(str_string(&written), numbered("127.0.0.1:%d", (int)fleet.list[0].port)) == 0 ? 0
                                                                                             : 1;
    assert_string_equal(
        str_string(&written), numbered("127.0.0.1:%d", (int)fleet.list[index].port));
    str_done(&written);
    return index;
}

/* A Sentinel dies with the master: those that are left agree. */
static void a_watched_master_that_dies(void **state)
{
    struct world *w = *state;
    open_watched(w);
    assert_string_equal(world_ask(w, "SET|a|1"), "OK");
    assert_string_equal(world_ask(w, "WAIT|1|1000"), "1");
    size_t master = where(w);
    unsigned ready = w->ready;
    redis_process_kill(&fleet.list[master]);
    redis_process_kill(&fleet.list[2]);
    await_ready(w, ready + 1);
    assert_int_equal(where(w), 1 - master);
    assert_string_equal(world_ask(w, "GET|a"), "1");
    assert_string_equal(world_ask(w, "INCR|a"), "2");
    fleet_restart(&fleet, master);
    run_for(&w->loop, 1500);
    assert_true(world_comes_to_say(w, "INCR|a", "3"));
}

/* The Sentinels are believed before the command timeout. */
static void a_watched_master_that_freezes(void **state)
{
    struct world *w = *state;
    w->config.command_timeout_ms = 30000;
    open_watched(w);
    size_t master = where(w);
    unsigned ready = w->ready;
    redis_process_freeze(&fleet.list[master]);
    assert_int_equal(world_send(w, "SET|a|1"), 0);
    await_ready(w, ready + 1);
    assert_int_equal(w->unanswered, 1);
    assert_int_equal(where(w), 1 - master);
    redis_process_thaw(&fleet.list[master]);
    assert_true(world_comes_to_say(w, "SET|a|2", "OK"));
}

/* What was the master answers READONLY, which nobody else needs to say. */
static void a_master_that_is_one_no_more(void **state)
{
    struct world *w = *state;
    char words[64];
    open_watched(w);
    for (size_t i = 2; i < 5; i++)
        redis_process_kill(&fleet.list[i]);
    assert_true(world_comes_to_say(w, "SET|a|0", "OK"));
    size_t master = where(w);
    unsigned ready = w->ready, lost = w->lost;
    redis_process_do(&fleet.list[1 - master], "REPLICAOF|NO|ONE");
    snprintf(words, sizeof(words), "REPLICAOF|127.0.0.1|%u", fleet.list[1 - master].port);
    redis_process_do(&fleet.list[master], words);
    assert_true(text_starts_with(text_from(world_ask(w, "SET|a|1")), "READONLY"));
    assert_int_equal(w->lost, lost + 1);
    run_for(&w->loop, 700);
    assert_int_equal(w->ready, ready);
    assert_true(world_log_lines(w, "not a master") > 0);
    redis_process_do(&fleet.list[master], "REPLICAOF|NO|ONE");
    assert_true(run_until(&w->loop, &w->ready, ready + 1));
    assert_string_equal(world_ask(w, "SET|a|1"), "OK");
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_cluster_whose_master_dies),
        WORLD_TEST(a_slot_that_moves),
        WORLD_TEST(a_watched_master_that_dies),
        WORLD_TEST(a_watched_master_that_freezes),
        WORLD_TEST(a_master_that_is_one_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
