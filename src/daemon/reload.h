/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/reload.h - the configuration read a second time while the daemon runs.
 *
 * It is read from where it was read at the start: the same command line and environment win over
 * the file. It is checked whole before anything changes. Options that need a restart keep the
 * values that the daemon runs with, so its configuration always says what is in force.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/config.h"
#include "daemon/options.h"

struct reload_source {
    int argc;
    char *const *argv;
    char *const *envp;
    unsigned cores;
};

/* Returns 0 and a new configuration, resolved, in `out`; or -EINVAL or -ENOMEM with a line for the
 * operator in `why`. May look up host names and reads files. */
NODISCARD int reload_read(const struct reload_source *source, const struct host_addresses *host,
    struct daemon_config **out, struct str *why);

/* Calls `tell` for each option whose value is another one. */
void reload_changes(const struct daemon_config *current, const struct daemon_config *fresh,
    void (*tell)(void *owner, const struct option *option), void *owner);

/*
 * Moves what can be reloaded from `fresh` into `current`, and back what was there: `fresh` is then
 * to be freed, when nobody uses the old values any more. Cannot fail.
 */
void reload_adopt(struct daemon_config *current, struct daemon_config *fresh);

/*
 * All of it: reads the configuration and the addresses of the machine, changes `current` and `host`
 * and calls `apply`, which makes what is new of them; when that fails, with a sentence in `why`,
 * both are as before. Logs what has changed and what needs a restart, or why nothing happened.
 */
void reload_now(const struct reload_source *source, struct daemon_config *current,
    struct host_addresses *host, int (*apply)(void *owner, struct str *why), void *owner);

#endif
