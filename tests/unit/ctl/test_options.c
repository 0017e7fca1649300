/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MAX_WORDS = 80 };

struct line {
    char text[2048];
    char *words[MAX_WORDS];
    int count;
};

/* Words between single spaces; an empty one is "". */
static void split(const char *text, struct line *out)
{
    snprintf(out->text, sizeof(out->text), "mediaferryctl %s", text);
    out->count = 0;
    for (char *at = out->text; at != NULL && *at != '\0';)
        out->words[out->count++] = strsep(&at, " ");
}

static bool read_line(const char *text, struct line *line, struct ctl_options *out, struct str *why)
{
    split(text, line);
    return ctl_options_read(line->count, line->words, NULL, out, why);
}

static void reads_commands(void **state)
{
    static const struct {
        const char *line;
        enum ctl_command command;
        size_t words;
        const char *last; /* word; NULL: none */
    } cases[] = {
        {"status", CTL_STATUS, 0, NULL},
        {"list", CTL_LIST, 0, NULL},
        {"list @pbx --limit 5", CTL_LIST, 1, "@pbx"},
        {"show abc@1.2.3.4", CTL_SHOW, 1, "abc@1.2.3.4"},
        {"show -- --strange-id", CTL_SHOW, 1, "--strange-id"},
        {"show -", CTL_SHOW, 1, "-"},
        {"show turn", CTL_SHOW, 1, "turn"},
        {"terminate a b c", CTL_TERMINATE, 3, "c"},
        {"drain", CTL_DRAIN, 0, NULL},
        {"--json undrain", CTL_UNDRAIN, 0, NULL},
        {"ready", CTL_READY, 0, NULL},
        {"metrics", CTL_METRICS, 0, NULL},
        {"turn list -u bob", CTL_TURN_LIST, 0, NULL},
        {"turn end 1 2", CTL_TURN_END, 2, "2"},
        {"turn -j end-user bob --revoke=60 --realm r", CTL_TURN_END_USER, 1, "bob"},
        {"turn drain", CTL_TURN_DRAIN, 0, NULL},
        {"turn undrain", CTL_TURN_UNDRAIN, 0, NULL},
        {"turn credentials bob --ttl 60", CTL_TURN_CREDENTIALS, 1, "bob"},
        {"--help", CTL_HELP, 0, NULL},
        {"drain -h", CTL_HELP, 0, NULL},
        {"-V", CTL_VERSION, 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ctl_options options;
        struct str why = {.data = NULL};
        struct line line;
        if (!read_line(cases[i].line, &line, &options, &why))
            fail_msg("%s: %s", cases[i].line, str_string(&why));
        assert_int_equal(options.command, cases[i].command);
        assert_int_equal(options.word_count, cases[i].words);
        if (cases[i].last != NULL)
            assert_string_equal(options.words[options.word_count - 1], cases[i].last);
    }
}

static void reads_options(void **state)
{
    struct ctl_options o;
    struct str why = {.data = NULL};
    struct line line;
    (void)state;
    assert_true(read_line(
        "drain -w --exit -t 90 -a 192.0.2.1 --alternate-server=192.0.2.2:5", &line, &o, &why));
    assert_true(o.wait && o.exit && o.has_timeout && !o.json);
    assert_int_equal(o.timeout_s, 90);
    assert_int_equal(o.alternate_count, 2);
    assert_string_equal(o.alternates[0], "192.0.2.1");
    assert_string_equal(o.alternates[1], "192.0.2.2:5");
    assert_string_equal(o.socket, "/run/mediaferry/control.sock");
    assert_true(read_line("drain --exit --timeout=0 --socket=/x=y", &line, &o, &why));
    assert_true(o.has_timeout && o.timeout_s == 0);
    assert_string_equal(o.socket, "/x=y");
    assert_true(read_line("--socket= status", &line, &o, &why));
    assert_string_equal(o.socket, "");
    assert_true(read_line("-s /z turn end-user bob --revoke 60 --realm=r -j", &line, &o, &why));
    assert_string_equal(o.socket, "/z");
    assert_true(o.json);
    assert_int_equal(o.revoke_s, 60);
    assert_string_equal(o.realm, "r");
    assert_true(read_line("turn list --limit=4294967295 --user a", &line, &o, &why));
    assert_true(o.limit == UINT32_MAX);
    assert_string_equal(o.user, "a");
}

static void the_environment_knows_the_socket(void **state)
{
    struct ctl_options o;
    struct str why = {.data = NULL};
    struct line line;
    (void)state;
    split("status", &line);
    assert_true(ctl_options_read(line.count, line.words, "/env.sock", &o, &why));
    assert_string_equal(o.socket, "/env.sock");
    split("status -s /own.sock", &line);
    assert_true(ctl_options_read(line.count, line.words, "/env.sock", &o, &why));
    assert_string_equal(o.socket, "/own.sock");
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"", "a command is missing"},
        {"turn", "behind 'turn'"},
        {"stats", "no command 'stats'"},
        {"turn status", "no command 'turn status'"},
        {"end 5", "no command 'end'"},
        {"status now", "'now' is one word too many"},
        {"show", "CALL-ID is missing"},
        {"terminate", "CALL-ID... is missing"},
        {"turn end-user", "NAME is missing"},
        {"show a b", "'b' is one word too many"},
        {"status --wait", "--wait means nothing to this command"},
        {"list --limit 0", "'0' is no number"},
        {"list --limit -1", "'-1' is no number"},
        {"list --limit 4294967296", "is no number from 1 to 4294967295"},
        {"drain --timeout 5", "without --wait or --exit"},
        {"drain --wait --timeout 1.5", "'1.5' is no number"},
        {"drain --wait=yes", "--wait takes no value"},
        {"drain --timeout", "--timeout needs a value: SECONDS"},
        {"drain -a 1 -a 2 -a 3 -a 4 -a 5 -a 6 -a 7 -a 8 -a 9", "8 at most"},
        {"turn drain --exit", "--exit means nothing"},
        {"status --nonsense", "no option '--nonsense'"},
        {"status -x", "no option '-x'"},
        {"status -jw", "no option '-jw'"},
        {"status --j", "no option '--j'"},
        {"status ---json", "no option '---json'"},
        {"status --=x", "no option '--=x'"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ctl_options options;
        struct str why = {.data = NULL};
        struct line line;
        assert_false(read_line(cases[i].line, &line, &options, &why));
        if (strstr(str_string(&why), cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].line, str_string(&why));
        str_done(&why);
    }
}

static void there_may_not_be_too_many_words(void **state)
{
    struct ctl_options options;
    struct str why = {.data = NULL};
    char *words[CTL_MAX_WORDS + 3] = {"mediaferryctl", "terminate"};
    (void)state;
    for (int i = 0; i <= CTL_MAX_WORDS; i++)
        words[i + 2] = "x";
    assert_true(ctl_options_read(CTL_MAX_WORDS + 2, words, NULL, &options, &why));
    assert_int_equal(options.word_count, CTL_MAX_WORDS);
    assert_false(ctl_options_read(CTL_MAX_WORDS + 3, words, NULL, &options, &why));
    str_done(&why);
}

static void the_help_fits_into_a_terminal(void **state)
{
    struct str out = {.data = NULL};
    (void)state;
    ctl_options_help(&out);
    for (struct text rest = str_text(&out); rest.len > 0;)
        assert_true(text_cut(&rest, '\n').len <= 100);
    assert_non_null(strstr(str_string(&out), "  turn end-user NAME  "));
    assert_non_null(strstr(str_string(&out), "  -t, --timeout=SECONDS  "));
    str_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_commands),
        cmocka_unit_test(reads_options),
        cmocka_unit_test(the_environment_knows_the_socket),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(there_may_not_be_too_many_words),
        cmocka_unit_test(the_help_fits_into_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
