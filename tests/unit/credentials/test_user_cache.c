/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/user_cache.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client.h"
#include "gen.h"

enum { CAPACITY = 8, THREADS = 3, ROUNDS = 300 };

static const struct text realm = {.data = "r", .len = 1};

static int make_cache(void **state)
{
    *state = user_cache_new(CAPACITY);
    return *state != NULL ? 0 : -1;
}

static int drop_cache(void **state)
{
    user_cache_unref(*state);
    return 0;
}

static struct text numbered(unsigned number, char out[16])
{
    snprintf(out, 16, "user%u", number);
    return text_from(out);
}

static enum user_cache_answer ask(struct user_cache *cache, struct text name, int64_t now_s)
{
    struct auth_identity *who = NULL;
    enum user_cache_answer answer = user_cache_find(cache, realm, name, now_s, &who);
    assert_int_equal(who != NULL, answer == USER_CACHE_PRESENT);
    if (who != NULL)
        assert_true(text_equal(auth_identity_username(who), name));
    auth_identity_unref(who);
    return answer;
}

static void it_remembers_for_a_time(void **state)
{
    struct user_cache *cache = *state;
    assert_int_equal(ask(cache, TEXT("a"), 0), USER_CACHE_UNKNOWN);
    assert_true(user_cache_put(cache, realm, TEXT("a"), TEXT("secret"), 100));
    user_cache_put_absent(cache, realm, TEXT("b"), 100);
    assert_int_equal(ask(cache, TEXT("a"), 99), USER_CACHE_PRESENT);
    assert_int_equal(ask(cache, TEXT("b"), 99), USER_CACHE_ABSENT);
    assert_int_equal(ask(cache, TEXT("a"), 100), USER_CACHE_UNKNOWN);
    assert_int_equal(ask(cache, TEXT("b"), 100), USER_CACHE_UNKNOWN);
    assert_int_equal(ask(cache, TEXT("a"), 99), USER_CACHE_UNKNOWN); /* it is gone */
}

static void realms_are_apart(void **state)
{
    struct user_cache *cache = *state;
    struct auth_identity *who = NULL;
    assert_true(user_cache_put(cache, realm, TEXT("a"), TEXT("secret"), 100));
    assert_int_equal(user_cache_find(cache, TEXT("s"), TEXT("a"), 0, &who), USER_CACHE_UNKNOWN);
    assert_null(who);
}

static void the_last_word_counts(void **state)
{
    struct user_cache *cache = *state;
    assert_true(user_cache_put(cache, realm, TEXT("a"), TEXT("secret"), 100));
    user_cache_put_absent(cache, realm, TEXT("a"), 100);
    assert_int_equal(ask(cache, TEXT("a"), 0), USER_CACHE_ABSENT);
    assert_true(user_cache_put(cache, realm, TEXT("a"), TEXT("other"), 100));
    assert_int_equal(ask(cache, TEXT("a"), 0), USER_CACHE_PRESENT);
    user_cache_forget(cache, realm, TEXT("a"));
    user_cache_forget(cache, realm, TEXT("nobody"));
    assert_int_equal(ask(cache, TEXT("a"), 0), USER_CACHE_UNKNOWN);

    assert_true(user_cache_put(cache, realm, TEXT("a"), TEXT("other"), 100));
    user_cache_put_absent(cache, realm, TEXT("b"), 100);
    user_cache_forget_all(cache);
    assert_int_equal(ask(cache, TEXT("a"), 0), USER_CACHE_UNKNOWN);
    assert_int_equal(ask(cache, TEXT("b"), 0), USER_CACHE_UNKNOWN);
}

static void what_cannot_be_a_user_is_refused(void **state)
{
    char name[LONG_TERM_MAX_NAME + 1];
    struct user_cache *cache = *state;
    memset(name, 'n', sizeof(name));
    assert_false(user_cache_put(cache, realm, TEXT("a"), TEXT(""), 100));
    assert_false(user_cache_put(cache, realm, TEXT("a"), TEXT("0x12"), 100));
    assert_true(
        user_cache_put(cache, realm, text_of(name, LONG_TERM_MAX_NAME), TEXT("secret"), 100));
    assert_false(user_cache_put(cache, realm, text_of(name, sizeof(name)), TEXT("secret"), 100));
}

static void names_are_found_by_their_hash(void **state)
{
    struct user_cache *cache = *state;
    struct auth_identity *who = NULL;
    uint8_t hash[LONG_TERM_USERHASH_SIZE];
    const struct bytes userhash = bytes_of(hash, sizeof(hash));

    assert_true(long_term_userhash(TEXT("a"), realm, hash));
    assert_int_equal(user_cache_find_hash(cache, realm, userhash, 0, &who), USER_CACHE_UNKNOWN);
    assert_true(user_cache_put(cache, realm, TEXT("a"), TEXT("secret"), 100));
    assert_int_equal(user_cache_find_hash(cache, TEXT("s"), userhash, 0, &who), USER_CACHE_UNKNOWN);
    assert_int_equal(user_cache_find_hash(cache, realm, userhash, 0, &who), USER_CACHE_PRESENT);
    assert_true(text_is(auth_identity_username(who), "a"));
    auth_identity_unref(who);
    user_cache_forget(cache, realm, TEXT("a"));
    assert_int_equal(user_cache_find_hash(cache, realm, userhash, 0, &who), USER_CACHE_UNKNOWN);
}

static void the_longest_unused_go_first(void **state)
{
    struct user_cache *cache = *state;
    char name[16];
    for (unsigned i = 0; i < CAPACITY; i++)
        assert_true(user_cache_put(cache, realm, numbered(i, name), TEXT("secret"), 100));
    assert_int_equal(ask(cache, TEXT("user0"), 0), USER_CACHE_PRESENT); /* used again */
    assert_true(user_cache_put(cache, realm, TEXT("one more"), TEXT("secret"), 100));
    assert_int_equal(ask(cache, TEXT("user0"), 0), USER_CACHE_PRESENT);
    assert_int_equal(ask(cache, TEXT("user1"), 0), USER_CACHE_UNKNOWN);
    assert_int_equal(ask(cache, TEXT("user2"), 0), USER_CACHE_PRESENT);
}

/* Whoever makes up names takes room from others like him. */
static void guesses_do_not_drive_users_out(void **state)
{
    struct user_cache *cache = *state;
    char name[16];
    for (unsigned i = 0; i < CAPACITY - 3; i++)
        assert_true(user_cache_put(cache, realm, numbered(i, name), TEXT("secret"), 100));
    for (unsigned i = 100; i < 200; i++)
        user_cache_put_absent(cache, realm, numbered(i, name), 100);
    for (unsigned i = 0; i < CAPACITY - 3; i++)
        assert_int_equal(ask(cache, numbered(i, name), 0), USER_CACHE_PRESENT);
    assert_int_equal(ask(cache, TEXT("user199"), 0), USER_CACHE_ABSENT);
    assert_int_equal(ask(cache, TEXT("user100"), 0), USER_CACHE_UNKNOWN);
}

static void names_without_a_user_go_before_users(void **state)
{
    struct user_cache *cache = *state;
    char name[16];
    user_cache_put_absent(cache, realm, TEXT("nobody"), 100);
    for (unsigned i = 0; i < CAPACITY - 1; i++)
        assert_true(user_cache_put(cache, realm, numbered(i, name), TEXT("secret"), 100));
    assert_int_equal(ask(cache, TEXT("nobody"), 0), USER_CACHE_ABSENT);
    assert_true(user_cache_put(cache, realm, TEXT("one more"), TEXT("secret"), 100));
    assert_int_equal(ask(cache, TEXT("user0"), 0), USER_CACHE_PRESENT);
    assert_int_equal(ask(cache, TEXT("nobody"), 0), USER_CACHE_UNKNOWN);
}

static void secrets_are_replaced_whole(void **state)
{
    static const struct text first[] = {FIXED("one"), FIXED("two")}, second[] = {FIXED("three")};
    struct user_cache *cache = *state;

    assert_null(user_cache_secrets(cache, realm));
    assert_true(user_cache_set_secrets(cache, realm, first, 2));
    const struct secret_list *before = user_cache_secrets(cache, realm);
    assert_true(user_cache_set_secrets(cache, realm, second, 1));
    const struct secret_list *after = user_cache_secrets(cache, realm);
    assert_true(user_cache_set_secrets(cache, realm, NULL, 0));
    assert_null(user_cache_secrets(cache, realm));
    assert_null(user_cache_secrets(cache, TEXT("s")));

    assert_int_equal(before->count, 2); /* who holds a list is not disturbed */
    assert_true(text_is(before->secrets[1], "two"));
    assert_int_equal(after->count, 1);
    assert_true(text_is(after->secrets[0], "three"));
    secret_list_unref(before);
    secret_list_unref(after);
    secret_list_unref(NULL);
    assert_true(user_cache_set_secrets(cache, realm, first, 2)); /* left to the destructor */
}

static void revocations_hold_until_taken_back(void **state)
{
    struct user_cache *cache = *state;
    assert_false(user_cache_is_revoked(cache, realm, TEXT("a")));
    assert_true(user_cache_revoke(cache, realm, TEXT("a")));
    assert_true(user_cache_revoke(cache, realm, TEXT("a")));
    assert_true(user_cache_revoke(cache, realm, TEXT("b")));
    assert_true(user_cache_is_revoked(cache, realm, TEXT("a")));
    assert_false(user_cache_is_revoked(cache, TEXT("s"), TEXT("a")));
    assert_false(user_cache_is_revoked(cache, realm, TEXT("c")));
    user_cache_restore(cache, realm, TEXT("a"));
    user_cache_restore(cache, realm, TEXT("c"));
    assert_false(user_cache_is_revoked(cache, realm, TEXT("a")));
    assert_true(user_cache_is_revoked(cache, realm, TEXT("b")));
    user_cache_restore(cache, realm, TEXT("b"));
    assert_false(user_cache_is_revoked(cache, realm, TEXT("b")));
    assert_true(user_cache_revoke(cache, realm, TEXT("a"))); /* left to the destructor */
}

static void *ask_many(void *argument)
{
    struct user_cache *cache = argument;
    char name[16];
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct auth_identity *who = NULL;
        struct text user = numbered(i % (2 * CAPACITY), name);
        if (user_cache_find(cache, realm, user, 0, &who) == USER_CACHE_PRESENT &&
            !text_equal(auth_identity_username(who), user))
            return cache;
        auth_identity_unref(who);
        secret_list_unref(user_cache_secrets(cache, realm));
        (void)user_cache_is_revoked(cache, realm, user);
    }
    return NULL;
}

static void threads_may_ask_while_it_is_filled(void **state)
{
    static const struct text secrets[] = {FIXED("one"), FIXED("two")};
    struct user_cache *cache = *state;
    pthread_t threads[THREADS];
    struct gen g = gen_start();
    char name[16];

    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, cache), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct text user = numbered((unsigned)gen_below(&g, 2 * CAPACITY), name);
        assert_true(user_cache_put(cache, realm, user, TEXT("secret"), 100));
        assert_true(user_cache_set_secrets(cache, realm, secrets, gen_below(&g, 3)));
        assert_true(user_cache_revoke(cache, realm, user));
        user_cache_restore(cache, realm, user);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

#define CACHE_TEST(function) cmocka_unit_test_setup_teardown(function, make_cache, drop_cache)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CACHE_TEST(it_remembers_for_a_time),
        CACHE_TEST(realms_are_apart),
        CACHE_TEST(the_last_word_counts),
        CACHE_TEST(what_cannot_be_a_user_is_refused),
        CACHE_TEST(names_are_found_by_their_hash),
        CACHE_TEST(the_longest_unused_go_first),
        CACHE_TEST(guesses_do_not_drive_users_out),
        CACHE_TEST(names_without_a_user_go_before_users),
        CACHE_TEST(secrets_are_replaced_whole),
        CACHE_TEST(revocations_hold_until_taken_back),
        CACHE_TEST(threads_may_ask_while_it_is_filled),
    };
    return cmocka_run_group_tests_name("credentials user cache", tests, NULL, NULL);
}
