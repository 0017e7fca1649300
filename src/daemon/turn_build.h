/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/turn_build.h - parts of the TURN server made from a resolved configuration. */
#ifndef DAEMON_TURN_BUILD_H
#define DAEMON_TURN_BUILD_H

#include "daemon/config.h"

/*
 * Who may use TURN. `own_keys` sign nonces when the configuration has no secret for that; `cache`
 * is what Redis says, NULL without it. Static users with a password and all secrets are those of
 * every realm, users with a key those of the first. Returns 0 and a new snapshot in `out`, or
 * -EINVAL with a whole message in `why`, or -ENOMEM.
 */
NODISCARD int turn_build_auth(const struct daemon_config *config, const struct nonce_keys *own_keys,
    struct user_cache *cache, struct auth **out, struct str *why);

/* The certificates; `out` is NULL when there are none. `prepare` is as in struct tls_config. Reads
 * files. Returns 0, or -EINVAL with a whole message in `why`, or -ENOMEM. */
NODISCARD int turn_build_tls(const struct daemon_config *config,
    void (*prepare)(struct ssl_ctx_st *context), struct tls_context **out, struct str *why);

/* What the outside sees of a local address: `local` itself when nothing is mapped. */
struct address turn_external_address(const struct turn_lists *lists, const struct address *local);

#endif
