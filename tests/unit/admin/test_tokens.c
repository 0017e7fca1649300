/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/tokens.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "admin/throttle.h"

static void finds_the_right_ones(void **state)
{
    static const struct {
        const char *authorization;
        enum admin_tokens_verdict verdict;
    } cases[] = {
        {"Bearer 0123456789abcdef", TOKENS_RIGHT},
        {"bEARER   second-token._~+/=", TOKENS_RIGHT},
        {"Bearer 0123456789abcdeF", TOKENS_WRONG},
        {"Bearer 0123456789abcde", TOKENS_WRONG},
        {"Bearer 0123456789abcdef0", TOKENS_WRONG},
        {"Bearer 0123456789abcdef second-token._~+/=", TOKENS_WRONG},
        {"Bearer x", TOKENS_WRONG},
        {"Bearer ", TOKENS_NONE},
        {"Bearer", TOKENS_NONE},
        {"", TOKENS_NONE},
        {"0123456789abcdef", TOKENS_NONE},
        {"Basic 0123456789abcdef", TOKENS_NONE},
        {"Bearer\t0123456789abcdef", TOKENS_NONE},
    };
    const struct text list[] = {TEXT("0123456789abcdef"), TEXT("second-token._~+/=")};
    struct admin_tokens tokens;
    struct str why = {.data = NULL};
    (void)state;
    assert_int_equal(admin_tokens_read(list, COUNT_OF(list), &tokens, &why), 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (admin_tokens_check(&tokens, text_from(cases[i].authorization)) != cases[i].verdict)
            fail_msg("%s", cases[i].authorization);
    assert_int_equal(admin_tokens_check(&tokens, text_of(NULL, 0)), TOKENS_NONE);
}

static void refuses_poor_tokens(void **state)
{
    char longest[TOKEN_MAX + 1];
    const struct text list[] = {TEXT(""), TEXT("0123456789abcde"), TEXT("0123456789abcdef "),
        TEXT("0123456789abcde\n"), TEXT("0123456789abcde\0"), TEXT("0123456789abcd\xc3\xa9"),
        text_of(longest, sizeof(longest))};
    struct text many[TOKENS_MAX + 1];
    struct admin_tokens tokens = {.count = 77};
    struct str why = {.data = NULL};
    (void)state;
    memset(longest, 'a', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(list); i++)
        assert_int_equal(admin_tokens_read(&list[i], 1, &tokens, &why), -EINVAL);
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = text_of(longest, TOKEN_MAX);
    assert_int_equal(admin_tokens_read(many, 0, &tokens, &why), -EINVAL);
    assert_int_equal(admin_tokens_read(many, TOKENS_MAX + 1, &tokens, &why), -EINVAL);
    assert_int_equal(tokens.count, 77);
    assert_true(why.len > 0 && strstr(str_string(&why), "0123") == NULL);
    assert_int_equal(admin_tokens_read(many, TOKENS_MAX, &tokens, &why), 0);
    str_done(&why);
}

static struct address address_of(const char *literal)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(literal), 1, &a));
    return a;
}

static unsigned tries(struct admin_throttle *throttle, const char *source, uint64_t now_ms)
{
    struct address address = address_of(source);
    unsigned passed = 0;
    while (passed < 100 && admin_throttle_may_try(throttle, &address, now_ms)) {
        admin_throttle_failed(throttle, &address, now_ms);
        passed++;
    }
    return passed;
}

static void a_source_may_fail_so_often(void **state)
{
    struct admin_throttle throttle;
    (void)state;
    admin_throttle_init(&throttle);
    throttle.seed = 1;
    assert_int_equal(tries(&throttle, "192.0.2.1:1", 1000), THROTTLE_BURST);
    assert_int_equal(tries(&throttle, "192.0.2.1:2", 1000), 0); /* whatever its port */
    assert_int_equal(tries(&throttle, "192.0.2.2:1", 1000), THROTTLE_BURST);
    assert_int_equal(tries(&throttle, "192.0.2.1:1", 1999), 0);
    assert_int_equal(tries(&throttle, "192.0.2.1:1", 2000), 1);
    assert_int_equal(tries(&throttle, "192.0.2.1:1", 1000000), THROTTLE_BURST);
    assert_int_equal(tries(&throttle, "[2001:db8::1]:1", 1000000), THROTTLE_BURST);
    assert_int_equal(tries(&throttle, "[2001:db8::ffff:1]:1", 1000000), 0);
    assert_int_equal(tries(&throttle, "[2001:db8:0:1::1]:1", 1000000), THROTTLE_BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_right_ones),
        cmocka_unit_test(refuses_poor_tokens),
        cmocka_unit_test(a_source_may_fail_so_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
