/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/hand_over.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/str.h"

/* Two workers whose threads do not run: what is handed over waits until they are stopped. */
struct world {
    struct turnserver *server;
    struct worker *workers[2];
    struct turn_path path;
};

static struct address loopback(uint16_t port)
{
    struct address a;
    assert_true(address_parse(TEXT("127.0.0.1"), &a));
    a.port = port;
    return a;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct turnserver_settings *settings = turnserver_settings_new(turn_settings_new());
    const struct turnserver_config config = {.workers = 2, .settings = settings};
    struct str why = {0};

    world->server = turnserver_new(&config);
    assert_non_null(world->server);
    for (unsigned i = 0; i < COUNT_OF(world->workers); i++) {
        const struct worker_config worker = {.index = i};
        assert_int_equal(worker_new(&worker, &world->workers[i]), 0);
        assert_int_equal(turnserver_add_worker(world->server, world->workers[i], &why), 0);
    }
    world->path = (struct turn_path){
        .transport = TURN_UDP, .client = loopback(4000), .server = loopback(3478)};
    turnserver_settings_unref(settings);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < COUNT_OF(world->workers); i++)
        worker_stop(world->workers[i]);
    turnserver_free(world->server);
    free(world);
    return 0;
}

static enum drop_reason hand_over(struct world *world)
{
    struct turn_worker *from = world->server->all[0];
    struct packet *p = worker_packet(from->worker);
    assert_non_null(p);
    assert_true(packet_set(p, text_bytes(TEXT("whatever"))));
    assert_true(hand_over_datagram(from, 1, &world->path, p));
    enum drop_reason drop = p->drop;
    worker_discard(from->worker, p);
    return drop;
}

/* A client that has moved to another port may send faster than his worker takes. */
static void no_more_wait_than_fit(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < MAX_HANDED; i++)
        assert_int_equal(hand_over(world), DROP_NONE);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(hand_over(world), DROP_INSIDE_FULL);
    assert_int_equal(counter_get(&world->server->all[0]->counters.handed_over), MAX_HANDED);
}

static void what_was_taken_makes_room(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < MAX_HANDED; i++)
        assert_int_equal(hand_over(world), DROP_NONE);
    uv_run(worker_loop(world->workers[1]), UV_RUN_NOWAIT);
    assert_int_equal(hand_over(world), DROP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_more_wait_than_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_taken_makes_room, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
