/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "world.h"

enum { ABSENT = -2, SETTLED_MS = WORLD_LEASE_MS + FLEET_SETTLE_MS + 500 };

/* Two nodes that have settled; node 0 has all addresses. */
static int setup(void **state)
{
    struct world *world = world_new();
    for (unsigned i = 0; i < WORLD_GROUPS; i++)
        world_move(world, i, 0);
    world_start(world, 0);
    world_start(world, 1);
    world_run(world, SETTLED_MS);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void begin_calls(struct world *world, unsigned count)
{
    for (unsigned id = 0; id < count; id++)
        world_begin(world, 0, id, 0);
    world_run(world, 1000 + count * 2);
    assert_int_equal(world_records(world), count);
}

static struct fleet_totals totals(const struct world *world, unsigned node)
{
    struct fleet_totals out;
    fleet_totals(world->nodes[node].fleet, &out);
    return out;
}

/* --- keeping --- */

static void writes_what_is_new(void **state)
{
    struct world *world = *state;
    world_begin(world, 0, 7, 0);
    assert_int_equal(totals(world, 0).dirty, 1);
    world_run(world, FLEET_KEEP_DELAY_MS + 2 * WORLD_STEP_MS);
    assert_int_equal(world_owner(world, 7), 0);
    assert_int_equal(totals(world, 0).dirty, 0);
    assert_int_equal(totals(world, 0).written, 1);
}

static void writes_of_one_item_are_merged(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 100; i++) { /* one second */
        if (i == 0)
            world_begin(world, 0, 7, 0);
        else
            world_change(world, 0, 7);
        world_step(world);
    }
    world_run(world, 1000);
    assert_in_range(world->nodes[0].saves_asked, 5, 1000 / FLEET_KEEP_INTERVAL_MS + 2);
    assert_int_equal(totals(world, 0).dirty, 0);
}

static void only_the_newest_state_is_written_after_a_slow_save(void **state)
{
    struct world *world = *state;
    world->nodes[0].save_delay_ms = 100;
    world_begin(world, 0, 7, 0);
    world_run(world, 60);
    world_change(world, 0, 7); /* while it is being saved */
    world_run(world, 1000);
    assert_int_equal(world->nodes[0].saves_asked, 2);
    assert_int_equal(totals(world, 0).written, 2);
}

static void writes_what_is_old_again(void **state)
{
    struct world *world = *state;
    begin_calls(world, 10);
    world_run(world, FLEET_KEEP_MAX_AGE_MS / 2);
    assert_int_equal(totals(world, 0).written, 10);
    world_run(world, FLEET_KEEP_MAX_AGE_MS / 2);
    assert_int_equal(totals(world, 0).written, 20);
}

static void removes_what_has_ended(void **state)
{
    struct world *world = *state;
    begin_calls(world, 5);
    world_end(world, 0, 2);
    world_run(world, 50);
    assert_int_equal(world_owner(world, 2), ABSENT);
    assert_int_equal(world_records(world), 4);
}

static void removes_what_ends_while_it_is_saved_or_written(void **state)
{
    struct world *world = *state;
    for (unsigned delay = 0; delay < 100; delay += 10) {
        world->nodes[0].save_delay_ms = delay / 2;
        world_begin(world, 0, delay, 0);
        world_run(world, delay);
        world_end(world, 0, delay);
        world_run(world, 500);
        assert_int_equal(world_owner(world, delay), ABSENT);
    }
    assert_int_equal(totals(world, 0).items[STORE_CALL], 0);
}

static void writes_all_again_after_the_store_was_away(void **state)
{
    struct world *world = *state;
    begin_calls(world, 10);
    world_link(world, 0, STORE_MEMORY_AWAY, 0);
    world_end(world, 0, 3);
    world_lose_all(world);
    world_run(world, 10000);
    assert_int_equal(world_records(world), 0);
    world_link(world, 0, STORE_MEMORY_WORKS, 0);
    world_run(world, 1000);
    assert_int_equal(world_records(world), 9);
    assert_int_equal(world_owner(world, 3), ABSENT);
    assert_int_equal(totals(world, 0).lost, 0);
}

static void writes_all_again_when_the_store_has_lost_it_unseen(void **state)
{
    struct world *world = *state;
    begin_calls(world, 10);
    world_run(world, 20000);
    world_lose_all(world);
    world_run(world, 1000);
    assert_int_equal(world_records(world), 10);
    assert_int_equal(world_carried(world, 0), 10);
}

static void tells_once_that_the_store_refuses(void **state)
{
    struct world *world = *state;
    world_link(world, 0, STORE_MEMORY_FULL, 0);
    for (unsigned id = 0; id < 200; id++)
        world_begin(world, 0, id, 0);
    world_run(world, 20000);
    assert_int_equal(world->nodes[0].events[FLEET_WRITE_FAILED], 1);
    assert_int_equal(world->nodes[0].events[FLEET_WRITES_WORK], 0);
    assert_in_range(totals(world, 0).write_failures, 8, 8 + 64 + 20000 / 500 + 8);
    world_link(world, 0, STORE_MEMORY_WORKS, 0);
    world_run(world, 10000);
    assert_int_equal(world->nodes[0].events[FLEET_WRITES_WORK], 1);
    assert_int_equal(world_records(world), 200);
}

static void holds_back_what_the_store_cannot_take(void **state)
{
    struct world *world = *state;
    world_link(world, 0, STORE_MEMORY_FROZEN, 0);
    for (unsigned id = 0; id < 500; id++)
        world_begin(world, 0, id, 0);
    world_run(world, 2000);
    assert_int_equal(world->nodes[0].saves_asked, FLEET_KEEP_WINDOW);
    world_link(world, 0, STORE_MEMORY_WORKS, 0);
    world_run(world, 2000);
    assert_int_equal(world_records(world), 500);
}

/* --- taking --- */

/* From the lease's end on, the address being here: the first within 300 ms, all 1,000 within 2 s.
 */
static void takes_what_a_dead_node_had_in_time(void **state)
{
    struct world *world = *state;
    begin_calls(world, 1000);
    world_run(world, 5000);
    world_kill(world, 0);
    world_move(world, 0, 1);
    world_run(world, WORLD_LEASE_MS * 2 / 3);
    assert_int_equal(world->nodes[1].first_took_ms, 0);
    uint64_t latest_end = world->now_ms + WORLD_LEASE_MS / 3;
    world_run(world, 6000);
    assert_int_equal(world_carried(world, 1), 1000);
    assert_true(world->nodes[1].first_took_ms <= latest_end + 300);
    assert_true(world->nodes[1].last_took_ms <= latest_end + 2000);
    assert_null(world_wrong(world));
    assert_int_equal(totals(world, 1).taken[STORE_CALL], 1000);
}

static void takes_when_the_address_comes_later(void **state)
{
    struct world *world = *state;
    begin_calls(world, 1000);
    world_kill(world, 0);
    world_run(world, 12000); /* not just before it would be looked for without a reason */
    assert_int_equal(world_carried(world, 1), 0);
    assert_int_equal(totals(world, 1).stranded, 1000);
    uint64_t moved = world->now_ms;
    world_move(world, 0, 1);
    world_run(world, 5000);
    assert_int_equal(world_carried(world, 1), 1000);
    assert_true(world->nodes[1].first_took_ms <= moved + 300);
    assert_true(world->nodes[1].last_took_ms <= moved + 2000);
}

/* As many records are nobody's as when it looked last, but others: whatever the moment, they are
 * not overlooked. */
static void takes_what_came_and_went_between_two_looks(void **state)
{
    struct world *world = *state;
    begin_calls(world, 10);
    world_run(world, 1000);
    for (unsigned turn = 0; turn < 60; turn++) {
        unsigned heir = 1 - turn % 2;
        uint64_t moved = world->now_ms;
        world_move(world, 0, (int)heir);
        while (world_carried(world, heir) < 10 && world->now_ms < moved + 400)
            world_step(world);
        assert_int_equal(world_carried(world, heir), 10);
        world_run(world, turn * WORLD_STEP_MS % 210);
        assert_int_equal(world_carried(world, 1 - heir), 0);
    }
}

static void takes_only_with_all_its_addresses(void **state)
{
    struct world *world = *state;
    begin_calls(world, 3);
    world_kill(world, 0);
    world->addresses[0][0] = 1;
    world_run(world, 10000);
    assert_int_equal(world_carried(world, 1), 0);
    world->addresses[0][1] = 1;
    world_run(world, 500);
    assert_int_equal(world_carried(world, 1), 3);
}

static void nobody_is_dead_before_all_could_come_back(void **state)
{
    struct world *world = *state;
    begin_calls(world, 3);
    world_link(world, 0, STORE_MEMORY_AWAY, 0);
    world_link(world, 1, STORE_MEMORY_AWAY, 0);
    world_run(world, 10000);
    world_link(world, 1, STORE_MEMORY_WORKS, 0);
    world_run(world, WORLD_LEASE_MS);
    world_link(world, 0, STORE_MEMORY_WORKS, 0);
    world_run(world, 10000);
    assert_int_equal(world->nodes[1].events[FLEET_NODE_DOWN], 0);
}

static void who_was_cut_off_loses_what_another_took(void **state)
{
    struct world *world = *state;
    begin_calls(world, 3);
    world_link(world, 0, STORE_MEMORY_AWAY, 0);
    world_run(world, 1000);
    /* Node 0 does not hear of it: it is frozen. */
    world_freeze(world, 0, true);
    world_move(world, 0, 1);
    world_run(world, 10000);
    assert_int_equal(world_carried(world, 1), 3);
    assert_int_equal(world_carried(world, 0), 3);
    world_freeze(world, 0, false);
    world_link(world, 0, STORE_MEMORY_WORKS, 0);
    world_run(world, 2000);
    assert_int_equal(world_carried(world, 0), 0);
    assert_null(world_wrong(world));
}

static void a_new_process_takes_its_own_back(void **state)
{
    struct world *world = *state;
    begin_calls(world, 10);
    world_kill(world, 0);
    world_start(world, 0);
    world_run(world, 200);
    assert_int_equal(world->nodes[0].events[FLEET_NAME_TAKEN], 1);
    world_run(world, WORLD_LEASE_MS + 1000);
    assert_int_equal(world_carried(world, 0), 10);
    assert_null(world_wrong(world));
}

static void a_new_process_without_its_addresses_gives_back(void **state)
{
    struct world *world = *state;
    begin_calls(world, 10);
    world_kill(world, 0);
    world_start(world, 0);
    world_move(world, 0, WORLD_NOWHERE);
    world_run(world, 20000);
    assert_int_equal(world_owner(world, 4), WORLD_NOWHERE);
    world_move(world, 0, 1);
    world_run(world, 1000);
    assert_int_equal(world_carried(world, 1), 10);
    assert_null(world_wrong(world));
}

static void what_nobody_can_go_on_with_is_removed(void **state)
{
    struct world *world = *state;
    begin_calls(world, 3);
    world->nodes[1].refuses = FLEET_REFUSED;
    world_kill(world, 0);
    world_move(world, 0, 1);
    world_run(world, 10000);
    assert_int_equal(world_records(world), 0);
    assert_int_equal(totals(world, 1).take_refused, 3);
}

static void what_another_may_go_on_with_is_given_back(void **state)
{
    struct world *world = *state;
    begin_calls(world, 3);
    world->nodes[1].refuses = FLEET_NOT_HERE;
    world_kill(world, 0);
    world_move(world, 0, 1);
    world_run(world, 30000);
    assert_int_equal(world_owner(world, 1), WORLD_NOWHERE);
    world_start(world, 2);
    world_move(world, 0, 2);
    world_run(world, 1000);
    assert_int_equal(world_carried(world, 2), 3);
}

static void takes_nothing_while_it_holds(void **state)
{
    struct world *world = *state;
    begin_calls(world, 3);
    fleet_hold(world->nodes[1].fleet, true);
    world_kill(world, 0);
    world_move(world, 0, 1);
    world_run(world, 10000);
    assert_int_equal(world_carried(world, 1), 0);
    fleet_hold(world->nodes[1].fleet, false);
    world_run(world, 500);
    assert_int_equal(world_carried(world, 1), 3);
}

/* --- releasing --- */

static void an_address_takes_its_calls_with_it(void **state)
{
    struct world *world = *state;
    begin_calls(world, 1000);
    world_move(world, 0, 1);
    world_run(world, 2000);
    assert_int_equal(world_carried(world, 1), 1000);
    assert_int_equal(totals(world, 0).released, 1000);
    world_move(world, 0, 0);
    world_run(world, 2000);
    assert_int_equal(world_carried(world, 0), 1000);
    assert_null(world_wrong(world));
}

static void goes_on_from_memory_when_the_address_returns(void **state)
{
    struct world *world = *state;
    begin_calls(world, 3);
    world_link(world, 0, STORE_MEMORY_AWAY, 0);
    world_begin(world, 0, 3, 0); /* its places are not written anywhere */
    world_run(world, 2000);
    world_move(world, 0, WORLD_NOWHERE);
    world_run(world, 2000);
    assert_int_equal(world_carried(world, 0), 0);
    assert_int_equal(totals(world, 0).release_waiting, 4);
    world_move(world, 0, 0);
    world_run(world, 500);
    assert_int_equal(world_carried(world, 0), 4);
    world_link(world, 0, STORE_MEMORY_WORKS, 0);
    world_run(world, 2000);
    assert_null(world_wrong(world));
    assert_int_equal(totals(world, 0).lost, 0);
}

/* --- finding --- */

struct asked {
    unsigned answers;
    struct fleet_place place;
    char node[16];
};

static void found(void *owner, const struct fleet_place *place)
{
    struct asked *asked = owner;
    asked->answers++;
    asked->place = *place;
    if (place->node.len > 0)
        memcpy(asked->node, place->node.data, place->node.len);
    asked->node[place->node.len] = '\0';
}

static struct asked ask(struct world *world, unsigned node, unsigned id, uint64_t wait_ms)
{
    struct asked asked = {0};
    char name[16];
    assert_true(fleet_find(world->nodes[node].fleet, STORE_CALL, world_id(id, name), wait_ms,
        world->now_ms, found, &asked));
    assert_int_equal(asked.answers, 0);
    world_run(world, wait_ms + 2 * WORLD_STEP_MS);
    assert_int_equal(asked.answers, 1);
    return asked;
}

static void finds_what_is_here_there_and_nowhere(void **state)
{
    struct world *world = *state;
    begin_calls(world, 2);
    assert_int_equal(ask(world, 0, 1, 100).place.kind, FLEET_HERE);
    assert_int_equal(ask(world, 1, 5, 100).place.kind, FLEET_NOWHERE);
    struct asked there = ask(world, 1, 1, 100);
    assert_int_equal(there.place.kind, FLEET_THERE);
    assert_string_equal(there.node, "n0");
    assert_int_equal(there.place.ng.port, 2223);
    assert_int_equal(there.place.ng.ip[3], 1);
}

/* At whatever moment between two looks at the nodes. */
static void finds_a_node_that_has_just_come(void **state)
{
    struct world *world = *state;
    world_move(world, 2, 2);
    for (unsigned n = 0; n < 8; n++) {
        world->nodes[2].named = WORLD_NODES + n;
        world_run(world, 25 * n);
        world_start(world, 2);
        world_begin(world, 2, n, 2);
        world_run(world, 60);
        struct asked there = ask(world, 0, n, 250);
        assert_int_equal(there.place.kind, FLEET_THERE);
        assert_int_equal(there.place.ng.port, 2223);
        world_end(world, 2, n);
        world_run(world, 500);
        world_kill(world, 2);
    }
}

static void finds_and_takes(void **state)
{
    struct world *world = *state;
    begin_calls(world, 2);
    world_kill(world, 0);
    world_run(world, 10000);
    struct asked asked = ask(world, 1, 1, 100);
    assert_int_equal(asked.place.kind, FLEET_STRANDED);
    assert_string_equal(asked.node, "n0");
    world->addresses[0][0] = world->addresses[0][1] = 1;
    fleet_tick(world->nodes[1].fleet, world->now_ms + 60);
    assert_int_equal(ask(world, 1, 1, 100).place.kind, FLEET_HERE);
}

static void a_find_does_not_wait_for_a_frozen_store(void **state)
{
    struct world *world = *state;
    char name[16];
    world_link(world, 1, STORE_MEMORY_FROZEN, 0);
    assert_int_equal(ask(world, 1, 1, 30).place.kind, FLEET_UNKNOWN);
    world_run(world, FLEET_SLOW_MS);
    struct asked asked = {0};
    assert_false(fleet_find(
        world->nodes[1].fleet, STORE_CALL, world_id(1, name), 100, world->now_ms, found, &asked));
    assert_int_equal(totals(world, 1).finds_failed, 2);
}

static void a_find_can_be_cancelled(void **state)
{
    struct world *world = *state;
    struct asked asked = {0};
    char name[16];
    assert_true(fleet_find(
        world->nodes[1].fleet, STORE_CALL, world_id(1, name), 100, world->now_ms, found, &asked));
    fleet_cancel(world->nodes[1].fleet, &asked);
    world_run(world, 500);
    assert_int_equal(asked.answers, 0);
}

static void what_is_stranded_can_be_discarded_or_followed(void **state)
{
    struct world *world = *state;
    char name[16];
    begin_calls(world, 2);
    world_kill(world, 0);
    world_run(world, 10000);
    fleet_discard(world->nodes[1].fleet, STORE_CALL, world_id(0, name));
    world_move(world, 1, 1);
    world_begin(world, 1, 1, 1); /* a new one of that id, with other addresses */
    world_run(world, 500);
    assert_int_equal(world_owner(world, 0), ABSENT);
    assert_int_equal(world_owner(world, 1), 1);
    assert_int_equal(totals(world, 1).usurped, 1);
    /* The old one cannot come back. */
    world_start(world, 0);
    world_run(world, 20000);
    assert_int_equal(world_carried(world, 0), 0);
    assert_int_equal(world_carried(world, 1), 1);
}

struct listed {
    unsigned ids, done;
};

static void list_each(void *owner, struct text node, struct text id)
{
    struct listed *listed = owner;
    assert_true(text_is(node, "n0"));
    assert_true(text_starts_with(id, "c"));
    listed->ids++;
}

static void list_done(void *owner)
{
    struct listed *listed = owner;
    listed->done++;
}

static void lists_what_others_carry(void **state)
{
    struct world *world = *state;
    static const size_t limits[] = {1000, 150, 0};
    static const unsigned expected[] = {250, 150, 0};
    begin_calls(world, 250);
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct listed listed = {0};
        assert_true(fleet_list(
            world->nodes[1].fleet, STORE_CALL, limits[i], list_each, list_done, &listed));
        assert_int_equal(listed.done, 0);
        world_run(world, 200);
        assert_int_equal(listed.done, 1);
        assert_int_equal(listed.ids, expected[i]);
    }
}

/* --- leaving --- */

static void leaves_with_everything_released(void **state)
{
    struct world *world = *state;
    begin_calls(world, 200);
    world_leave(world, 0, 5000);
    world_move(world, 0, 1);
    world_run(world, 1000);
    assert_int_equal(world_carried(world, 1), 200);
    assert_null(world_wrong(world));
}

static void left(void *owner)
{
    bool *is_over = owner;
    *is_over = true;
}

static void leaves_without_the_store_and_without_a_word(void **state)
{
    struct world *world = *state;
    bool is_over = false;
    begin_calls(world, 20);
    world_link(world, 0, STORE_MEMORY_AWAY, 0);
    fleet_leave(world->nodes[0].fleet, 1000, world->now_ms, left, &is_over);
    world_run(world, 900);
    assert_false(is_over);
    assert_int_equal(world_carried(world, 0), 20);
    world_run(world, 300);
    assert_true(is_over);
    assert_int_equal(world_carried(world, 0), 0);
    assert_int_equal(world->nodes[0].drops, 20);
}

static void steps_aside_for_the_next_of_its_name(void **state)
{
    struct world *world = *state;
    begin_calls(world, 20);
    world_step_aside(world, 0);
    world_run(world, 300);
    world_start(world, 0);
    world_run(world, 500);
    assert_int_equal(world->nodes[0].events[FLEET_NAME_TAKEN], 0);
    assert_int_equal(totals(world, 0).written, 20);
    assert_int_equal(totals(world, 0).taken[STORE_CALL], 0);
    assert_int_equal(world->nodes[1].events[FLEET_NODE_DOWN], 0);
    assert_null(world_wrong(world));
}

static void shares_nothing_under_anothers_name(void **state)
{
    struct world *world = *state;
    begin_calls(world, 5);
    world->nodes[2].named = 0;
    world_start(world, 2);
    world_move(world, 1, 2);
    world_begin(world, 2, 100, 1);
    world_run(world, 10000);
    assert_int_equal(world->nodes[2].events[FLEET_NAME_TAKEN], 1);
    assert_int_equal(world->nodes[2].events[FLEET_JOINED], 0);
    assert_int_equal(world_owner(world, 100), ABSENT);
    world_kill(world, 0);
    world_run(world, 10000);
    assert_int_equal(world->nodes[2].events[FLEET_JOINED], 1);
    assert_int_equal(world_owner(world, 100), 0);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(writes_what_is_new),
        IN_A_WORLD(writes_of_one_item_are_merged),
        IN_A_WORLD(only_the_newest_state_is_written_after_a_slow_save),
        IN_A_WORLD(writes_what_is_old_again),
        IN_A_WORLD(removes_what_has_ended),
        IN_A_WORLD(removes_what_ends_while_it_is_saved_or_written),
        IN_A_WORLD(writes_all_again_after_the_store_was_away),
        IN_A_WORLD(writes_all_again_when_the_store_has_lost_it_unseen),
        IN_A_WORLD(tells_once_that_the_store_refuses),
        IN_A_WORLD(holds_back_what_the_store_cannot_take),
        IN_A_WORLD(takes_what_a_dead_node_had_in_time),
        IN_A_WORLD(takes_when_the_address_comes_later),
        IN_A_WORLD(takes_what_came_and_went_between_two_looks),
        IN_A_WORLD(takes_only_with_all_its_addresses),
        IN_A_WORLD(nobody_is_dead_before_all_could_come_back),
        IN_A_WORLD(who_was_cut_off_loses_what_another_took),
        IN_A_WORLD(a_new_process_takes_its_own_back),
        IN_A_WORLD(a_new_process_without_its_addresses_gives_back),
        IN_A_WORLD(what_nobody_can_go_on_with_is_removed),
        IN_A_WORLD(what_another_may_go_on_with_is_given_back),
        IN_A_WORLD(takes_nothing_while_it_holds),
        IN_A_WORLD(an_address_takes_its_calls_with_it),
        IN_A_WORLD(goes_on_from_memory_when_the_address_returns),
        IN_A_WORLD(finds_what_is_here_there_and_nowhere),
        IN_A_WORLD(finds_a_node_that_has_just_come),
        IN_A_WORLD(finds_and_takes),
        IN_A_WORLD(a_find_does_not_wait_for_a_frozen_store),
        IN_A_WORLD(a_find_can_be_cancelled),
        IN_A_WORLD(what_is_stranded_can_be_discarded_or_followed),
        IN_A_WORLD(lists_what_others_carry),
        IN_A_WORLD(leaves_with_everything_released),
        IN_A_WORLD(leaves_without_the_store_and_without_a_word),
        IN_A_WORLD(steps_aside_for_the_next_of_its_name),
        IN_A_WORLD(shares_nothing_under_anothers_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
