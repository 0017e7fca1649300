/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/options.h"

#include <stdio.h>

#include "base/paths.h"

enum flag {
    FLAG_WAIT = 1 << 0,
    FLAG_EXIT = 1 << 1,
    FLAG_TIMEOUT = 1 << 2,
    FLAG_ALTERNATE = 1 << 3,
    FLAG_LIMIT = 1 << 4,
    FLAG_USER = 1 << 5,
    FLAG_REALM = 1 << 6,
    FLAG_TTL = 1 << 7,
    FLAG_REVOKE = 1 << 8,
    FLAG_SOCKET = 1 << 9,
    FLAG_JSON = 1 << 10,
    FLAG_HELP = 1 << 11,
    FLAG_VERSION = 1 << 12,
    FLAGS_OF_ALL = FLAG_SOCKET | FLAG_JSON | FLAG_HELP | FLAG_VERSION,
};

enum { MAX_SECONDS = 366 * 86400 };

struct command {
    const char *group; /* the word before; NULL: none */
    const char *name;
    enum ctl_command command;
    size_t min, max; /* words behind it */
    unsigned flags;
    const char *words, *help;
};

static const struct command commands[] = {
    {NULL, "status", CTL_STATUS, 0, 0, 0, "", "the node at a glance"},
    {NULL, "list", CTL_LIST, 0, 1, FLAG_LIMIT, "[TEXT]",
        "calls, the oldest first; with TEXT those that have it in their call-id"},
    {NULL, "show", CTL_SHOW, 1, 1, 0, "CALL-ID", "one call, and what may be wrong with it"},
    {NULL, "terminate", CTL_TERMINATE, 1, CTL_MAX_WORDS, 0, "CALL-ID...",
        "end calls at once; the proxy is not told"},
    {NULL, "drain", CTL_DRAIN, 0, 0, FLAG_WAIT | FLAG_EXIT | FLAG_TIMEOUT | FLAG_ALTERNATE, "",
        "no new calls and TURN allocations; what runs goes on"},
    {NULL, "undrain", CTL_UNDRAIN, 0, 0, 0, "", "take new ones again"},
    {NULL, "ready", CTL_READY, 0, 0, 0, "", "status 0 if new work is welcome, else 1"},
    {NULL, "metrics", CTL_METRICS, 0, 0, 0, "", "what Prometheus reads"},
    {"turn", "list", CTL_TURN_LIST, 0, 0, FLAG_USER | FLAG_LIMIT, "", "TURN allocations"},
    {"turn", "end", CTL_TURN_END, 1, CTL_MAX_WORDS, 0, "ID...", "end allocations"},
    {"turn", "end-user", CTL_TURN_END_USER, 1, 1, FLAG_REALM | FLAG_REVOKE, "NAME",
        "end all allocations of a user"},
    {"turn", "drain", CTL_TURN_DRAIN, 0, 0, FLAG_ALTERNATE, "", "no new allocations"},
    {"turn", "undrain", CTL_TURN_UNDRAIN, 0, 0, 0, "", "take new ones again"},
    {"turn", "credentials", CTL_TURN_CREDENTIALS, 1, 1, FLAG_REALM | FLAG_TTL, "NAME",
        "time-limited credentials for a user"},
};

struct option {
    const char *name;
    char letter; /* 0: none */
    enum flag flag;
    const char *value; /* what it takes; NULL: nothing */
    const char *help;
};

static const struct option options[] = {
    {"socket", 's', FLAG_SOCKET, "PATH",
        "the option listen-control of the daemon; default: the variable MEDIAFERRY_LISTEN_CONTROL, "
        "then " CONTROL_PATH},
    {"json", 'j', FLAG_JSON, NULL, "the answer as the daemon gives it"},
    {"limit", 0, FLAG_LIMIT, "N", "list, turn list: so many at most"},
    {"wait", 'w', FLAG_WAIT, NULL, "drain: until nothing is left"},
    {"exit", 0, FLAG_EXIT, NULL, "drain: and then the process ends"},
    {"timeout", 't', FLAG_TIMEOUT, "SECONDS",
        "drain: with --exit the process ends then in any case (0: it does not; without the option: "
        "drain-timeout of the daemon); with --wait alone it is waited no longer"},
    {"alternate-server", 'a', FLAG_ALTERNATE, "IP:PORT",
        "drain, turn drain: where TURN clients are sent; may be given several times"},
    {"user", 'u', FLAG_USER, "NAME", "turn list: of this user"},
    {"realm", 0, FLAG_REALM, "REALM", "turn end-user, turn credentials: in this realm"},
    {"revoke", 0, FLAG_REVOKE, "SECONDS", "turn end-user: and refuse him for so long"},
    {"ttl", 0, FLAG_TTL, "SECONDS", "turn credentials: good for so long"},
    {"help", 'h', FLAG_HELP, NULL, "this"},
    {"version", 'V', FLAG_VERSION, NULL, "of this program"},
};

/* What was read so far. */
struct reading {
    struct ctl_options *out;
    const struct command *command; /* NULL: not yet */
    bool in_group;                 /* "turn" was the last word */
    unsigned given;                /* flags */
    struct str *why;
};

/* --- options --- */

static const struct option *find_option(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(options); i++)
        if (text_is(name, options[i].name) ||
            (name.len == 1 && options[i].letter != 0 && name.data[0] == options[i].letter))
            return &options[i];
    return NULL;
}

static bool read_number(
    struct reading *r, const struct option *option, const char *value, uint64_t max, uint64_t *out)
{
    uint64_t least = option->flag == FLAG_TIMEOUT ? 0 : 1;
    if (text_to_u64(text_from(value), max, out) && *out >= least)
        return true;
    str_addf(r->why, "--%s: '%s' is no number from %llu to %llu", option->name, value,
        (unsigned long long)least, (unsigned long long)max);
    return false;
}

static bool add_alternate(struct reading *r, const char *value)
{
    if (r->out->alternate_count == CTL_MAX_ALTERNATES) {
        str_addf(r->why, "--alternate-server: %d at most", (int)CTL_MAX_ALTERNATES);
        return false;
    }
    r->out->alternates[r->out->alternate_count++] = value;
    return true;
}

static bool set_option(struct reading *r, const struct option *option, const char *value)
{
    struct ctl_options *out = r->out;
    switch (option->flag) {
    case FLAG_SOCKET:
        out->socket = value;
        return true;
    case FLAG_JSON:
        out->json = true;
        return true;
    case FLAG_WAIT:
        out->wait = true;
        return true;
    case FLAG_EXIT:
        out->exit = true;
        return true;
    case FLAG_TIMEOUT:
        out->has_timeout = true;
        return read_number(r, option, value, MAX_SECONDS, &out->timeout_s);
    case FLAG_ALTERNATE:
        return add_alternate(r, value);
    case FLAG_LIMIT:
        return read_number(r, option, value, UINT32_MAX, &out->limit);
    case FLAG_USER:
        out->user = value;
        return true;
    case FLAG_REALM:
        out->realm = value;
        return true;
    case FLAG_TTL:
        return read_number(r, option, value, MAX_SECONDS, &out->ttl_s);
    case FLAG_REVOKE:
        return read_number(r, option, value, MAX_SECONDS, &out->revoke_s);
    case FLAG_HELP:
        out->command = CTL_HELP;
        return true;
    case FLAG_VERSION:
        out->command = CTL_VERSION;
        return true;
    case FLAGS_OF_ALL:
        break;
    }
    return false;
}

/* "--name", "--name=value", "--name value", "-n" and "-n value"; takes the value from `at`. */
static bool read_option(struct reading *r, const char *word, char *const *argv, int argc, int *at)
{
    bool is_long = word[1] == '-';
    struct text rest = text_from(word + (is_long ? 2 : 1));
    struct text name = is_long ? text_cut(&rest, '=') : rest;
    bool has_value = is_long && name.len + 2 < strlen(word);
    const struct option *option =
        is_long == (name.len > 1) && name.len > 0 ? find_option(name) : NULL;
    const char *value = has_value ? word + 2 + name.len + 1 : NULL;
    if (option == NULL) {
        str_addf(r->why, "there is no option '%s'", word);
        return false;
    }
    if (option->value == NULL && has_value) {
        str_addf(r->why, "--%s takes no value", option->name);
        return false;
    }
    if (option->value != NULL && !has_value) {
        if (*at + 1 == argc) {
            str_addf(r->why, "--%s needs a value: %s", option->name, option->value);
            return false;
        }
        value = argv[++*at];
    }
    r->given |= option->flag;
    return set_option(r, option, value);
}

/* --- words --- */

static bool read_command(struct reading *r, const char *word)
{
    if (!r->in_group && strcmp(word, "turn") == 0) {
        r->in_group = true;
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (r->in_group == (commands[i].group != NULL) && strcmp(word, commands[i].name) == 0) {
            r->command = &commands[i];
            return true;
        }
    str_addf(r->why, "there is no command '%s%s'", r->in_group ? "turn " : "", word);
    return false;
}

static bool read_word(struct reading *r, const char *word)
{
    if (r->command == NULL)
        return read_command(r, word);
    if (r->out->word_count == r->command->max) {
        str_addf(r->why, "'%s' is one word too many", word);
        return false;
    }
    r->out->words[r->out->word_count++] = word;
    return true;
}

static bool check(struct reading *r)
{
    const struct command *command = r->command;
    if (command == NULL) {
        str_add_string(
            r->why, r->in_group ? "a command is missing behind 'turn'" : "a command is missing");
        return false;
    }
    if (r->out->word_count < command->min) {
        str_addf(r->why, "%s is missing", command->words);
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(options); i++)
        if ((options[i].flag & r->given & ~(command->flags | FLAGS_OF_ALL)) != 0) {
            str_addf(r->why, "--%s means nothing to this command", options[i].name);
            return false;
        }
    if (r->out->has_timeout && !r->out->wait && !r->out->exit) {
        str_add_string(r->why, "--timeout means nothing without --wait or --exit");
        return false;
    }
    return true;
}

bool ctl_options_read(
    int argc, char *const *argv, const char *variable, struct ctl_options *out, struct str *why)
{
    struct reading r = {.out = out, .why = why};
    bool options_end = false;
    *out = (struct ctl_options){.socket = variable != NULL ? variable : CONTROL_PATH};
    for (int at = 1; at < argc; at++) {
        const char *word = argv[at];
        bool is_option = !options_end && word[0] == '-' && word[1] != '\0';
        if (is_option && strcmp(word, "--") == 0)
            options_end = true;
        else if (is_option ? !read_option(&r, word, argv, argc, &at) : !read_word(&r, word))
            return false;
    }
    if ((r.given & (FLAG_HELP | FLAG_VERSION)) != 0)
        return true;
    if (!check(&r))
        return false;
    out->command = r.command->command;
    return true;
}

/* --- help --- */

/* Words of `text` in lines that begin in column `indent`. */
static void add_wrapped(struct str *out, const char *string, size_t indent)
{
    enum { WIDTH = 79 };
    struct text rest = text_from(string);
    size_t column = indent;
    while (rest.len > 0) {
        struct text word = text_word(&rest, ' ');
        if (column > indent && column + 1 + word.len > WIDTH) {
            str_addf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            str_add_char(out, ' ');
            column++;
        }
        str_add(out, word);
        column += word.len;
    }
    str_add_char(out, '\n');
}

void ctl_options_help(struct str *out)
{
    enum { COLUMN = 34 };
    char left[64];
    str_add_string(out, "mediaferryctl [OPTIONS] COMMAND: asks and tells a running mediaferry\n\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        snprintf(left, sizeof(left), "%s%s %s", commands[i].group != NULL ? "turn " : "",
            commands[i].name, commands[i].words);
        str_addf(out, "  %-*s", COLUMN - 2, left);
        add_wrapped(out, commands[i].help, COLUMN);
    }
    str_add_char(out, '\n');
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        char letter[5] = "";
        if (options[i].letter != 0)
            snprintf(letter, sizeof(letter), "-%c, ", options[i].letter);
        snprintf(left, sizeof(left), "%s--%s%s%s", letter, options[i].name,
            options[i].value != NULL ? "=" : "", options[i].value != NULL ? options[i].value : "");
        str_addf(out, "  %-*s", COLUMN - 2, left);
        add_wrapped(out, options[i].help, COLUMN);
    }
    str_add_string(out, "\nExit status: 0 done; 1 the daemon refused, or there is no such thing; "
                        "2 wrong command line;\n3 no daemon there; 4 calls were left when the "
                        "time was over.\n");
}
