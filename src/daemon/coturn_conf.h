/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/coturn_conf.h - the lines of a configuration file of coturn (turnserver.conf).
 *
 * "name=value", "name value" or "name" alone; blanks, tabs and '=' in any number stand between; a
 * value may be in double quotes. '#' begins a comment at the beginning of a line only. Pure: views
 * into the caller's text.
 */
#ifndef DAEMON_COTURN_CONF_H
#define DAEMON_COTURN_CONF_H

#include "mediaferry/bytes.h"

struct coturn_line {
    unsigned number; /* counts from 1 */
    struct text name;
    struct text value; /* empty when there is none */
};

struct coturn_conf {
    struct text rest;
    unsigned number;
};

static inline struct coturn_conf coturn_conf_over(struct text text)
{
    return (struct coturn_conf){.rest = text};
}

/* Goes on to the next line that says something; false at the end. */
NODISCARD bool coturn_conf_next(struct coturn_conf *conf, struct coturn_line *out);

/* Reads a flag; no value means true. */
NODISCARD bool coturn_flag(struct text value, bool *out);

#endif
