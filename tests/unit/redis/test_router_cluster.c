/* SPDX-License-Identifier: Apache-2.0 */
/* A router to a Cluster whose nodes say what the test wants. */
#include "redis/router.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/container.h"
#include "router_world.h"

enum { NODES = 3, KEEP = 8 };

/* "{a}": slot 15495, "{b}": 3300, "{c}": 7365 */
enum { SLOT_A = 15495, SLOT_B = 3300 };

/* One node: the first commands are answered with `says`, in turn, then with its name. */
struct node {
    struct fake_redis fake;
    const char *name;
    const char *says[KEEP];
    unsigned said;
    char heard[256]; /* words of commands, but for those about the Cluster */
};

struct bench {
    struct world world;
    struct node nodes[NODES];
    const char *slots; /* the answer to CLUSTER SLOTS; NULL: split between the nodes */
    const char *state; /* of the Cluster */
    unsigned maps;     /* asked for */
    char target[64];
};

static struct bench bench;

/* --- the nodes --- */

static void answer_slots(struct fake_redis *fake)
{
    static const unsigned first[NODES] = {10923, 0, 5461}, last[NODES] = {16383, 5460, 10922};
    char reply[512];
    size_t len = (size_t)sprintf(reply, "*%d\r\n", NODES);
    for (size_t i = 0; i < NODES; i++)
        len += (size_t)sprintf(reply + len,
            "*3\r\n:%u\r\n:%u\r\n*3\r\n$9\r\n127.0.0.1\r\n:%u\r\n$1\r\nx\r\n", first[i], last[i],
            bench.nodes[i].fake.port);
    fake_redis_say_text(fake, bench.slots != NULL ? bench.slots : reply);
}

static void answer_cluster(struct fake_redis *fake, const struct redis_reply *command)
{
    char reply[128];
    if (text_is(command->items[1]->text, "SLOTS")) {
        bench.maps++;
        answer_slots(fake);
        return;
    }
    int len = snprintf(NULL, 0, "cluster_enabled:1\r\ncluster_state:%s\r\n", bench.state);
    snprintf(reply, sizeof(reply), "$%d\r\ncluster_enabled:1\r\ncluster_state:%s\r\n\r\n", len,
        bench.state);
    fake_redis_say_text(fake, reply);
}

static void note(struct node *node, const struct redis_reply *command)
{
    for (size_t i = 0; i < command->count; i++) {
        strncat(node->heard, command->items[i]->text.data, command->items[i]->text.len);
        strcat(node->heard, i + 1 < command->count ? " " : "|");
    }
}

static void script(struct fake_redis *fake, const struct redis_reply *command)
{
    struct node *node = CONTAINER_OF(fake, struct node, fake);
    char reply[64];
    if (fake_redis_greet(fake, command))
        return;
    if (text_is(command->items[0]->text, "CLUSTER")) {
        answer_cluster(fake, command);
        return;
    }
    note(node, command);
    if (text_is(command->items[0]->text, "ASKING")) {
        fake_redis_say_text(fake, "+OK\r\n");
    } else if (node->said < KEEP && node->says[node->said] != NULL) {
        fake_redis_say_text(fake, node->says[node->said++]);
    } else {
        snprintf(reply, sizeof(reply), "+%s\r\n", node->name);
        fake_redis_say_text(fake, reply);
    }
}

/* --- the bench --- */

static int set_up(void **state)
{
    static const char *const names[NODES] = {"A", "B", "C"};
    struct bench *b = &bench;
    *b = (struct bench){.state = "ok"};
    *state = b;
    world_start(&b->world);
    for (size_t i = 0; i < NODES; i++) {
        b->nodes[i].name = names[i];
        fake_redis_start(&b->nodes[i].fake, &b->world.loop, 0, script);
    }
    snprintf(b->target, sizeof(b->target), "redis+cluster://127.0.0.1:%u", b->nodes[1].fake.port);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    world_close_router(&b->world);
    for (size_t i = 0; i < NODES; i++)
        if (b->nodes[i].fake.is_listening)
            fake_redis_stop(&b->nodes[i].fake);
    world_stop(&b->world);
    return 0;
}

static struct world *open_ready(struct bench *b)
{
    world_open(&b->world, b->target);
    assert_true(run_until(&b->world.loop, &b->world.ready, 1));
    return &b->world;
}

/* "-MOVED SLOT 127.0.0.1:PORT" and the like, in one of a few static buffers. */
static const char *sends_to(const char *word, unsigned slot, const struct node *node)
{
    static char lines[8][64];
    static unsigned next;
    char *line = lines[next++ % 8];
    snprintf(line, 64, "-%s %u 127.0.0.1:%u\r\n", word, slot, node->fake.port);
    return line;
}

/* --- tests --- */

static void keys_go_where_their_slots_are(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    struct str where = {.data = NULL};
    assert_string_equal(world_ask(w, "GET|{a}1"), "A");
    assert_string_equal(world_ask(w, "GET|{b}2"), "B");
    assert_string_equal(world_ask(w, "GET|{c}3"), "C");
    assert_string_equal(b->nodes[0].heard, "GET {a}1|");
    assert_int_equal(world_send(w, "PING"), 0); /* any will do */
    assert_true(run_until(&w->loop, &w->answered, 4));
    for (size_t i = 0; i < NODES; i++)
        assert_int_equal(b->nodes[i].fake.connections, 1);
    assert_int_equal(counter_get(&redis_router_counters(w->router)->is_ready), NODES);
    redis_router_write_where(w->router, &where);
    assert_string_equal(str_string(&where), "3 masters");
    str_done(&where);
}

static void follows_what_has_moved(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    b->nodes[0].says[0] = sends_to("MOVED", SLOT_A, &b->nodes[2]);
    unsigned maps = b->maps;
    assert_string_equal(world_ask(w, "GET|{a}"), "C");
    assert_string_equal(world_ask(w, "GET|{a}"), "C"); /* known from now on */
    assert_string_equal(b->nodes[0].heard, "GET {a}|");
    assert_int_equal(counter_get(&redis_router_counters(w->router)->redirected), 1);
    run_for(&w->loop, 400);
    assert_true(b->maps > maps);
    assert_string_equal(world_ask(w, "GET|{a}"), "A"); /* says the new map */
}

static void asks_once_where_it_is_told_to(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    b->nodes[0].says[0] = sends_to("ASK", SLOT_A, &b->nodes[2]);
    assert_string_equal(world_ask(w, "GET|{a}"), "C");
    assert_string_equal(b->nodes[2].heard, "ASKING|GET {a}|");
    assert_string_equal(world_ask(w, "GET|{a}"), "A");
}

static void connects_to_whom_it_did_not_know(void **state)
{
    struct bench *b = *state;
    char all[128];
    sprintf(
        all, "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n", b->nodes[1].fake.port);
    b->slots = all;
    struct world *w = open_ready(b);
    b->nodes[1].says[0] = sends_to("MOVED", SLOT_A, &b->nodes[0]);
    b->nodes[1].says[1] = sends_to("ASK", SLOT_B, &b->nodes[2]);
    b->nodes[1].says[2] = sends_to("ASK", SLOT_B, &b->nodes[2]); /* it is connecting still */
    assert_string_equal(world_ask(w, "GET|{a}"), "A");
    assert_string_equal(world_ask(w, "GET|{b}"), "C");
}

static void an_empty_host_is_that_of_who_says_it(void **state)
{
    struct bench *b = *state;
    char all[128], moved[64];
    sprintf(all, "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$-1\r\n:%u\r\n", b->nodes[1].fake.port);
    sprintf(moved, "-MOVED 15495 :%u\r\n", b->nodes[0].fake.port);
    b->slots = all;
    b->nodes[1].says[0] = moved;
    struct world *w = open_ready(b);
    assert_string_equal(world_ask(w, "GET|{a}"), "A");
}

static void waits_for_what_is_on_its_way(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    b->nodes[0].says[0] = "-TRYAGAIN Multiple keys request during rehashing of slot\r\n";
    b->nodes[0].says[1] = "-LOADING Redis is loading the dataset in memory\r\n";
    assert_string_equal(world_ask(w, "GET|{a}"), "A");
    assert_string_equal(b->nodes[0].heard, "GET {a}|GET {a}|GET {a}|");
    assert_int_equal(w->lost, 0);
}

static void a_cluster_that_is_down_is_not_ready(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    b->state = "fail";
    for (size_t i = 0; i < KEEP; i++)
        b->nodes[0].says[i] = "-CLUSTERDOWN The cluster is down\r\n";
    assert_int_equal(world_send(w, "GET|{a}"), 0);
    assert_true(run_until(&w->loop, &w->lost, 1));
    run_for(&w->loop, 200);
    assert_true(redis_router_oldest_ms(w->router) >= 150);
    assert_int_equal(w->done, 0);
    b->state = "ok";
    assert_true(run_until(&w->loop, &w->answered, 1));
    assert_string_equal(w->last, "A");
    assert_true(run_until(&w->loop, &w->ready, 2));
    assert_int_equal(world_log_lines(w, "event=redis-cluster"), 2);
    assert_int_equal(world_log_lines(w, "why=\"the Cluster is down\""), 1);
}

static void one_that_stays_down_loses_the_command(void **state)
{
    struct bench *b = *state;
    b->world.config.command_timeout_ms = 500;
    struct world *w = open_ready(b);
    for (size_t i = 0; i < KEEP; i++)
        b->nodes[0].says[i] = "-TRYAGAIN\r\n";
    b->nodes[0].said = 0;
    assert_int_equal(world_send(w, "GET|{a}"), 0);
    for (int i = 0; i < 20 && w->done == 0; i++) {
        b->nodes[0].said = 0;
        run_for(&w->loop, 50);
    }
    assert_int_equal(w->unanswered, 1);
    assert_true(redis_router_is_ready(w->router));
}

static void a_circle_comes_to_an_end(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    const char *there = sends_to("MOVED", SLOT_A, &b->nodes[2]);
    const char *back = sends_to("MOVED", SLOT_A, &b->nodes[0]);
    for (size_t i = 0; i < KEEP; i++) {
        b->nodes[0].says[i] = there;
        b->nodes[2].says[i] = back;
    }
    b->nodes[1].says[0] = there;
    assert_string_equal(world_ask(w, "GET|{b}"), "(lost)");
    assert_string_equal(world_ask(w, "GET|{b}"), "B");
}

static void errors_of_other_kinds_are_the_callers(void **state)
{
    static const char *const errors[] = {"-MOVED\r\n", "-MOVED 99999 127.0.0.1:1\r\n",
        "-ASK 1 127.0.0.1:0\r\n", "-ERR no\r\n", "-READONLY You can't\r\n", "-OOM x\r\n"};
    struct bench *b = *state;
    struct world *w = open_ready(b);
    for (size_t i = 0; i < COUNT_OF(errors); i++)
        b->nodes[0].says[i] = errors[i];
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        const char *said = world_ask(w, "GET|{a}");
        assert_int_equal(w->last_kind, REDIS_ERROR);
        assert_memory_equal(said, errors[i] + 1, strlen(said));
    }
}

static void a_lost_node_is_not_waited_for(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    uint16_t port = b->nodes[0].fake.port;
    b->nodes[0].says[0] = "";
    assert_int_equal(world_send(w, "GET|{a}"), 0);
    run_for(&w->loop, 50);
    fake_redis_stop(&b->nodes[0].fake);
    assert_true(run_until(&w->loop, &w->lost, 1));
    assert_int_equal(w->unanswered, 1);
    assert_int_equal(world_send(w, "GET|{a}"), -ENOTCONN);
    assert_string_equal(world_ask(w, "GET|{b}"), "B"); /* the rest is well */
    fake_redis_start(&b->nodes[0].fake, &w->loop, port, script);
    b->nodes[0].says[0] = NULL;
    assert_true(run_until(&w->loop, &w->ready, 2));
    assert_string_equal(world_ask(w, "GET|{a}"), "A");
}

/* Another node has its slots from now on. */
static void a_new_master_takes_its_place(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    char all[256];
    sprintf(all,
        "*2\r\n*3\r\n:0\r\n:8000\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n"
        "*3\r\n:8001\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n",
        b->nodes[1].fake.port, b->nodes[2].fake.port);
    fake_redis_stop(&b->nodes[0].fake);
    assert_true(run_until(&w->loop, &w->lost, 1));
    b->slots = all;
    assert_true(run_until(&w->loop, &w->ready, 2));
    assert_string_equal(world_ask(w, "GET|{a}"), "C");
    assert_string_equal(world_ask(w, "GET|{b}"), "B");
}

/* The question for the map is unanswered: the next node is asked. */
static void a_frozen_node_does_not_keep_the_map(void **state)
{
    struct bench *b = *state;
    struct world *w = open_ready(b);
    b->slots = "";
    fake_redis_hang_up(&b->nodes[0].fake);
    assert_true(run_until(&w->loop, &w->lost, 1));
    run_for(&w->loop, 100);
    unsigned maps = b->maps;
    run_for(&w->loop, 900);
    assert_true(b->maps > maps);
    b->slots = NULL;
    assert_string_equal(world_ask(w, "GET|{a}"), "A");
}

static void bad_maps_are_no_maps(void **state)
{
    static const char *const bad[] = {"*0\r\n", "+OK\r\n", "$-1\r\n", "*1\r\n*0\r\n",
        "*1\r\n*3\r\n:5\r\n:1\r\n*2\r\n+h\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:99999\r\n*2\r\n+h\r\n:1\r\n",
        "-ERR This instance has cluster support disabled\r\n",
        "*1\r\n*3\r\n:0\r\n:16382\r\n*2\r\n$9\r\n127.0.0.1\r\n:1\r\n"};
    struct bench *b = *state;
    struct world *w = &b->world;
    world_open(w, b->target);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        unsigned maps = b->maps;
        b->slots = bad[i];
        assert_true(run_until(&w->loop, &b->maps, maps + 2));
        assert_int_equal(w->ready, 0);
        assert_int_equal(world_send(w, "GET|{a}"), -ENOTCONN);
    }
    assert_int_equal(world_log_lines(w, "cluster support disabled"), 1);
    b->slots = NULL;
    assert_true(run_until(&w->loop, &w->ready, 1));
}

static void what_is_kept_is_bounded(void **state)
{
    static char word[1000];
    struct bench *b = *state;
    b->world.config.limits.unsent = 5000;
    struct world *w = open_ready(b);
    const struct text words[] = {TEXT("SET"), TEXT("{a}"), text_of(word, sizeof(word))};
    for (size_t i = 0; i < KEEP; i++)
        b->nodes[0].says[i] = "";
    for (int i = 0; i < 4; i++)
        assert_int_equal(world_send_words(w, words[1], words, COUNT_OF(words)), 0);
    assert_int_equal(world_send_words(w, words[1], words, COUNT_OF(words)), -EAGAIN);
    run_for(&w->loop, 50);
    for (int i = 0; i < 4; i++)
        fake_redis_say_text(&b->nodes[0].fake, "+ok\r\n");
    assert_true(run_until(&w->loop, &w->answered, 4));
    for (int i = 0; i < 4; i++)
        assert_int_equal(world_send_words(w, words[1], words, COUNT_OF(words)), 0);
    assert_int_equal(
        redis_router_send(w->router, words[1], words, 0, (struct redis_callback){0}), -E2BIG);
}

static void closes_at_any_time(void **state)
{
    struct bench *b = *state;
    struct world *w = &b->world;
    for (int turns = 0; turns < 12; turns++) {
        world_open(w, b->target);
        for (int i = 0; i < turns; i++)
            uv_run(&w->loop, UV_RUN_NOWAIT);
        world_close_router(w);
    }
    w->ready = 0;
    open_ready(b);
    for (size_t i = 0; i < KEEP; i++)
        b->nodes[0].says[i] = "-TRYAGAIN\r\n";
    b->nodes[1].says[0] = "";
    assert_int_equal(world_send(w, "GET|{a}"), 0); /* waits */
    assert_int_equal(world_send(w, "GET|{b}"), 0); /* is under way */
    run_for(&w->loop, 20);
    world_close_router(w);
    assert_int_equal(w->unanswered, 2);
    assert_int_equal(w->lost, 0);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(keys_go_where_their_slots_are),
        BENCH_TEST(follows_what_has_moved),
        BENCH_TEST(asks_once_where_it_is_told_to),
        BENCH_TEST(connects_to_whom_it_did_not_know),
        BENCH_TEST(an_empty_host_is_that_of_who_says_it),
        BENCH_TEST(waits_for_what_is_on_its_way),
        BENCH_TEST(a_cluster_that_is_down_is_not_ready),
        BENCH_TEST(one_that_stays_down_loses_the_command),
        BENCH_TEST(a_circle_comes_to_an_end),
        BENCH_TEST(errors_of_other_kinds_are_the_callers),
        BENCH_TEST(a_lost_node_is_not_waited_for),
        BENCH_TEST(a_new_master_takes_its_place),
        BENCH_TEST(a_frozen_node_does_not_keep_the_map),
        BENCH_TEST(bad_maps_are_no_maps),
        BENCH_TEST(what_is_kept_is_bounded),
        BENCH_TEST(closes_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
