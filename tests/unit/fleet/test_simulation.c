/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet under blows in random order: kills, freezes, cuts, answers that are lost, a store that
 * is full, slow, empty again or older again, addresses that move. When it is left alone, every call
 * is where its addresses are, once, and no record is without a call.
 *
 * FLEET_SEED: one run, told aloud (FLEET_LOSES=1: of those with a store that forgets). FLEET_RUNS:
 * so many others, at random.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gen.h"
#include "world.h"

enum {
    IDS = 4000,

    RECENT = 80,
    STEPS = 6000,
    DEFAULT_RUNS = 40,
    SETTLING_MS = 150000,
};

struct chaos;

struct asking {
    struct chaos *chaos;
    unsigned node, id;
};

struct chaos {
    struct world *world;
    struct asking askings[WORLD_NODES][IDS];
    struct gen gen;
    struct world_picture *picture;
    bool may_lose; /* the store */
    size_t asked;
};

static bool chance(struct chaos *chaos, size_t one_in)
{
    return gen_below(&chaos->gen, one_in) == 0;
}

static bool is_able(const struct world_node *node)
{
    return node->is_running && !node->is_frozen;
}

/* One of those that began lately. */
static unsigned an_id(struct chaos *chaos)
{
    unsigned ids = chaos->world->ids;
    unsigned back = (unsigned)gen_below(&chaos->gen, RECENT);
    return back < ids ? ids - 1 - back : 0;
}

static void call_comes(struct chaos *chaos, unsigned node)
{
    struct world *world = chaos->world;
    unsigned id = chance(chaos, 6) ? an_id(chaos) : world->ids;
    unsigned group = (unsigned)gen_below(&chaos->gen, WORLD_GROUPS);
    if (id < IDS && !world->truths[id].is_alive && world->nodes[node].live[id].handle == 0 &&
        world_has_group(world, node, group))
        world_begin(world, node, id, group);
}

static void found(void *owner, const struct fleet_place *place)
{
    struct asking *asking = owner;
    struct chaos *chaos = asking->chaos;
    struct world *world = chaos->world;
    struct world_node *node = &world->nodes[asking->node];
    struct truth *truth = &world->truths[asking->id];
    char name[16];
    if (place->kind == FLEET_HERE)
        assert_true(node->live[asking->id].handle != 0);
    if (place->kind == FLEET_THERE)
        assert_false(text_equal(place->node, world_name(asking->node, name)));
    if (place->kind == FLEET_STRANDED && truth->is_alive && chance(chaos, 2)) {
        /* It may be taken somewhere just now: then the delete comes too late. */
        truth->may_be_ghost = true;
        truth->is_alive = false;
        fleet_discard(node->fleet, STORE_CALL, world_id(asking->id, name));
    } else if (place->kind == FLEET_STRANDED && node->live[asking->id].handle == 0) {
        unsigned group = (unsigned)gen_below(&chaos->gen, WORLD_GROUPS);
        if (world_has_group(world, asking->node, group))
            world_begin(world, asking->node, asking->id, group);
    }
}

static void ask(struct chaos *chaos, unsigned node)
{
    struct world *world = chaos->world;
    struct asking *asking = &chaos->askings[node][an_id(chaos)];
    char name[16];
    chaos->asked += fleet_find(world->nodes[node].fleet, STORE_CALL, world_id(asking->id, name),
        gen_below(&chaos->gen, 300), world->now_ms, found, asking);
}

static void blow_at(struct chaos *chaos, unsigned number)
{
    struct world *world = chaos->world;
    struct world_node *node = &world->nodes[number];
    switch (gen_below(&chaos->gen, 9)) {
    case 0:
    case 1:
        world_kill(world, number);
        break;
    case 2:
        world_freeze(world, number, !node->is_frozen);
        break;
    case 3:
        if (!node->is_frozen)
            world_link(world, number, STORE_MEMORY_AWAY, 0);
        break;
    case 4:
        if (!node->is_frozen)
            world_link(world, number, STORE_MEMORY_LOSES, 0);
        break;
    case 5:
        if (!node->is_frozen)
            world_link(world, number, STORE_MEMORY_FULL, 0);
        break;
    case 6:
        if (!node->is_frozen)
            world_link(world, number, STORE_MEMORY_WORKS, gen_below(&chaos->gen, 1500));
        break;
    case 7:
        if (!node->is_frozen)
            world_leave(world, number, gen_below(&chaos->gen, 2000));
        break;
    case 8:
        if (!node->is_frozen && !node->is_away)
            world_step_aside(world, number);
        break;
    default:
        break;
    }
}

static void mend(struct chaos *chaos, unsigned number)
{
    struct world *world = chaos->world;
    struct world_node *node = &world->nodes[number];
    if (!node->is_running)
        world_start(world, number);
    if (node->is_frozen)
        world_freeze(world, number, false);
    world_link(world, number, STORE_MEMORY_WORKS, 0);
    node->save_delay_ms = chance(chaos, 2) ? 0 : gen_below(&chaos->gen, 60);
}

static void move(struct chaos *chaos)
{
    struct world *world = chaos->world;
    unsigned group = (unsigned)gen_below(&chaos->gen, WORLD_GROUPS);
    int to = (int)gen_below(&chaos->gen, WORLD_NODES + 1) - 1;
    if (chance(chaos, 4)) /* only one of the two */
        world->addresses[group][gen_below(&chaos->gen, 2)] = to;
    else
        world_move(world, group, to);
}

static void blow_at_store(struct chaos *chaos)
{
    struct world *world = chaos->world;
    if (!chaos->may_lose)
        return;
    switch (gen_below(&chaos->gen, 3)) {
    case 0:
        world_lose_all(world);
        break;
    case 1:
        world_picture_free(chaos->picture);
        chaos->picture = world_picture(world);
        break;
    case 2:
        if (chaos->picture != NULL)
            world_go_back(world, chaos->picture);
        world_picture_free(chaos->picture);
        chaos->picture = NULL;
        break;
    default:
        break;
    }
}

static void live_on(struct chaos *chaos)
{
    struct world *world = chaos->world;
    unsigned node = (unsigned)gen_below(&chaos->gen, WORLD_NODES);
    unsigned id = an_id(chaos);
    if (!is_able(&world->nodes[node]))
        return;
    if (chance(chaos, 4))
        call_comes(chaos, node);
    if (chance(chaos, 4))
        world_change(world, node, id);
    if (chance(chaos, 4))
        world_end(world, node, id);
    if (chance(chaos, 8))
        ask(chaos, node);
}

static void step(struct chaos *chaos)
{
    unsigned node = (unsigned)gen_below(&chaos->gen, WORLD_NODES);
    live_on(chaos);
    if (chance(chaos, 150) && chaos->world->nodes[node].is_running)
        blow_at(chaos, node);
    if (chance(chaos, 100))
        mend(chaos, node);
    if (chance(chaos, 200))
        move(chaos);
    if (chance(chaos, 1000))
        blow_at_store(chaos);
    world_step(chaos->world);
}

static void settle(struct chaos *chaos)
{
    struct world *world = chaos->world;
    for (unsigned i = 0; i < WORLD_NODES; i++)
        mend(chaos, i);
    for (unsigned i = 0; i < WORLD_GROUPS; i++)
        world_move(world, i, (int)gen_below(&chaos->gen, WORLD_NODES));
    world_run(world, SETTLING_MS);
}

static void run(uint64_t seed, bool is_loud, bool may_lose)
{
    struct chaos chaos = {.world = world_new(), .gen = {.state = seed}, .may_lose = may_lose};
    chaos.world->is_loud = is_loud;
    for (unsigned node = 0; node < WORLD_NODES; node++)
        for (unsigned id = 0; id < IDS; id++)
            chaos.askings[node][id] = (struct asking){&chaos, node, id};
    for (unsigned i = 0; i < WORLD_NODES; i++)
        world_start(chaos.world, i);
    for (unsigned i = 0; i < WORLD_GROUPS; i++)
        world_move(chaos.world, i, (int)(i % WORLD_NODES));
    for (size_t i = 0; i < STEPS; i++)
        step(&chaos);
    settle(&chaos);
    const char *wrong = world_wrong(chaos.world);
    if (wrong != NULL) {
        printf("# FLEET_SEED=%lu%s: %s\n", (unsigned long)seed, may_lose ? " FLEET_LOSES=1" : "",
            wrong);
        fail();
    }
    world_picture_free(chaos.picture);
    world_free(chaos.world);
}

static void run_many(bool may_lose)
{
    const char *seed = getenv("FLEET_SEED");
    const char *runs = getenv("FLEET_RUNS");
    if (seed != NULL) {
        if ((getenv("FLEET_LOSES") != NULL) == may_lose)
            run(strtoull(seed, NULL, 10), true, may_lose);
        return;
    }
    if (runs == NULL) {
        for (uint64_t i = 1; i <= DEFAULT_RUNS; i++)
            run(i, false, may_lose);
        return;
    }
    struct gen gen = gen_start();
    for (unsigned long i = strtoul(runs, NULL, 10); i > 0; i--)
        run(gen_u64(&gen), false, may_lose);
}

static void comes_to_rest_after_blows(void **state)
{
    (void)state;
    run_many(false);
}

static void comes_to_rest_after_a_store_that_forgets(void **state)
{
    (void)state;
    run_many(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_to_rest_after_blows),
        cmocka_unit_test(comes_to_rest_after_a_store_that_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
