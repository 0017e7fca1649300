/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/config_fleet.h - who this node is among others: for config.c only. */
#ifndef DAEMON_CONFIG_FLEET_H
#define DAEMON_CONFIG_FLEET_H

#include "daemon/config_build.h"
#include "net/host_addresses.h"

/* Whether calls are shared. */
static inline bool config_has_fleet(const struct daemon_config *config)
{
    return config->fleet.redis[0] != '\0';
}

/* What the options say alone. Returns 0, or -EINVAL with the whole message in `why`. */
NODISCARD int config_check_fleet(const struct daemon_config *config, struct str *why);

/* Finds the name of the node and the address of its ng; `listen_ng` is known already. Returns 0, or
 * -EINVAL or -ENOMEM with the whole message in `why`. */
NODISCARD int config_resolve_fleet(
    struct daemon_config *config, const struct host_addresses *host, struct str *why);

#endif
