/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - how the load is told what to do: a line of words a command on stdin, and for those
 * that answer one line of JSON on stdout.
 *
 * What cannot be done ends the program with status 1, after a line {"error": "..."}.
 */
#ifndef LOAD_SCRIPT_H
#define LOAD_SCRIPT_H

#include <stdio.h>

#include "mediaferry/bytes.h"

struct command {
    const char *name;
    void (*act)(void *owner, struct text words); /* `words`: what follows the name */
};

/* Reads `input` to its end, or to `quit`. The table ends with a row without a name. Empty lines and
 * those that begin with # are skipped. */
void script_read(FILE *input, const struct command *commands, void *owner);

/* Carries out one line; false when it is `quit`. */
bool script_act(struct text line, const struct command *commands, void *owner);

/* A whole number of at least `min` and at most `max`, or the end of the program. */
uint64_t script_number(struct text *words, const char *what, uint64_t min, uint64_t max);

/* Prints a line of JSON at once. */
void script_reply(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the error and ends the program with status 1. Quotes and backslashes are left out. */
_Noreturn void script_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
