/* SPDX-License-Identifier: Apache-2.0 */
/* Refresh (RFC 8656, section 8.2), lifetimes, and what ends an allocation. */
#include <setjmp.h>
#include <stdarg.h>
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

static void start(struct turn_settings *settings, enum turn_transport transport, const char *line)
{
    world_start(&world, settings);
    client_start(&client, &world, transport, "20.0.0.77:1000");
    assert_int_equal(ask(&client, STUN_ALLOCATE, line), 0);
}

static int start_plain(void **state)
{
    (void)state;
    start(NULL, TURN_UDP, "transport=17");
    return 0;
}

static int start_dual(void **state)
{
    (void)state;
    start(NULL, TURN_UDP, "transport=17 additional=2");
    return 0;
}

static uint64_t counted(const struct counter *counter)
{
    return counter_get(counter);
}

/* --- */

static const struct {
    const char *line;
    unsigned code;
    uint32_t granted_s;
} cases[] = {
    {"", 0, 600},
    {"lifetime=1", 0, 600},
    {"lifetime=601", 0, 601},
    {"lifetime=7200", 0, 3600},
    {"lifetime=4294967295", 0, 3600},
    {"lifetime=0", 0, 0},
    {"family=1", 0, 600},
    {"family=1 lifetime=0", 0, 0},
    {"family=2", 443, 0},
    {"family=2 lifetime=0", 443, 0},
    {"family=3", 443, 0},
    {"raw=0017:01", 400, 0},
    {"raw=000d:00", 400, 0},
    {"raw=0033:", 420, 0},
    {"ticket=", 400, 0},
    {"sign lifetime=0", 0, 600},
};

static void w27_refreshes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        start(NULL, TURN_UDP, "transport=17");
        world_wait(&world, 500000);
        client_challenge(&client);
        assert_int_equal(ask(&client, STUN_REFRESH, cases[i].line), cases[i].code);
        assert_true(client.reply_is_signed);
        uint64_t left_ms = cases[i].code == 0 ? cases[i].granted_s * 1000ull : 100000;
        if (cases[i].code == 0)
            assert_int_equal(reply_u32(&client, STUN_LIFETIME), cases[i].granted_s);
        if (left_ms > 0) {
            world_wait(&world, left_ms - 1);
            assert_int_equal(turn_allocation_count(world.server), 1);
            world_wait(&world, 1);
        }
        assert_int_equal(turn_allocation_count(world.server), 0);
        assert_true(world_stop(&world));
    }
}

static void w28_ends_it(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0"), 0);
    assert_int_equal(world.last_end, TURN_END_DELETED);
    assert_int_equal(world.relay_count, 0);
    assert_int_equal(world.quotas, 0);
    assert_int_equal(world.paths, 0);
    client.repeat = true;
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0"), 437);
    assert_true(client.reply_is_signed);
    assert_int_equal(counted(&turn_server_counters(world.server)->allocations), 0);
    assert_int_equal(counted(&turn_server_counters(world.server)->allocations_expired), 0);
}

static void w29_another_user(void **state)
{
    (void)state;
    client.user = "bob";
    client.password = "builder";
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0"), 441);
    assert_true(client.reply_is_signed);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 441);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:1 channel=4000"), 441);
    assert_int_equal(turn_allocation_count(world.server), 1);
}

static void w31_without_allocation(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0"), 0);
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 437);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 437);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:1 channel=4000"), 437);
    assert_int_equal(ask(&client, STUN_CONNECT, "peer=8.8.8.8:1"), 437);
    assert_true(client.reply_is_signed);
}

/* --- two families --- */

static void a_refresh_of_both(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=3600"), 0);
    world_wait(&world, 3599999);
    assert_int_equal(world.relay_count, 2);
    world_wait(&world, 1);
    assert_int_equal(world.relay_count, 0);
    assert_int_equal(counted(&turn_server_counters(world.server)->allocations_expired), 1);
}

static void a_refresh_of_one(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=3600 family=2"), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1 peer=[2600::1]:1"), 0);
    world_wait(&world, 599999);
    assert_int_equal(world.relay_count, 2);
    world_wait(&world, 1);
    assert_int_equal(world.relay_count, 1);
    assert_int_equal(world_relay(&world, 0)->relayed.family, ADDRESS_IP6);
    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 443);
    assert_int_equal(ask(&client, STUN_REFRESH, "family=1"), 443);
    assert_int_equal(turn_allocation_count(world.server), 1);
    world_wait(&world, 3000000);
    assert_int_equal(turn_allocation_count(world.server), 0);
}

static void the_end_of_one(void **state)
{
    const struct turn_counters *counters = turn_server_counters(world.server);
    (void)state;
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=8.8.8.8:1 channel=4000"), 0);
    assert_int_equal(ask(&client, STUN_CHANNEL_BIND, "peer=[2600::1]:1 channel=4001"), 0);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0 family=1"), 0);
    assert_int_equal(reply_u32(&client, STUN_LIFETIME), 0);
    assert_int_equal(world.relay_count, 1);
    assert_int_equal(counted(&counters->permissions), 1);
    assert_int_equal(counted(&counters->channels), 1);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_TURN_NO_CHANNEL);
    assert_int_equal(send_channel(&client, 0x4001, "x"), DROP_NONE);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0 family=2"), 0);
    assert_int_equal(turn_allocation_count(world.server), 0);
}

/* --- credentials with an end --- */

/* The name is END:USER, the password the HMAC of it, made here by the server's own library. */
static void as_temporary_user(uint32_t lasts_s)
{
    static struct rest_credentials credentials;
    static char username[64], password[REST_PASSWORD_SIZE + 1];
    assert_true(rest_issue(
        text_from("carol"), ':', world.unix_s + lasts_s, text_from("sesame"), &credentials));
    memcpy(username, credentials.username, credentials.username_len);
    username[credentials.username_len] = '\0';
    memcpy(password, credentials.password, REST_PASSWORD_SIZE);
    client.user = username;
    client.password = password;
}

static void start_temporary(bool strict, uint32_t lasts_s, enum turn_transport transport)
{
    struct turn_settings *settings = world_settings();
    settings->strict_expiry = strict;
    world_start(&world, settings);
    client_start(&client, &world, transport, "20.0.0.77:1000");
    as_temporary_user(lasts_s);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 lifetime=3600"), 0);
}

static void expired_credentials_may_go_on(void **state)
{
    (void)state;
    start_temporary(false, 100, TURN_UDP);
    assert_int_equal(reply_u32(&client, STUN_LIFETIME), 3600);
    world_wait(&world, 200000);
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 0);
    assert_int_equal(reply_u32(&client, STUN_LIFETIME), 600);
}

static void strict_expiry_ends_the_allocation(void **state)
{
    static const uint32_t lasts_s[] = {1, 100, 599, 601};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lasts_s); i++) {
        start_temporary(true, lasts_s[i], TURN_TLS);
        assert_int_equal(reply_u32(&client, STUN_LIFETIME), lasts_s[i]);
        assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=3600"), 0);
        assert_int_equal(reply_u32(&client, STUN_LIFETIME), lasts_s[i]);
        world_wait(&world, lasts_s[i] * 1000ull - 1);
        assert_int_equal(turn_allocation_count(world.server), 1);
        world_wait(&world, 1);
        assert_int_equal(turn_allocation_count(world.server), 0);
        assert_int_equal(counted(&turn_server_counters(world.server)->allocations_killed), 1);
        assert_int_equal(world.last_end, TURN_END_CREDENTIALS);
        assert_int_equal(world.closed_paths, 1);
        assert_true(world_stop(&world));
    }
}

static void strict_expiry_does_not_prolong(void **state)
{
    (void)state;
    start_temporary(true, 5000, TURN_UDP);
    assert_int_equal(reply_u32(&client, STUN_LIFETIME), 3600);
    world_wait(&world, 3600000);
    assert_int_equal(counted(&turn_server_counters(world.server)->allocations_expired), 1);
    assert_int_equal(world.last_end, TURN_END_EXPIRED);
}

static void strict_expiry_may_come_later(void **state)
{
    (void)state;
    start_temporary(false, 100, TURN_UDP);
    struct turn_settings *settings = world_settings();
    settings->strict_expiry = true;
    world_set_settings(&world, settings);
    world_wait(&world, 99999);
    assert_int_equal(turn_allocation_count(world.server), 1);
    world_wait(&world, 1);
    assert_int_equal(turn_allocation_count(world.server), 0);
}

static void a_wall_clock_that_steps(void **state)
{
    (void)state;
    start_temporary(true, 1000, TURN_UDP);
    world_wait(&world, 10000);
    turn_tick(world.server, world.now_ms, world.unix_s + 985);
    timers_run(&world.timers, world.now_ms + 4999);
    assert_int_equal(turn_allocation_count(world.server), 1);
    timers_run(&world.timers, world.now_ms + 5000);
    assert_int_equal(turn_allocation_count(world.server), 0);
}

/* The request comes before the timer does. */
static void a_refresh_after_the_end_of_credentials(void **state)
{
    (void)state;
    start_temporary(true, 1000, TURN_UDP);
    world.unix_s += 1001;
    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=600"), 0);
    assert_int_equal(reply_u32(&client, STUN_LIFETIME), 0);
    assert_int_equal(turn_allocation_count(world.server), 0);
}

/* --- nonces --- */

static void w12_a_stale_nonce_ends_nothing(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=3600"), 0);
    world_wait(&world, 601000);
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 438);
    assert_true(reply_has(&client, STUN_NONCE));
    assert_true(reply_has(&client, STUN_REALM));
    assert_false(client.reply_is_signed);
    assert_int_equal(turn_allocation_count(world.server), 1);
    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w27_refreshes),
        cmocka_unit_test_setup_teardown(w28_ends_it, start_plain, stop),
        cmocka_unit_test_setup_teardown(w29_another_user, start_plain, stop),
        cmocka_unit_test_setup_teardown(w31_without_allocation, start_plain, stop),
        cmocka_unit_test_setup_teardown(a_refresh_of_both, start_dual, stop),
        cmocka_unit_test_setup_teardown(a_refresh_of_one, start_dual, stop),
        cmocka_unit_test_setup_teardown(the_end_of_one, start_dual, stop),
        cmocka_unit_test_teardown(expired_credentials_may_go_on, stop),
        cmocka_unit_test(strict_expiry_ends_the_allocation),
        cmocka_unit_test_teardown(strict_expiry_does_not_prolong, stop),
        cmocka_unit_test_teardown(strict_expiry_may_come_later, stop),
        cmocka_unit_test_teardown(a_wall_clock_that_steps, stop),
        cmocka_unit_test_teardown(a_refresh_after_the_end_of_credentials, stop),
        cmocka_unit_test_setup_teardown(w12_a_stale_nonce_ends_nothing, start_plain, stop),
    };
    return cmocka_run_group_tests_name("turn refresh", tests, NULL, NULL);
}
