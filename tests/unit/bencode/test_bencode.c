/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/bencode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dump.h"
#include "hex.h"

enum { CAP = 8 << 20 };

#define TEN(x) x x x x x x x x x x
#define THIRTY(x) TEN(x) TEN(x) TEN(x)

static const struct {
    const char *text;
    enum bencode_status expected;
    const char *tree;      /* after success */
    const char *rewritten; /* NULL: the same text */
} cases[] = {
    {"de", BENCODE_OK, "{}", NULL},
    {"le", BENCODE_OK, "[]", NULL},
    {"0:", BENCODE_OK, "''", NULL},
    {"4:spam", BENCODE_OK, "'spam'", NULL},
    {"i0e", BENCODE_OK, "0", NULL},
    {"i-5e", BENCODE_OK, "-5", NULL},
    {"i007e", BENCODE_OK, "7", "i7e"},
    {"i-0e", BENCODE_OK, "0", "i0e"},
    {"004:spam", BENCODE_OK, "'spam'", "4:spam"},
    {"i9223372036854775807e", BENCODE_OK, "9223372036854775807", NULL},
    {"i-9223372036854775808e", BENCODE_OK, "-9223372036854775808", NULL},
    {"d7:command4:pinge", BENCODE_OK, "{'command': 'ping'}", NULL},
    {"d1:b1:x1:al1:yi1eee", BENCODE_OK, "{'b': 'x', 'a': ['y', 1]}", NULL}, /* unsorted */
    {"d1:a1:x1:a1:ye", BENCODE_OK, "{'a': 'x', 'a': 'y'}", NULL},
    {"d0:d0:leee", BENCODE_OK, "{'': {'': []}}", NULL},
    {"d1:ad1:bd1:cl2:xyeeee", BENCODE_OK, "{'a': {'b': {'c': ['xy']}}}", NULL},
    {"de \r\n", BENCODE_OK, "{}", "de"},

    {"", BENCODE_TRUNCATED, NULL, NULL},
    {"d", BENCODE_TRUNCATED, NULL, NULL},
    {"l", BENCODE_TRUNCATED, NULL, NULL},
    {"i", BENCODE_TRUNCATED, NULL, NULL},
    {"i-", BENCODE_TRUNCATED, NULL, NULL},
    {"i5", BENCODE_TRUNCATED, NULL, NULL},
    {"4", BENCODE_TRUNCATED, NULL, NULL},
    {"4:spa", BENCODE_TRUNCATED, NULL, NULL},
    {"d1:a", BENCODE_TRUNCATED, NULL, NULL},
    {"d1:ai1e", BENCODE_TRUNCATED, NULL, NULL},
    {"65535:", BENCODE_TRUNCATED, NULL, NULL},

    {"x", BENCODE_BAD_TOKEN, NULL, NULL},
    {"e", BENCODE_BAD_TOKEN, NULL, NULL},
    {"-1:x", BENCODE_BAD_TOKEN, NULL, NULL},
    {"l l", BENCODE_BAD_TOKEN, NULL, NULL},
    {"{\"command\":\"ping\"}", BENCODE_BAD_TOKEN, NULL, NULL},
    {"ie", BENCODE_BAD_INT, NULL, NULL},
    {"i-e", BENCODE_BAD_INT, NULL, NULL},
    {"i--5e", BENCODE_BAD_INT, NULL, NULL},
    {"i+5e", BENCODE_BAD_INT, NULL, NULL},
    {"i 5e", BENCODE_BAD_INT, NULL, NULL},
    {"i5.0e", BENCODE_BAD_INT, NULL, NULL},
    {"i9223372036854775808e", BENCODE_BAD_INT, NULL, NULL},
    {"i-9223372036854775809e", BENCODE_BAD_INT, NULL, NULL},
    {"i99999999999999999999999e", BENCODE_BAD_INT, NULL, NULL},
    {"4spam", BENCODE_BAD_LENGTH, NULL, NULL},
    {"4 :spam", BENCODE_BAD_LENGTH, NULL, NULL},
    {"65536:", BENCODE_BAD_LENGTH, NULL, NULL},
    {"99999999999999:", BENCODE_BAD_LENGTH, NULL, NULL},
    {"18446744073709551615:", BENCODE_BAD_LENGTH, NULL, NULL},
    {"18446744073709551620:spam", BENCODE_BAD_LENGTH, NULL, NULL},
    {"d4:spame", BENCODE_BAD_KEY, NULL, NULL},
    {"di1e1:xe", BENCODE_BAD_KEY, NULL, NULL},
    {"dle1:xe", BENCODE_BAD_KEY, NULL, NULL},
    {"d1:a1:bi1ee", BENCODE_BAD_KEY, NULL, NULL},
    {"dex", BENCODE_TRAILING, NULL, NULL},
    {"dede", BENCODE_TRAILING, NULL, NULL},
    {"4:spam1:x", BENCODE_TRAILING, NULL, NULL},
    {THIRTY("l") "ll" THIRTY("e") "ee", BENCODE_OK, THIRTY("[") "[[" THIRTY("]") "]]", NULL},
    {THIRTY("l") "lll" THIRTY("e") "eee", BENCODE_TOO_DEEP, NULL, NULL},
    {THIRTY("d0:") "d0:d0:d", BENCODE_TOO_DEEP, NULL, NULL},
};

static void assert_rewritten(const struct ng_value *tree, const char *expected)
{
    char again[256];
    struct writer w = writer_over(again, sizeof(again));
    bencode_write(&w, tree);
    assert_true(writer_ok(&w));
    if (!text_is(text_from_bytes(writer_bytes(&w)), expected))
        fail_msg("%s written as %.*s", expected, (int)w.len, again);
}

static void parses_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes input = exact_copy(text_bytes(text_from(cases[i].text)));
        struct ng_arena arena;
        struct ng_value *tree = NULL;
        ng_arena_init(&arena, CAP);

        enum bencode_status status = bencode_parse(input, &arena, &tree, NULL);
        if (status != cases[i].expected)
            fail_msg("%s: %s", cases[i].text, bencode_status_text(status));
        assert_int_equal(tree != NULL, status == BENCODE_OK);
        if (status == BENCODE_OK) {
            assert_string_equal(dump(tree), cases[i].tree);
            assert_rewritten(tree, cases[i].rewritten != NULL ? cases[i].rewritten : cases[i].text);
        }
        ng_arena_done(&arena);
        free((void *)input.data);
    }
}

/* Whatever parses is measured to the same length, with bytes behind it or not; every prefix of it
 * wants more. */
static void measures_what_it_parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text text = text_from(cases[i].text);
        size_t len = 0;
        enum bencode_status status = bencode_measure(text_bytes(text), &len);

        if (cases[i].expected == BENCODE_BAD_KEY)
            continue; /* a complete value, though a wrong one */
        if (cases[i].expected != BENCODE_OK && cases[i].expected != BENCODE_TRAILING) {
            assert_int_equal(status, cases[i].expected);
            continue;
        }
        assert_int_equal(status, BENCODE_OK);
        assert_true(len <= text.len && memchr("e:m\0", text.data[len - 1], 4) != NULL);
        for (size_t prefix = 0; prefix < len; prefix++) {
            size_t untouched = 77;
            assert_int_equal(
                bencode_measure(bytes_of(text.data, prefix), &untouched), BENCODE_TRUNCATED);
            assert_int_equal(untouched, 77);
        }
    }
}

static void says_where_it_failed(void **state)
{
    (void)state;
    struct ng_arena arena;
    struct ng_value *tree;
    size_t offset = 0;
    ng_arena_init(&arena, CAP);
    assert_int_equal(
        bencode_parse(bytes_of("d1:ai1e1:bxe", 12), &arena, &tree, &offset), BENCODE_BAD_TOKEN);
    assert_int_equal(offset, 10);
    assert_int_equal(bencode_parse(bytes_of("dex", 3), &arena, &tree, &offset), BENCODE_TRAILING);
    assert_int_equal(offset, 2);
    ng_arena_done(&arena);
}

static void only_entries_of_a_dictionary_have_keys(void **state)
{
    (void)state;
    struct ng_arena arena;
    struct ng_value *tree;
    ng_arena_init(&arena, CAP);
    assert_int_equal(
        bencode_parse(bytes_of("d1:kl1:xl1:yeee", 15), &arena, &tree, NULL), BENCODE_OK);
    assert_int_equal(tree->key.len, 0);
    assert_true(text_is(tree->first->key, "k"));
    assert_int_equal(tree->first->first->key.len, 0);
    assert_int_equal(tree->first->last->key.len, 0);
    assert_int_equal(tree->first->last->first->key.len, 0);
    ng_arena_done(&arena);
}

static void strings_hold_any_byte(void **state)
{
    (void)state;
    static const char input[] = "d1:k5:\0e:\n\377e";
    struct ng_arena arena;
    struct ng_value *tree;
    struct text out;
    ng_arena_init(&arena, CAP);
    assert_int_equal(
        bencode_parse(bytes_of(input, sizeof(input) - 1), &arena, &tree, NULL), BENCODE_OK);
    assert_true(ng_get_text(tree, "k", &out));
    assert_true(bytes_equal(text_bytes(out), bytes_of("\0e:\n\377", 5)));
    ng_arena_done(&arena);
}

/* A string of the greatest length fits in no value of the greatest size, as its length is part
 * of it. */
static void sizes_end_at_the_maximum(void **state)
{
    (void)state;
    enum { DIGITS = 6 };
    static uint8_t input[BENCODE_MAX_SIZE + 2 * DIGITS];
    struct ng_arena arena;
    struct ng_value *tree;
    size_t len;

    ng_arena_init(&arena, CAP);
    memset(input, 'x', sizeof(input));
    memcpy(input, "65529:", DIGITS);
    struct bytes most = bytes_of(input, BENCODE_MAX_SIZE);
    assert_int_equal(bencode_parse(most, &arena, &tree, NULL), BENCODE_OK);
    assert_int_equal(tree->string.len, 65529);
    assert_int_equal(bencode_measure(most, &len), BENCODE_OK);
    assert_int_equal(len, BENCODE_MAX_SIZE);

    memcpy(input, "65530:", DIGITS);
    struct bytes more = bytes_of(input, BENCODE_MAX_SIZE + 1);
    assert_int_equal(bencode_parse(more, &arena, &tree, NULL), BENCODE_TOO_LONG);
    assert_int_equal(bencode_parse_up_to(more, more.len, &arena, &tree, NULL), BENCODE_OK);
    assert_int_equal(tree->string.len, 65530);
    assert_int_equal(
        bencode_parse_up_to(more, more.len - 1, &arena, &tree, NULL), BENCODE_TOO_LONG);
    assert_int_equal(bencode_measure(more, &len), BENCODE_TOO_LONG);
    assert_int_equal(bencode_measure(most, &len), BENCODE_TRUNCATED);

    memset(input, 'l', 1);
    memcpy(input + 1, "65535:", DIGITS);
    assert_int_equal(bencode_measure(most, &len), BENCODE_TRUNCATED);
    assert_int_equal(bencode_measure(more, &len), BENCODE_TOO_LONG);
    ng_arena_wipe(&arena);
    assert_int_equal(arena.used, 0);
}

static void respects_the_cap(void **state)
{
    (void)state;
    static uint8_t input[60000];
    struct ng_arena arena;
    struct ng_value *tree;

    for (size_t i = 0; i < sizeof(input); i += 2)
        memcpy(input + i, "0:", 2);
    input[0] = 'l';
    input[1] = 'l';
    input[sizeof(input) - 1] = 'e';
    input[sizeof(input) - 2] = 'e';
    ng_arena_init(&arena, 64 << 10);
    assert_int_equal(
        bencode_parse(bytes_of(input, sizeof(input)), &arena, &tree, NULL), BENCODE_NO_MEMORY);
    assert_true(arena.used <= 64 << 10);
    ng_arena_done(&arena);
    ng_arena_init(&arena, CAP);
    assert_int_equal(
        bencode_parse(bytes_of(input, sizeof(input)), &arena, &tree, NULL), BENCODE_OK);
    ng_arena_done(&arena);
}

static void writing_has_its_limits(void **state)
{
    (void)state;
    struct ng_arena arena;
    char out[256];
    ng_arena_init(&arena, CAP);

    struct ng_value *root = ng_list(&arena);
    struct ng_value *inner = root;
    for (unsigned i = 1; i < BENCODE_MAX_DEPTH; i++)
        inner = ng_add_list(&arena, inner);
    struct writer w = writer_over(out, sizeof(out));
    bencode_write(&w, root);
    assert_true(writer_ok(&w));
    ng_add_list(&arena, inner);
    w = writer_over(out, sizeof(out));
    bencode_write(&w, root);
    assert_false(writer_ok(&w));

    struct ng_value *dict = ng_dict(&arena);
    ng_put(&arena, dict, TEXT("n"), ng_null(&arena));
    assert_rewritten(dict, "d1:n0:e");
    w = writer_over(out, 6);
    bencode_write(&w, dict);
    assert_false(writer_ok(&w));
    ng_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_as_expected),
        cmocka_unit_test(measures_what_it_parses),
        cmocka_unit_test(says_where_it_failed),
        cmocka_unit_test(only_entries_of_a_dictionary_have_keys),
        cmocka_unit_test(strings_hold_any_byte),
        cmocka_unit_test(sizes_end_at_the_maximum),
        cmocka_unit_test(respects_the_cap),
        cmocka_unit_test(writing_has_its_limits),
    };
    return cmocka_run_group_tests_name("bencode", tests, NULL, NULL);
}
