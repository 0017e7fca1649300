/* SPDX-License-Identifier: Apache-2.0 */
/* redis/turn_lists.h - the lists of one realm: what is asked for, read, and compared. */
#ifndef REDIS_TURN_LISTS_H
#define REDIS_TURN_LISTS_H

#include "redis/turn_users.h"

/* The keys of a realm: four sets, and the numbers, which are asked for by one MGET. */
enum redis_realm_item { REALM_SECRETS, REALM_ALLOWED, REALM_DENIED, REALM_REVOKED, REALM_NUMBERS };
enum { REALM_ITEMS = 5, REALM_ITEM_WORDS = 4 };

/* The memory of a command's words. */
struct redis_realm_command {
    struct str keys[REALM_ITEM_WORDS - 1];
    struct text words[REALM_ITEM_WORDS];
    size_t count;
};

/* Writes the command that asks for `item`; false when out of memory. To be given to
 * redis_realm_command_done() either way. */
NODISCARD bool redis_realm_command_init(
    struct redis_realm_command *command, struct text realm, enum redis_realm_item item);
void redis_realm_command_done(struct redis_realm_command *command);

/* Empty, numbers unknown; `realm` is borrowed for its life time. */
void redis_lists_init(struct redis_realm_lists *lists, struct text realm);
void redis_lists_done(struct redis_realm_lists *lists);

/* Takes `reply` over into `lists`; false, and nothing changed, when it is not of the right kind or
 * memory is short. */
NODISCARD bool redis_lists_read(
    struct redis_realm_lists *lists, enum redis_realm_item item, const struct redis_reply *reply);

bool redis_lists_item_equal(const struct redis_realm_lists *a, const struct redis_realm_lists *b,
    enum redis_realm_item item);
void redis_lists_item_swap(
    struct redis_realm_lists *a, struct redis_realm_lists *b, enum redis_realm_item item);

bool redis_names_hold(const struct redis_names *names, struct text name);

#endif
