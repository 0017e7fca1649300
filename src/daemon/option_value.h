/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/option_value.h - option values between text and their fields in the configuration. */
#ifndef DAEMON_OPTION_VALUE_H
#define DAEMON_OPTION_VALUE_H

#include "base/str.h"
#include "daemon/config.h"
#include "daemon/options.h"

enum option_mode { OPTION_REPLACE, OPTION_APPEND /* to a list */ };

/* Returns 0, or -EINVAL or -ENOMEM; then the field is as before, and what is wrong with the value
 * is added to `why`: "'70000' is not a port number (1-65535)", without the value of a secret. */
NODISCARD int option_set(const struct option *option, enum option_mode mode, struct text value,
    struct daemon_config *config, struct str *why);

/* Adds the value as option_set() would read it. */
void option_get(const struct option *option, const struct daemon_config *config, struct str *out);

/* Each gets the other's value. */
void option_swap(const struct option *option, struct daemon_config *a, struct daemon_config *b);

/* Adds what values are possible: "a port number (1-65535)". */
void option_describe_values(const struct option *option, struct str *out);

/* Frees what the field owns. */
void option_clear(const struct option *option, struct daemon_config *config);

#endif
