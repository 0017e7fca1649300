/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to peers (RFC 6062). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client.h"

#define PEER "peer=8.8.8.8:80"

static struct world world;
static struct client client; /* has the TCP allocation */
static struct client data;   /* another stream of the same client */

static void start(struct turn_settings *settings)
{
    world_start(&world, settings);
    client_start(&client, &world, TURN_TCP, "20.0.0.77:1000");
    client_start(&data, &world, TURN_TCP, "20.0.0.77:1001");
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=6"), 0);
}

static int start_plain(void **state)
{
    (void)state;
    start(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_true(world_stop(&world));
    return 0;
}

static uint64_t connections(void)
{
    return counter_get(&turn_server_counters(world.server)->tcp_connections);
}

/* The answer to a Connect, or an indication, that was sent last. */
static unsigned read_last(struct stun_message *m, struct bytes *value, uint16_t type)
{
    const struct sent *sent = world_last(&world);
    struct text reason;
    struct bytes error;
    unsigned code = 0;

    assert_non_null(sent);
    assert_true(address_equal(&sent->path.client, &client.path.client));
    assert_int_equal(stun_parse(bytes_of(sent->data, sent->len), m), STUN_OK);
    if (stun_find(m, STUN_ERROR_CODE, &error))
        assert_true(stun_read_error(error, &code, &reason));
    if (code == 0)
        assert_true(stun_find(m, type, value));
    return code;
}

static uint32_t id_sent(uint16_t message_type)
{
    struct stun_message m;
    struct bytes value;
    uint32_t id;

    assert_int_equal(read_last(&m, &value, STUN_CONNECTION_ID), 0);
    assert_int_equal(m.type, message_type);
    assert_true(stun_read_u32(value, &id));
    assert_int_equal(id >> 24, 3); /* the worker */
    return id;
}

static struct world_connection *begin(const char *line)
{
    size_t before = world.connection_count;
    assert_int_equal(ask(&client, STUN_CONNECT, line), ASK_SILENCE);
    assert_int_equal(world.connection_count, before + 1);
    return world_connection(&world, before);
}

static uint32_t finish(struct world_connection *connection)
{
    world_forget(&world);
    turn_peer_connected(world.server, &connection->base, 0, world.now_ms);
    return id_sent(stun_type(STUN_CONNECT, STUN_SUCCESS));
}

static unsigned bind_to(struct client *c, uint32_t id)
{
    char line[32];
    snprintf(line, sizeof(line), "id=%u", id);
    return ask(c, STUN_CONNECTION_BIND, line);
}

static void connects_and_binds(void **state)
{
    (void)state;
    struct world_connection *connection = begin(PEER);
    assert_int_equal(connections(), 0);
    uint32_t id = finish(connection);
    assert_int_equal(connections(), 1);

    assert_int_equal(bind_to(&data, id), 0);
    assert_true(data.reply_is_signed);
    assert_true(connection->is_spliced);

    /* Bound, it lives as long as its allocation. */
    world_wait(&world, 500 * 1000);
    assert_int_equal(world.connection_count, 1);
    assert_int_equal(bind_to(&data, id), 400);
    world_connection_closed(&world, connection);
    assert_int_equal(connections(), 0);
    finish(begin(PEER)); /* and the peer may be asked for again */
}

static void the_answer_is_signed_and_matches(void **state)
{
    (void)state;
    struct stun_message m;
    struct bytes value;

    client.fingerprint = true;
    struct world_connection *connection = begin(PEER);
    uint64_t asked = client.ids;
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=600"), 0); /* not held up */
    finish(connection);
    assert_int_equal(read_last(&m, &value, STUN_MESSAGE_INTEGRITY), 0);
    assert_int_equal(stun_check_fingerprint(&m), STUN_CHECK_RIGHT);
    assert_memory_equal(m.id.data, &asked, sizeof(asked));
}

static const struct {
    const char *line;
    unsigned code;
} refusals[] = {
    {"", 400},
    {"peer=8.8.8.8:0", 400},
    {"raw=0012:0001", 400},
    {"peer=[2600::1]:80", 443},
    {"peer=127.0.0.1:80", 403},
    {"peer=10.0.0.1:80", 403},
    {"peer=169.254.169.254:80", 403},
    {"peer=30.0.0.9:6379", 403},  /* Redis */
    {"peer=30.0.0.9:6380", 1},    /* beside it */
    {"peer=20.0.0.5:50000", 403}, /* a relay of ours is there, but not of TCP */
    {PEER, ASK_SILENCE},
};

static void refuses_what_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        unsigned code = ask(&client, STUN_CONNECT, refusals[i].line);
        if (code != refusals[i].code)
            fail_msg("%s: %u", refusals[i].line, code);
    }
    assert_int_equal(ask(&client, STUN_CONNECT, PEER), 446); /* while it is tried */
    struct world_connection *connection = world_connection(&world, world.connection_count - 1);
    finish(connection);
    assert_int_equal(ask(&client, STUN_CONNECT, PEER), 446); /* and when it is there */
    assert_int_equal(ask(&client, STUN_CONNECT, "peer=8.8.8.8:81"), ASK_SILENCE);
    assert_int_equal(ask(&data, STUN_CONNECT, PEER), 437);
    while (world.connection_count > 0)
        world_connection_closed(&world, world_connection(&world, 0));
}

static void is_for_tcp_allocations(void **state)
{
    (void)state;
    struct client udp;
    client_start(&udp, &world, TURN_TCP, "20.0.0.77:1003");
    assert_int_equal(ask(&udp, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&udp, STUN_CONNECT, PEER), 403);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 " PEER), 403);
    assert_int_equal(send_indication(&client, PEER " data=x"), DROP_TURN_MALFORMED);
}

static void tells_of_failures(void **state)
{
    (void)state;
    struct stun_message m;
    struct bytes value;

    world.connect_error = -ENETUNREACH;
    assert_int_equal(ask(&client, STUN_CONNECT, PEER), 447);
    world.connect_error = 0;

    struct world_connection *connection = begin(PEER);
    turn_peer_connected(world.server, &connection->base, -ECONNREFUSED, world.now_ms);
    assert_int_equal(read_last(&m, &value, 0), 447);
    assert_int_equal(world.connection_count, 0);

    begin(PEER);
    world_wait(&world, 29 * 1000);
    assert_int_equal(world.connection_count, 1);
    world_wait(&world, 3 * 1000);
    assert_int_equal(read_last(&m, &value, 0), 447);
    assert_int_equal(world.connection_count, 0);

    world_connection_closed(&world, begin(PEER));
    assert_int_equal(read_last(&m, &value, 0), 447);
}

static void waits_30_s_for_a_bind(void **state)
{
    (void)state;
    uint32_t id = finish(begin(PEER));
    world_wait(&world, 29 * 1000);
    assert_int_equal(world.connection_count, 1);
    world_wait(&world, 3 * 1000);
    assert_int_equal(world.connection_count, 0);
    assert_int_equal(bind_to(&data, id), 400);
}

static void binds_only_what_and_where_it_may(void **state)
{
    (void)state;
    struct client bob, udp;
    uint32_t id = finish(begin(PEER));
    client_start(&bob, &world, TURN_TCP, "20.0.0.78:1000");
    bob.user = "bob";
    bob.password = "builder";
    client_start(&udp, &world, TURN_UDP, "20.0.0.77:1005");

    assert_int_equal(bind_to(&bob, id), 441);
    assert_int_equal(bind_to(&udp, id), 400);
    assert_int_equal(bind_to(&client, id), 400); /* the control connection stays one */
    assert_int_equal(bind_to(&data, id ^ 1), 400);
    assert_int_equal(ask(&data, STUN_CONNECTION_BIND, ""), 400);
    assert_int_equal(ask(&data, STUN_CONNECTION_BIND, "raw=002a:0001"), 400);
    data.nonce_len = 0;
    assert_int_equal(bind_to(&data, id), 401);
    client_challenge(&data);
    assert_int_equal(world.spliced, 0);
    assert_int_equal(bind_to(&data, id), 0);
}

static void another_worker_has_the_connection(void **state)
{
    (void)state;
    world.not_final = true;
    assert_int_equal(bind_to(&data, 5u << 24 | 7), ASK_ANOTHER);
    assert_int_equal(world.elsewhere.worker, 5);
    assert_int_equal(bind_to(&client, 5u << 24 | 7), 400);
    world.not_final = false;
    assert_int_equal(bind_to(&data, 5u << 24 | 7), 400);
}

static void peers_come_in_with_permission(void **state)
{
    (void)state;
    struct address peer = world_address("8.8.8.8:4444"), stranger = world_address("8.8.4.4:4444");
    struct stun_message m;
    struct bytes value;
    struct address told;

    assert_null(world_connect_from(&world, world_relay(&world, 0), &peer));
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    assert_null(world_connect_from(&world, world_relay(&world, 0), &stranger));
    world_forget(&world);
    struct world_connection *connection = world_connect_from(&world, world_relay(&world, 0), &peer);
    assert_non_null(connection);
    uint32_t id = id_sent(stun_type(STUN_CONNECTION_ATTEMPT, STUN_INDICATION));
    assert_int_equal(read_last(&m, &value, STUN_XOR_PEER_ADDRESS), 0);
    assert_true(stun_read_xor_address(&m, value, &told));
    assert_true(address_equal(&told, &peer));
    assert_int_equal(bind_to(&data, id), 0);

    /* The permission may end; what stands, stands. The next one has no permission. */
    world_wait(&world, 310 * 1000);
    assert_int_equal(world.connection_count, 1);
    assert_null(world_connect_from(&world, world_relay(&world, 0), &peer));
    world.packet_limit = world.packets;
    assert_null(world_connect_from(&world, world_relay(&world, 0), &peer));
}

/* The limit of bytes is the allocation's, whatever connection they go over. */
static void bytes_are_limited_and_counted(void **state)
{
    (void)state;
    struct turn_settings *settings = world_settings();
    settings->max_bytes_per_s = 1000;
    start(settings);
    finish(begin("peer=8.8.8.8:1"));
    finish(begin("peer=8.8.8.8:2"));
    struct turn_peer_connection *one = &world_connection(&world, 0)->base;
    struct turn_peer_connection *two = &world_connection(&world, 1)->base;

    assert_int_equal(turn_connection_pass(one, true, 700, world.now_ms), 700);
    assert_int_equal(turn_connection_pass(two, true, 700, world.now_ms), 300);
    assert_int_equal(turn_connection_pass(one, true, 700, world.now_ms), 0);
    assert_int_equal(turn_connection_pass(one, false, 700, world.now_ms), 700);
    assert_int_equal(turn_connection_pass(one, true, 700, world.now_ms + 500), 500);
    const struct turn_counters *counters = turn_server_counters(world.server);
    assert_int_equal(counter_get(&counters->client_bytes), 1500);
    assert_int_equal(counter_get(&counters->peer_bytes), 700);
}

static void limits_hold(void **state)
{
    (void)state;
    struct turn_settings *settings = world_settings();
    struct address peer = world_address("8.8.8.8:4444");
    settings->max_connections = 2;
    settings->max_new_peers_per_s = 3;
    start(settings);

    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, PEER), 0);
    begin("peer=8.8.8.8:1");
    finish(world_connection(&world, 0));
    finish(begin("peer=8.8.8.8:2"));
    assert_int_equal(ask(&client, STUN_CONNECT, "peer=8.8.8.8:3"), 508);
    assert_null(world_connect_from(&world, world_relay(&world, 0), &peer));

    world_connection_closed(&world, world_connection(&world, 0));
    finish(begin("peer=8.8.8.8:4"));
    world_connection_closed(&world, world_connection(&world, 0));
    assert_int_equal(ask(&client, STUN_CONNECT, "peer=8.8.8.8:5"), 508); /* the fourth in no time */
    world_wait(&world, 1000);
    finish(begin("peer=8.8.8.8:5"));
}

static void a_new_policy_ends_connections(void **state)
{
    (void)state;
    struct turn_settings *settings = world_settings();
    finish(begin(PEER));
    finish(begin("peer=9.9.9.9:80"));
    begin("peer=8.8.8.8:81");
    policy_free(settings->policy);
    settings->policy = world_policy(NULL, "8.8.8.0/24");
    world_set_settings(&world, settings);
    assert_int_equal(world.connection_count, 1);
    assert_int_equal(connections(), 1);
}

static void all_ends_with_the_allocation(void **state)
{
    (void)state;
    finish(begin(PEER));
    uint32_t id = finish(begin("peer=9.9.9.9:80"));
    assert_int_equal(bind_to(&data, id), 0);
    begin("peer=8.8.8.8:81");
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0"), 0);
    assert_int_equal(world.connection_count, 0);
    assert_int_equal(connections(), 0);
}

static void a_closed_control_connection_ends_all(void **state)
{
    (void)state;
    finish(begin(PEER));
    begin("peer=8.8.8.8:81");
    turn_path_closed(world.server, &client.path);
    assert_int_equal(world.connection_count, 0);
    assert_int_equal(turn_allocation_count(world.server), 0);
}

/* No packet for the answer: the peer is let go, for nobody could ever bind to it. */
static void survives_without_packets(void **state)
{
    (void)state;
    struct world_connection *connection = begin(PEER);
    world.packet_limit = world.packets;
    turn_peer_connected(world.server, &connection->base, 0, world.now_ms);
    assert_int_equal(world.connection_count, 0);
    world.packet_limit = SIZE_MAX;

    uint32_t id = finish(begin(PEER));
    world.packet_limit = world.packets;
    assert_int_equal(bind_to(&data, id), ASK_SILENCE);
    assert_int_equal(world.spliced, 0);
    world.packet_limit = SIZE_MAX;
    assert_int_equal(bind_to(&data, id), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(connects_and_binds, start_plain, stop),
        cmocka_unit_test_setup_teardown(the_answer_is_signed_and_matches, start_plain, stop),
        cmocka_unit_test_setup_teardown(refuses_what_it_must, start_plain, stop),
        cmocka_unit_test_setup_teardown(is_for_tcp_allocations, start_plain, stop),
        cmocka_unit_test_setup_teardown(tells_of_failures, start_plain, stop),
        cmocka_unit_test_setup_teardown(waits_30_s_for_a_bind, start_plain, stop),
        cmocka_unit_test_setup_teardown(binds_only_what_and_where_it_may, start_plain, stop),
        cmocka_unit_test_setup_teardown(another_worker_has_the_connection, start_plain, stop),
        cmocka_unit_test_setup_teardown(peers_come_in_with_permission, start_plain, stop),
        cmocka_unit_test_teardown(bytes_are_limited_and_counted, stop),
        cmocka_unit_test_teardown(limits_hold, stop),
        cmocka_unit_test_setup_teardown(a_new_policy_ends_connections, start_plain, stop),
        cmocka_unit_test_setup_teardown(all_ends_with_the_allocation, start_plain, stop),
        cmocka_unit_test_setup_teardown(a_closed_control_connection_ends_all, start_plain, stop),
        cmocka_unit_test_setup_teardown(survives_without_packets, start_plain, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
