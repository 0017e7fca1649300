/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/options.h - the one table of options.
 *
 * Parser, --help, manual, documentation and sample file are all made from it. Names and values are
 * those of rtpengine wherever the meaning is the same; those that begin with "turn-" are coturn's
 * and stand without the "turn-" in the section [turn] of the file.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "mediaferry/bytes.h"

enum option_kind {
    OPTION_BOOL,
    OPTION_NUMBER,
    OPTION_PORT,
    OPTION_SECONDS,
    OPTION_CHOICE, /* one of `choices`, kept as its value */
    OPTION_WORD,   /* one of `choices`, kept as its name */
    OPTION_TEXT,
    OPTION_LIST, /* separated by ';'; may be given several times on the command line */
    /* The same, and in a file too. ';;' is a ';' inside an entry. The field has a line for each. */
    OPTION_ENTRIES,
};

struct option_choice {
    const char *name; /* NULL ends the list */
    int value;
};

struct option {
    const char *name;
    char letter; /* short form on the command line; 0: none */
    enum option_kind kind;
    const char *section;  /* heading; options of one section stand together */
    const char *fallback; /* the default, as text */
    const char *help;     /* sentences */
    size_t offset;        /* of the field in struct daemon_config */
    int64_t min, max;     /* of numbers, ports and seconds */
    const struct option_choice *choices;
    bool not_in_file; /* says which file to read */
    bool is_secret;   /* its value is never shown */
    bool reloadable;  /* a change counts without a restart */
    bool turn_only;   /* means nothing without TURN users */
};

extern const struct option options[];
extern const size_t option_count;

#define TURN_SECTION "turn"

/* By the whole name, in any case; NULL when there is none. */
const struct option *option_find(struct text name);

/* By the name in that section of a file. */
const struct option *option_find_in(struct text section, struct text name);

/* Whether its place in a file is [turn]; and its name there, or in [mediaferry]. */
bool option_is_turn(const struct option *option);
const char *option_file_name(const struct option *option);

const struct option *option_find_letter(char letter);

/* Longest name of the environment: prefix, option, terminator. */
enum { OPTION_VARIABLE_SIZE = 64 };

/* MEDIAFERRY_PORT_MIN for port-min; returns `out`. */
const char *option_variable(const struct option *option, char out[OPTION_VARIABLE_SIZE]);

/* What kind of value to write, for --help: "PORT". */
const char *option_value_name(const struct option *option);

/* Options of rtpengine that are accepted, with a warning, and do nothing here. */
struct ignored_option {
    const char *name; /* with a trailing '*': all names that begin so */
    bool is_flag;     /* takes no value on the command line */
    const char *reason;
};

extern const struct ignored_option ignored_options[];
extern const size_t ignored_option_count;

const struct ignored_option *ignored_option_find(struct text name);

/* The same for options of coturn. */
extern const struct ignored_option coturn_ignored_options[];
extern const size_t coturn_ignored_option_count;

const struct ignored_option *coturn_ignored_option_find(struct text name);

#endif
