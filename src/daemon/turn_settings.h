/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/turn_settings.h - from the configuration to what the TURN server works with.
 *
 * Settings are made from three sources: the configuration, what Redis says of realms, and what the
 * operator has asked for since the start. Made anew whenever one of them changes.
 */
#ifndef DAEMON_TURN_SETTINGS_H
#define DAEMON_TURN_SETTINGS_H

#include "daemon/config.h"
#include "turnserver/turnserver.h"

struct own_sockets;

enum { TURN_ENDPOINTS_MAX = 2 * LISTEN_MAX + 64 };

/* What lives longer than one configuration. */
struct turn_circumstances {
    struct user_cache *cache;
    const struct own_sockets *own_sockets;
    const struct host_addresses *host; /* of the machine */
    struct nonce_keys nonce_keys;      /* drawn at the start, unless configured */
    uint8_t ticket_key[32];
    struct address redis[40]; /* where Redis is */
    size_t redis_count;

    /* From Redis: sealed; and -1 where it says nothing. */
    struct address_ranges allowed, denied;
    int64_t max_bps, total_quota, user_quota;

    /* From the operator. */
    bool draining;
    struct address alternates[TURN_MAX_ALTERNATES];
    size_t alternate_count;
};

/* Draws keys; nothing from Redis or the operator yet. */
void turn_circumstances_init(struct turn_circumstances *c);
void turn_circumstances_done(struct turn_circumstances *c);

/* Returns 0 and new settings in `out`; else -EINVAL or -ENOMEM with a sentence in `why`. `tls` may
 * be NULL; the settings take a reference of their own. */
NODISCARD int turn_settings_make(const struct daemon_config *config,
    const struct turn_circumstances *c, struct tls_context *tls, struct turnserver_settings **out,
    struct str *why);

/* Reads the certificates. Returns 0, and NULL in `out` when there are none configured; else as
 * tls_context_new(). */
NODISCARD int turn_tls_make(
    const struct daemon_config *config, struct tls_context **out, struct str *why);

/* Where clients come to: TURN_ENDPOINTS_MAX at most; returns how many. */
size_t turn_endpoints(const struct daemon_config *config, struct address *out);

/* Where relayed addresses come from: as many as config->turn_lists.relay or listening has. Returns
 * how many. */
size_t turn_relays(
    const struct daemon_config *config, struct turnserver_relay *out, size_t capacity);

/* How clients see each listening IP, in `external`; returns how many. */
size_t turn_seen_addresses(
    const struct daemon_config *config, struct turnserver_relay *out, size_t capacity);

#endif
