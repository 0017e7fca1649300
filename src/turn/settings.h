/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/settings.h - what the operator may change while the server runs: one immutable snapshot,
 * reference counted (atomically) and shared by all workers.
 */
#ifndef TURN_SETTINGS_H
#define TURN_SETTINGS_H

#include <stdatomic.h>

#include "credentials/auth.h"
#include "turn/policy.h"

enum { TURN_MAX_ALTERNATES = 8 };

/* RFC 5780: the two addresses and two ports; is_on false: one address is not enough. */
struct turn_discovery {
    bool is_on;
    struct address at[2][2];   /* [address][port] */
    struct address seen[2][2]; /* the same as clients see them; family NONE: as they are */
};

struct turn_settings {
    atomic_uint references;

    struct auth *auth;          /* reference owned; NULL: STUN only */
    struct peer_policy *policy; /* owned */

    /* Seconds. */
    uint32_t allocation_default_s, allocation_max_s, channel_s, permission_s;

    /* Of one allocation; 0: no limit. Bytes and packets per second count each direction alone. */
    uint64_t max_bytes_per_s, max_packets_per_s;
    uint32_t max_new_peers_per_s;
    uint32_t max_permissions, max_channels, max_connections;

    bool strict_expiry; /* credentials that expire end their allocation */
    bool mobility;
    bool rfc5766_channels;                      /* bind also 0x5000..0x7fff */
    bool stun;                                  /* answer Binding */
    bool udp_relay, tcp_relay;                  /* kinds of allocations */
    bool relay_ip4, relay_ip6;                  /* families of relayed addresses */
    enum address_family default_family;         /* NONE: that of the client */
    uint32_t unauthorized_per_s, binding_per_s; /* replies a source may get unproven; 0: any */

    bool draining; /* new allocations: 300 when there is an alternate server, else 403 */
    size_t alternate_count;
    struct address alternates[TURN_MAX_ALTERNATES]; /* taken in turn, of the client's family */
    size_t tls_alternate_count;                     /* of clients over TLS and DTLS */
    struct address tls_alternates[TURN_MAX_ALTERNATES];
    bool redirect_always; /* balance: redirect also when not draining */

    struct turn_discovery discovery;
    char *software;         /* SOFTWARE in authenticated replies; NULL: none. Owned */
    uint8_t ticket_key[32]; /* seals mobility tickets */
};

/* Returns new settings with one reference: RFC defaults, no authentication, everything denied
 * that policy denies by default; NULL when out of memory. Changed only before it is shared. */
NODISCARD struct turn_settings *turn_settings_new(void);

struct turn_settings *turn_settings_ref(struct turn_settings *settings);

/* Wipes what is secret; accepts NULL. */
void turn_settings_unref(struct turn_settings *settings);

#endif
