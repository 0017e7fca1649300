/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/turn_users.h - users, secrets, peer lists, limits and revocations of TURN kept in Redis.
 *
 * The keys are coturn's:
 *     turn/realm/REALM/user/NAME/key        the key: 32 hex digits (MD5); or a password in the open
 *     turn/realm/REALM/secret               set: secrets of time-limited credentials
 *     turn/realm/REALM/allowed-peer-ip      set of addresses, ranges or CIDR blocks
 *     turn/realm/REALM/denied-peer-ip       the same
 *     turn/realm/REALM/max-bps, .../total-quota, .../user-quota
 * and two more of ours:
 *     turn/realm/REALM/revoked              set: names that are refused
 *     turn/realm/REALM/revoke               channel: the name whose allocations end now
 *
 * A user is looked up when asked for. What belongs to a whole realm is read again every
 * `refresh_ms`, after each connection and told when it differs. While Redis is away the last known
 * lists stay in force and look-ups say REDIS_AWAY at once, so the caller keeps what it has cached.
 * Nothing here blocks, and no command walks all keys. Control thread only.
 */
#ifndef REDIS_TURN_USERS_H
#define REDIS_TURN_USERS_H

#include "redis/client.h"

enum { REDIS_TURN_DEFAULT_REFRESH_MS = 10000 };

struct redis_turn;

/* Sorted by bytes, each once. */
struct redis_names {
    struct text *list;
    size_t count;
};

/* All that Redis says of one realm. Numbers are -1 where Redis has none. */
struct redis_realm_lists {
    struct text realm;
    struct redis_names secrets;
    struct redis_names allowed_peers;
    struct redis_names denied_peers;
    struct redis_names revoked;
    int64_t max_bps; /* bytes a second */
    int64_t total_quota;
    int64_t user_quota;
};

enum redis_found {
    REDIS_FOUND,
    REDIS_ABSENT,
    REDIS_AWAY, /* not known: Redis cannot be reached, or its answer cannot be used */
};

struct redis_user {
    enum redis_found found;
    struct text realm;
    struct text name;
    /* Of REDIS_FOUND: a password, or "0x" and the 32 hex digits of the MD5 key, as user_cache_put()
     * wants it. */
    struct text stored;
};

struct redis_turn_config {
    const struct redis_endpoint *endpoint; /* copied */
    struct redis_tls *tls;                 /* when the endpoint wants TLS; takes a reference */
    const struct text *realms;             /* copied */
    size_t realm_count;
    unsigned refresh_ms;         /* 0: the default */
    unsigned command_timeout_ms; /* 0: the default */

    /* What is handed over is borrowed for the call. */
    void (*on_lists)(void *owner, const struct redis_realm_lists *lists);
    /* The user was published, or is new in the set of the revoked. */
    void (*on_revoked)(void *owner, struct text realm, struct text user);
    /* Redis answers and the lists of all realms were read; or it is away. May be NULL. */
    void (*on_available)(void *owner, bool is_available);
    void *owner; /* borrowed */
};

/* Returns 0 and a new object in `out`, or a negative errno or UV_E code. Redis may be away. */
NODISCARD int redis_turn_open(
    uv_loop_t *loop, const struct redis_turn_config *config, struct redis_turn **out);

/* Calls `done` exactly once: from the loop, or at once when Redis is away; at the latest with
 * REDIS_AWAY from redis_turn_close(). What it is handed is borrowed for the call. */
void redis_turn_find_user(struct redis_turn *turn, struct text realm, struct text name,
    void (*done)(void *owner, const struct redis_user *user), void *owner);

bool redis_turn_is_available(const struct redis_turn *turn);

/* Of the connection for commands, and of that for revocations. */
const struct redis_counters *redis_turn_counters(const struct redis_turn *turn);
const struct redis_counters *redis_turn_subscriber_counters(const struct redis_turn *turn);

/* Calls back what is pending; the memory is freed from the loop. Not from within a callback.
 * Accepts NULL. */
void redis_turn_close(struct redis_turn *turn);

#endif
