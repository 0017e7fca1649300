/* SPDX-License-Identifier: Apache-2.0 */
/* What the host and the operator do: paths that close, allocations ended by hand, reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client.h"

static struct world world;
static struct client client;

static int stop(void **state)
{
    (void)state;
    assert_true(world_stop(&world));
    return 0;
}

static int start(void **state)
{
    (void)state;
    world_start(&world, NULL);
    client_start(&client, &world, TURN_UDP, "20.0.0.77:1000");
    return 0;
}

static void allocate_as(struct client *c, const char *user, const char *password,
    enum turn_transport transport, const char *address)
{
    client_start(c, &world, transport, address);
    c->user = user;
    c->password = password;
    assert_int_equal(ask(c, STUN_ALLOCATE, "transport=17"), 0);
}

static const struct turn_counters *counters(void)
{
    return turn_server_counters(world.server);
}

/* --- paths --- */

static void a_closed_stream_ends_its_allocation(void **state)
{
    (void)state;
    allocate_as(&client, "alice", "wonder", TURN_TCP, "20.0.0.77:1000");
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:1"), 0);
    /* The end of a former connection with the same addresses. */
    struct turn_path former = client.path;
    former.link_id = 4711;
    turn_path_closed(world.server, &former);
    assert_int_equal(turn_allocation_count(world.server), 1);
    turn_path_closed(world.server, &client.path);
    assert_int_equal(turn_allocation_count(world.server), 0);
    assert_int_equal(world.last_end, TURN_END_CLOSED);
    turn_path_closed(world.server, &client.path);
    assert_int_equal(counter_get(&counters()->allocations_killed), 0);
    assert_int_equal(counter_get(&counters()->channels), 0);
    assert_int_equal(world.closed_paths, 0);
}

static void a_mobile_client_may_be_away(void **state)
{
    struct address peer = world_address("8.8.8.8:1");
    (void)state;
    client_start(&client, &world, TURN_TCP, "20.0.0.77:1000");
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 ticket="), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    turn_path_closed(world.server, &client.path);
    assert_int_equal(turn_allocation_count(world.server), 1);
    assert_int_equal(world.paths, 0);
    world_forget(&world);
    assert_int_equal(world_from_peer(&world, world_relay(&world, 0), &peer, bytes_of("x", 1), 0),
        DROP_TURN_AWAY);
    assert_int_equal(world_icmp(&world, world_relay(&world, 0), &peer, 3, 3, 0), DROP_TURN_AWAY);
    assert_int_equal(world.sent_count, 0);
    world_wait(&world, 600000);
    assert_int_equal(turn_allocation_count(world.server), 0);
}

/* --- by hand --- */

static void kills(void **state)
{
    static struct client c[5];
    static const struct {
        const char *user, *realm;
        size_t killed, left;
    } steps[] = {
        {"alice", "example.com", 0, 5},
        {"ali", "", 0, 5},
        {"alice", "example.org", 2, 3},
        {"alice", "", 0, 3},
        {"carol", "", 1, 2}, /* the name without its time */
        {"bob", "", 2, 0},
    };
    static struct rest_credentials carol;
    (void)state;
    assert_true(
        rest_issue(text_from("carol"), ':', world.unix_s + 99, text_from("sesame"), &carol));
    allocate_as(&c[0], "alice", "wonder", TURN_UDP, "20.0.0.77:1001");
    allocate_as(&c[1], "alice", "wonder", TURN_TLS, "20.0.0.77:1002");
    allocate_as(&c[2], "bob", "builder", TURN_UDP, "20.0.0.77:1003");
    allocate_as(&c[3], "bob", "builder", TURN_DTLS, "20.0.0.77:1004");
    char name[64], password[REST_PASSWORD_SIZE + 1];
    snprintf(name, sizeof(name), "%.*s", (int)carol.username_len, carol.username);
    snprintf(password, sizeof(password), "%.*s", REST_PASSWORD_SIZE, carol.password);
    allocate_as(&c[4], name, password, TURN_UDP, "20.0.0.77:1005");

    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        assert_int_equal(
            turn_kill(world.server, 0, text_from(steps[i].user), text_from(steps[i].realm)),
            steps[i].killed);
        assert_int_equal(turn_allocation_count(world.server), steps[i].left);
    }
    assert_int_equal(counter_get(&counters()->allocations_killed), 5);
    assert_int_equal(world.ended, 5);
    assert_int_equal(world.last_end, TURN_END_KILLED);
    assert_int_equal(world.closed_paths, 2);
    assert_int_equal(ask(&c[2], STUN_REFRESH, ""), 437);
    assert_int_equal(ask(&c[2], STUN_ALLOCATE, "transport=17"), 0);
}

struct told {
    size_t count;
    struct turn_report last;
};

static void tell(void *owner, const struct turn_report *report)
{
    struct told *told = owner;
    told->count++;
    told->last = *report;
}

static void reports_and_kills_one(void **state)
{
    static struct client second;
    struct told told = {.count = 0};
    struct address peer = world_address("8.8.8.8:1");
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    world_wait(&world, 5000);
    allocate_as(&second, "bob", "builder", TURN_UDP, "20.0.0.77:1001");
    assert_int_equal(ask(&second, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:1"), 0);
    assert_int_equal(ask(&second, STUN_CREATE_PERMISSION, "peer=8.8.8.9:1"), 0);
    assert_int_equal(send_channel(&second, 0x4000, "12345"), DROP_NONE);
    assert_int_equal(send_channel(&second, 0x4000, "123"), DROP_NONE);
    assert_int_equal(
        world_from_peer(&world, world_relay(&world, 1), &peer, bytes_of("xyz", 3), 0), DROP_NONE);
    world_wait(&world, 7000);

    turn_each(world.server, world.now_ms, tell, &told);
    assert_int_equal(told.count, 2);
    const struct turn_report *r = &told.last;
    assert_int_equal(r->id >> 48, 3); /* the worker */
    assert_true(text_is(auth_identity_username(r->identity), "bob"));
    assert_true(address_equal(&r->path->client, &second.path.client));
    assert_true(address_equal(&r->relayed[0], &world_relay(&world, 1)->relayed));
    assert_int_equal(r->relayed[1].family, ADDRESS_NONE);
    assert_int_equal(r->age_ms, 7000);
    assert_int_equal(r->expires_in_ms, 593000);
    assert_int_equal(r->permissions, 2);
    assert_int_equal(r->channels, 1);
    assert_int_equal(r->client_packets, 2);
    assert_int_equal(r->client_bytes, 8);
    assert_int_equal(r->peer_packets, 1);
    assert_int_equal(r->peer_bytes, 3);
    assert_false(r->is_tcp || r->is_mobile);

    uint64_t id = r->id;
    assert_int_equal(turn_kill(world.server, id, text_from(""), text_from("")), 1);
    assert_int_equal(turn_kill(world.server, id, text_from(""), text_from("")), 0);
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 0);
    assert_int_equal(ask(&second, STUN_REFRESH, ""), 437);
}

/* --- settings --- */

static void lifetimes_are_those_of_the_new_settings(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    settings->allocation_default_s = 100;
    settings->allocation_max_s = 200;
    settings->permission_s = 50;
    world_set_settings(&world, settings);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=1"), 0);
    assert_int_equal(reply_u32(&client, STUN_LIFETIME), 100);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=900"), 0);
    assert_int_equal(reply_u32(&client, STUN_LIFETIME), 200);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    world_wait(&world, 50000);
    assert_int_equal(send_indication(&client, "peer=8.8.8.8:1 data=x"), DROP_TURN_NO_PERMISSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_closed_stream_ends_its_allocation, start, stop),
        cmocka_unit_test_setup_teardown(a_mobile_client_may_be_away, start, stop),
        cmocka_unit_test_setup_teardown(kills, start, stop),
        cmocka_unit_test_setup_teardown(reports_and_kills_one, start, stop),
        cmocka_unit_test_setup_teardown(lifetimes_are_those_of_the_new_settings, start, stop),
    };
    return cmocka_run_group_tests_name("turn server", tests, NULL, NULL);
}
