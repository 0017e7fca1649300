/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/config_build.h"

/* What the parser, the manual and the sample rely on. */
static void the_table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &options[i];
        char variable[OPTION_VARIABLE_SIZE];
        assert_true(strspn(o->name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(o->name));
        assert_true(strlen(option_variable(o, variable)) < OPTION_VARIABLE_SIZE - 1);
        assert_true(strlen(o->help) > 10 && o->help[strlen(o->help) - 1] == '.');
        assert_null(strchr(o->help, '\n'));
        assert_ptr_equal(option_find(text_from(o->name)), o);
        assert_null(ignored_option_find(text_from(o->name)));
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(options[k].offset, o->offset);
            assert_true(o->letter == '\0' || options[k].letter != o->letter);
            /* The options of a section stand together. */
            assert_true(k == i - 1 || strcmp(options[k].section, o->section) != 0 ||
                        strcmp(options[k + 1].section, o->section) == 0);
        }
    }
    assert_ptr_equal(option_find(TEXT("Turn-CA-File")), option_find(TEXT("turn-ca-file")));
    assert_null(option_find(TEXT("port")));
    assert_null(option_find_letter('\0'));
    assert_string_equal(option_find_letter('m')->name, "port-min");
}

static void every_default_is_a_possible_value(void **state)
{
    (void)state;
    struct daemon_config *config = config_new();
    assert_non_null(config);
    for (size_t i = 0; i < option_count; i++) {
        struct str value = {0};
        option_get(&options[i], config, &value);
        assert_string_equal(str_string(&value), options[i].fallback);
        str_done(&value);
    }
    config_free(config);
}

/* Names of coturn's stand in [turn]; nothing else does, and nothing is both known and ignored. */
static void the_section_turn_has_names_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &options[i];
        bool is_turn = text_starts_with(text_from(o->name), "turn-");
        const char *name = o->name + (is_turn ? strlen("turn-") : 0);
        assert_int_equal(option_is_turn(o), is_turn);
        assert_int_equal(text_starts_with(text_from(o->section), "TURN"), is_turn);
        assert_string_equal(option_file_name(o), name);
        assert_ptr_equal(option_find_in(TEXT("turn"), text_from(name)), is_turn ? o : NULL);
        assert_ptr_equal(option_find_in(TEXT("mediaferry"), text_from(o->name)), o);
        if (is_turn)
            assert_null(coturn_ignored_option_find(text_from(name)));
        assert_true(is_turn || !o->turn_only);
    }
    assert_non_null(coturn_ignored_option_find(TEXT("Verbose")));
    assert_non_null(coturn_ignored_option_find(TEXT("prometheus-port")));
    assert_null(coturn_ignored_option_find(TEXT("table")));
}

static const struct {
    const char *name;
    bool is_ignored;
    bool is_flag;
} ignored[] = {
    {"table", true, false},
    {"no-fallback", true, true},
    {"redis", false, false},
    {"redis-write", true, false},
    {"no-redis-required", true, true},
    {"nftables-chain", true, false},
    {"record-egress", true, true},
    {"tables", false, false},
    {"nftables", false, false},
    {"", false, false},
};

static void knows_what_has_no_effect(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ignored); i++) {
        const struct ignored_option *found = ignored_option_find(text_from(ignored[i].name));
        assert_int_equal(found != NULL, ignored[i].is_ignored);
        if (found != NULL)
            assert_int_equal(found->is_flag, ignored[i].is_flag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(every_default_is_a_possible_value),
        cmocka_unit_test(the_section_turn_has_names_of_its_own),
        cmocka_unit_test(knows_what_has_no_effect),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
