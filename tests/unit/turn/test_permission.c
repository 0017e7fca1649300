/* SPDX-License-Identifier: Apache-2.0 */
/* CreatePermission and ChannelBind (RFC 8656, sections 10.2 and 12.2): what may be had, how long.
 */
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

static void start(struct turn_settings *settings, const char *line)
{
    world_start(&world, settings);
    client_start(&client, &world, TURN_UDP, "20.0.0.77:1000");
    assert_int_equal(ask(&client, STUN_ALLOCATE, line), 0);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=3600"), 0);
}

static int start_plain(void **state)
{
    (void)state;
    start(NULL, "transport=17");
    return 0;
}

static int start_dual(void **state)
{
    (void)state;
    start(NULL, "transport=17 additional=2");
    return 0;
}

static uint64_t permissions(void)
{
    return counter_get(&turn_server_counters(world.server)->permissions);
}

static uint64_t channels(void)
{
    return counter_get(&turn_server_counters(world.server)->channels);
}

static void add_kept(void *owner, const struct turn_report *report)
{
    *(size_t *)owner += report->permissions;
}

/* Those that are kept in memory, live or not. */
static size_t kept_permissions(void)
{
    size_t kept = 0;
    turn_each(world.server, world.now_ms, add_kept, &kept);
    return kept;
}

/* Whether a Send to `peer` reaches it. */
static bool reaches(const char *peer)
{
    char line[80];
    snprintf(line, sizeof(line), "peer=%s data=x", peer);
    enum drop_reason drop = send_indication(&client, line);
    assert_int_equal(world.sent_count, drop == DROP_NONE ? 1 : 0);
    return drop == DROP_NONE;
}

/* --- what is refused --- */

static const struct {
    enum stun_method method;
    const char *line;
    unsigned code;
} cases[] = {
    {STUN_CREATE_PERMISSION, "peer=8.8.8.8:1", 0},
    {STUN_CREATE_PERMISSION, "peer=8.8.8.8:0", 0},
    {STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 peer=9.9.9.9:1", 0},
    {STUN_CREATE_PERMISSION, "", 400}, /* W32 */
    {STUN_CREATE_PERMISSION, "raw=0012:0001", 400},
    {STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 raw=0012:0001", 400},
    {STUN_CREATE_PERMISSION, "sign peer=8.8.8.8:1", 400}, /* W39 */
    {STUN_CREATE_PERMISSION, "peer=10.0.0.1:1", 403},     /* W34 */
    {STUN_CREATE_PERMISSION, "peer=127.0.0.1:1", 403},
    {STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 peer=127.0.0.1:1", 403},
    {STUN_CREATE_PERMISSION, "peer=[2600::1]:1", 443},
    {STUN_CREATE_PERMISSION, "peer=[::ffff:127.0.0.1]:1", 443},
    {STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 raw=0033:", 420},
    {STUN_CREATE_PERMISSION, "peer=30.0.0.9:6379", 0}, /* by IP only */
    {STUN_CREATE_PERMISSION, "peer=20.0.0.5:1", 0},
    {STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:1", 0},
    {STUN_CHANNEL_BIND, "channel=4fff peer=8.8.8.8:1", 0},
    {STUN_CHANNEL_BIND, "channel=3fff peer=8.8.8.8:1", 400}, /* W33 */
    {STUN_CHANNEL_BIND, "channel=5000 peer=8.8.8.8:1", 400},
    {STUN_CHANNEL_BIND, "channel=7fff peer=8.8.8.8:1", 400},
    {STUN_CHANNEL_BIND, "channel=ffff peer=8.8.8.8:1", 400},
    {STUN_CHANNEL_BIND, "channel=0 peer=8.8.8.8:1", 400},
    {STUN_CHANNEL_BIND, "raw=000c:4000 peer=8.8.8.8:1", 400},
    {STUN_CHANNEL_BIND, "peer=8.8.8.8:1", 400},
    {STUN_CHANNEL_BIND, "channel=4000", 400},
    {STUN_CHANNEL_BIND, "channel=4000 raw=0012:0001", 400},
    {STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:0", 400},
    {STUN_CHANNEL_BIND, "channel=4000 peer=[2600::1]:1", 443},
    {STUN_CHANNEL_BIND, "channel=4000 peer=10.0.0.1:1", 403},
    {STUN_CHANNEL_BIND, "channel=4000 peer=30.0.0.9:6379", 403},
    {STUN_CHANNEL_BIND, "channel=4000 peer=30.0.0.9:6378", 0},
    {STUN_CHANNEL_BIND, "channel=4000 peer=20.0.0.5:1", 403},
    {STUN_CHANNEL_BIND, "channel=4000 sign peer=8.8.8.8:1", 400},
};

static void refuses_and_grants(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        start(NULL, "transport=17");
        unsigned code = ask(&client, cases[i].method, cases[i].line);
        if (code != cases[i].code)
            print_message("# %s: %u\n", cases[i].line, code);
        assert_int_equal(code, cases[i].code);
        assert_true(client.reply_is_signed);
        assert_true((permissions() > 0) == (code == 0));
        assert_int_equal(channels(), code == 0 && cases[i].method == STUN_CHANNEL_BIND ? 1 : 0);
        assert_int_equal(
            counter_get(&turn_server_counters(world.server)->peers_denied), code == 403 ? 1 : 0);
        assert_true(world_stop(&world));
    }
}

static void a_family_that_is_not_relayed(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 peer=[2600::1]:1"), 0);
    assert_int_equal(permissions(), 2);
    assert_true(reaches("[2600::1]:1"));
    assert_true(reaches("8.8.8.8:1"));
    /* Another spelling of an IPv4 address is judged as what it is (W34). */
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=[::ffff:8.8.8.8]:1"), 403);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=[64:ff9b::127.0.0.1]:1"), 403);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=[2002:7f00:1::]:1"), 403);
}

/* --- all or nothing --- */

static void w32_all_or_nothing(void **state)
{
    static const char *const lines[] = {"peer=8.8.8.8:1 peer=10.0.0.1:1",
        "peer=10.0.0.1:1 peer=8.8.8.8:1", "peer=8.8.8.8:1 peer=[2600::1]:1",
        "peer=8.8.8.8:1 raw=0012:00"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_int_not_equal(ask(&client, STUN_CREATE_PERMISSION, lines[i]), 0);
        assert_int_equal(permissions(), 0);
        assert_int_equal(kept_permissions(), 0);
        assert_false(reaches("8.8.8.8:1"));
    }
    /* Nor is one that was there renewed. */
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    world_wait(&world, 200000);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, lines[0]), 403);
    world_wait(&world, 99999);
    assert_true(reaches("8.8.8.8:1"));
    world_wait(&world, 1);
    assert_false(reaches("8.8.8.8:1"));
}

static void too_many_permissions(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->max_permissions = 3;
    start(settings, "transport=17");
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.1:1 peer=8.8.8.2:1"), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.3:1 peer=8.8.8.4:1"), 508);
    assert_int_equal(permissions(), 2);
    assert_false(reaches("8.8.8.3:1"));
    /* Those that are there do not count twice. */
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION,
                         "peer=8.8.8.1:1 peer=8.8.8.3:1 peer=8.8.8.3:2 peer=8.8.8.2:9"),
        0);
    assert_int_equal(permissions(), 3);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.5:1"), 508);
    assert_int_equal(channels(), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.1:1"), 0);
    /* A whole request may not push out what it prepares itself. */
    world_wait(&world, 300000);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=9.9.9.1:1 peer=9.9.9.2:1"), 0);
    assert_true(reaches("9.9.9.1:1"));
    assert_true(reaches("9.9.9.2:1"));
}

/* --- time --- */

static void w35_permissions_last_300_s(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    for (int s = 0; s < 300; s += 20) {
        assert_true(reaches("8.8.8.8:7"));
        world_wait(&world, 20000 - (s == 280));
    }
    assert_true(reaches("8.8.8.8:7"));
    world_wait(&world, 1);
    assert_false(reaches("8.8.8.8:7"));
    world_wait(&world, 1000);
    assert_int_equal(permissions(), 0);
}

static void w35_nothing_but_requests_renews(void **state)
{
    struct address peer = world_address("8.8.8.8:1");
    (void)state;
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:1"), 0);
    for (int s = 0; s < 299; s += 23) {
        assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_NONE);
        assert_int_equal(
            world_from_peer(&world, world_relay(&world, 0), &peer, bytes_of("y", 1), 0), DROP_NONE);
        world_wait(&world, 23000);
    }
    world_wait(&world, 2000);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_TURN_NO_PERMISSION);
    assert_int_equal(world_from_peer(&world, world_relay(&world, 0), &peer, bytes_of("y", 1), 0),
        DROP_TURN_NO_PERMISSION);
    assert_int_equal(channels(), 1);
    assert_int_equal(permissions(), 0);

    /* The permission is back, the channel was there all the time. */
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:9"), 0);
    assert_int_equal(permissions(), 1);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_NONE);
    /* And is not prolonged by it. */
    world_wait(&world, 600000 - 301000 - 1000);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:9"), 0);
    world_wait(&world, 999);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_NONE);
    world_wait(&world, 1);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_TURN_NO_CHANNEL);
    assert_true(reaches("8.8.8.8:1"));
}

static void w36_a_bind_at_590_s_keeps_both(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:1"), 0);
    world_wait(&world, 590000);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:1"), 0);
    world_wait(&world, 299999);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_NONE);
    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    world_wait(&world, 299999);
    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    world_wait(&world, 1);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_NONE);
    world_wait(&world, 1);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_TURN_NO_CHANNEL);
}

/* --- channels and peers belong together --- */

static void w33_one_channel_one_peer(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:1"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:2"), 400);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4001 peer=8.8.8.8:1"), 400);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4001 peer=8.8.8.8:2"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:2"), 400);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:1"), 0);
    assert_int_equal(channels(), 2);
    assert_int_equal(permissions(), 1);

    world_wait(&world, 600000);
    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:2"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4001 peer=8.8.8.8:1"), 0);
    assert_int_equal(channels(), 2);
}

static void many_channels(void **state)
{
    struct turn_settings *settings = world_settings();
    char line[64];
    (void)state;
    settings->max_channels = 100;
    start(settings, "transport=17");
    for (unsigned i = 0; i <= 100; i++) {
        /* Numbers with equal low bits, to make chains. */
        snprintf(line, sizeof(line), "channel=%x peer=8.8.8.%u:%u", 0x4000 + i * 16, i % 10, i + 1);
        assert_int_equal(ask(&client, STUN_CHANNEL_BIND, line), i < 100 ? 0 : 508);
    }
    assert_int_equal(channels(), 100);
    assert_int_equal(permissions(), 10);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(send_channel(&client, (uint16_t)(0x4000 + i * 16), "x"), DROP_NONE);
        assert_int_equal(world_last(&world)->peer.port, i + 1);
        assert_int_equal(
            send_channel(&client, (uint16_t)(0x4001 + i * 16), "x"), DROP_TURN_NO_CHANNEL);
    }
    world_wait(&world, 601000);
    assert_int_equal(channels(), 0);
    assert_int_equal(permissions(), 0);
    assert_int_equal(kept_permissions(), 0);
}

/* Sweeps may come a second late, which must not be seen. */
static void what_is_over_makes_room_at_once(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->max_permissions = settings->max_channels = 2;
    start(settings, "transport=17");
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.1:1"), 0);
    world_wait(&world, 500);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.2:1"), 0);
    world_wait(&world, 299500); /* the first is swept */
    world_wait(&world, 600);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.9.1:1 peer=8.8.9.2:1"), 0);
    world_wait(&world, 302000);

    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.1:1"), 0);
    world_wait(&world, 500);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.2:1"), 0);
    world_wait(&world, 299500); /* the first is swept */
    world_wait(&world, 600);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.9.1:1"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4001 peer=8.8.9.2:1"), 0);
    world_wait(&world, 500);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4001 peer=8.8.9.2:1"), 0);
    world_wait(&world, 599500);
    world_wait(&world, 600);
    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4001 peer=8.8.9.3:1"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4002 peer=8.8.9.2:1"), 0);
}

static void short_channels(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->channel_s = 10;
    start(settings, "transport=17");
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:1"), 0);
    world_wait(&world, 10000);
    assert_int_equal(channels(), 0);
    assert_int_equal(permissions(), 1);
}

static void w33_numbers_of_rfc5766_when_allowed(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->rfc5766_channels = true;
    start(settings, "transport=17");
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=7fff peer=8.8.8.8:1"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=5000 peer=8.8.8.8:2"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=3fff peer=8.8.8.8:3"), 400);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=8000 peer=8.8.8.8:3"), 400);
    assert_int_equal(send_channel(&client, 0x7fff, "x"), DROP_NONE);
    assert_int_equal(world_last(&world)->peer.port, 1);
}

/* --- the policy changes --- */

static void set_policy(const char *allowed, const char *denied)
{
    struct turn_settings *settings = world_settings();
    policy_free(settings->policy);
    settings->policy = world_policy(allowed, denied);
    world_set_settings(&world, settings);
}

static void a_new_policy_ends_permissions(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4000 peer=8.8.8.8:1"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4001 peer=8.8.8.8:2"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "channel=4002 peer=9.9.9.9:1"), 0);
    set_policy(NULL, "8.8.8.0/24");
    assert_int_equal(channels(), 1);
    assert_int_equal(permissions(), 1);
    assert_false(reaches("8.8.8.8:1"));
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_TURN_NO_CHANNEL);
    assert_int_equal(send_channel(&client, 0x4002, "x"), DROP_NONE);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 403);
}

static void ports_are_judged_packet_by_packet(void **state)
{
    struct address redis = world_address("30.0.0.9:6379");
    (void)state;
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=30.0.0.9:1"), 0);
    assert_true(reaches("30.0.0.9:6378"));
    assert_false(reaches("30.0.0.9:6379"));
    assert_int_equal(world.drop, DROP_TURN_PEER_PORT);
    assert_int_equal(world_from_peer(&world, world_relay(&world, 0), &redis, bytes_of("y", 1), 0),
        DROP_TURN_PEER_PORT);
    set_policy("30.0.0.0/8", NULL);
    assert_false(reaches("30.0.0.9:6379"));
}

static void a_new_policy_judges_ports(void **state)
{
    (void)state;
    set_policy("20.0.0.0/24", NULL);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=20.0.0.5:1"), 0);
    assert_true(reaches("20.0.0.5:7"));
    set_policy(NULL, NULL);
    assert_false(reaches("20.0.0.5:7"));
    assert_int_equal(world.drop, DROP_TURN_PEER_PORT);
    set_policy("20.0.0.0/24", NULL);
    assert_true(reaches("20.0.0.5:7"));
}

/* An attribute that somebody put behind the signature of either kind. */
static void w39_peers_behind_the_integrity(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        client.sha256 = kind == 1;
        assert_int_equal(
            ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 sign peer=9.9.9.9:1"), 0);
        assert_int_equal(
            ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 sign peer=10.0.0.1:1"), 0);
        assert_int_equal(permissions(), 1);
        assert_int_equal(ask(&client, STUN_REFRESH, "sign lifetime=0 raw=0033:"), 0);
        assert_int_equal(reply_u32(&client, STUN_LIFETIME), 600);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_and_grants),
        cmocka_unit_test_setup_teardown(a_family_that_is_not_relayed, start_dual, stop),
        cmocka_unit_test_setup_teardown(w32_all_or_nothing, start_plain, stop),
        cmocka_unit_test_teardown(too_many_permissions, stop),
        cmocka_unit_test_setup_teardown(w35_permissions_last_300_s, start_plain, stop),
        cmocka_unit_test_setup_teardown(w35_nothing_but_requests_renews, start_plain, stop),
        cmocka_unit_test_setup_teardown(w36_a_bind_at_590_s_keeps_both, start_plain, stop),
        cmocka_unit_test_setup_teardown(w33_one_channel_one_peer, start_plain, stop),
        cmocka_unit_test_teardown(many_channels, stop),
        cmocka_unit_test_teardown(what_is_over_makes_room_at_once, stop),
        cmocka_unit_test_teardown(short_channels, stop),
        cmocka_unit_test_setup_teardown(a_new_policy_judges_ports, start_plain, stop),
        cmocka_unit_test_setup_teardown(w39_peers_behind_the_integrity, start_plain, stop),
        cmocka_unit_test_teardown(w33_numbers_of_rfc5766_when_allowed, stop),
        cmocka_unit_test_setup_teardown(a_new_policy_ends_permissions, start_plain, stop),
        cmocka_unit_test_setup_teardown(ports_are_judged_packet_by_packet, start_plain, stop),
    };
    return cmocka_run_group_tests_name("turn permission", tests, NULL, NULL);
}
