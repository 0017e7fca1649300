/* SPDX-License-Identifier: Apache-2.0 */
/* Who is answered at all, with what proof, and by which worker (RFC 8489, sections 6.3 and 9.2). */
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

static uint64_t counted(const struct counter *counter)
{
    return counter_get(counter);
}

static const struct turn_counters *counters(void)
{
    return turn_server_counters(world.server);
}

/* --- challenges --- */

static const enum stun_method methods[] = {STUN_ALLOCATE, STUN_REFRESH, STUN_CREATE_PERMISSION,
    STUN_CHANNEL_BIND, STUN_CONNECT, STUN_CONNECTION_BIND};

static void w08_a_challenge(void **state)
{
    (void)state;
    client.nonce_len = 0;
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        assert_int_equal(ask(&client, methods[i], "transport=17 raw=0033:"), 401);
        assert_true(reply_has(&client, STUN_REALM));
        assert_true(reply_has(&client, STUN_NONCE));
        assert_true(reply_has(&client, STUN_PASSWORD_ALGORITHMS));
        assert_false(reply_has(&client, STUN_MESSAGE_INTEGRITY));
        assert_false(reply_has(&client, STUN_UNKNOWN_ATTRIBUTES));
        assert_in_range(client.reply_len, 20, 100);
    }
    client.fingerprint = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, ""), 401);
    assert_int_equal(counted(&counters()->challenges), 2 + COUNT_OF(methods));
    assert_int_equal(turn_allocation_count(world.server), 0);
}

static struct turn_settings *limited(uint32_t unauthorized_per_s, uint32_t binding_per_s)
{
    struct turn_settings *settings = world_settings();
    settings->unauthorized_per_s = unauthorized_per_s;
    settings->binding_per_s = binding_per_s;
    return settings;
}

static size_t answers_of(size_t count, enum stun_method method)
{
    size_t answers = 0;
    for (size_t i = 0; i < count; i++)
        answers += ask(&client, method, "") != ASK_SILENCE;
    return answers;
}

static void w08_challenges_are_limited(void **state)
{
    (void)state;
    start(limited(10, 0));
    client.nonce_len = 0;
    client.path.client = world_address("20.1.0.77:1000");
    assert_in_range(answers_of(100, STUN_ALLOCATE), 2, 20);
    assert_int_equal(world.drop, DROP_TURN_SOURCE_LIMIT);
    assert_in_range(counted(&counters()->challenges_limited), 80, 98);

    /* Another source, a stream, a DTLS session. */
    client.path.client = world_address("99.0.0.1:1000");
    assert_int_equal(answers_of(1, STUN_ALLOCATE), 1);
    client.path.client = world_address("20.1.0.77:1000");
    for (int transport = TURN_TCP; transport <= TURN_DTLS; transport++) {
        client.path.transport = (enum turn_transport)transport;
        assert_int_equal(answers_of(100, STUN_ALLOCATE), 100);
    }
}

/* Nonces and lengths that prove nothing are refused under the same limit. */
static void w10_refusals_are_limited_too(void **state)
{
    (void)state;
    start(limited(10, 0));
    client.nonce[20] ^= 1;
    assert_in_range(answers_of(100, STUN_ALLOCATE), 2, 20);
}

static void who_proves_himself_is_not_limited(void **state)
{
    (void)state;
    start(limited(10, 0));
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(answers_of(100, STUN_REFRESH), 100);
    /* Thousands of clients of one address, each with a challenge and its proof. */
    for (uint16_t port = 2000; port < 2300; port++) {
        client.path.client.port = port;
        client_challenge(&client);
        assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    }
}

/* A stale nonce of a client that has an allocation must not wait for the limit of others. */
static void who_has_an_allocation_gets_his_nonce(void **state)
{
    (void)state;
    start(limited(10, 0));
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17 lifetime=3600"), 0);
    world_wait(&world, 601000);
    size_t nonce_len = client.nonce_len;
    client.nonce_len = 0;
    (void)answers_of(100, STUN_ALLOCATE);
    assert_int_equal(ask(&client, STUN_REFRESH, ""), ASK_SILENCE);
    client.nonce_len = nonce_len;
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 438);
}

/* --- credentials --- */

static void w10_a_nonce_never_issued(void **state)
{
    char former[NONCE_MAX_SIZE];
    struct bytes fresh;
    (void)state;
    memcpy(former, client.nonce, sizeof(former));
    memcpy(client.nonce, "0123456789abcdef01234567", 24);
    client.nonce_len = 24;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 438);
    assert_true(reply_has(&client, STUN_REALM));
    assert_false(client.reply_is_signed);
    assert_true(stun_find(&client.reply, STUN_NONCE, &fresh));
    memcpy(client.nonce, fresh.data, fresh.len);
    client.nonce_len = fresh.len;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
}

static void w11_a_nonce_of_another_source(void **state)
{
    (void)state;
    client.path.client.port++;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 438);
    client.path.client.port--;
    client.path.client.ip[3]++;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 438);
    client.path.client.ip[3]--;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
}

static void w13_w14_w16_wrong_credentials(void **state)
{
    static const struct {
        const char *user, *password, *realm;
    } wrong[] = {
        {"alice", "wander", "example.org"},
        {"bob", "wonder", "example.org"},
        {"mallory", "wonder", "example.org"},
        {"alice", "wonder", "example.com"},
        {"1700000100:alice", "wonder", "example.org"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        client.user = wrong[i].user;
        client.password = wrong[i].password;
        client.realm = wrong[i].realm;
        assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 401);
        assert_false(client.reply_is_signed);
        assert_true(reply_has(&client, STUN_NONCE));
    }
    assert_int_equal(counted(&counters()->auth_failures), COUNT_OF(wrong));
    assert_int_equal(world.unproven, COUNT_OF(wrong));
    assert_int_equal(world.refused, 0);
    assert_int_equal(turn_allocation_count(world.server), 0);
}

static void w15_missing_attributes(void **state)
{
    static const char *const lines[] = {
        "transport=17 raw=0008:0000000000000000000000000000000000000000",
        "transport=17 raw=0006:616c696365 raw=0008:0000000000000000000000000000000000000000",
        "raw=001c:0000000000000000000000000000000000000000000000000000000000000000",
    };
    (void)state;
    client.nonce_len = 0;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_int_equal(ask(&client, STUN_ALLOCATE, lines[i]), 400);
        assert_false(reply_has(&client, STUN_NONCE));
        assert_false(reply_has(&client, STUN_MESSAGE_INTEGRITY));
    }
}

/* --- users come and go while an allocation lives --- */

static void rotation_spares_who_is_there(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    struct turn_settings *settings = world_settings();
    auth_unref(settings->auth);
    settings->auth = world_auth(false, NULL);
    world_set_settings(&world, settings);
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 0);
    assert_int_equal(ask(&client, STUN_CREATE_PERMISSION, "peer=8.8.8.8:1"), 0);
    client.path.client.port++;
    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 401);
}

static void users_are_looked_up(void **state)
{
    struct user_cache *cache = user_cache_new(10);
    struct turn_settings *settings = world_settings();
    (void)state;
    auth_unref(settings->auth);
    settings->auth = world_auth(true, cache);
    start(settings);

    client.user = "dave";
    client.password = "door";
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), ASK_LOOKUP);
    assert_string_equal(world.elsewhere.username, "dave");
    assert_string_equal(world.elsewhere.realm, "example.org");
    assert_int_equal(counted(&counters()->lookups), 1);
    assert_int_equal(turn_allocation_count(world.server), 0);
    world.not_final = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), ASK_NOT_FOUND);
    world.not_final = false;

    assert_true(user_cache_put(
        cache, text_from("example.org"), text_from("dave"), text_from("door"), world.unix_s + 60));
    client.repeat = true;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    user_cache_put_absent(cache, text_from("example.org"), text_from("eve"), world.unix_s + 60);
    client.user = "eve";
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 401);
    user_cache_unref(cache);
}

static void a_new_password_is_learned(void **state)
{
    struct user_cache *cache = user_cache_new(10);
    struct turn_settings *settings = world_settings();
    struct text realm = text_from("example.org"), dave = text_from("dave");
    (void)state;
    auth_unref(settings->auth);
    settings->auth = world_auth(true, cache);
    start(settings);
    assert_true(user_cache_put(cache, realm, dave, text_from("door"), world.unix_s + 60));
    client.user = "dave";
    client.password = "door";
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_true(user_cache_put(cache, realm, dave, text_from("window"), world.unix_s + 60));
    client.password = "window";
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 0);
    assert_true(client.reply_is_signed);
    user_cache_put_absent(cache, realm, dave, world.unix_s + 60);
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 0);
    client.password = "door";
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 401);
    user_cache_unref(cache);
}

static void the_revoked_leave(void **state)
{
    struct user_cache *cache = user_cache_new(10);
    struct turn_settings *settings = world_settings();
    (void)state;
    auth_unref(settings->auth);
    settings->auth = world_auth(true, cache);
    start(settings);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_true(user_cache_revoke(cache, text_from("example.org"), text_from("alice")));
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 401);

    settings = world_settings();
    auth_unref(settings->auth);
    settings->auth = world_auth(true, cache);
    world_set_settings(&world, settings);
    assert_int_equal(turn_allocation_count(world.server), 0);
    assert_int_equal(counted(&counters()->allocations_killed), 1);
    user_cache_unref(cache);
}

/* --- other workers --- */

static const char channel_data[] = {0x40, 0, 0, 1, 'x'};

static void only_who_is_there_may_be_elsewhere(void **state)
{
    struct bytes data = bytes_of(channel_data, sizeof(channel_data));
    (void)state;
    world.not_final = true;
    for (size_t i = 0; i < COUNT_OF(methods) - 1; i++)
        assert_int_equal(ask(&client, methods[i], "transport=17"), ASK_NOT_FOUND);
    client.password = "wander"; /* he may have been rotated away here */
    assert_int_equal(ask(&client, STUN_REFRESH, ""), ASK_NOT_FOUND);
    client.password = "wonder";
    client.nonce[20] ^= 1;
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 438);
    client.nonce[20] ^= 1;
    size_t nonce_len = client.nonce_len;
    client.nonce_len = 0;
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 401);
    client.nonce_len = nonce_len;

    assert_int_equal(world_from_client(&world, &client.path, data, 0), TURN_NOT_FOUND);
    send_indication(&client, "peer=8.8.8.8:1 data=x");
    assert_int_equal(world.verdict, TURN_NOT_FOUND);
    assert_int_equal(world.sent_count, 0);
    assert_int_equal(ask(&client, STUN_BINDING, ""), 0);

    world.not_final = false;
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 437);
    assert_int_equal(world_from_client(&world, &client.path, data, 0), TURN_DONE);
    assert_int_equal(world.drop, DROP_TURN_NO_ALLOCATION);
    send_indication(&client, "peer=8.8.8.8:1 data=x");
    assert_int_equal(world.verdict, TURN_DONE);
    assert_int_equal(world.drop, DROP_TURN_NO_ALLOCATION);
}

static void streams_stay(void **state)
{
    (void)state;
    client_start(&client, &world, TURN_TCP, "20.0.0.77:1000");
    world.not_final = true;
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_TURN_NO_ALLOCATION);
    assert_int_equal(world.verdict, TURN_DONE);
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 437);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(send_channel(&client, 0x4000, "x"), DROP_TURN_NO_CHANNEL);
    client_start(&client, &world, TURN_DTLS, "20.0.0.77:1000");
    world.not_final = true;
    assert_int_equal(ask(&client, STUN_REFRESH, ""), ASK_NOT_FOUND);
}

static void what_is_here_is_here(void **state)
{
    (void)state;
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    world.not_final = true;
    assert_int_equal(ask(&client, STUN_REFRESH, ""), 0);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 437);
}

/* --- what is not answered --- */

static const struct {
    const char *what;
    uint16_t type;
    enum drop_reason drop;
} ignored[] = {
    {"Binding indication", 0x0011, DROP_STUN_IGNORED},
    {"Binding success", 0x0101, DROP_STUN_IGNORED},
    {"Allocate error", 0x0113, DROP_STUN_IGNORED},
    {"Allocate indication", 0x0013, DROP_STUN_IGNORED},
    {"Send request", 0x0006, DROP_STUN_IGNORED},
    {"Data request", 0x0007, DROP_STUN_IGNORED},
    {"Data indication", 0x0017, DROP_STUN_IGNORED},
    {"unknown method", 0x0002, DROP_STUN_IGNORED},
    {"unknown method", 0x3eef, DROP_STUN_IGNORED},
};

static void keeps_silent(void **state)
{
    uint8_t message[28] = {0};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ignored); i++) {
        struct writer w = writer_over(message, sizeof(message));
        stun_begin(&w, ignored[i].type, bytes_of("123456789012", 12));
        stun_write_fingerprint(&w);
        world_forget(&world);
        assert_int_equal(world_from_client(&world, &client.path, writer_bytes(&w), 0), TURN_DONE);
        if (world.drop != ignored[i].drop)
            print_message("# %s: %s\n", ignored[i].what, drop_name(world.drop));
        assert_int_equal(world.drop, ignored[i].drop);
        assert_int_equal(world.sent_count, 0);
    }
}

static void w04_a_wrong_fingerprint(void **state)
{
    uint8_t message[PACKET_DATA_MAX];
    (void)state;
    client.fingerprint = true;
    static const enum stun_method both[] = {STUN_BINDING, STUN_ALLOCATE};
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        size_t len = client_write(&client, both[i], "", message, sizeof(message));
        message[len - 1] ^= 1;
        world_forget(&world);
        world_from_client(&world, &client.path, bytes_of(message, len), 0);
        assert_int_equal(world.drop, DROP_TURN_FINGERPRINT);
        assert_int_equal(world.sent_count, 0);
    }
}

static const struct {
    const char *what;
    uint8_t bytes[24];
    size_t len;
    enum drop_reason drop;
} malformed[] = {
    {"length not of 4", {0, 1, 0, 2, 0x21, 0x12, 0xa4, 0x42, [20] = 0}, 22, DROP_TURN_MALFORMED},
    {"truncated", {0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42, [20] = 0}, 24, DROP_TURN_MALFORMED},
    {"attribute overruns", {0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42, [20] = 0x80, 0, 0, 4}, 24,
        DROP_TURN_MALFORMED},
    {"no cookie", {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x43, [19] = 0}, 20, DROP_TURN_MALFORMED},
    {"half a header", {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, 8, DROP_TURN_MALFORMED},
    {"half of ChannelData", {0x40, 0, 0, 8, 1}, 5, DROP_TURN_MALFORMED},
};

static void w05_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        struct bytes data = bytes_of(malformed[i].bytes, malformed[i].len);
        for (int stream = 0; stream < 2; stream++) {
            client.path.transport = stream == 0 ? TURN_UDP : TURN_TLS;
            world_forget(&world);
            assert_int_equal(world_from_client(&world, &client.path, data, 0), TURN_DONE);
            assert_int_equal(world.drop, malformed[i].drop);
            assert_int_equal(world.sent_count, 0);
        }
    }
}

/* --- STUN --- */

static void w01_binding(void **state)
{
    static const enum turn_transport transports[] = {TURN_UDP, TURN_TCP, TURN_TLS, TURN_DTLS};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transports); i++) {
        client.path.transport = transports[i];
        client.nonce_len = 0;
        client.fingerprint = i % 2 == 1;
        assert_int_equal(ask(&client, STUN_BINDING, ""), 0);
        struct address mapped = reply_address(&client, STUN_XOR_MAPPED_ADDRESS);
        assert_true(address_equal(&mapped, &client.path.client));
        assert_in_range(client.reply_len, 32, 40);
        assert_int_equal(ask(&client, STUN_BINDING, "raw=0033: raw=0034:"), 420);
        assert_int_equal(ask(&client, STUN_BINDING, "raw=8033:"), 0);
    }
    assert_int_equal(counted(&counters()->binding_requests), 12);
}

static void w07_answers_from_another_address(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->discovery.is_on = true;
    settings->discovery.at[0][0] = world_address("20.0.0.9:3478");
    settings->discovery.at[0][1] = world_address("20.0.0.9:3479");
    settings->discovery.at[1][0] = world_address("20.0.0.10:3478");
    settings->discovery.at[1][1] = world_address("20.0.0.10:3479");
    start(settings);
    client.nonce_len = 0;
    assert_int_equal(ask(&client, STUN_BINDING, ""), 0);
    assert_true(reply_has(&client, STUN_OTHER_ADDRESS));

    uint8_t message[100];
    size_t len = client_write(&client, STUN_BINDING, "raw=0003:00000006", message, sizeof(message));
    world_forget(&world);
    world_from_client(&world, &client.path, bytes_of(message, len), 0);
    assert_int_equal(world.sent_count, 1);
    assert_int_equal(world_last(&world)->kind, SENT_REPLY_FROM);
    assert_true(address_equal(
        &world_last(&world)->from, &(struct address){ADDRESS_IP4, 3479, {20, 0, 0, 10}}));
    assert_true(address_equal(&world_last(&world)->to, &client.path.client));

    len = client_write(&client, STUN_BINDING, "raw=0027:13880000", message, sizeof(message));
    world_forget(&world);
    world_from_client(&world, &client.path, bytes_of(message, len), 0);
    assert_int_equal(world_last(&world)->kind, SENT_REPLY_FROM);
    assert_true(address_equal(&world_last(&world)->from, &client.path.server));
    assert_int_equal(world_last(&world)->to.port, 5000);
}

static void bindings_are_limited(void **state)
{
    (void)state;
    start(limited(0, 10));
    client.nonce_len = 0;
    client.path.client = world_address("20.1.0.77:1000");
    assert_in_range(answers_of(100, STUN_BINDING), 2, 20);
    assert_in_range(counted(&counters()->binding_limited), 80, 98);
    client.path.transport = TURN_TLS;
    assert_int_equal(answers_of(100, STUN_BINDING), 100);
    client.path.transport = TURN_UDP;
    client.path.client = world_address("20.0.0.77:1000");
    client_challenge(&client);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    assert_int_equal(answers_of(100, STUN_BINDING), 100);
}

static void stun_may_be_off(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    settings->stun = false;
    start(settings);
    assert_int_equal(ask(&client, STUN_BINDING, ""), ASK_SILENCE);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
}

static void stun_alone(void **state)
{
    struct turn_settings *settings = world_settings();
    (void)state;
    start(NULL);
    assert_int_equal(ask(&client, STUN_ALLOCATE, "transport=17"), 0);
    auth_unref(settings->auth);
    settings->auth = NULL;
    world_set_settings(&world, settings);
    assert_int_equal(turn_allocation_count(world.server), 0);
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        assert_int_equal(ask(&client, methods[i], "transport=17"), ASK_SILENCE);
    assert_int_equal(ask(&client, STUN_BINDING, ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(w08_a_challenge, start_plain, stop),
        cmocka_unit_test_teardown(w08_challenges_are_limited, stop),
        cmocka_unit_test_teardown(w10_refusals_are_limited_too, stop),
        cmocka_unit_test_teardown(who_proves_himself_is_not_limited, stop),
        cmocka_unit_test_teardown(who_has_an_allocation_gets_his_nonce, stop),
        cmocka_unit_test_setup_teardown(w10_a_nonce_never_issued, start_plain, stop),
        cmocka_unit_test_setup_teardown(w11_a_nonce_of_another_source, start_plain, stop),
        cmocka_unit_test_setup_teardown(w13_w14_w16_wrong_credentials, start_plain, stop),
        cmocka_unit_test_setup_teardown(w15_missing_attributes, start_plain, stop),
        cmocka_unit_test_setup_teardown(rotation_spares_who_is_there, start_plain, stop),
        cmocka_unit_test_teardown(users_are_looked_up, stop),
        cmocka_unit_test_teardown(a_new_password_is_learned, stop),
        cmocka_unit_test_teardown(the_revoked_leave, stop),
        cmocka_unit_test_setup_teardown(only_who_is_there_may_be_elsewhere, start_plain, stop),
        cmocka_unit_test_setup_teardown(streams_stay, start_plain, stop),
        cmocka_unit_test_setup_teardown(what_is_here_is_here, start_plain, stop),
        cmocka_unit_test_setup_teardown(keeps_silent, start_plain, stop),
        cmocka_unit_test_setup_teardown(w04_a_wrong_fingerprint, start_plain, stop),
        cmocka_unit_test_setup_teardown(w05_malformed, start_plain, stop),
        cmocka_unit_test_setup_teardown(w01_binding, start_plain, stop),
        cmocka_unit_test_teardown(w07_answers_from_another_address, stop),
        cmocka_unit_test_teardown(bindings_are_limited, stop),
        cmocka_unit_test_teardown(stun_may_be_off, stop),
        cmocka_unit_test_teardown(stun_alone, stop),
    };
    return cmocka_run_group_tests_name("turn dispatch", tests, NULL, NULL);
}
