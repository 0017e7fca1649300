/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/stun_address.h - addresses of the option `interface` that a STUN server tells: asked at
 * the start, and again when the configuration is read again.
 */
#ifndef DAEMON_STUN_ADDRESS_H
#define DAEMON_STUN_ADDRESS_H

#include <uv.h>

#include "daemon/config.h"

/* Asks, which may block for some seconds. Returns 0, or -EINVAL or -ENOMEM with a line for the
 * operator in `why`. */
NODISCARD int stun_address_ask(struct daemon_config *config, struct str *why);

/*
 * Asks in another thread and returns at once. What has changed is advertised to new calls when the
 * loop hears of it, and logged; what is not told is logged and stays. `config` must outlive the
 * loop's last turn.
 */
void stun_address_ask_again(uv_loop_t *loop, struct daemon_config *config);

#endif
