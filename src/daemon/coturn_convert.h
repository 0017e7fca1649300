/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/coturn_convert.h - a configuration file of coturn as our section [turn]. */
#ifndef DAEMON_COTURN_CONVERT_H
#define DAEMON_COTURN_CONVERT_H

#include "base/str.h"

struct coturn_report {
    unsigned carried; /* lines */
    unsigned dropped; /* lines that are comments now, with a reason */
    bool has_users;   /* somebody may use TURN */
};

/*
 * Adds a section [turn], which config_read_text() reads without complaint, secrets and all. `file`
 * is the name of what `text` was read from, for comments. Returns 0 or -ENOMEM.
 */
NODISCARD int coturn_convert(
    struct text text, const char *file, struct str *out, struct coturn_report *report);

#endif
