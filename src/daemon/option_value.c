/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/option_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static void *field_of(const struct option *option, struct daemon_config *config)
{
    return (char *)config + option->offset;
}

static const void *field_in(const struct option *option, const struct daemon_config *config)
{
    return (const char *)config + option->offset;
}

static char **text_field(const struct option *option, struct daemon_config *config)
{
    return (char **)field_of(option, config);
}

static bool parse_bool(struct text value, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"yes", true}, {"on", true}, {"1", true}, {"false", false},
        {"no", false}, {"off", false}, {"0", false}};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (text_is_nocase(value, words[i].word)) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

static bool parse_number(const struct option *option, struct text value, int64_t *out)
{
    bool negative = value.len > 0 && value.data[0] == '-';
    uint64_t magnitude;
    if (!text_to_u64(negative ? text_skip(value, 1) : value, INT64_MAX, &magnitude))
        return false;
    int64_t number = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (number < option->min || number > option->max)
        return false;
    *out = number;
    return true;
}

static const struct option_choice *parse_choice(const struct option *option, struct text value)
{
    for (const struct option_choice *c = option->choices; c->name != NULL; c++)
        if (text_is_nocase(value, c->name))
            return c;
    return NULL;
}

void option_describe_values(const struct option *option, struct str *out)
{
    const char *separator = "one of ";
    switch (option->kind) {
    case OPTION_BOOL:
        str_add_string(out, "true or false");
        return;
    case OPTION_NUMBER:
        str_addf(out, "a number (%" PRId64 " to %" PRId64 ")", option->min, option->max);
        return;
    case OPTION_PORT:
        str_addf(out, "a port number (%" PRId64 "-%" PRId64 ")", option->min, option->max);
        return;
    case OPTION_SECONDS:
        str_addf(out, "a number of seconds (%" PRId64 " to %" PRId64 ")", option->min, option->max);
        return;
    case OPTION_CHOICE:
    case OPTION_WORD:
        for (const struct option_choice *c = option->choices; c->name != NULL; c++) {
            str_addf(out, "%s%s", separator, c->name);
            separator = ", ";
        }
        return;
    case OPTION_TEXT:
        str_add_string(out, "a text");
        return;
    case OPTION_LIST:
    case OPTION_ENTRIES:
        str_add_string(out, "a list, separated by ';'");
        return;
    }
}

/* Control characters would end up in logs, packets and SDP. */
static bool is_clean(const struct option *option, struct text value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        bool separates = option->kind == OPTION_ENTRIES && c == '\n';
        if (((unsigned char)c < ' ' && !separates) || c == 0x7f)
            return false;
    }
    return true;
}

static int put_text(struct str *whole, char **field)
{
    char *text = str_take(whole);
    if (text == NULL)
        return -ENOMEM;
    free(*field);
    *field = text;
    return 0;
}

/* Cuts off the entry before the next ';' that is not doubled, or line break; adds it to `out`. */
static void cut_entry(struct text *rest, struct str *out)
{
    struct str entry = {0};
    while (rest->len > 0) {
        char c = rest->data[0];
        bool doubled = c == ';' && rest->len > 1 && rest->data[1] == ';';
        *rest = text_skip(*rest, doubled ? 2 : 1);
        if (c == '\n' || (c == ';' && !doubled))
            break;
        str_add_char(&entry, c);
    }
    struct text trimmed = text_trim(str_text(&entry));
    if (trimmed.len > 0)
        str_addf(out, "%s%.*s", out->len > 0 ? "\n" : "", TEXT_ARG(trimmed));
    out->failed |= entry.failed;
    str_done(&entry);
}

static int set_entries(enum option_mode mode, struct text value, char **field)
{
    struct str whole = {0};
    if (mode == OPTION_APPEND)
        str_add_string(&whole, *field);
    while (value.len > 0)
        cut_entry(&value, &whole);
    return put_text(&whole, field);
}

static int set_text(
    const struct option *option, enum option_mode mode, struct text value, char **field)
{
    struct str whole = {0};
    if (mode == OPTION_APPEND && option->kind == OPTION_LIST && *field != NULL && **field != '\0')
        str_addf(&whole, "%s;", *field);
    str_add(&whole, value);
    return put_text(&whole, field);
}

static int refuse(const struct option *option, struct text value, struct str *why)
{
    if (option->is_secret)
        str_add_string(why, "the value, which is secret, is not ");
    else
        str_addf(why, "'%.*s' is not ", TEXT_ARG(value));
    option_describe_values(option, why);
    return -EINVAL;
}

int option_set(const struct option *option, enum option_mode mode, struct text value,
    struct daemon_config *config, struct str *why)
{
    void *field = field_of(option, config);
    const struct option_choice *choice;
    int64_t number;
    bool flag;

    switch (option->kind) {
    case OPTION_BOOL:
        if (!parse_bool(value, &flag))
            break;
        memcpy(field, &flag, sizeof(flag));
        return 0;
    case OPTION_NUMBER:
    case OPTION_PORT:
    case OPTION_SECONDS:
        if (!parse_number(option, value, &number))
            break;
        memcpy(field, &number, sizeof(number));
        return 0;
    case OPTION_CHOICE:
        choice = parse_choice(option, value);
        if (choice == NULL)
            break;
        memcpy(field, &choice->value, sizeof(choice->value));
        return 0;
    case OPTION_WORD:
        choice = parse_choice(option, value);
        if (choice == NULL)
            break;
        return set_text(option, mode, text_from(choice->name), field);
    case OPTION_TEXT:
    case OPTION_LIST:
        if (!is_clean(option, value))
            break;
        return set_text(option, mode, value, field);
    case OPTION_ENTRIES:
        if (!is_clean(option, value))
            break;
        return set_entries(mode, value, field);
    }
    return refuse(option, value, why);
}

/* The form that set_entries() reads: a blank keeps a separator apart from an entry's own ';'. */
static void add_entries(struct text lines, struct str *out)
{
    for (bool first = true; lines.len > 0; first = false) {
        struct text entry = text_cut(&lines, '\n');
        str_add_string(out, first ? "" : "; ");
        for (size_t i = 0; i < entry.len; i++)
            str_add_string(out, entry.data[i] == ';' ? ";;" : (char[]){entry.data[i], '\0'});
    }
}

static const char *choice_name(const struct option *option, int value)
{
    const struct option_choice *c = option->choices;
    while (c->name != NULL && c->value != value)
        c++;
    return c->name != NULL ? c->name : "";
}

void option_get(const struct option *option, const struct daemon_config *config, struct str *out)
{
    const void *field = field_in(option, config);
    int64_t number;
    int choice;
    bool flag;

    switch (option->kind) {
    case OPTION_BOOL:
        memcpy(&flag, field, sizeof(flag));
        str_add_string(out, flag ? "true" : "false");
        return;
    case OPTION_NUMBER:
    case OPTION_PORT:
    case OPTION_SECONDS:
        memcpy(&number, field, sizeof(number));
        str_addf(out, "%" PRId64, number);
        return;
    case OPTION_CHOICE:
        memcpy(&choice, field, sizeof(choice));
        str_add_string(out, choice_name(option, choice));
        return;
    case OPTION_WORD:
    case OPTION_TEXT:
    case OPTION_LIST:
        str_add_string(out, *(char *const *)field);
        return;
    case OPTION_ENTRIES:
        add_entries(text_from(*(char *const *)field), out);
        return;
    }
}

static size_t size_of_field(const struct option *option)
{
    switch (option->kind) {
    case OPTION_BOOL:
        return sizeof(bool);
    case OPTION_NUMBER:
    case OPTION_PORT:
    case OPTION_SECONDS:
        return sizeof(int64_t);
    case OPTION_CHOICE:
        return sizeof(int);
    case OPTION_WORD:
    case OPTION_TEXT:
    case OPTION_LIST:
    case OPTION_ENTRIES:
        break;
    }
    return sizeof(char *);
}

void option_swap(const struct option *option, struct daemon_config *a, struct daemon_config *b)
{
    char kept[sizeof(int64_t)];
    size_t size = size_of_field(option);
    memcpy(kept, field_of(option, a), size);
    memcpy(field_of(option, a), field_of(option, b), size);
    memcpy(field_of(option, b), kept, size);
}

void option_clear(const struct option *option, struct daemon_config *config)
{
    bool owns = option->kind == OPTION_WORD || option->kind == OPTION_TEXT ||
                option->kind == OPTION_LIST || option->kind == OPTION_ENTRIES;
    if (owns)
        free(*text_field(option, config));
}
