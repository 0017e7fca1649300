/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/command_line.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/config_build.h"

static const struct {
    const char *word;
    enum config_action action;
} actions[] = {
    {"--help", CONFIG_HELP},
    {"-h", CONFIG_HELP},
    {"--version", CONFIG_VERSION},
    {"-v", CONFIG_VERSION},
    {"--print-config", CONFIG_PRINT_CONFIG},
    {"--print-man", CONFIG_PRINT_MAN},
    {"--print-docs", CONFIG_PRINT_DOCS},
    {"--check-config", CONFIG_CHECK},
};

/* The words that are left. */
struct words {
    char *const *next;
    int count;
};

static bool take_action(struct text word, struct command_line *out)
{
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        if (text_is(word, actions[i].word)) {
            out->action = actions[i].action;
            return true;
        }
    }
    return false;
}

static int refuse(struct str *why, const char *what, struct text word)
{
    str_addf(why, COMMAND_LINE ": %s '%.*s'; see --help", what, TEXT_ARG(word));
    return -EINVAL;
}

/* "--no-flag" for a flag of that name. */
static const struct option *find_negated(struct text name)
{
    if (!text_starts_with(name, "no-"))
        return NULL;
    const struct option *option = option_find(text_skip(name, strlen("no-")));
    return option != NULL && option->kind == OPTION_BOOL ? option : NULL;
}

static bool is_flag(const struct argument *argument)
{
    return argument->option != NULL ? argument->option->kind == OPTION_BOOL
                                    : argument->ignored->is_flag;
}

static int take_value(struct argument *argument, struct words *words, struct str *why)
{
    if (is_flag(argument)) {
        argument->value = TEXT("true");
        return 0;
    }
    if (words->count == 0)
        return refuse(why, "no value for", argument->name);
    argument->value = text_from(*words->next++);
    words->count--;
    return 0;
}

static int parse_long(struct text word, struct words *words, struct argument *out, struct str *why)
{
    struct text rest = text_skip(word, strlen("--"));
    bool has_value = rest.len > 0 && memchr(rest.data, '=', rest.len) != NULL;
    struct argument argument = {.name = text_cut(&rest, '=')};
    argument.option = option_find(argument.name);
    argument.ignored = ignored_option_find(argument.name);
    const struct option *negated = find_negated(argument.name);
    int error = 0;

    if (argument.option == NULL && argument.ignored == NULL && negated != NULL && !has_value) {
        argument.option = negated;
        argument.value = TEXT("false");
    } else if (argument.option == NULL && argument.ignored == NULL) {
        return refuse(why, "unknown option", word);
    } else if (has_value) {
        argument.value = rest;
    } else {
        error = take_value(&argument, words, why);
    }
    *out = argument;
    return error;
}

static int parse_short(struct text word, struct words *words, struct argument *out, struct str *why)
{
    struct argument argument = {
        .name = text_of(word.data + 1, 1), .option = option_find_letter(word.data[1])};
    int error = 0;
    if (argument.option == NULL)
        return refuse(why, "unknown option", word);
    struct text rest = text_skip(word, 2);
    if (rest.len > 0 && is_flag(&argument))
        return refuse(why, "unknown option", word);
    if (rest.len > 0)
        argument.value = rest;
    else
        error = take_value(&argument, words, why);
    *out = argument;
    return error;
}

static int parse_word(struct text word, struct words *words, struct argument *out, struct str *why)
{
    if (text_starts_with(word, "--") && word.len > 2)
        return parse_long(word, words, out, why);
    if (text_starts_with(word, "-") && word.len > 1)
        return parse_short(word, words, out, why);
    return refuse(why, "not an option:", word);
}

int command_line_parse(int argc, char *const *argv, struct command_line *out, struct str *why)
{
    struct words words = {.next = argv + 1, .count = argc - 1};
    /* Each word makes one argument at most. */
    *out = (struct command_line){.action = CONFIG_RUN};
    out->arguments = calloc(argc > 0 ? (size_t)argc : 1, sizeof(out->arguments[0]));
    if (out->arguments == NULL)
        return -ENOMEM;
    while (words.count > 0) {
        struct text word = text_from(*words.next++);
        words.count--;
        if (take_action(word, out))
            continue;
        int error = parse_word(word, &words, &out->arguments[out->count], why);
        if (error != 0)
            return error;
        out->count++;
    }
    return 0;
}

static bool was_given_before(const struct command_line *line, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (line->arguments[k].option == line->arguments[i].option)
            return true;
    return false;
}

int command_line_apply(
    const struct command_line *line, struct daemon_config *config, struct str *why)
{
    for (size_t i = 0; i < line->count; i++) {
        const struct argument *a = &line->arguments[i];
        if (a->option == NULL) {
            config_warn_ignored(config, a->ignored, a->name);
            continue;
        }
        enum option_mode mode = was_given_before(line, i) ? OPTION_APPEND : OPTION_REPLACE;
        int error = config_set(config, a->option, mode, a->value, COMMAND_LINE, why);
        if (error != 0)
            return error;
    }
    return 0;
}

void command_line_done(struct command_line *line)
{
    free(line->arguments);
    *line = (struct command_line){.action = CONFIG_RUN};
}
