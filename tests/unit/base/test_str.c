/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void grows_as_needed(void **state)
{
    (void)state;
    struct str s;
    str_init(&s);
    for (int i = 0; i < 1000; i++) {
        str_addf(&s, "%d,", i % 10);
        str_add_char(&s, 'x');
        str_add(&s, text_of("yz-", 2));
    }
    assert_true(str_ok(&s));
    assert_int_equal(s.len, 5000);
    assert_int_equal(strlen(str_string(&s)), 5000);
    assert_true(text_starts_with(str_text(&s), "0,xyz1,xyz2,xyz"));
    str_reset(&s);
    assert_string_equal(str_string(&s), "");
    str_done(&s);
}

/* Around the first capacity and its double: no terminator may fall off the end. */
static void terminates_at_every_length(void **state)
{
    (void)state;
    for (int len = 0; len < 200; len++) {
        struct str s = {0};
        str_addf(&s, "%*s", len, "");
        assert_int_equal(strlen(str_string(&s)), len);
        str_add_string(&s, "end");
        assert_int_equal(strlen(str_string(&s)), len + 3);
        str_done(&s);
    }
}

static void hands_over_its_content(void **state)
{
    (void)state;
    struct str s = {0};
    char *empty = str_take(&s);
    assert_string_equal(empty, "");
    str_add_string(&s, "kept");
    char *kept = str_take(&s);
    assert_string_equal(kept, "kept");
    assert_int_equal(s.len, 0);
    free(empty);
    free(kept);
}

static void a_failure_sticks(void **state)
{
    (void)state;
    struct str s = {0};
    str_add_string(&s, "before");
    str_add(&s, text_of("x", SIZE_MAX / 2)); /* no such memory; nothing is read */
    assert_false(str_ok(&s));
    str_add_string(&s, "after");
    assert_false(str_ok(&s));
    assert_int_equal(str_text(&s).len, 0);
    assert_null(str_take(&s));
    str_done(&s);
}

static void copies(void **state)
{
    (void)state;
    char *text = text_dup(text_of("abc", 2));
    assert_string_equal(text, "ab");
    char *nothing = text_dup(text_of(NULL, 0));
    assert_string_equal(nothing, "");
    uint8_t *bytes = bytes_dup(bytes_of("a\0b", 3));
    assert_memory_equal(bytes, "a\0b", 3);
    uint8_t *none = bytes_dup(bytes_of(NULL, 0));
    assert_non_null(none);
    free(text);
    free(nothing);
    free(bytes);
    free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_as_needed),
        cmocka_unit_test(terminates_at_every_length),
        cmocka_unit_test(hands_over_its_content),
        cmocka_unit_test(a_failure_sticks),
        cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
