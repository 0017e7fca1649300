/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "daemon/config_build.h"

/* The file in the tree is what the program prints: after a change of the option table, print it
 * again (mediaferry --config-file=none --print-config, or --print-docs). */
static void assert_is_file(const struct str *printed, const char *path)
{
    static char content[1 << 16];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(content, 1, sizeof(content) - 1, file);
    fclose(file);
    content[len] = '\0';
    assert_string_equal(str_string(printed), content);
}

static void the_sample_in_the_tree_is_up_to_date(void **state)
{
    (void)state;
    struct daemon_config *config = config_new();
    struct str out = {0};
    config_print_sample(config, &out);
    assert_is_file(&out, SOURCE_ROOT "/config/mediaferry.conf");
    str_done(&out);
    config_free(config);
}

static void the_documentation_in_the_tree_is_up_to_date(void **state)
{
    (void)state;
    struct str out = {0};
    config_print_docs(&out);
    assert_is_file(&out, SOURCE_ROOT "/docs/configuration.md");
    str_done(&out);
}

static void a_printed_configuration_is_read_back(void **state)
{
    (void)state;
    static const char set[] = "[mediaferry]\nport-min = 20000\nplain-sdp = off\nmos = LQ\n"
                              "interface = a/1.2.3.4;b/5.6.7.8\nsoftware-id =\n";
    struct daemon_config *first = config_new(), *second = config_new();
    struct str out = {0}, again = {0}, why = {0};
    assert_int_equal(config_read_text(first, text_from(set), "x", "", &why), 0);
    config_print_sample(first, &out);
    assert_non_null(strstr(str_string(&out), "\nport-min = 20000\n"));
    assert_non_null(strstr(str_string(&out), "\n#port-max = 39999\n"));
    assert_int_equal(config_read_text(second, str_text(&out), "x", "", &why), 0);
    assert_int_equal(second->warning_count, 0);
    config_print_sample(second, &again);
    assert_string_equal(str_string(&out), str_string(&again));
    str_done(&out);
    str_done(&again);
    config_free(first);
    config_free(second);
}

static void assert_narrow(const struct str *out, size_t columns)
{
    struct text rest = str_text(out);
    while (rest.len > 0)
        assert_in_range(text_cut(&rest, '\n').len, 0, columns);
}

static void help_and_manual_name_every_option(void **state)
{
    (void)state;
    struct str help = {0}, man = {0};
    config_print_help(&help);
    config_print_man(&man);
    assert_narrow(&help, 80);
    for (size_t i = 0; i < option_count; i++) {
        struct str plain = {0}, roff = {0};
        str_addf(&plain, "--%s%s", options[i].kind == OPTION_BOOL ? "[no-]" : "", options[i].name);
        for (const char *c = str_string(&plain); *c != '\0'; c++)
            str_addf(&roff, "%s%c", *c == '-' ? "\\" : "", *c);
        assert_non_null(strstr(str_string(&help), str_string(&plain)));
        assert_non_null(strstr(str_string(&man), str_string(&roff)));
        str_done(&plain);
        str_done(&roff);
    }
    str_done(&help);
    str_done(&man);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_in_the_tree_is_up_to_date),
        cmocka_unit_test(the_documentation_in_the_tree_is_up_to_date),
        cmocka_unit_test(a_printed_configuration_is_read_back),
        cmocka_unit_test(help_and_manual_name_every_option),
    };
    return cmocka_run_group_tests_name("config_print", tests, NULL, NULL);
}
