/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/sentinels.h - asks all Sentinels of a target for its master, over and over.
 *
 * What most of those say that answer counts; of equals, what the first of the configuration says.
 * One that is slow is not waited for.
 */
#ifndef REDIS_SENTINELS_H
#define REDIS_SENTINELS_H

#include "redis/router_state.h"

struct redis_sentinels;

struct redis_sentinels_config {
    struct redis_router *router; /* whose target, timeouts and TLS are used */
    /* After each round that had an answer. Borrowed for the call. */
    void (*on_master)(void *owner, const char *host, uint16_t port);
    void *owner; /* borrowed */
};

NODISCARD int redis_sentinels_open(
    const struct redis_sentinels_config *config, struct redis_sentinels **out);

/* How often they are asked: less often while all is well. The first call asks at once. */
void redis_sentinels_hurry(struct redis_sentinels *sentinels, bool in_a_hurry);

/* The memory is freed from the loop. Accepts NULL. */
void redis_sentinels_close(struct redis_sentinels *sentinels);

#endif
