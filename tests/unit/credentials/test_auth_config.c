/* SPDX-License-Identifier: Apache-2.0 */
/* How a snapshot is made, and what its challenges say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client.h"
#include "hex.h"

static const struct auth_user_config users[] = {{FIXED("alice"), FIXED("secret")}};
static const struct auth_user_config twins[] = {
    {FIXED("alice"), FIXED("secret")}, {FIXED("alice"), FIXED("other")}};
static const struct auth_user_config nameless[] = {{FIXED(""), FIXED("secret")}};
static const struct auth_user_config open_door[] = {{FIXED("alice"), FIXED("")}};
static const struct auth_user_config half_key[] = {{FIXED("alice"), FIXED("0x1234")}};
static const struct text secrets[] = {FIXED("north")};
static const struct text empty_secret[] = {FIXED("north"), FIXED("")};
static const struct auth_realm_config plain[] = {{FIXED("example.org"), users, 1, NULL, 0}};
static const struct auth_origin_config origins[] = {
    {FIXED("https://Shop.example.com"), FIXED("example.com")}};
static const struct auth_origin_config same_origins[] = {
    {FIXED("https://a"), FIXED("example.org")}, {FIXED("HTTPS://A"), FIXED("example.org")}};
static const struct oauth_key oauth_keys[] = {{.kid = FIXED("k")}, {.kid = FIXED("k")}};

static struct auth_realm_config realm_of(const struct auth_user_config *list, size_t count)
{
    return (struct auth_realm_config){
        .name = TEXT("example.org"), .users = list, .user_count = count};
}

static void wrong_configurations_are_refused(void **state)
{
    const struct auth_realm_config twin_users = realm_of(twins, 2), no_name = realm_of(nameless, 1),
                                   no_password = realm_of(open_door, 1),
                                   bad_key = realm_of(half_key, 1);
    const struct auth_realm_config no_secret = {
        .name = TEXT("r"), .secrets = empty_secret, .secret_count = 2};
    const struct auth_realm_config unnamed = {.name = TEXT("")};
    const struct auth_realm_config twin_realms[] = {plain[0], plain[0]};
    const struct {
        struct auth_config config;
        enum auth_config_error error;
        const char *culprit;
    } cases[] = {
        {{.realm_count = 0}, AUTH_CONFIG_NO_REALM, ""},
        {{.realms = plain, .realm_count = 1}, AUTH_CONFIG_OK, NULL},
        {{.realms = &unnamed, .realm_count = 1}, AUTH_CONFIG_BAD_NAME, ""},
        {{.realms = twin_realms, .realm_count = 2}, AUTH_CONFIG_TWICE, "example.org"},
        {{.realms = &twin_users, .realm_count = 1}, AUTH_CONFIG_TWICE, "alice"},
        {{.realms = &no_name, .realm_count = 1}, AUTH_CONFIG_BAD_NAME, ""},
        {{.realms = &no_password, .realm_count = 1}, AUTH_CONFIG_BAD_PASSWORD, "alice"},
        {{.realms = &bad_key, .realm_count = 1}, AUTH_CONFIG_BAD_PASSWORD, "alice"},
        {{.realms = &no_secret, .realm_count = 1}, AUTH_CONFIG_EMPTY_SECRET, "r"},
        {{.realms = plain, .realm_count = 1, .origins = origins, .origin_count = 1},
            AUTH_CONFIG_UNKNOWN_REALM, "https://Shop.example.com"},
        {{.realms = plain, .realm_count = 1, .origins = same_origins, .origin_count = 2},
            AUTH_CONFIG_TWICE, "HTTPS://A"},
        {{.realms = plain, .realm_count = 1, .oauth = true}, AUTH_CONFIG_NO_SERVER_NAME, NULL},
        {{.realms = plain,
             .realm_count = 1,
             .oauth = true,
             .server_name = TEXT("s"),
             .oauth_keys = oauth_keys,
             .oauth_key_count = 1},
            AUTH_CONFIG_OK, NULL},
        {{.realms = plain,
             .realm_count = 1,
             .oauth = true,
             .server_name = TEXT("s"),
             .oauth_keys = oauth_keys,
             .oauth_key_count = 2},
            AUTH_CONFIG_TWICE, "k"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum auth_config_error error;
        struct text culprit;
        struct auth *auth = auth_new(&cases[i].config, &error, &culprit);
        if (error != cases[i].error)
            fail_msg("case %zu: %s", i, auth_config_error_text(error));
        assert_int_equal(auth != NULL, cases[i].error == AUTH_CONFIG_OK);
        if (cases[i].culprit != NULL)
            assert_true(text_is(culprit, cases[i].culprit));
        auth_unref(auth);
    }
}

/* Writes a challenge for a request of the given ORIGIN and REALM (both may be empty). */
static struct stun_message challenge(
    const struct auth *auth, struct text origin, struct text realm, uint8_t memory[512])
{
    uint8_t asked[2048];
    const struct client_request r = {.origin = origin, .realm = realm};
    struct stun_message request = client_write(&r, asked), answer;
    struct address client = client_address();
    struct writer w = writer_over(memory, 512);
    stun_begin(&w, stun_type(STUN_ALLOCATE, STUN_ERROR), request.id);
    auth_write_challenge(auth, &w, &request, &client, CLIENT_NOW_S);
    assert_int_equal(stun_parse(writer_bytes(&w), &answer), STUN_OK);
    return answer;
}

static bool says(const struct stun_message *m, uint16_t type, const char *expected)
{
    struct bytes value;
    return stun_find(m, type, &value) && text_is(text_from_bytes(value), expected);
}

static void the_realm_is_that_of_the_page(void **state)
{
    static const struct auth_realm_config realms[] = {
        {FIXED("example.org"), users, 1, NULL, 0}, {FIXED("example.com"), users, 1, NULL, 0}};
    const struct auth_config config = {
        .realms = realms, .realm_count = 2, .origins = origins, .origin_count = 1};
    static const struct {
        const char *origin, *realm, *expected;
    } cases[] = {
        {"", "", "example.org"},
        {"https://shop.example.com", "", "example.com"},
        {"HTTPS://SHOP.example.com", "", "example.com"},
        {"https://shop.example.net", "", "example.org"},
        {"", "example.com", "example.com"}, /* who is at home somewhere stays there */
        {"https://shop.example.com", "example.org", "example.org"},
        {"https://shop.example.com", "example.net", "example.com"},
    };
    enum auth_config_error error;
    struct text culprit;
    struct auth *auth = auth_new(&config, &error, &culprit);
    (void)state;
    assert_true(text_is(auth_default_realm(auth), "example.org"));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t memory[512];
        struct stun_message m =
            challenge(auth, text_from(cases[i].origin), text_from(cases[i].realm), memory);
        if (!says(&m, STUN_REALM, cases[i].expected))
            fail_msg("%s %s", cases[i].origin, cases[i].realm);
        assert_false(stun_has(&m, STUN_PASSWORD_ALGORITHMS));
        assert_false(stun_has(&m, STUN_THIRD_PARTY_AUTHORIZATION));
    }
    char long_origin[300];
    uint8_t memory[512];
    memset(long_origin, 'o', sizeof(long_origin));
    struct stun_message m =
        challenge(auth, text_of(long_origin, sizeof(long_origin)), text_of(NULL, 0), memory);
    assert_true(says(&m, STUN_REALM, "example.org"));

    struct auth *again = auth_ref(auth);
    auth_unref(auth);
    assert_true(text_is(auth_default_realm(again), "example.org"));
    auth_unref(again);
}

static void offers_are_made_as_configured(void **state)
{
    const struct auth_realm_config with_secret = {.name = TEXT("example.org"),
        .users = users,
        .user_count = 1,
        .secrets = secrets,
        .secret_count = 1};
    const struct auth_realm_config empty = {.name = TEXT("example.org")};
    struct user_cache *cache = user_cache_new(4);
    const struct {
        struct auth_config config;
        const char *prefix; /* of the nonce */
        bool algorithms;
    } cases[] = {
        {{.realms = plain}, "", false},
        {{.realms = plain, .offer_sha256 = true}, "obMatJos2AAAB", true},
        {{.realms = plain, .offer_sha256 = true, .offer_anonymity = true}, "obMatJos2AAAD", true},
        {{.realms = plain, .offer_anonymity = true}, "obMatJos2AAAC", false},
        /* Names that come from elsewhere cannot be found by their hash. */
        {{.realms = &with_secret, .offer_anonymity = true}, "", false},
        {{.realms = &empty, .offer_anonymity = true}, "", false},
        {{.realms = plain, .offer_anonymity = true, .cache = cache}, "", false},
        {{.realms = plain, .offer_anonymity = true, .oauth = true, .server_name = TEXT("s")}, "",
            false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct auth_config config = cases[i].config;
        uint8_t memory[512];
        enum auth_config_error error;
        struct text culprit;
        struct bytes nonce, list, expected = from_hex(CLIENT_OFFERED);
        config.realm_count = 1;
        struct auth *auth = auth_new(&config, &error, &culprit);
        struct stun_message m = challenge(auth, text_of(NULL, 0), text_of(NULL, 0), memory);

        assert_true(stun_find(&m, STUN_NONCE, &nonce));
        assert_true(text_starts_with(text_from_bytes(nonce), cases[i].prefix));
        assert_int_equal(nonce.len, cases[i].prefix[0] != '\0' ? NONCE_MAX_SIZE : 11);
        assert_int_equal(stun_find(&m, STUN_PASSWORD_ALGORITHMS, &list), cases[i].algorithms);
        if (cases[i].algorithms)
            assert_true(bytes_equal(list, expected));
        assert_int_equal(says(&m, STUN_THIRD_PARTY_AUTHORIZATION, "s"), config.oauth);
        assert_false(stun_has(&m, STUN_USERNAME));
        free((void *)expected.data);
        auth_unref(auth);
    }
    user_cache_unref(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_configurations_are_refused),
        cmocka_unit_test(the_realm_is_that_of_the_page),
        cmocka_unit_test(offers_are_made_as_configured),
    };
    return cmocka_run_group_tests_name("credentials configuration", tests, NULL, NULL);
}
