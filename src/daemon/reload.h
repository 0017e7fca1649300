/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/reload.h - the configuration read a second time while the daemon runs.
 *
 *     reload_read()     all sources again, checked whole; nothing in use has changed
 *     reload_changes()  what is different
 *     ... the caller makes what is new from `fresh` and may still give up ...
 *     reload_adopt()    takes over what counts without a restart
 *
 * Where it was started from stays as it was: the same command line and environment win over the
 * file. Options that need a restart keep the values that the daemon runs with, also in `current`.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/config.h"
#include "daemon/options.h"

struct reload_source {
    int argc;
    char *const *argv;
    char *const *envp;
    const struct host_addresses *host;
    unsigned cores;
};

/* Returns 0 and a new configuration, resolved, in `out`; or -EINVAL or -ENOMEM with a line for the
 * operator in `why`. May look up host names and reads files. */
NODISCARD int reload_read(
    const struct reload_source *source, struct daemon_config **out, struct str *why);

/* Calls `tell` for each option whose value is another one. */
void reload_changes(const struct daemon_config *current, const struct daemon_config *fresh,
    void (*tell)(void *owner, const struct option *option), void *owner);

/*
 * Moves what can be reloaded from `fresh` into `current`, and back what was there: `fresh` is then
 * to be freed, when nobody uses the old values any more. Cannot fail.
 */
void reload_adopt(struct daemon_config *current, struct daemon_config *fresh);

#endif
