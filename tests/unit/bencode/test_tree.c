/* SPDX-License-Identifier: Apache-2.0 */
/* Building a tree and asking it. */
#include "mediaferry/ng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "dump.h"

static struct ng_arena arena;

static int set_up(void **state)
{
    (void)state;
    ng_arena_init(&arena, 1 << 16);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ng_arena_done(&arena);
    return 0;
}

static struct ng_value *sample(void)
{
    struct ng_value *root = ng_dict(&arena);
    ng_put_string(&arena, root, TEXT("result"), TEXT("ok"));
    ng_put_int(&arena, root, TEXT("created"), -7);
    ng_put_stringf(&arena, root, TEXT("text"), "%d/%s", 5, "x");
    ng_put(&arena, root, TEXT("none"), ng_null(&arena));
    struct ng_value *list = ng_put_list(&arena, root, TEXT("list"));
    ng_add_string(&arena, list, TEXT("a"));
    ng_add_int(&arena, list, 1);
    ng_add_string(&arena, ng_add_list(&arena, list), TEXT("inner"));
    ng_put_int(&arena, ng_add_dict(&arena, list), TEXT("k"), 2);
    ng_put_string(&arena, ng_put_dict(&arena, root, TEXT("dict")), TEXT("x"), TEXT("y"));
    return root;
}

static void keeps_the_order(void **state)
{
    (void)state;
    assert_string_equal(dump(sample()),
        "{'result': 'ok', 'created': -7, 'text': '5/x', 'none': None, "
        "'list': ['a', 1, ['inner'], {'k': 2}], 'dict': {'x': 'y'}}");
    assert_true(ng_arena_ok(&arena));
}

static void copies_what_it_is_given(void **state)
{
    (void)state;
    char key[] = "key", string[] = "string";
    struct ng_value *root = ng_dict(&arena);
    ng_put_string(&arena, root, text_from(key), text_from(string));
    memset(key, 'x', 3);
    memset(string, 'x', 6);
    assert_string_equal(dump(root), "{'key': 'string'}");
}

/* With every cap below the need, building goes through and says at the end that it failed. */
static void fails_for_good_when_memory_ends(void **state)
{
    (void)state;
    bool ok = false;
    for (size_t cap = 0; !ok; cap += 64) {
        ng_arena_done(&arena);
        ng_arena_init(&arena, cap);
        sample();
        ok = ng_arena_ok(&arena);
        assert_true(cap < 8192);
        assert_true(ok || cap < 4000);
    }
    assert_true(arena.used > 1000);
}

static void names_are_matched_loosely(void **state)
{
    (void)state;
    static const char *const alike[] = {"call-id", "call id", "call_id", "call-ID", "CALL ID"};
    static const char *const other[] = {"callid", "call-i", "call-idx", "call.id", ""};
    for (size_t i = 0; i < COUNT_OF(alike); i++)
        assert_true(ng_name_is(text_from(alike[i]), "call-id"));
    for (size_t i = 0; i < COUNT_OF(other); i++)
        assert_false(ng_name_is(text_from(other[i]), "call-id"));

    struct text rest;
    assert_true(ng_name_starts(TEXT("sdes_OFF"), "SDES-", &rest) && text_is(rest, "OFF"));
    assert_false(ng_name_starts(TEXT("SDES"), "SDES-", &rest));
}

static void the_first_of_a_name_counts(void **state)
{
    (void)state;
    struct ng_value *root = ng_dict(&arena);
    struct text out;
    ng_put_string(&arena, root, TEXT("call id"), TEXT("1"));
    ng_put_string(&arena, root, TEXT("call-id"), TEXT("2"));
    assert_true(ng_get_text(root, "call-id", &out) && text_is(out, "1"));
}

static void asks_by_kind(void **state)
{
    (void)state;
    struct ng_value *root = sample();
    struct text text = TEXT("untouched");
    int64_t number = 42;

    assert_true(ng_get_int(root, "created", &number) && number == -7);
    assert_false(ng_get_text(root, "created", &text));
    assert_false(ng_get_text(root, "missing", &text));
    assert_false(ng_get_int(root, "list", &number));
    assert_false(ng_get_int(root, "none", &number));
    assert_true(text_is(text, "untouched"));
    assert_int_equal(number, -7);

    assert_null(ng_get(NULL, "x"));
    assert_null(ng_get(ng_get(root, "list"), "a"));
    assert_false(ng_get_text(NULL, "x", &text));
    assert_false(ng_get_int(NULL, "x", &number));
    assert_int_equal(ng_get(root, "dict")->kind, NG_DICT);
}

static void integers_from_strings(void **state)
{
    (void)state;
    static const struct {
        const char *string;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"184", true, 184},
        {"-1", true, -1},
        {" 5 ", true, 5},
        {"0xb8", true, 184},
        {"010", true, 8},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"", false, 0},
        {"x", false, 0},
        {"5x", false, 0},
        {"5 6", false, 0},
        {"0000000000000000000000000000005", true, 5}, /* 31 digits, room for one more */
        {"00000000000000000000000000000005", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t value = 0;
        struct ng_value *v = ng_string(&arena, text_from(cases[i].string));
        assert_int_equal(ng_value_int(v, &value), cases[i].ok);
        assert_true(value == cases[i].value);
    }
    int64_t value;
    assert_false(ng_value_int(ng_string(&arena, text_of("5\0", 2)), &value));
}

static void assert_items(const struct ng_value *value, const char *expected)
{
    char line[256] = "";
    struct text item;
    struct ng_items it = ng_items_of(value);
    while (ng_next_item(&it, &item))
        snprintf(line + strlen(line), sizeof(line) - strlen(line), "<%.*s>", TEXT_ARG(item));
    assert_string_equal(line, expected);
}

static void lists_also_from_one_string(void **state)
{
    (void)state;
    assert_items(ng_get(sample(), "list"), "<a>"); /* only the strings */
    assert_items(ng_string(&arena, TEXT("force, trickle,,lite ,")), "<force><trickle><lite>");
    assert_items(ng_string(&arena, TEXT("")), "");
    assert_items(ng_int(&arena, 5), "");
    assert_items(NULL, "");
    struct ng_value *list = ng_list(&arena);
    ng_add_string(&arena, list, TEXT("a,b")); /* an item of a real list is not split */
    assert_items(list, "<a,b>");
}

static void unescapes(void **state)
{
    (void)state;
    static const struct {
        const char *escaped, *plain;
    } cases[] = {
        {"opus/48000/2//minptime--10..x", "opus/48000/2//minptime=10 x"},
        {"a-b.c", "a-b.c"},
        {"---", "=-"},
        {"...", " ."},
        {"-", "-"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char out[64];
        struct writer w = writer_over(out, sizeof(out));
        ng_unescape(&w, text_from(cases[i].escaped));
        assert_true(text_is(text_from_bytes(writer_bytes(&w)), cases[i].plain));
    }
    char out[2];
    struct writer w = writer_over(out, sizeof(out));
    ng_unescape(&w, TEXT("abc"));
    assert_false(writer_ok(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_the_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(copies_what_it_is_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fails_for_good_when_memory_ends, set_up, tear_down),
        cmocka_unit_test(names_are_matched_loosely),
        cmocka_unit_test_setup_teardown(the_first_of_a_name_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(asks_by_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(integers_from_strings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_also_from_one_string, set_up, tear_down),
        cmocka_unit_test(unescapes),
    };
    return cmocka_run_group_tests_name("bencode/tree", tests, NULL, NULL);
}
