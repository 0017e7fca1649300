/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* What was added, until the next call. */
static const char *said(struct str *out)
{
    static char text[512];
    snprintf(text, sizeof(text), "%s", str_string(out));
    str_reset(out);
    return text;
}

static void numbers_are_grouped(void **state)
{
    static const struct {
        int64_t number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {999, "999"},
        {1000, "1,000"},
        {123456, "123,456"},
        {1234567, "1,234,567"},
        {-1, "-1"},
        {-123, "-123"},
        {-1234, "-1,234"},
        {INT64_MAX, "9,223,372,036,854,775,807"},
    };
    struct str out = {.data = NULL};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        text_add_count(&out, cases[i].number);
        assert_string_equal(said(&out), cases[i].text);
    }
    str_done(&out);
}

static void times_are_read_at_a_glance(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "0:00:00"},
        {-5, "0:00:00"},
        {62, "0:01:02"},
        {86399, "23:59:59"},
        {86400, "1 day 0:00:00"},
        {2 * 86400 + 3661, "2 days 1:01:01"},
    };
    struct str out = {.data = NULL};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        text_add_duration(&out, cases[i].seconds);
        assert_string_equal(said(&out), cases[i].text);
    }
    str_done(&out);
}

static void large_amounts_have_prefixes(void **state)
{
    struct str out = {.data = NULL};
    (void)state;
    text_add_bytes(&out, 999);
    assert_string_equal(said(&out), "999 B");
    text_add_bytes(&out, 1000);
    assert_string_equal(said(&out), "1.0 kB");
    text_add_bytes(&out, 533200);
    assert_string_equal(said(&out), "533.2 kB");
    text_add_bit_rate(&out, 12345678);
    assert_string_equal(said(&out), "12.3 Mbit/s");
    text_add_bit_rate(&out, INT64_MAX);
    assert_string_equal(said(&out), "9223.4 Pbit/s");
    str_done(&out);
}

/* A call-id may hold what clears a screen, or worse. */
static void strangers_do_not_command_the_terminal(void **state)
{
    static const struct {
        const char *from, *text;
    } cases[] = {
        {"abc@1.2.3.4", "abc@1.2.3.4"},
        {"\x1b[31mred\x1b]0;x\x07", "?[31mred?]0;x?"},
        {"a\r\nb\tc\x7f", "a??b?c?"},
        {"\xc2\x9b"
         "2J",
            "?2J"}, /* CSI of 8 bits, in UTF-8 */
        {"\xc3\xa9\xc2\xa0", "\xc3\xa9\xc2\xa0"},
    };
    struct str out = {.data = NULL};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        text_add_safe(&out, cases[i].from);
        assert_string_equal(said(&out), cases[i].text);
    }
    str_done(&out);
}

static void names_go_into_paths(void **state)
{
    struct str out = {.data = NULL};
    (void)state;
    text_add_encoded(&out, "aZ9-._~");
    assert_string_equal(said(&out), "aZ9-._~");
    text_add_encoded(&out, "a/../b c+%?&=#\n\xc3\xa9");
    assert_string_equal(said(&out), "a%2F..%2Fb%20c%2B%25%3F%26%3D%23%0A%C3%A9");
    str_done(&out);
}

static void tables_are_as_wide_as_they_must_be(void **state)
{
    struct table t = {.columns = 3, .right = 1 << 1};
    struct str out = {.data = NULL};
    (void)state;
    table_put(&t, "NAME");
    table_put(&t, "COUNT");
    table_put(&t, "TEXT");
    table_put(&t, "\xc3\xa9t\xc3\xa9"); /* three columns */
    table_put_count(&t, 1234);
    table_put(&t, "a\nb");
    table_put(&t, "longer");
    table_put_count(&t, 5);
    table_put(&t, "");
    table_write(&t, "> ", &out);
    assert_string_equal(str_string(&out),
        "> NAME    COUNT  TEXT\n> \xc3\xa9t\xc3\xa9     1,234  a?b\n> longer      5  \n");
    str_done(&out);
}

static void what_is_missing_is_nothing(void **state)
{
    json_t *object =
        json_pack("{s:s, s:i, s:b, s:[s]}", "word", "x", "number", 7, "flag", 1, "list", "a");
    (void)state;
    assert_string_equal(json_word(object, "word"), "x");
    assert_string_equal(json_word(object, "number"), "");
    assert_string_equal(json_word(NULL, "word"), "");
    assert_int_equal(json_number(object, "number"), 7);
    assert_int_equal(json_number(object, "word"), 0);
    assert_int_equal(json_number(NULL, "number"), 0);
    assert_true(json_is_set(object, "flag"));
    assert_false(json_is_set(object, "number"));
    assert_true(json_has_word(json_object_get(object, "list"), "a"));
    assert_false(json_has_word(json_object_get(object, "list"), "b"));
    assert_false(json_has_word(object, "a"));
    assert_false(json_has_word(NULL, "a"));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_grouped),
        cmocka_unit_test(times_are_read_at_a_glance),
        cmocka_unit_test(large_amounts_have_prefixes),
        cmocka_unit_test(strangers_do_not_command_the_terminal),
        cmocka_unit_test(names_go_into_paths),
        cmocka_unit_test(tables_are_as_wide_as_they_must_be),
        cmocka_unit_test(what_is_missing_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
