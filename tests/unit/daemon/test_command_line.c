/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/command_line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { WORDS = 6 };

static const struct {
    char *words[WORDS];
    enum config_action action;
    const char *expected; /* "name=value ..." with '?' before those without effect; or the error */
    bool ok;
} cases[] = {
    {{NULL}, CONFIG_RUN, "", true},
    {{"--port-min=1", "--port-max", "2"}, CONFIG_RUN, "port-min=1 port-max=2 ", true},
    {{"-m", "1", "-M2"}, CONFIG_RUN, "port-min=1 port-max=2 ", true},
    {{"--interface=a/1.2.3.4", "-i", "b/5.6.7.8"}, CONFIG_RUN,
        "interface=a/1.2.3.4 interface=b/5.6.7.8 ", true},
    {{"--software-id=a=b", "--software-id="}, CONFIG_RUN, "software-id=a=b software-id= ", true},
    {{"--sip-source", "--no-plain-sdp", "-f"}, CONFIG_RUN,
        "sip-source=true plain-sdp=false foreground=true ", true},
    {{"--plain-sdp=off"}, CONFIG_RUN, "plain-sdp=off ", true},
    {{"--table", "0", "--no-fallback", "--redis-write=x"}, CONFIG_RUN,
        "?table=0 ?no-fallback=true ?redis-write=x ", true},
    {{"--help"}, CONFIG_HELP, "", true},
    {{"-v"}, CONFIG_VERSION, "", true},
    {{"--print-config", "--tos=1"}, CONFIG_PRINT_CONFIG, "tos=1 ", true},
    {{"--bogus"}, CONFIG_RUN, "command line: unknown option '--bogus'; see --help", false},
    {{"--bogus=1"}, CONFIG_RUN, "command line: unknown option '--bogus=1'; see --help", false},
    {{"--no-port-min"}, CONFIG_RUN, "command line: unknown option '--no-port-min'; see --help",
        false},
    {{"--no-plain-sdp=1"}, CONFIG_RUN,
        "command line: unknown option '--no-plain-sdp=1'; see --help", false},
    {{"--port-min"}, CONFIG_RUN, "command line: no value for 'port-min'; see --help", false},
    {{"-Z"}, CONFIG_RUN, "command line: unknown option '-Z'; see --help", false},
    {{"-fm"}, CONFIG_RUN, "command line: unknown option '-fm'; see --help", false},
    {{"word"}, CONFIG_RUN, "command line: not an option: 'word'; see --help", false},
    {{"-"}, CONFIG_RUN, "command line: not an option: '-'; see --help", false},
    {{"--"}, CONFIG_RUN, "command line: unknown option '--'; see --help", false},
    {{""}, CONFIG_RUN, "command line: not an option: ''; see --help", false},
};

static int parse(char *const *words, struct command_line *out, struct str *why)
{
    char *argv[WORDS + 2] = {"mediaferry"};
    int argc = 1;
    for (size_t i = 0; i < WORDS && words[i] != NULL; i++)
        argv[argc++] = words[i];
    return command_line_parse(argc, argv, out, why);
}

static void reads_the_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct command_line line;
        struct str found = {0};
        int error = parse(cases[i].words, &line, &found);
        assert_int_equal(error, cases[i].ok ? 0 : -EINVAL);
        for (size_t k = 0; error == 0 && k < line.count; k++) {
            const struct argument *a = &line.arguments[k];
            str_addf(&found, "%s%.*s=%.*s ", a->option == NULL ? "?" : "",
                a->option == NULL ? (int)a->name.len : (int)strlen(a->option->name),
                a->option == NULL ? a->name.data : a->option->name, TEXT_ARG(a->value));
        }
        assert_string_equal(str_string(&found), cases[i].expected);
        if (error == 0)
            assert_int_equal(line.action, cases[i].action);
        command_line_done(&line);
        str_done(&found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_the_forms)};
    return cmocka_run_group_tests_name("command_line", tests, NULL, NULL);
}
