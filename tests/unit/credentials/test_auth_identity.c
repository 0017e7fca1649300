/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come, from each source of users, and what holds for running allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client.h"

#define REALM TEXT("example.org")
#define SERVER TEXT("turn.example.org")

struct world {
    struct user_cache *cache;
    struct auth *auth;
};

static struct oauth_key north_key(void)
{
    return (struct oauth_key){.kid = TEXT("north"), .algorithm = OAUTH_A256GCM, .key = {1}};
}

/* A key of the past. */
static struct oauth_key worn_out_key(void)
{
    return (struct oauth_key){
        .kid = TEXT("worn out"), .key = {2}, .from_s = CLIENT_NOW_S - 100, .lifetime_s = 50};
}

static struct auth *make(struct user_cache *cache, struct text password, bool lookup)
{
    const struct auth_user_config users[] = {
        {TEXT("alice"), password}, {TEXT("bob"), TEXT("builder")}};
    static const struct text secrets[] = {FIXED("new"), FIXED("old")};
    const struct auth_realm_config realms[] = {
        {REALM, users, COUNT_OF(users), secrets, COUNT_OF(secrets)},
        {TEXT("example.com"), users, 1, NULL, 0},
    };
    const struct oauth_key keys[] = {north_key(), worn_out_key()};
    const struct auth_config config = {
        .realms = realms,
        .realm_count = COUNT_OF(realms),
        .cache = cache,
        .lookup = lookup,
        .oauth = true,
        .server_name = SERVER,
        .oauth_keys = keys,
        .oauth_key_count = COUNT_OF(keys),
    };
    enum auth_config_error error;
    struct text culprit;
    return auth_new(&config, &error, &culprit);
}

static int set_up(void **state)
{
    static struct world world;
    world.cache = user_cache_new(16);
    world.auth = make(world.cache, TEXT("secret"), true);
    *state = &world;
    return world.auth != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    auth_unref(world->auth);
    user_cache_unref(world->cache);
    return 0;
}

static void expect(struct auth_result result, enum auth_verdict verdict, unsigned code)
{
    assert_int_equal(result.verdict, verdict);
    assert_int_equal(result.code, code);
    auth_result_done(&result);
}

static struct auth_result log_in(const struct auth *auth, struct text username,
    struct text password, const struct auth_identity *known)
{
    return client_log_in(auth, username, REALM, password, known);
}

static void time_limited_names_come_with_any_secret(void **state)
{
    static const struct text secrets[] = {FIXED("from the database")};
    const struct world *world = *state;
    const struct {
        const char *name, *secret;
        bool ok;
    } cases[] = {
        {"1700000001:carol", "new", true},
        {"1700000001:carol", "old", true},
        {"carol:1700000001", "new", true},
        {"1700000001", "new", true},
        {"1700000001:carol", "from the database", true},
        {"1700000001:carol", "older", false},
        {"1700000000:carol", "new", false}, /* over */
        {"carol", "new", false},
    };
    assert_true(user_cache_set_secrets(world->cache, REALM, secrets, 1));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char password[REST_PASSWORD_SIZE];
        struct text name = text_from(cases[i].name);
        assert_true(rest_password(name, text_from(cases[i].secret), password));
        struct auth_result result =
            log_in(world->auth, name, text_of(password, sizeof(password)), NULL);
        if ((result.verdict == AUTH_OK) != cases[i].ok)
            fail_msg("%s %s", cases[i].name, cases[i].secret);
        if (cases[i].ok) {
            assert_int_equal(auth_identity_kind(result.identity), IDENTITY_REST);
            assert_true(auth_identity_expires_s(result.identity) == 1700000001);
            bool named = memchr(cases[i].name, ':', name.len) != NULL;
            assert_true(
                text_is(auth_identity_user(result.identity), named ? "carol" : cases[i].name));
        }
        auth_result_done(&result);
    }
}

static void issued_credentials_are_good(void **state)
{
    const struct world *world = *state;
    struct rest_credentials c;
    assert_true(auth_issue(world->auth, text_of(NULL, 0), TEXT("carol"), CLIENT_NOW_S + 60, &c));
    expect(log_in(world->auth, text_of(c.username, c.username_len),
               text_of(c.password, sizeof(c.password)), NULL),
        AUTH_OK, 0);
    /* A realm without a secret has nothing to give, until the database brings one. */
    assert_false(auth_issue(world->auth, TEXT("example.com"), TEXT("carol"), 1, &c));
    assert_false(auth_issue(world->auth, TEXT("example.net"), TEXT("carol"), 1, &c));
    const struct text live = TEXT("live");
    assert_true(user_cache_set_secrets(world->cache, TEXT("example.com"), &live, 1));
    assert_true(auth_issue(world->auth, TEXT("example.com"), TEXT("carol"), CLIENT_NOW_S + 60, &c));
    expect(client_log_in(world->auth, text_of(c.username, c.username_len), TEXT("example.com"),
               text_of(c.password, sizeof(c.password)), NULL),
        AUTH_OK, 0);
}

static void the_database_is_asked_once(void **state)
{
    const struct world *world = *state;
    struct auth_result result = log_in(world->auth, TEXT("dora"), TEXT("pw"), NULL);
    assert_int_equal(result.verdict, AUTH_LOOKUP);
    assert_true(text_is(result.username, "dora"));
    assert_true(text_equal(result.realm, REALM));
    auth_result_done(&result);

    assert_true(user_cache_put(world->cache, REALM, TEXT("dora"), TEXT("pw"), INT64_MAX));
    user_cache_put_absent(world->cache, REALM, TEXT("emil"), INT64_MAX);
    expect(log_in(world->auth, TEXT("dora"), TEXT("pw"), NULL), AUTH_OK, 0);
    expect(log_in(world->auth, TEXT("dora"), TEXT("wrong"), NULL), AUTH_REFUSED, 401);
    expect(log_in(world->auth, TEXT("emil"), TEXT("pw"), NULL), AUTH_REFUSED, 401);

    struct auth *closed = make(world->cache, TEXT("secret"), false);
    expect(log_in(closed, TEXT("dora"), TEXT("pw"), NULL), AUTH_OK, 0);
    expect(log_in(closed, TEXT("fritz"), TEXT("pw"), NULL), AUTH_REFUSED, 401);
    auth_unref(closed);
}

static void hidden_names_of_the_database_are_found_when_known(void **state)
{
    const struct world *world = *state;
    char nonce[NONCE_MAX_SIZE];
    uint8_t hash[LONG_TERM_USERHASH_SIZE];
    struct long_term_keys keys;
    assert_true(long_term_userhash(TEXT("dora"), REALM, hash));
    assert_true(long_term_derive(TEXT("dora"), REALM, TEXT("pw"), &keys));
    const struct client_request request = {
        .userhash = bytes_of(hash, sizeof(hash)),
        .realm = REALM,
        .nonce = client_nonce(world->auth, CLIENT_NOW_S, nonce),
        .key = long_term_key(&keys, PASSWORD_MD5),
        .sha1 = true,
    };
    expect(client_ask(world->auth, &request, CLIENT_NOW_S, NULL), AUTH_REFUSED, 401);
    assert_true(user_cache_put(world->cache, REALM, TEXT("dora"), TEXT("pw"), INT64_MAX));
    struct auth_result result = client_ask(world->auth, &request, CLIENT_NOW_S, NULL);
    assert_int_equal(result.verdict, AUTH_OK);
    expect(client_ask(world->auth, &request, CLIENT_NOW_S, result.identity), AUTH_OK, 0);
    auth_result_done(&result);
}

/* The configuration changes under a running allocation. */
static void a_running_session_keeps_its_keys(void **state)
{
    const struct world *world = *state;
    struct auth_result first = log_in(world->auth, TEXT("alice"), TEXT("secret"), NULL);
    struct auth *later = make(world->cache, TEXT("changed"), true);
    struct auth_result again = log_in(later, TEXT("alice"), TEXT("secret"), first.identity);

    assert_int_equal(again.verdict, AUTH_OK);
    assert_ptr_equal(again.identity, first.identity);
    auth_result_done(&again);
    expect(log_in(later, TEXT("alice"), TEXT("secret"), NULL), AUTH_LOOKUP, 0);

    /* The same user with his new password is the same user; a wrong one is nobody. */
    again = log_in(later, TEXT("alice"), TEXT("changed"), first.identity);
    assert_int_equal(again.verdict, AUTH_OK);
    assert_ptr_not_equal(again.identity, first.identity);
    auth_result_done(&again);
    user_cache_put_absent(world->cache, REALM, TEXT("alice"), INT64_MAX);
    expect(log_in(later, TEXT("alice"), TEXT("wrong"), first.identity), AUTH_REFUSED, 401);
    auth_result_done(&first);
    auth_unref(later);
}

static void a_session_may_outlive_its_time(void **state)
{
    const struct world *world = *state;
    char nonce[NONCE_MAX_SIZE], password[REST_PASSWORD_SIZE];
    const struct text name = TEXT("1700000001:carol");
    struct long_term_keys keys;
    assert_true(rest_password(name, TEXT("new"), password));
    assert_true(long_term_derive(name, REALM, text_of(password, sizeof(password)), &keys));
    const struct client_request request = {
        .username = name,
        .realm = REALM,
        .nonce = client_nonce(world->auth, CLIENT_NOW_S, nonce),
        .key = long_term_key(&keys, PASSWORD_MD5),
        .sha1 = true,
    };
    struct auth_result first = client_ask(world->auth, &request, CLIENT_NOW_S, NULL);
    assert_int_equal(first.verdict, AUTH_OK);
    expect(client_ask(world->auth, &request, CLIENT_NOW_S + 100, first.identity), AUTH_OK, 0);
    expect(client_ask(world->auth, &request, CLIENT_NOW_S + 100, NULL), AUTH_LOOKUP, 0);
    auth_result_done(&first);
}

static void others_are_told_apart(void **state)
{
    const struct world *world = *state;
    struct auth_result first = log_in(world->auth, TEXT("alice"), TEXT("secret"), NULL);
    struct auth_result other = log_in(world->auth, TEXT("bob"), TEXT("builder"), first.identity);

    /* Proved, but not the one: the answer is signed with his own key. */
    assert_int_equal(other.verdict, AUTH_REFUSED);
    assert_int_equal(other.code, STUN_WRONG_CREDENTIALS);
    assert_false(other.challenge);
    assert_int_equal(other.signature, AUTH_SIGN_SHA1);
    assert_int_equal(other.key.len, LONG_TERM_MD5_SIZE);
    auth_result_done(&other);

    expect(client_log_in(
               world->auth, TEXT("alice"), TEXT("example.com"), TEXT("secret"), first.identity),
        AUTH_REFUSED, 441);
    user_cache_put_absent(world->cache, REALM, TEXT("bob"), INT64_MAX);
    expect(log_in(world->auth, TEXT("bob"), TEXT("wrong"), first.identity), AUTH_REFUSED, 401);
    auth_result_done(&first);
}

/* A key proves the name it belongs to, and no other that is written beside it. */
static void a_key_goes_with_its_name(void **state)
{
    const struct world *world = *state;
    static const struct {
        struct text name, realm;
    } others[] = {
        {FIXED("bob"), FIXED("example.org")},
        {FIXED("alice"), FIXED("example.com")},
        {FIXED("alice"), FIXED("example.net")},
    };
    struct auth_result first = log_in(world->auth, TEXT("alice"), TEXT("secret"), NULL);
    user_cache_put_absent(world->cache, REALM, TEXT("bob"), INT64_MAX);
    user_cache_put_absent(world->cache, TEXT("example.com"), TEXT("alice"), INT64_MAX);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        char nonce[NONCE_MAX_SIZE];
        const struct client_request request = {
            .username = others[i].name,
            .realm = others[i].realm,
            .nonce = client_nonce(world->auth, CLIENT_NOW_S, nonce),
            .key = first.key,
            .sha1 = true,
        };
        expect(client_ask(world->auth, &request, CLIENT_NOW_S, first.identity), AUTH_REFUSED, 401);
    }
    auth_result_done(&first);
}

static void the_revoked_are_refused(void **state)
{
    const struct world *world = *state;
    char password[REST_PASSWORD_SIZE];
    const struct text name = TEXT("1700000001:carol");
    assert_true(rest_password(name, TEXT("new"), password));
    struct auth_result alice = log_in(world->auth, TEXT("alice"), TEXT("secret"), NULL);
    struct auth_result carol = log_in(world->auth, name, text_of(password, sizeof(password)), NULL);
    assert_int_equal(carol.verdict, AUTH_OK);

    assert_true(user_cache_revoke(world->cache, REALM, TEXT("alice")));
    expect(log_in(world->auth, TEXT("alice"), TEXT("secret"), NULL), AUTH_REFUSED, 401);
    expect(log_in(world->auth, TEXT("alice"), TEXT("secret"), alice.identity), AUTH_REFUSED, 401);
    assert_true(auth_identity_is_revoked(world->auth, alice.identity));

    /* Under her name without the time too, or she would come back with a new time. */
    assert_false(auth_identity_is_revoked(world->auth, carol.identity));
    assert_true(user_cache_revoke(world->cache, REALM, TEXT("carol")));
    assert_true(auth_identity_is_revoked(world->auth, carol.identity));
    expect(log_in(world->auth, name, text_of(password, sizeof(password)), NULL), AUTH_REFUSED, 401);
    user_cache_restore(world->cache, REALM, TEXT("carol"));
    assert_true(user_cache_revoke(world->cache, REALM, name)); /* these credentials only */
    assert_true(auth_identity_is_revoked(world->auth, carol.identity));
    user_cache_restore(world->cache, REALM, name);
    expect(log_in(world->auth, name, text_of(password, sizeof(password)), NULL), AUTH_OK, 0);
    auth_result_done(&alice);
    auth_result_done(&carol);
}

/* Seals a token of `mac_key`, good from CLIENT_NOW_S on for a minute. */
static struct bytes token_of(const struct oauth_key *key, struct text mac_key, uint8_t memory[256])
{
    struct writer w = writer_over(memory, 256);
    struct oauth_token token = {
        .mac_key_len = mac_key.len, .issued_s = CLIENT_NOW_S, .lifetime_s = 60};
    memcpy(token.mac_key, mac_key.data, mac_key.len);
    oauth_seal(key, SERVER, text_bytes(TEXT("nonce0123456")), &token, &w);
    assert_true(writer_ok(&w));
    return writer_bytes(&w);
}

static void tokens_let_in(void **state)
{
    const struct world *world = *state;
    const struct oauth_key key = north_key();
    char nonce[NONCE_MAX_SIZE];
    uint8_t memory[256], others[256];
    struct client_request request = {
        .username = TEXT("north"),
        .realm = REALM,
        .nonce = client_nonce(world->auth, CLIENT_NOW_S, nonce),
        .token = token_of(&key, TEXT("abcdefghijklmnopqrst"), memory),
        .key = text_bytes(TEXT("abcdefghijklmnopqrst")),
        .sha1 = true,
    };
    struct auth_result first = client_ask(world->auth, &request, CLIENT_NOW_S, NULL);
    assert_int_equal(first.verdict, AUTH_OK);
    assert_int_equal(auth_identity_kind(first.identity), IDENTITY_OAUTH);
    assert_true(auth_identity_expires_s(first.identity) == CLIENT_NOW_S + 60);
    assert_true(bytes_equal(first.key, request.key));
    expect(client_ask(world->auth, &request, CLIENT_NOW_S + 65, NULL), AUTH_REFUSED, 401);

    /* As coturn's clients sign. */
    request.key.len = 16;
    struct auth_result cut = client_ask(world->auth, &request, CLIENT_NOW_S, NULL);
    assert_int_equal(cut.verdict, AUTH_OK);
    assert_true(bytes_equal(cut.key, request.key));
    auth_result_done(&cut);
    request.key.len = 15;
    expect(client_ask(world->auth, &request, CLIENT_NOW_S, NULL), AUTH_REFUSED, 401);
    request.key.len = 20;

    /* Later requests need the key only, with the token or without. */
    expect(client_ask(world->auth, &request, CLIENT_NOW_S + 65, first.identity), AUTH_OK, 0);
    request.token = bytes_of(NULL, 0);
    expect(client_ask(world->auth, &request, CLIENT_NOW_S + 65, first.identity), AUTH_OK, 0);

    /* Another user's token has the same name, but another key. */
    request.token = token_of(&key, TEXT("another key"), others);
    request.key = text_bytes(TEXT("another key"));
    expect(client_ask(world->auth, &request, CLIENT_NOW_S, first.identity), AUTH_REFUSED, 441);
    request.refresh = request.ticket = true;
    expect(client_ask(world->auth, &request, CLIENT_NOW_S, first.identity), AUTH_REFUSED, 441);
    request.ticket = false;
    struct auth_result renewed = client_ask(world->auth, &request, CLIENT_NOW_S, first.identity);
    assert_int_equal(renewed.verdict, AUTH_OK);
    assert_true(bytes_equal(renewed.key, request.key));
    auth_result_done(&renewed);
    struct auth_result alice = log_in(world->auth, TEXT("alice"), TEXT("secret"), NULL);
    expect(client_ask(world->auth, &request, CLIENT_NOW_S, alice.identity), AUTH_REFUSED, 441);
    auth_result_done(&alice);
    request.key = text_bytes(TEXT("wrong key"));
    expect(client_ask(world->auth, &request, CLIENT_NOW_S, NULL), AUTH_REFUSED, 401);
    const struct oauth_key worn_out = worn_out_key();
    request.username = worn_out.kid;
    request.token = token_of(&worn_out, TEXT("wrong key"), others);
    expect(client_ask(world->auth, &request, CLIENT_NOW_S, NULL), AUTH_REFUSED, 401);
    request.username = TEXT("south");
    expect(client_ask(world->auth, &request, CLIENT_NOW_S, NULL), AUTH_REFUSED, 401);
    auth_result_done(&first);
}

static void answers_are_signed_as_asked(void **state)
{
    const struct world *world = *state;
    uint8_t memory[128];
    struct auth_result result = log_in(world->auth, TEXT("alice"), TEXT("secret"), NULL);
    const struct {
        enum auth_signature way;
        size_t added;
    } cases[] = {{AUTH_UNSIGNED, 0}, {AUTH_SIGN_SHA1, 4 + 20}, {AUTH_SIGN_SHA256, 4 + 32}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct writer w = writer_over(memory, sizeof(memory));
        result.signature = cases[i].way;
        stun_begin(&w, stun_type(STUN_ALLOCATE, STUN_SUCCESS), bytes_of("0123456789ab", 12));
        auth_sign(&w, &result);
        assert_int_equal(writer_bytes(&w).len, 20 + cases[i].added);
    }
    auth_result_done(&result);
}

#define WORLD_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(time_limited_names_come_with_any_secret),
        WORLD_TEST(issued_credentials_are_good),
        WORLD_TEST(the_database_is_asked_once),
        WORLD_TEST(hidden_names_of_the_database_are_found_when_known),
        WORLD_TEST(a_running_session_keeps_its_keys),
        WORLD_TEST(a_session_may_outlive_its_time),
        WORLD_TEST(others_are_told_apart),
        WORLD_TEST(a_key_goes_with_its_name),
        WORLD_TEST(the_revoked_are_refused),
        WORLD_TEST(tokens_let_in),
        WORLD_TEST(answers_are_signed_as_asked),
    };
    return cmocka_run_group_tests_name("credentials identities", tests, NULL, NULL);
}
