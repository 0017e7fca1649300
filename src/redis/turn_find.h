/* SPDX-License-Identifier: Apache-2.0 */
/* redis/turn_find.h - what the look-ups need of the object they belong to. */
#ifndef REDIS_TURN_FIND_H
#define REDIS_TURN_FIND_H

#include "redis/turn_users.h"

struct redis_client *redis_turn_client(struct redis_turn *turn);

/* Logs, a few times a second at most, that the value of `key` cannot be used. */
void redis_turn_say_unusable(struct redis_turn *turn, struct text key, struct text why);

#endif
