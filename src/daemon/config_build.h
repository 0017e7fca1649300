/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/config_build.h - how a configuration comes together: for its sources and tests only. */
#ifndef DAEMON_CONFIG_BUILD_H
#define DAEMON_CONFIG_BUILD_H

#include "daemon/option_value.h"

/* Returns a new configuration of defaults, or NULL when out of memory. */
NODISCARD struct daemon_config *config_new(void);

/* Sets one option as `where` (FILE:LINE, a variable, COMMAND_LINE) says. Returns 0, or -EINVAL or
 * -ENOMEM with the whole message in `why`. */
NODISCARD int config_set(struct daemon_config *config, const struct option *option,
    enum option_mode mode, struct text value, const char *where, struct str *why);

/* The place of what was set there. */
#define COMMAND_LINE "command line"

/* Adds a sentence to the warnings; one that is there already is not added again. */
void config_warn(struct daemon_config *config, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Warns of an option that does nothing here. */
void config_warn_ignored(
    struct daemon_config *config, const struct ignored_option *ignored, struct text name);

/* What no option shows alone: for example port-min above port-max. Same errors as config_set(). */
NODISCARD int config_check(const struct daemon_config *config, struct str *why);

/* Adds the message for something wrong with an option that was set earlier; returns -EINVAL. */
int config_blame(const struct daemon_config *config, const void *field, struct str *why,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Reads a file's text: with an empty `section`, [rtpengine] and then [mediaferry]; then [turn].
 * `file` is its name, for messages. Same errors as config_set(). */
NODISCARD int config_read_text(struct daemon_config *config, struct text text, const char *file,
    const char *section, struct str *why);

/* Returns 0 and the content of a file of sane size, which the caller frees; or a negative errno. */
NODISCARD int config_read_whole(const char *path, char **out, size_t *len);

/* Reads config->process.config_file, as that and `config_section` say. */
NODISCARD int config_read_file(struct daemon_config *config, struct str *why);

/* Reads MEDIAFERRY_... variables. */
NODISCARD int config_read_environment(
    struct daemon_config *config, char *const *envp, struct str *why);

#endif
