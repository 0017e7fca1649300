/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/config_print.h - what the option table says, in the forms that people read. */
#ifndef DAEMON_CONFIG_PRINT_H
#define DAEMON_CONFIG_PRINT_H

#include "base/str.h"
#include "daemon/config.h"

/* For a terminal of 80 columns. */
void config_print_help(struct str *out);

/* A documented configuration file that gives `config` again: what is not the default is set, the
 * rest stands there as comments. */
void config_print_sample(const struct daemon_config *config, struct str *out);

/* What a resolved configuration comes to, without its secrets. */
void config_print_summary(const struct daemon_config *config, struct str *out);

/* mediaferry(8), for man. */
void config_print_man(struct str *out);

/* docs/configuration.md. */
void config_print_docs(struct str *out);

#endif
