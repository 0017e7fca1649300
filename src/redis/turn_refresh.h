/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/turn_refresh.h - reads the lists of all realms over and over and tells what is new.
 *
 * One realm at a time; a round that the connection does not survive changes nothing. An item whose
 * value cannot be used keeps the last good one, which is logged once.
 */
#ifndef REDIS_TURN_REFRESH_H
#define REDIS_TURN_REFRESH_H

#include "redis/turn_lists.h"

struct redis_refresh;

struct redis_refresh_config {
    struct redis_client *client; /* borrowed */
    const struct text *realms;   /* copied */
    size_t realm_count;
    void (*on_lists)(void *owner, const struct redis_realm_lists *lists);
    void (*on_revoked)(void *owner, struct text realm, struct text user);
    void (*on_round)(void *owner, bool is_whole); /* it is over; is_whole: all realms were read */
    void *owner;
};

/* NULL when out of memory. */
NODISCARD struct redis_refresh *redis_refresh_new(const struct redis_refresh_config *config);

/* Nothing of it may be pending in the client. Accepts NULL. */
void redis_refresh_free(struct redis_refresh *refresh);

/* Starts a round; when one is under way, another follows it. */
void redis_refresh_start(struct redis_refresh *refresh);

#endif
