/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/ini.h - the lines of a configuration file, with their numbers.
 *
 * The dialect of rtpengine.conf: "[section]", "name = value", and comments that begin a line with
 * '#' or ';'. A ';' inside a line belongs to the value, where it separates lists; lines are of any
 * length. Pure: views into the caller's text.
 */
#ifndef DAEMON_INI_H
#define DAEMON_INI_H

#include "mediaferry/bytes.h"

enum ini_status {
    INI_END,
    INI_PAIR,
    INI_NOT_A_PAIR, /* neither section, pair nor comment; `name` is the line, if it is text */
    INI_NO_SECTION, /* a pair before the first section */
};

struct ini_pair {
    unsigned line; /* counts from 1; set for the two errors too */
    struct text section;
    struct text name;
    struct text value;
};

struct ini {
    struct text rest;
    struct text section;
    unsigned line;
    bool in_section;
};

static inline struct ini ini_over(struct text text)
{
    return (struct ini){.rest = text};
}

/* Goes on to the next pair, or to the next line that is wrong. */
NODISCARD enum ini_status ini_next(struct ini *ini, struct ini_pair *out);

#endif
