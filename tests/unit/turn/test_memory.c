/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of memory fails once, in turn: requests are refused, nothing is lost, and what
 * was there works on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client.h"
#include "turn/record.h"

static struct world world;
static size_t until_failure; /* of what the server asks for, while it looks at a packet */
static bool is_moving;       /* or an allocation goes from one process to another */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool fails(void)
{
    return (world.in_hand != NULL || is_moving) && until_failure > 0 && --until_failure == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

static const struct {
    enum stun_method method;
    const char *line;
} script[] = {
    {STUN_ALLOCATE, "transport=17 additional=2 even=00 ticket="},
    {STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 peer=8.8.8.9:1 peer=[2600::1]:1"},
    {STUN_CHANNEL_BIND, "peer=8.8.8.8:1 channel=4000"},
    {STUN_CHANNEL_BIND, "peer=9.9.9.9:1 channel=4001"},
    {STUN_CHANNEL_BIND, "peer=9.9.9.9:2 channel=4002"},
    {STUN_CHANNEL_BIND, "peer=9.9.9.9:3 channel=4003"},
    {STUN_CHANNEL_BIND, "peer=9.9.9.9:4 channel=4004"},
    {STUN_REFRESH, "lifetime=3000"},
};

/* Returns how many requests did not succeed. */
static size_t run(struct client *c)
{
    struct address peer = world_address("8.8.8.8:1");
    size_t failed = 0;
    for (size_t i = 0; i < COUNT_OF(script); i++)
        failed += ask(c, script[i].method, script[i].line) != 0;
    (void)send_channel(c, 0x4000, "x");
    if (world_relay(&world, 0) != NULL)
        world_icmp(&world, world_relay(&world, 0), &peer, 3, 3, 0);
    return failed;
}

static void every_failure_is_survived(void **state)
{
    static struct client client, witness;
    size_t failures = 0;
    bool is_over = false;
    (void)state;
    for (size_t n = 1; !is_over; n++) {
        world_start(&world, NULL);
        client_start(&witness, &world, TURN_UDP, "20.0.0.78:1000");
        assert_int_equal(ask(&witness, STUN_ALLOCATE, "transport=17"), 0);
        assert_int_equal(ask(&witness, STUN_CHANNEL_BIND, "peer=8.8.8.8:1 channel=4000"), 0);
        client_start(&client, &world, TURN_UDP, "20.0.0.77:1000");

        until_failure = n;
        failures += run(&client);
        is_over = until_failure > 0;
        until_failure = 0;
        assert_int_equal(send_channel(&witness, 0x4000, "x"), DROP_NONE);
        world_wait(&world, 599000);
        assert_int_equal(turn_allocation_count(world.server) > 0, true);
        assert_true(world_stop(&world));
    }
    assert_in_range(failures, 20, 1000);
}

/* To itself, by way of a record. Returns whether it has arrived. */
static bool move(struct record_buffer *buffer, struct turn_saved *saved)
{
    char why[FIELDS_WHY_SIZE] = "";
    uint64_t id = world.last_changed;
    if (!world_save(&world, id, saved))
        return false;
    struct bytes record = turn_record_write(buffer, saved);
    turn_saved_done(saved);
    if (record.len == 0)
        return false;
    turn_hand_on(world.server, id, TURN_END_SAVED);
    return turn_record_read(record, saved, why) == TURN_RECORD_OK &&
           world_restore(&world, saved, 1, 1000);
}

static void every_failure_of_a_move_is_survived(void **state)
{
    static struct client client;
    size_t failures = 0;
    bool is_over = false;
    (void)state;
    for (size_t n = 1; !is_over; n++) {
        struct record_buffer buffer = {.data = NULL};
        struct turn_saved saved = {.worker = 0};
        world_start(&world, NULL);
        client_start(&client, &world, TURN_UDP, "20.0.0.77:1000");
        assert_int_equal(run(&client), 0);
        is_moving = true;
        until_failure = n;
        bool has_arrived = move(&buffer, &saved);
        failures += !has_arrived;
        is_over = until_failure > 0;
        until_failure = 0;
        is_moving = false;
        assert_int_equal(is_over && !has_arrived, false);
        turn_saved_done(&saved);
        record_buffer_done(&buffer);
        world_wait(&world, 599000);
        assert_true(world_stop(&world));
    }
    assert_in_range(failures, 10, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failure_is_survived),
        cmocka_unit_test(every_failure_of_a_move_is_survived)};
    return cmocka_run_group_tests_name("turn memory", tests, NULL, NULL);
}
