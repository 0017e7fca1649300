/* SPDX-License-Identifier: Apache-2.0 */
/* Which engine serves, by name and by itself. */
#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void takes_any_by_name(void **state)
{
    (void)state;
    static const char *const always[] = {"libsrtp2", "openssl"};
    for (size_t i = 0; i < COUNT_OF(always); i++) {
        struct rtpsec_choice choice = rtpsec_engine_choose(always[i]);
        assert_non_null(choice.engine);
        assert_string_equal(choice.engine->name, always[i]);
        assert_string_equal(choice.why, "as configured");
    }
}

static void takes_the_fastest_by_itself(void **state)
{
    (void)state;
    static const char *const names[] = {NULL, "", "auto"};
    struct rtpsec_choice fast = rtpsec_engine_choose("ipsec-mb");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct rtpsec_choice choice = rtpsec_engine_choose(names[i]);
        if (fast.engine != NULL) {
            assert_ptr_equal(choice.engine, fast.engine);
            assert_string_equal(choice.why, "the fastest on this CPU");
        } else {
            assert_ptr_equal(choice.engine, &rtpsec_engine_openssl);
            assert_string_equal(choice.why, fast.why); /* why not the other */
        }
    }
}

static void knows_no_others(void **state)
{
    (void)state;
    static const char *const names[] = {"rot13", "OPENSSL", "libsrtp", "auto "};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct rtpsec_choice choice = rtpsec_engine_choose(names[i]);
        assert_null(choice.engine);
        assert_string_equal(choice.why, "no engine has this name");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_any_by_name),
        cmocka_unit_test(takes_the_fastest_by_itself),
        cmocka_unit_test(knows_no_others),
    };
    return cmocka_run_group_tests_name("rtpsec choose", tests, NULL, NULL);
}
