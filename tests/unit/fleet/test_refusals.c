/* SPDX-License-Identifier: Apache-2.0 */
/* A store that can be reached, and refuses: it is full, or read-only; or a node refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fleet/fleet.h"
#include "world.h"

enum { SETTLED_MS = WORLD_LEASE_MS + FLEET_SETTLE_MS + 500, CALLS = 300 };

/* Two nodes that have settled; node 0 has all addresses, and calls. */
static int setup(void **state)
{
    struct world *world = world_new();
    for (unsigned i = 0; i < WORLD_GROUPS; i++)
        world_move(world, i, 0);
    world_start(world, 0);
    world_start(world, 1);
    world_run(world, SETTLED_MS);
    for (unsigned id = 0; id < CALLS; id++)
        world_begin(world, 0, id, 0);
    world_run(world, 2000);
    *state = world;
    return world_records(world) == CALLS ? 0 : -1;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void link_all(struct world *world, enum store_memory_way way)
{
    world_link(world, 0, way, 0);
    world_link(world, 1, way, 0);
}

/* What frees memory is not held back by what needs it, nor is it news that it goes on. */
static void removes_from_a_store_that_is_full(void **state)
{
    struct world *world = *state;
    const size_t *events = world->nodes[0].events;
    world_link(world, 0, STORE_MEMORY_FULL, 0);
    for (unsigned id = CALLS; id < 2 * CALLS; id++)
        world_begin(world, 0, id, 0);
    world_run(world, 5000);
    assert_int_equal(events[FLEET_WRITE_FAILED], 1);
    for (unsigned id = 0; id < CALLS; id++) {
        world_end(world, 0, id);
        world_run(world, WORLD_STEP_MS);
    }
    assert_in_range(world_records(world), 0, 2);
    assert_int_equal(events[FLEET_WRITE_FAILED], 1);
    assert_int_equal(events[FLEET_WRITES_WORK], 0);
    world_link(world, 0, STORE_MEMORY_WORKS, 0);
    world_run(world, 10000);
    assert_int_equal(events[FLEET_WRITES_WORK], 1);
    assert_int_equal(world_records(world), CALLS);
}

/* All leases end when none can be renewed, and come back one after the other. */
static void nobody_is_dead_because_the_store_takes_no_lease(void **state)
{
    struct world *world = *state;
    struct fleet_totals totals;
    link_all(world, STORE_MEMORY_READ_ONLY);
    world_run(world, 20000);
    world_link(world, 1, STORE_MEMORY_WORKS, 0);
    world_run(world, WORLD_LEASE_MS + FLEET_SETTLE_MS - 1000);
    world_link(world, 0, STORE_MEMORY_WORKS, 0);
    world_run(world, 20000);
    assert_int_equal(world->nodes[0].events[FLEET_NODE_DOWN], 0);
    assert_int_equal(world->nodes[1].events[FLEET_NODE_DOWN], 0);
    fleet_totals(world->nodes[1].fleet, &totals);
    assert_int_equal(totals.nodes_alive, 2);
    assert_int_equal(world_carried(world, 0), CALLS);
    assert_null(world_wrong(world));
}

static void who_dies_after_a_refusal_is_dead(void **state)
{
    struct world *world = *state;
    link_all(world, STORE_MEMORY_READ_ONLY);
    world_run(world, 20000);
    link_all(world, STORE_MEMORY_WORKS);
    world_run(world, 2000);
    world_kill(world, 0);
    world_move(world, 0, 1);
    world_run(world, 10000);
    assert_int_equal(world_carried(world, 1), CALLS);
}

static void tells_once_of_what_it_cannot_go_on_with(void **state)
{
    struct world *world = *state;
    world->nodes[1].refuses = FLEET_NOT_HERE;
    world_kill(world, 0);
    world_move(world, 0, 1);
    world_run(world, 600000);
    assert_in_range(world->nodes[1].events[FLEET_TAKING], 1, 3);
    assert_int_equal(world->nodes[1].events[FLEET_TAKEN_ALL], world->nodes[1].events[FLEET_TAKING]);
    world->nodes[1].refuses = FLEET_RESTORED;
    world_run(world, 150000);
    assert_int_equal(world_carried(world, 1), CALLS);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(removes_from_a_store_that_is_full),
        IN_A_WORLD(nobody_is_dead_because_the_store_takes_no_lease),
        IN_A_WORLD(who_dies_after_a_refusal_is_dead),
        IN_A_WORLD(tells_once_of_what_it_cannot_go_on_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
