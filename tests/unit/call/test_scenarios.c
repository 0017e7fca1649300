/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the scenarios of tests/vectors/call: each file is one call, told as commands and what must
 * come of them. See the README there. With `--write FILE...` the expectations are written anew from
 * what came; they must then be read by somebody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "scenario_flags.h"
#include "scenario_plan.h"
#include "scenario_world.h"

enum { MAX_FILES = 200, MAX_TEXT = 1 << 17 };

struct scenario {
    const char *path;
    struct text rest; /* of the file */
    unsigned line;
    struct world world;
    struct call_result result;
    enum call_status status;
    char sdp[MAX_TEXT], expected[MAX_TEXT], got[MAX_TEXT];
    FILE *rewritten; /* with --write */
    bool failed;
};

static struct text next_line(struct scenario *s)
{
    s->line++;
    return text_cut(&s->rest, '\n');
}

static void complain(struct scenario *s, const char *what, struct text detail)
{
    print_error("%s:%u: %s: %.*s\n", s->path, s->line, what, TEXT_ARG(detail));
    s->failed = true;
}

/* Reads lines up to one with a dot alone, each ended with `end`. */
static struct text read_block(struct scenario *s, char *room, const char *end)
{
    size_t len = 0;
    while (s->rest.len > 0) {
        struct text line = next_line(s);
        if (text_is(line, "."))
            break;
        len += (size_t)snprintf(room + len, MAX_TEXT - len, "%.*s%s", TEXT_ARG(line), end);
    }
    return text_of(room, len);
}

static void without_cr(struct text from, char *room)
{
    size_t len = 0;
    for (size_t i = 0; i < from.len && len + 1 < MAX_TEXT; i++)
        if (from.data[i] != '\r')
            room[len++] = from.data[i];
    room[len] = '\0';
}

static void run_command(struct scenario *s, enum call_verb verb, struct text words)
{
    struct call_command command = {.verb = verb, .call_id = TEXT("call")};
    scenario_default_flags(&command.flags);
    while (words.len > 0) {
        struct text word = text_word(&words, ' ');
        if (word.len > 0 && !scenario_flag(&command, word))
            complain(s, "unknown word", word);
    }
    if (verb != CALL_DELETE) {
        struct text sdp = read_block(s, s->sdp, "\r\n");
        if (s->rewritten != NULL) {
            without_cr(sdp, s->got);
            fprintf(s->rewritten, "%s.\n", s->got);
        }
        command.sdp = sdp;
    }
    s->status = world_apply(&s->world, &command, &s->result);
    if (s->world.broken != NULL)
        complain(s, "this must hold", text_from(s->world.broken));
    if (s->rewritten != NULL) {
        fprintf(s->rewritten, "= %s\n", s->status == CALL_OK ? "ok" : call_status_text(s->status));
        if (s->result.sdp.len > 0) {
            without_cr(s->result.sdp, s->got);
            fprintf(s->rewritten, "%s.\n", s->got);
        }
    }
}

/* `= ok` or `= Failed to parse SDP`, and the SDP */
static void check_reply(struct scenario *s, struct text words)
{
    const char *got = s->status == CALL_OK ? "ok" : call_status_text(s->status);
    struct text expected = text_of(NULL, 0);
    if (s->rest.len > 1 && s->rest.data[1] == '=' && s->rest.data[0] == 'v')
        expected = read_block(s, s->expected, "\n");
    if (s->rewritten != NULL)
        return;
    if (!text_is(words, got)) {
        complain(s, "the status is", text_from(got));
        complain(s, "because", text_from(s->result.why));
    }
    without_cr(s->result.sdp, s->got);
    if (!text_is(expected, s->got))
        complain(s, "the SDP is", text_from(s->got));
}

static bool line_has_words(struct text line, struct text words)
{
    while (words.len > 0) {
        struct text word = text_word(&words, ' ');
        struct text rest = line;
        bool found = word.len == 0;
        while (!found && rest.len > 0)
            found = text_equal(text_word(&rest, ' '), word);
        if (!found)
            return false;
    }
    return true;
}

static bool plan_has(struct text plan, struct text expected)
{
    while (plan.len > 0)
        if (line_has_words(text_cut(&plan, '\n'), expected))
            return true;
    return false;
}

/* The whole plan; with a line `...`, only these lines, by any of their words. */
static void compare_plans(struct scenario *s, struct text expected)
{
    struct text it = expected;
    bool partly = false;
    while (it.len > 0)
        if (text_is(text_cut(&it, '\n'), "..."))
            partly = true;
    if (!partly && !text_is(expected, s->got))
        complain(s, "the plan is", text_from(s->got));
    while (partly && expected.len > 0) {
        struct text line = text_cut(&expected, '\n');
        if (!text_is(line, "...") && !plan_has(text_from(s->got), line)) {
            complain(s, "no line of the plan has all of", line);
            complain(s, "the plan is", text_from(s->got));
        }
    }
}

static void check_plan(struct scenario *s)
{
    static const struct plan nothing;
    s->got[0] = '\0';
    FILE *out = fmemopen(s->got, sizeof(s->got), "w");
    assert_non_null(out);
    scenario_print_plan(out, s->world.call != NULL ? call_plan(s->world.call) : &nothing);
    fclose(out);
    struct text expected = read_block(s, s->expected, "\n");
    if (s->rewritten != NULL)
        fprintf(s->rewritten, "%s.\n", s->got);
    else
        compare_plans(s, expected);
}

/* What call.h tells about a party: `tag peers=.. sections=..`. */
static void check_party(struct scenario *s, struct text words)
{
    uint64_t index = 0;
    struct text number = text_word(&words, ' ');
    if (s->rewritten != NULL)
        return;
    if (s->world.call == NULL || !text_to_u64(number, 64, &index) ||
        index >= call_party_count(s->world.call)) {
        complain(s, "no such party", number);
        return;
    }
    struct call_party_info p = call_party(s->world.call, (uint32_t)index);
    size_t len = (size_t)snprintf(s->got, sizeof(s->got), "tag=%.*s branch=%.*s label=%.*s",
        TEXT_ARG(p.tag), TEXT_ARG(p.via_branch), TEXT_ARG(p.label));
    for (uint32_t i = 0; i < p.peer_count; i++)
        len += (size_t)snprintf(
            s->got + len, sizeof(s->got) - len, " peer=%.*s", TEXT_ARG(p.peers[i]));
    for (uint32_t i = 0; i < p.section_count; i++) {
        struct call_section_info section = call_section(s->world.call, (uint32_t)index, i);
        len += (size_t)snprintf(s->got + len, sizeof(s->got) - len, " %.*s=%.*s:%.*s:%u%s%s%s",
            TEXT_ARG(section.type), TEXT_ARG(section.protocol), TEXT_ARG(section.codec),
            section.stream, section.ice ? ":ice" : "", section.dtls ? ":dtls" : "",
            section.sdes ? ":sdes" : "");
    }
    if (!line_has_words(text_from(s->got), words))
        complain(s, "the party is", text_from(s->got));
}

static void check_setting(struct scenario *s, bool known, struct text words)
{
    if (!known)
        complain(s, "no such setting or address", words);
}

static void run_line(struct scenario *s, struct text line)
{
    struct text words = line;
    struct text verb = text_word(&words, ' ');
    if (text_is(verb, "offer"))
        run_command(s, CALL_OFFER, words);
    else if (text_is(verb, "answer"))
        run_command(s, CALL_ANSWER, words);
    else if (text_is(verb, "delete"))
        run_command(s, CALL_DELETE, words);
    else if (text_is(verb, "="))
        check_reply(s, words);
    else if (text_is(verb, "plan"))
        check_plan(s);
    else if (text_is(verb, "party"))
        check_party(s, words);
    else if (text_is(verb, "interface"))
        check_setting(s, scenario_interface(&s->world, words), words);
    else if (text_is(verb, "set"))
        check_setting(s, scenario_set(&s->world, words), words);
    else if (text_is(verb, "ended")) {
        if (!s->result.ended)
            complain(s, "the call has not ended", verb);
    } else if (text_is(verb, "goes-on")) {
        if (s->result.ended)
            complain(s, "the call has ended", verb);
    } else if (text_is(verb, "warning")) {
        if (s->rewritten == NULL && !text_is(words, s->result.warning ? s->result.warning : ""))
            complain(s, "the warning is", text_from(s->result.warning));
    } else if (text_is(verb, "released")) {
        uint64_t count = 0;
        if (!text_to_u64(words, 1000, &count) || count != s->world.released)
            complain(s, "that many leases were not released", words);
    } else if (verb.len > 0 && verb.data[0] != '#') {
        complain(s, "unknown line", line);
    }
}

static void run_scenario(struct scenario *s)
{
    world_init(&s->world);
    while (s->rest.len > 0) {
        struct text line = next_line(s);
        bool is_reply = line.len > 0 && line.data[0] == '=';
        if (s->rewritten != NULL && !is_reply)
            fprintf(s->rewritten, "%.*s\n", TEXT_ARG(line));
        /* A new command needs no reply of its own to be rewritten. */
        run_line(s, line);
    }
    world_done(&s->world);
}

static struct text read_file(const char *path, char *room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(room, 1, MAX_TEXT, file);
    fclose(file);
    return text_of(room, len);
}

static void runs_as_told(void **state)
{
    static struct scenario s;
    static char room[MAX_TEXT];
    memset(&s, 0, sizeof(s));
    s.path = *state;
    s.rest = read_file(s.path, room);
    run_scenario(&s);
    assert_false(s.failed);
}

static void rewrite(const char *path)
{
    static struct scenario s;
    static char room[MAX_TEXT], text[MAX_TEXT];
    memset(&s, 0, sizeof(s));
    s.path = path;
    s.rest = read_file(path, room);
    s.rewritten = fmemopen(text, sizeof(text), "w");
    run_scenario(&s);
    fclose(s.rewritten);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return alphasort(a, b);
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[MAX_FILES];
    size_t count = 0;
    if (argc > 2 && strcmp(argv[1], "--write") == 0) {
        for (int i = 2; i < argc; i++)
            rewrite(argv[i]);
        return 0;
    }
    struct dirent **entries = NULL;
    int found = argc == 2 ? scandir(argv[1], &entries, NULL, by_name) : -1;
    for (int i = 0; i < found; i++) {
        size_t len = strlen(entries[i]->d_name);
        char *path = NULL;
        if (count < MAX_FILES && len > 4 && strcmp(entries[i]->d_name + len - 4, ".txt") == 0 &&
            asprintf(&path, "%s/%s", argv[1], entries[i]->d_name) > 0)
            tests[count++] = (struct CMUnitTest){
                .name = strrchr(path, '/') + 1, .test_func = runs_as_told, .initial_state = path};
    }
    int failed = count > 0 ? cmocka_run_group_tests_name("scenarios", tests, NULL, NULL) : 1;
    for (size_t i = 0; i < count; i++)
        free(tests[i].initial_state);
    for (int i = 0; i < found; i++)
        free(entries[i]);
    free(entries);
    return failed;
}
