/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/command_line.h - the arguments of the program.
 *
 * --option=value, --option value, -o value; flags as --flag, --flag=BOOL or --no-flag. A list may
 * be given several times.
 */
#ifndef DAEMON_COMMAND_LINE_H
#define DAEMON_COMMAND_LINE_H

#include "base/str.h"
#include "daemon/config.h"
#include "daemon/options.h"

struct argument {
    const struct option *option;          /* or NULL: */
    const struct ignored_option *ignored; /* then this one, */
    struct text name;                     /* as it was written */
    struct text value;                    /* borrows argv, or is "true" or "false" */
};

struct command_line {
    enum config_action action;
    struct argument *arguments;
    size_t count;
};

/* Returns 0, or -EINVAL or -ENOMEM with a message in `why`; command_line_done() in any case.
 * Values are not looked at yet. */
NODISCARD int command_line_parse(
    int argc, char *const *argv, struct command_line *out, struct str *why);

/* Sets what was given. Same errors as config_set(). */
NODISCARD int command_line_apply(
    const struct command_line *line, struct daemon_config *config, struct str *why);

void command_line_done(struct command_line *line);

#endif
