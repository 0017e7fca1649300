/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/rest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void names_are_taken_apart(void **state)
{
    static const struct {
        const char *name;
        char separator;
        bool ok;
        int64_t expires_s;
        const char *user;
    } cases[] = {
        {"1700000000:alice", ':', true, 1700000000, "alice"},
        {"alice:1700000000", ':', true, 1700000000, "alice"},
        {"1700000000", ':', true, 1700000000, ""},
        {"1700000000:", ':', true, 1700000000, ""},
        {"1700000000:a:b", ':', true, 1700000000, "a:b"},
        {"a:b:1700000000", ':', true, 1700000000, "a:b"},
        {"1700000000:1800000000", ':', true, 1700000000, "1800000000"},
        {"1700000000_alice", '_', true, 1700000000, "alice"},
        {"1700000000:alice", '_', false, 0, ""},
        {"9223372036854775807:a", ':', true, INT64_MAX, "a"},
        {"9223372036854775808:a", ':', false, 0, ""},
        {"alice", ':', false, 0, ""},
        {"alice:bob", ':', false, 0, ""},
        {"17x:alice", ':', false, 0, ""},
        {"-17:alice", ':', false, 0, ""},
        {":alice", ':', false, 0, ""},
        {"alice:", ':', false, 0, ""},
        {":", ':', false, 0, ""},
        {"", ':', false, 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rest_name name = {0};
        if (rest_parse(text_from(cases[i].name), cases[i].separator, &name) != cases[i].ok)
            fail_msg("%s", cases[i].name);
        assert_true(name.expires_s == cases[i].expires_s);
        assert_true(text_is(name.user, cases[i].user));
    }
}

/* Computed with: printf %s NAME | openssl dgst -sha1 -hmac SECRET -binary | base64 */
static void passwords_are_those_of_other_tools(void **state)
{
    char password[REST_PASSWORD_SIZE];
    (void)state;
    assert_true(rest_password(TEXT("1700000000:alice"), TEXT("north"), password));
    assert_memory_equal(password, "Cd/49soE35ICqcJF/bCTn8Z4OyE=", REST_PASSWORD_SIZE);
    assert_false(rest_password(TEXT("1700000000:alice"), TEXT(""), password));
}

static void issued_credentials_are_read_again(void **state)
{
    static const struct {
        const char *user;
        const char *name;
    } cases[] = {{"alice", "1700003600:alice"}, {"", "1700003600"}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rest_credentials c;
        struct rest_name name;
        char password[REST_PASSWORD_SIZE];
        assert_true(rest_issue(text_from(cases[i].user), ':', 1700003600, TEXT("s"), &c));
        struct text username = text_of(c.username, c.username_len);
        assert_true(text_is(username, cases[i].name));
        assert_true(rest_parse(username, ':', &name));
        assert_true(name.expires_s == 1700003600 && text_is(name.user, cases[i].user));
        assert_true(rest_password(username, TEXT("s"), password));
        assert_memory_equal(password, c.password, sizeof(password));
    }
}

static void a_name_that_gets_too_long_is_refused(void **state)
{
    char user[LONG_TERM_MAX_NAME];
    struct rest_credentials c;
    (void)state;
    memset(user, 'u', sizeof(user));
    assert_true(rest_issue(text_of(user, LONG_TERM_MAX_NAME - 11), ':', 1700003600, TEXT("s"), &c));
    assert_false(
        rest_issue(text_of(user, LONG_TERM_MAX_NAME - 10), ':', 1700003600, TEXT("s"), &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken_apart),
        cmocka_unit_test(passwords_are_those_of_other_tools),
        cmocka_unit_test(issued_credentials_are_read_again),
        cmocka_unit_test(a_name_that_gets_too_long_is_refused),
    };
    return cmocka_run_group_tests_name("credentials rest", tests, NULL, NULL);
}
