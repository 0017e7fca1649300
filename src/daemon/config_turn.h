/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/config_turn.h - what the options of TURN must have in common: for config.c only. */
#ifndef DAEMON_CONFIG_TURN_H
#define DAEMON_CONFIG_TURN_H

#include "daemon/config_build.h"

/* Whether somebody can authenticate, and TURN is not turned off. */
bool config_turn_is_wanted(const struct daemon_config *config);

/* What the options say without the host: numbers that fit together, authentication. Returns 0, or
 * -EINVAL with the whole message in `why`. */
NODISCARD int config_check_turn(const struct daemon_config *config, struct str *why);

/* Adds warnings of what is possible and seldom meant. */
void config_warn_turn(struct daemon_config *config);

/* Parses the lists and finds the addresses; `interfaces` are known already. Returns 0, or -EINVAL
 * or -ENOMEM with the whole message in `why`. */
NODISCARD int config_resolve_turn(
    struct daemon_config *config, const struct host_addresses *host, struct str *why);

/* Finds where the administration listens, and its token. Same errors. */
NODISCARD int config_resolve_admin(struct daemon_config *config, struct str *why);

#endif
