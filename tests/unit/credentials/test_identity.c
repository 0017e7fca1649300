/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/identity.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SMALL = 300 };

static void it_keeps_what_it_was_given(void **state)
{
    char username[] = "1700000000:alice", realm[] = "example.org";
    struct identity_config config = {
        .kind = IDENTITY_REST,
        .username = text_from(username),
        .user = text_of(username + 11, 5),
        .realm = text_from(realm),
        .expires_s = 1700000000,
        .keys = {.has_md5 = true, .md5 = {1}},
    };
    struct auth_identity *i = auth_identity_new(&config);
    (void)state;
    assert_non_null(i);
    memset(username, 'x', sizeof(username) - 1); /* it has copies */
    memset(realm, 'x', sizeof(realm) - 1);

    assert_int_equal(auth_identity_kind(i), IDENTITY_REST);
    assert_true(text_is(auth_identity_username(i), "1700000000:alice"));
    assert_true(text_is(auth_identity_user(i), "alice"));
    assert_true(text_is(auth_identity_realm(i), "example.org"));
    assert_true(auth_identity_expires_s(i) == 1700000000);
    assert_int_equal(auth_identity_key(i, PASSWORD_MD5).len, LONG_TERM_MD5_SIZE);
    assert_int_equal(auth_identity_key(i, PASSWORD_MD5).data[0], 1);
    assert_int_equal(auth_identity_key(i, PASSWORD_SHA256).len, 0);

    struct auth_identity *again = auth_identity_ref(i);
    assert_ptr_equal(again, i);
    auth_identity_unref(i);
    assert_true(text_is(auth_identity_user(again), "alice"));
    auth_identity_unref(again);
    auth_identity_unref(NULL);
}

static void a_token_has_one_key(void **state)
{
    static const uint8_t mac_key[IDENTITY_MAX_MAC_KEY + 1] = {7};
    struct identity_config config = {
        .kind = IDENTITY_OAUTH,
        .username = TEXT("north"),
        .user = TEXT("north"),
        .mac_key = bytes_of(mac_key, IDENTITY_MAX_MAC_KEY),
    };
    struct auth_identity *i = auth_identity_new(&config);
    (void)state;
    assert_non_null(i);
    assert_true(bytes_equal(auth_identity_key(i, PASSWORD_MD5), config.mac_key));
    assert_true(bytes_equal(auth_identity_key(i, PASSWORD_SHA256), config.mac_key));
    assert_true(text_is(auth_identity_username(i), "north"));
    auth_identity_unref(i);
    config.mac_key.len++;
    assert_null(auth_identity_new(&config));
}

static void long_names_fit_to_the_byte(void **state)
{
    char name[LONG_TERM_MAX_REALM + 1];
    (void)state;
    memset(name, 'n', sizeof(name));
    struct identity_config config = {
        .username = text_of(name, LONG_TERM_MAX_NAME),
        .user = text_of(name, LONG_TERM_MAX_NAME),
        .realm = text_of(name, LONG_TERM_MAX_REALM),
    };
    struct auth_identity *i = auth_identity_new(&config);
    assert_non_null(i);
    assert_true(text_equal(auth_identity_realm(i), config.realm));
    auth_identity_unref(i);
    config.realm.len++;
    assert_null(auth_identity_new(&config));
    config.realm.len--;
    config.username.len++;
    assert_null(auth_identity_new(&config));
}

/* Each allocation of a relay holds one. */
static void it_is_small(void **state)
{
    const struct identity_config config = {
        .username = TEXT("1700000000:alice"), .user = TEXT("alice"), .realm = TEXT("example.org")};
    struct auth_identity *i = auth_identity_new(&config);
    (void)state;
    assert_non_null(i);
    assert_true(malloc_usable_size(i) < SMALL);
    auth_identity_unref(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_keeps_what_it_was_given),
        cmocka_unit_test(a_token_has_one_key),
        cmocka_unit_test(long_names_fit_to_the_byte),
        cmocka_unit_test(it_is_small),
    };
    return cmocka_run_group_tests_name("credentials identity", tests, NULL, NULL);
}
