/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/turn_revoked.h - users that are refused although their credentials are good: by a list of
 * Redis, until it changes, or by the operator, for a time. Keeps the user cache, which the workers
 * ask, in step.
 */
#ifndef DAEMON_TURN_REVOKED_H
#define DAEMON_TURN_REVOKED_H

#include "base/map.h"
#include "credentials/user_cache.h"

struct turn_revoked {
    struct user_cache *cache; /* borrowed */
    struct map entries;
};

void turn_revoked_init(struct turn_revoked *revoked, struct user_cache *cache);
void turn_revoked_done(struct turn_revoked *revoked);

/* The list of a realm in Redis is now this one. */
void turn_revoked_set(
    struct turn_revoked *revoked, struct text realm, const struct text *users, size_t count);

/* Until `until_s` (wall clock). False when out of memory. */
NODISCARD bool turn_revoked_add(
    struct turn_revoked *revoked, struct text realm, struct text user, int64_t until_s);

/* Forgets those whose time is over. */
void turn_revoked_sweep(struct turn_revoked *revoked, int64_t now_s);

#endif
