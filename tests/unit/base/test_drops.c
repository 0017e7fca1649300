/* SPDX-License-Identifier: Apache-2.0 */
#include "base/drops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* Names become labels of metrics: lower case words, each of its own. */
static void every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int r = DROP_NONE; r < DROP_REASON_COUNT; r++) {
        const char *name = drop_name((enum drop_reason)r);
        assert_true(strlen(name) > 0);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
        assert_true(strlen(drop_text((enum drop_reason)r)) > 0);
        for (int other = DROP_NONE; other < r; other++)
            assert_string_not_equal(name, drop_name((enum drop_reason)other));
    }
}

static void counts_by_reason(void **state)
{
    (void)state;
    struct drop_counters counters = {0};
    drop_count(&counters, DROP_TRUNCATED);
    drop_count(&counters, DROP_TRUNCATED);
    assert_int_equal(counter_get(&counters.by_reason[DROP_TRUNCATED]), 2);
    assert_int_equal(counter_get(&counters.by_reason[DROP_NO_MEMORY]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
        cmocka_unit_test(counts_by_reason),
    };
    return cmocka_run_group_tests_name("drops", tests, NULL, NULL);
}
