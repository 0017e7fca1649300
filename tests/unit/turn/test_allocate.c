/* SPDX-License-Identifier: Apache-2.0 */
/* Allocate (RFC 8656, section 7.2): what is refused, what is granted, what the answer says. */
#include <errno.h>
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

static void start(struct turn_settings *settings)
{
    world_start(&world, settings);
    client_start(&client, &world, TURN_UDP, "20.0.0.77:1000");
}

static int start_plain(void **state)
{
    (void)state;
    start(NULL);
    return 0;
}

/* --- what is refused, and with what --- */

enum { NO_IP4 = 1, NO_IP6 = 2, NO_TCP = 4, NO_UDP = 8, NO_MOBILITY = 16 };

static const struct {
    const char *name;
    unsigned settings;
    enum turn_transport transport;
    const char *line;
    unsigned code;
} cases[] = {
    {"udp", 0, TURN_UDP, "transport=17", 0},
    {"udp over tcp", 0, TURN_TCP, "transport=17", 0},
    {"udp over tls", 0, TURN_TLS, "transport=17", 0},
    {"udp over dtls", 0, TURN_DTLS, "transport=17", 0},
    {"w17 without REQUESTED-TRANSPORT", 0, TURN_UDP, "", 400},
    {"w17 short REQUESTED-TRANSPORT", 0, TURN_UDP, "raw=0019:11", 400},
    {"w18 tcp over udp", 0, TURN_UDP, "transport=6", 400},
    {"w18 tcp over dtls", 0, TURN_DTLS, "transport=6", 400},
    {"tcp over tcp", 0, TURN_TCP, "transport=6", 0},
    {"tcp over tls", 0, TURN_TLS, "transport=6", 0},
    {"w19 unknown protocol", 0, TURN_UDP, "transport=99", 442},
    {"w19 tcp off", NO_TCP, TURN_TCP, "transport=6", 442},
    {"w19 udp off", NO_UDP, TURN_UDP, "transport=17", 442},
    {"w20 unknown family", 0, TURN_UDP, "transport=17 family=3", 440},
    {"family of a wrong length", 0, TURN_UDP, "transport=17 raw=0017:01", 400},
    {"family IPv4", 0, TURN_UDP, "transport=17 family=1", 0},
    {"family IPv6", 0, TURN_UDP, "transport=17 family=2", 0},
    {"w21 IPv6 off", NO_IP6, TURN_UDP, "transport=17 family=2", 440},
    {"w21 IPv4 off", NO_IP4, TURN_UDP, "transport=17", 440},
    {"w22 token and even", 0, TURN_UDP, "transport=17 token=c3510100000000aa even=80", 400},
    {"w22 token and family", 0, TURN_UDP, "transport=17 token=c3510100000000aa family=1", 400},
    {"w22 token and family 2", 0, TURN_UDP, "transport=17 token=c3510100000000aa additional=2",
        400},
    {"short token", 0, TURN_UDP, "transport=17 token=c351", 400},
    {"w23 unknown token", 0, TURN_UDP, "transport=17 token=c3510100000000aa", 508},
    {"even", 0, TURN_UDP, "transport=17 even=00", 0},
    {"even, empty", 0, TURN_UDP, "transport=17 even=", 400},
    {"even, long", 0, TURN_UDP, "transport=17 even=8000", 400},
    {"w26 both families", 0, TURN_UDP, "transport=17 family=1 additional=2", 400},
    {"w26 additional IPv4", 0, TURN_UDP, "transport=17 additional=1", 400},
    {"w26 additional unknown", 0, TURN_UDP, "transport=17 additional=3", 400},
    {"w26 additional, reserve", 0, TURN_UDP, "transport=17 additional=2 even=80", 400},
    {"additional, even", 0, TURN_UDP, "transport=17 additional=2 even=00", 0},
    {"additional", 0, TURN_UDP, "transport=17 additional=2", 0},
    {"additional, both off", NO_IP4 | NO_IP6, TURN_UDP, "transport=17 additional=2", 440},
    {"don't fragment", 0, TURN_UDP, "transport=17 df", 0},
    {"tcp, don't fragment", 0, TURN_TCP, "transport=6 df", 400},
    {"tcp, even", 0, TURN_TCP, "transport=6 even=00", 400},
    {"tcp, token", 0, TURN_TCP, "transport=6 token=c3510100000000aa", 400},
    {"short LIFETIME", 0, TURN_UDP, "transport=17 raw=000d:0258", 400},
    {"mobile", 0, TURN_UDP, "transport=17 ticket=", 0},
    {"mobile, with a ticket", 0, TURN_UDP, "transport=17 ticket=00", 400},
    {"mobility off", NO_MOBILITY, TURN_UDP, "transport=17 ticket=", 405},
    {"unknown, required", 0, TURN_UDP, "transport=17 raw=0033:00", 420},
    {"unknown, optional", 0, TURN_UDP, "transport=17 raw=8033:00", 0},
    {"known, out of place", 0, TURN_UDP, "transport=17 channel=4000 raw=0020:00", 0},
    {"the first one counts", 0, TURN_UDP, "transport=17 transport=99", 0},
    {"w39 behind the integrity", 0, TURN_UDP, "transport=17 sign family=3 raw=0033:00", 0},
    {"w39 missing before it", 0, TURN_UDP, "sign transport=17", 400},
};

static void refuses_and_grants(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct turn_settings *settings = world_settings();
        settings->relay_ip4 = (cases[i].settings & NO_IP4) == 0;
        settings->relay_ip6 = (cases[i].settings & NO_IP6) == 0;
        settings->tcp_relay = (cases[i].settings & NO_TCP) == 0;
        settings->udp_relay = (cases[i].settings & NO_UDP) == 0;
        settings->mobility = (cases[i].settings & NO_MOBILITY) == 0;
        world_start(&world, settings);
        client_start(&client, &world, cases[i].transport, "20.0.0.77:1000");

        unsigned code = ask(&client, STUN_ALLOCATE, cases[i].line);
        if (code != cases[i].code)
            print_message("# %s: %u\n", cases[i].name, code);
        assert_int_equal(code, cases[i].code);
        assert_true(client.reply_is_signed);
        assert_int_equal(turn_allocation_count(world.server), code == 0 ? 1 : 0);
        assert_int_equal(world.quotas, code == 0 ? 1 : 0);
        assert_int_equal(world.made, code == 0 ? 1 : 0);
        assert_int_equal(world.refused, code == 0 ? 0 : 1);
        assert_true(world_stop(&world));
    }
}

static void names_unknown_attributes(void **state)
{
    struct bytes list;
    (void)state;
    assert_int_equal(
        ask(&client, STUN_ALLOCATE, "transport=17 raw=0033: raw=8033: raw=0034:00 raw=0033:"), 420);
    assert_true(stun_find(&client.reply, STUN_UNKNOWN_ATTRIBUTES, &list));
    assert_int_equal(list.len, 4);
    assert_memory_equal(list.data, "\x00\x33\x00\x34", 4);
}

/* --- lifetimes --- */

static const struct {
    const char *line;
    uint32_t granted_s;
} lifetimes[] = {
    {"transport=17", 600},
    {"transport=17 lifetime=0", 600},
    {"transport=17 lifetime=1", 600},
    {"transport=17 lifetime=599", 600},
    {"transport=17 lifetime=601", 601},
    {"transport=17 lifetime=3600", 3600},
    {"transport=17 lifetime=7200", 3600},
    {"transport=17 lifetime=4294967295", 3600},
    {"transport=17 sign lifetime=900", 600},
};

static void w27_clamps_lifetimes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lifetimes); i++) {
        start(NULL);
        assert_int_equal(ask(&client, STUN_ALLOCATE, lifetimes[i].line), 0);
        assert_int_equal(reply_u32(&client, STUN_LIFETIME), lifetimes[i].granted_s);

        world_wait(&world, lifetimes[i].granted_s * 1000ull - 1);
        assert_int_equal(turn_allocation_count(world.server), 1);
        world_wait(&world, 1);
        assert_int_equal(turn_allocation_count(world.server), 0);
        assert_int_equal(counter_get(&turn_server_counters(world.server)->allocations_expired), 1);
        assert_true(world_stop(&world));
    }
}

/* --- the answer --- */

static void answers_with_addresses(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    struct address relayed = reply_address(&client, STUN_XOR_RELAYED_ADDRESS);
    struct address mapped = reply_address(&client, STUN_XOR_MAPPED_ADDRESS);
    assert_true(address_equal(&relayed, &world_relay(&world, 0)->relayed));
    assert_true(address_equal(&mapped, &client.path.client));
    assert_false(reply_has(&client, STUN_RESERVATION_TOKEN));
    assert_false(reply_has(&client, STUN_ADDRESS_ERROR_CODE));
    assert_false(reply_has(&client, STUN_SOFTWARE));
    assert_false(reply_has(&client, STUN_MOBILITY_TICKET));
    assert_false(reply_has(&client, STUN_FINGERPRINT));
}

static void answers_like_the_request(void **state)
{
    (void)state;
    client.fingerprint = true;
    client.sha256 = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_true(client.reply_is_signed);
    assert_false(reply_has(&client, STUN_MESSAGE_INTEGRITY));
    assert_int_equal(ask(&client, STUN_REFRESH, "raw=0033:"), 420);
    assert_true(client.reply_is_signed);
}

static void names_its_software_to_users_only(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->software = strdup("mediaferry");
    start(settings);
    assert_false(reply_has(&client, STUN_SOFTWARE));
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_true(reply_has(&client, STUN_SOFTWARE));
}

static void relays_in_the_family_of_the_settings(void **state)
{
    static const struct {
        enum address_family setting;
        const char *client;
        enum address_family relayed;
    } families[] = {
        {ADDRESS_IP4, "20.0.0.77:1000", ADDRESS_IP4},
        {ADDRESS_IP4, "[2600:7::7]:1000", ADDRESS_IP4},
        {ADDRESS_IP6, "20.0.0.77:1000", ADDRESS_IP6},
        {ADDRESS_NONE, "20.0.0.77:1000", ADDRESS_IP4},
        {ADDRESS_NONE, "[2600:7::7]:1000", ADDRESS_IP6},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        struct turn_settings *settings = world_settings();
        settings->default_family = families[i].setting;
        world_start(&world, settings);
        client_start(&client, &world, TURN_UDP, families[i].client);
        assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
        assert_int_equal(
            reply_address(&client, STUN_XOR_RELAYED_ADDRESS).family, families[i].relayed);
        assert_true(world_stop(&world));
    }
}

/* --- once more --- */

static void w30_repeats_its_answer(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 even=80"), 0);
    uint8_t first[PACKET_DATA_MAX];
    size_t len = client.reply_len;
    memcpy(first, client.reply_bytes, len);

    client.repeat = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 even=80"), 0);
    assert_int_equal(client.reply_len, len);
    assert_memory_equal(client.reply_bytes, first, len);

    world_wait(&world, 39500);
    client.repeat = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 even=80"), 0);
    assert_int_equal(reply_u32(&client, STUN_LIFETIME), 561);
    assert_int_equal(turn_allocation_count(world.server), 1);
    assert_int_equal(world.relay_count, 1);
}

static void w30_one_allocation_for_a_5_tuple(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 437);
    assert_true(client.reply_is_signed);

    client.user = "bob";
    client.password = "builder";
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 437);
    assert_true(client.reply_is_signed);
    client.repeat = true;
    client.ids -= 1;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 437);
}

static void w30_a_repetition_by_another_user_is_not_his(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    client.user = "bob";
    client.password = "builder";
    client.repeat = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 441);
}

/* The other parts of the 5-tuple tell allocations apart. */
static void other_5_tuples_are_others(void **state)
{
    static struct client others[3];
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        client_start(&others[i], &world, i == 0 ? TURN_TCP : TURN_UDP,
            i == 1 ? "20.0.0.77:1001" : "20.0.0.77:1000");
    others[2].path.server.port = 80;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(ask(&others[i], STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(turn_allocation_count(world.server), 4);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_int_equal(ask(&others[i], STUN_REFRESH, "lifetime=0"), 0);
        assert_int_equal(ask(&client, STUN_REFRESH, ""), 0);
    }
    assert_int_equal(turn_allocation_count(world.server), 1);
}

/* An answer that could not be sent is sent when the client asks again. */
static void survives_a_lack_of_packets(void **state)
{
    (void)state;
    world.packet_limit = 0;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), ASK_SILENCE);
    world.packet_limit = SIZE_MAX;
    client.repeat = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(turn_allocation_count(world.server), 1);
}

/* --- ports --- */

static void w24_even_ports(void **state)
{
    static struct client others[4];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        char address[32];
        snprintf(address, sizeof(address), "20.0.0.77:%zu", 2000 + i);
        client_start(&others[i], &world, TURN_UDP, address);
        assert_int_equal(ask(&others[i], STUN_ALLOCATE, "transport=17 even=00"), 0);
        assert_false(reply_has(&others[i], STUN_RESERVATION_TOKEN));
        assert_int_equal(reply_address(&others[i], STUN_XOR_RELAYED_ADDRESS).port % 2, 0);
    }
    assert_int_equal(world.reserved_port, 0);
}

static void w25_reserves_the_next_port(void **state)
{
    static struct client second;
    struct bytes token;
    char line[64] = "transport=17 token=";
    (void)state;

    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 even=80"), 0);
    struct address first = reply_address(&client, STUN_XOR_RELAYED_ADDRESS);
    assert_true(stun_find(&client.reply, STUN_RESERVATION_TOKEN, &token));
    assert_int_equal(token.len, 8);
    for (size_t i = 0; i < token.len; i++)
        snprintf(line + strlen(line), 3, "%02x", token.data[i]);

    client_start(&second, &world, TURN_UDP, "20.0.0.77:1001");
    assert_int_equal(ask(&second, STUN_ALLOCATE, line), 0);
    assert_int_equal(reply_address(&second, STUN_XOR_RELAYED_ADDRESS).port, first.port + 1);
    assert_false(reply_has(&second, STUN_RESERVATION_TOKEN));
}

/* The token knows the family, and the settings may have changed since. */
static void w25_a_token_of_any_family(void **state)
{
    static struct client second;
    struct turn_settings *settings = world_settings();
    struct bytes token;
    char line[64] = "transport=17 token=";
    (void)state;
    settings->relay_ip4 = false;
    start(settings);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 even=80 family=2"), 0);
    assert_true(stun_find(&client.reply, STUN_RESERVATION_TOKEN, &token));
    for (size_t i = 0; i < token.len; i++)
        snprintf(line + strlen(line), 3, "%02x", token.data[i]);
    client_start(&second, &world, TURN_UDP, "20.0.0.77:1001");
    assert_int_equal(ask(&second, STUN_ALLOCATE, line), 0);
    assert_int_equal(reply_address(&second, STUN_XOR_RELAYED_ADDRESS).family, ADDRESS_IP6);
}

static void w26_two_families(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 additional=2"), 0);
    assert_int_equal(world.relay_count, 2);
    assert_int_equal(world_relay(&world, 0)->relayed.family, ADDRESS_IP4);
    assert_int_equal(world_relay(&world, 1)->relayed.family, ADDRESS_IP6);
    assert_false(reply_has(&client, STUN_ADDRESS_ERROR_CODE));

    struct reader walk = reader_over(client.reply.attrs);
    struct stun_attr attr;
    size_t found = 0;
    while (stun_next_attr(&walk, &attr)) {
        struct address relayed;
        if (attr.type != STUN_XOR_RELAYED_ADDRESS)
            continue;
        assert_true(stun_read_xor_address(&client.reply, attr.value, &relayed));
        assert_true(address_equal(&relayed, &world_relay(&world, found++)->relayed));
    }
    assert_int_equal(found, 2);
}

static const struct {
    int ip4_error, ip6_error;
    unsigned code;
    uint32_t told; /* ADDRESS-ERROR-CODE */
} half[] = {
    {0, -EADDRINUSE, 0, 0x02000508},
    {0, -EAFNOSUPPORT, 0, 0x02000428},
    {-EADDRINUSE, 0, 0, 0x01000508},
    {-EAFNOSUPPORT, 0, 0, 0x01000428},
    {-EADDRINUSE, -EADDRINUSE, 508, 0},
    {-EAFNOSUPPORT, -EAFNOSUPPORT, 440, 0},
};

static void w26_one_family_of_two(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(half); i++) {
        start(NULL);
        world.open_error[ADDRESS_IP4] = half[i].ip4_error;
        world.open_error[ADDRESS_IP6] = half[i].ip6_error;
        for (int time = 0; time < 2; time++) {
            client.repeat = time == 1 && half[i].code == 0;
            assert_int_equal(
                ask(&client, STUN_ALLOCATE, "transport=17 additional=2"), half[i].code);
            if (half[i].code == 0)
                assert_int_equal(reply_u32(&client, STUN_ADDRESS_ERROR_CODE), half[i].told);
        }
        assert_int_equal(world.relay_count, half[i].code == 0 ? 1 : 0);
        assert_true(world_stop(&world));
    }
}

/* --- limits --- */

static void w45_quota(void **state)
{
    static struct client second;
    (void)state;
    world.quota_limit = 1;
    client_start(&second, &world, TURN_UDP, "20.0.0.77:1001");
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&second, STUN_ALLOCATE, "transport=17"), 486);
    assert_int_equal(counter_get(&turn_server_counters(world.server)->quota_refused), 1);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0"), 0);
    assert_int_equal(ask(&second, STUN_ALLOCATE, "transport=17"), 0);
}

static void w45_ports_used_up(void **state)
{
    static struct client second;
    (void)state;
    world.relay_limit = 1;
    client_start(&second, &world, TURN_UDP, "20.0.0.77:1001");
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&second, STUN_ALLOCATE, "transport=17"), 508);
    assert_int_equal(world.quotas, 1);
    assert_int_equal(ask(&client, STUN_REFRESH, "lifetime=0"), 0);
    assert_int_equal(ask(&second, STUN_ALLOCATE, "transport=17"), 0);
}

static void allocations_of_a_worker_are_limited(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        client.path.client.port = (uint16_t)(2000 + i);
        client_challenge(&client);
        assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    }
    client.path.client.port = 1000;
    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 508);
    assert_int_equal(counter_get(&turn_server_counters(world.server)->capacity_refused), 1);
}

/* --- another server --- */

static struct address alternate(void)
{
    struct bytes value;
    struct address a = {.family = ADDRESS_NONE};
    if (stun_find(&client.reply, STUN_ALTERNATE_SERVER, &value))
        assert_true(stun_read_address(value, &a));
    return a;
}

static void w46_draining_refuses_new_ones_only(void **state)
{
    static struct client second;
    (void)state;
    client_start(&second, &world, TURN_UDP, "20.0.0.77:1001");
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    struct turn_settings *settings = world_settings();
    settings->draining = true;
    world_set_settings(&world, settings);

    assert_int_equal(ask(&second, STUN_ALLOCATE, "transport=17"), 403);
    client.repeat = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
}

static void w46_redirects_in_turn(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->draining = true;
    settings->alternates[0] = world_address("20.0.0.9:3478"); /* this one */
    settings->alternates[1] = world_address("[2600:2::3]:3478");
    settings->alternates[2] = world_address("20.0.0.10:3478");
    settings->alternates[3] = world_address("20.0.0.11:3478");
    settings->alternate_count = 4;
    start(settings);

    uint16_t last = 0;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 300);
        assert_true(client.reply_is_signed);
        struct address a = alternate();
        assert_int_equal(a.family, ADDRESS_IP4);
        assert_true(a.ip[3] == 10 || a.ip[3] == 11);
        assert_int_not_equal(a.ip[3], last);
        last = a.ip[3];
    }
    assert_int_equal(counter_get(&turn_server_counters(world.server)->redirects), 6);

    client.nonce_len = 0;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 401);
    client_start(&client, &world, TURN_UDP, "[2600:7::7]:1000");
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 300);
    assert_int_equal(alternate().family, ADDRESS_IP6);
}

static void balances_where_there_is_another(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->redirect_always = true;
    settings->alternates[0] = world_address("20.0.0.10:3478");
    settings->alternate_count = 1;
    start(settings);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 300);
    client_start(&client, &world, TURN_UDP, "[2600:7::7]:1000");
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_and_grants),
        cmocka_unit_test_setup_teardown(names_unknown_attributes, start_plain, stop),
        cmocka_unit_test(w27_clamps_lifetimes),
        cmocka_unit_test_setup_teardown(answers_with_addresses, start_plain, stop),
        cmocka_unit_test_setup_teardown(answers_like_the_request, start_plain, stop),
        cmocka_unit_test_teardown(names_its_software_to_users_only, stop),
        cmocka_unit_test(relays_in_the_family_of_the_settings),
        cmocka_unit_test_setup_teardown(w30_repeats_its_answer, start_plain, stop),
        cmocka_unit_test_setup_teardown(w30_one_allocation_for_a_5_tuple, start_plain, stop),
        cmocka_unit_test_setup_teardown(
            w30_a_repetition_by_another_user_is_not_his, start_plain, stop),
        cmocka_unit_test_setup_teardown(other_5_tuples_are_others, start_plain, stop),
        cmocka_unit_test_setup_teardown(survives_a_lack_of_packets, start_plain, stop),
        cmocka_unit_test_setup_teardown(w24_even_ports, start_plain, stop),
        cmocka_unit_test_setup_teardown(w25_reserves_the_next_port, start_plain, stop),
        cmocka_unit_test_teardown(w25_a_token_of_any_family, stop),
        cmocka_unit_test_setup_teardown(w26_two_families, start_plain, stop),
        cmocka_unit_test(w26_one_family_of_two),
        cmocka_unit_test_setup_teardown(w45_quota, start_plain, stop),
        cmocka_unit_test_setup_teardown(w45_ports_used_up, start_plain, stop),
        cmocka_unit_test_setup_teardown(allocations_of_a_worker_are_limited, start_plain, stop),
        cmocka_unit_test_setup_teardown(w46_draining_refuses_new_ones_only, start_plain, stop),
        cmocka_unit_test_teardown(w46_redirects_in_turn, stop),
        cmocka_unit_test_teardown(balances_where_there_is_another, stop),
    };
    return cmocka_run_group_tests_name("turn allocate", tests, NULL, NULL);
}
