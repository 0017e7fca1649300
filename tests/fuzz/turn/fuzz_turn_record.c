/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of an allocation that somebody else has written.
 *
 * Claims: what is refused has a reason; what is taken keeps to the bounds of turn/saved.h, is
 * written and read the same again and again, and makes an allocation that works and ends, leaving
 * nothing behind.
 */
#include "../require.h"

#include <string.h>

#include "turn/record.h"
#include "world.h"

static struct world world;

static void check_bounds(const struct turn_saved *saved)
{
    bool has_path = saved->path.client.family != ADDRESS_NONE;
    require(saved->id[0] != '\0' && memchr(saved->id, 0, sizeof(saved->id)) != NULL);
    require(saved->identity != NULL);
    require(saved->permission_count <= TURN_SAVED_MAX_PEERS);
    require(saved->channel_count <= TURN_SAVED_MAX_PEERS);
    require(saved->ticket_count <= TURN_SAVED_TICKETS);
    require(saved->is_mobile || has_path);
    require(saved->coming.client.family == ADDRESS_NONE || (saved->is_mobile && has_path));
    require(saved->relays[0].local.family != ADDRESS_NONE);
    require(saved->relays[0].local.family != saved->relays[1].local.family);
    for (size_t i = 0; i < COUNT_OF(saved->relays); i++)
        require(saved->relays[i].local.family == saved->relays[i].relayed.family);
    for (size_t i = 0; i < saved->permission_count; i++)
        require(saved->permissions[i].ip.port == 0);
    for (size_t i = 0; i < saved->channel_count; i++)
        require(saved->channels[i].peer.port != 0 && saved->channels[i].number >= 0x4000);
}

static void write_twice(const struct turn_saved *saved)
{
    struct record_buffer once = {.data = NULL}, twice = {.data = NULL};
    struct turn_saved again;
    char why[FIELDS_WHY_SIZE];
    struct bytes first = turn_record_write(&once, saved);
    require(first.len > 0 && turn_record_is_one(first));
    require(turn_record_read(first, &again, why) == TURN_RECORD_OK);
    struct bytes second = turn_record_write(&twice, &again);
    require(bytes_equal(first, second));
    turn_saved_done(&again);
    record_buffer_done(&once);
    record_buffer_done(&twice);
}

/* Its packets and its end. */
static void live(const struct turn_saved *saved)
{
    for (size_t i = 0; i < saved->permission_count && i < 3; i++) {
        struct address peer = saved->permissions[i].ip;
        peer.port = 9;
        for (size_t k = 0; k < world.relay_count; k++)
            if (world_relay(&world, k)->relayed.family == peer.family)
                world_from_peer(&world, world_relay(&world, k), &peer, bytes_of("x", 1), 0);
    }
    world_wait(&world, 3000);
}

static void restore(struct turn_saved *saved)
{
    uint64_t id = turn_restored_id(3, 1);
    struct turn_saved copy = {.worker = 0};
    world_start(&world, NULL);
    if (world_restore(&world, saved, 1, 0)) {
        require(turn_allocation_count(world.server) == 1);
        require(world_save(&world, id, &copy));
        require(strcmp(copy.id, saved->id) == 0);
        require(copy.permission_count <= saved->permission_count);
        require(copy.channel_count <= saved->channel_count);
        turn_saved_done(&copy);
        live(saved);
        turn_hand_on(world.server, id, TURN_END_SAVED);
    }
    require(turn_allocation_count(world.server) == 0);
    require(world_stop(&world));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct turn_saved saved;
    char why[FIELDS_WHY_SIZE] = "";
    enum turn_record_status status = turn_record_read(bytes_of(data, size), &saved, why);
    require((status == TURN_RECORD_OK) == (why[0] == '\0'));
    if (status == TURN_RECORD_OK) {
        check_bounds(&saved);
        write_twice(&saved);
        restore(&saved);
    }
    turn_saved_done(&saved);
    return 0;
}
