/* SPDX-License-Identifier: Apache-2.0 */
/* credentials/auth_state.h - what the files of the check share of a snapshot. */
#ifndef CREDENTIALS_AUTH_STATE_H
#define CREDENTIALS_AUTH_STATE_H

#include <stdatomic.h>

#include "credentials/auth.h"
#include "credentials/realm.h"

/* From a web page's origin to the realm of its users. */
struct origin {
    struct map_node by_name;
    const struct realm *realm;
    struct text name; /* in lower case */
};

struct auth {
    atomic_uint references;
    struct realm *realms; /* the first is the default */
    size_t realm_count;
    struct origin *origins;
    size_t origin_count;
    struct map origin_map;

    struct nonce_keys nonce_keys;
    uint32_t nonce_lifetime_s;
    char rest_separator;
    bool lookup;
    struct user_cache *cache; /* may be NULL */

    bool oauth;
    struct text server_name;
    struct oauth_key *oauth_keys;
    size_t oauth_key_count;
};

enum { AUTH_MAX_ORIGIN = 256 };

/* The list that is offered, best first, and that clients must send back as it is (RFC 8489,
 * sections 9.2.4 and 14.11). */
struct bytes auth_offered_algorithms(void);

/* NULL when there is no such realm. */
const struct realm *auth_find_realm(const struct auth *auth, struct text name);

#endif
