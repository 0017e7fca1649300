/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes from somebody who knows no password, on each transport, to a server where the 5-tuple
 * has an allocation or not. Nothing may change by them; the answer is short, and goes back to him.
 */
#include "../require.h"
#include "client.h"

enum { LONGEST_CHALLENGE = 100 };

static struct world world;
static struct client client;

struct what_lives {
    size_t allocations;
    uint64_t permissions, channels, expires_in_ms;
};

static void look(void *owner, const struct turn_report *report)
{
    struct what_lives *lives = owner;
    lives->allocations++;
    lives->permissions += report->permissions;
    lives->channels += report->channels;
    lives->expires_in_ms += report->expires_in_ms;
}

static struct what_lives what_lives(void)
{
    struct what_lives lives = {.allocations = 0};
    turn_each(world.server, world.now_ms, look, &lives);
    return lives;
}

static void check_sent(struct bytes message)
{
    const struct sent *sent = world_last(&world);
    require(world.sent_count <= 1);
    if (sent == NULL)
        return;
    if (sent->kind == SENT_TO_PEER) {
        require(sent->peer.family == ADDRESS_IP4 && sent->peer.ip[0] == 8);
        require(sent->len <= message.len);
        return;
    }
    require(sent->kind == SENT_TO_CLIENT);
    require(address_equal(&sent->path.client, &client.path.client));
    require(sent->len <= LONGEST_CHALLENGE || sent->len <= message.len + 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > PACKET_DATA_MAX)
        return 0;
    struct bytes message = bytes_of(data + 1, size - 1);

    world_start(&world, NULL);
    client_start(&client, &world, (enum turn_transport)(data[0] & 3), "20.0.0.77:1000");
    if (data[0] & 4) {
        require(ask(&client, STUN_ALLOCATE, "transport=17") == 0);
        require(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:7 channel=4000") == 0);
    }
    world.not_final = (data[0] & 8) != 0;

    struct what_lives before = what_lives();
    world_forget(&world);
    enum turn_verdict verdict = world_from_client(&world, &client.path, message, 0);
    struct what_lives after = what_lives();

    require(memcmp(&before, &after, sizeof(before)) == 0);
    require(verdict == TURN_DONE || world.sent_count == 0);
    require(verdict != TURN_LOOKUP);
    /* A data connection that names a connection of another worker (RFC 6062). */
    require(verdict != TURN_ANOTHER || (turn_path_is_stream(&client.path) && world.not_final));
    check_sent(message);
    require(world_stop(&world));
    return 0;
}
