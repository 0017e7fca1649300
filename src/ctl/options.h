/* SPDX-License-Identifier: Apache-2.0 */
/* ctl/options.h - the command line of mediaferryctl. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "base/str.h"

enum ctl_command {
    CTL_STATUS,
    CTL_LIST,
    CTL_SHOW,
    CTL_TERMINATE,
    CTL_DRAIN,
    CTL_UNDRAIN,
    CTL_READY,
    CTL_METRICS,
    CTL_TURN_LIST,
    CTL_TURN_END,
    CTL_TURN_END_USER,
    CTL_TURN_DRAIN,
    CTL_TURN_UNDRAIN,
    CTL_TURN_CREDENTIALS,
    CTL_HELP,
    CTL_VERSION,
};

enum { CTL_MAX_WORDS = 64, CTL_MAX_ALTERNATES = 8 };

/* Texts are those of the command line. */
struct ctl_options {
    enum ctl_command command;
    const char *socket;
    bool json; /* the daemon's own words */
    const char *words[CTL_MAX_WORDS];
    size_t word_count;
    const char *user, *realm; /* NULL: not given */
    const char *alternates[CTL_MAX_ALTERNATES];
    size_t alternate_count;
    bool wait, exit, has_timeout;
    uint64_t timeout_s;
    uint64_t limit, ttl_s, revoke_s; /* 0: not given */
};

/* `variable`: what the environment says of the socket, or NULL. False with a sentence in `why`. */
NODISCARD bool ctl_options_read(
    int argc, char *const *argv, const char *variable, struct ctl_options *out, struct str *why);

void ctl_options_help(struct str *out);

#endif
