/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "script.h"

static void note(struct str *heard, const char *name, struct text words)
{
    str_addf(heard, "%s(%.*s)", name, TEXT_ARG(words));
}

static void act_run(void *owner, struct text words)
{
    note(owner, "run", words);
}

static void act_runner(void *owner, struct text words)
{
    note(owner, "runner", words);
}

static void act_number(void *owner, struct text words)
{
    str_addf(owner, "[%llu]", (unsigned long long)script_number(&words, "it", 10, 99));
}

static const struct command commands[] = {
    {"run", act_run},
    {"runner", act_runner},
    {"number", act_number},
    {NULL, NULL},
};

struct script_case {
    const char *name, *input, *heard;
};

static const struct script_case cases[] = {
    {"nothing", "", ""},
    {"a command", "run\n", "run()"},
    {"with words", "run 50 2 160 rtcp\n", "run(50 2 160 rtcp)"},
    {"whole names only", "runner x\nrun y\n", "runner(x)run(y)"},
    {"blanks and line ends", "  run  a b \r\n", "run( a b)"},
    {"empty lines and remarks", "\n   \n# run\nrun\n", "run()"},
    {"no line end at the end", "run\nrunner", "run()runner()"},
    {"quit is the end", "run\nquit\nrun\n", "run()"},
    {"numbers", "number 10\nnumber 99 x\n", "[10][99]"},
};

static void is_carried_out(void **state)
{
    const struct script_case *c = *state;
    struct str heard = {0};
    FILE *input = tmpfile();
    assert_non_null(input);
    assert_true(fputs(c->input, input) >= 0);
    rewind(input);
    script_read(input, commands, &heard);
    assert_string_equal(str_string(&heard), c->heard);
    str_done(&heard);
    fclose(input);
}

/* What a process that reads `line` says; its status must be 1. */
static void say_error(const char *line, char *out, size_t room)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct str heard = {0};
        dup2(ends[1], STDOUT_FILENO);
        script_act(text_from(line), commands, &heard);
        _exit(0);
    }
    close(ends[1]);
    ssize_t len = read(ends[0], out, room - 1);
    out[len > 0 ? len : 0] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void what_cannot_be_done_is_the_end(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"walk 1", "{\"error\": \"walk: no such command\"}\n"},
        {"w\"al\\k", "{\"error\": \"walk: no such command\"}\n"},
        {"number 9", "{\"error\": \"it: not a number between 10 and 99\"}\n"},
        {"number 100", "{\"error\": \"it: not a number between 10 and 99\"}\n"},
        {"number 1x", "{\"error\": \"it: not a number between 10 and 99\"}\n"},
        {"number", "{\"error\": \"it: not a number between 10 and 99\"}\n"},
    };
    fflush(stdout);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char said[256];
        say_error(lines[i][0], said, sizeof(said));
        assert_string_equal(said, lines[i][1]);
    }
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(cases) + 1] = {
        cmocka_unit_test(what_cannot_be_done_is_the_end),
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        tests[i + 1] = (struct CMUnitTest){.name = cases[i].name,
            .test_func = is_carried_out,
            .initial_state = (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
