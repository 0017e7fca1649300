/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials/user_cache.h - what the database said: users, secrets and revocations, shared by all
 * threads.
 *
 * The control thread fills it from the database, the workers ask it. One mutex, held for a look-up
 * at a time; bounded: a full cache forgets what was used longest ago. An entry may also say that
 * there is no such user, so that the database is not asked again at once. Names are bytes.
 */
#ifndef CREDENTIALS_USER_CACHE_H
#define CREDENTIALS_USER_CACHE_H

#include "credentials/identity.h"

struct user_cache;

/* Returns a new cache of `capacity` users with one reference; NULL when out of memory. */
NODISCARD struct user_cache *user_cache_new(size_t capacity);
NODISCARD struct user_cache *user_cache_ref(struct user_cache *cache);
void user_cache_unref(struct user_cache *cache); /* accepts NULL */

/* `stored` is a password or "0x" and an MD5 key; false when it is neither, or out of memory. A
 * former entry of the same name is replaced. The entry is forgotten at `expires_s` (in seconds
 * since 1970; INT64_MAX: never), which does not end the user's allocations. */
NODISCARD bool user_cache_put(struct user_cache *cache, struct text realm, struct text username,
    struct text stored, int64_t expires_s);

/* There is no such user until `expires_s`. */
void user_cache_put_absent(
    struct user_cache *cache, struct text realm, struct text username, int64_t expires_s);

/* Users that changed in the database: the next request asks anew. */
void user_cache_forget(struct user_cache *cache, struct text realm, struct text username);
void user_cache_forget_all(struct user_cache *cache);

enum user_cache_answer { USER_CACHE_UNKNOWN, USER_CACHE_ABSENT, USER_CACHE_PRESENT };

/* With USER_CACHE_PRESENT `out` is a new reference. */
NODISCARD enum user_cache_answer user_cache_find(struct user_cache *cache, struct text realm,
    struct text username, int64_t now_s, struct auth_identity **out);

/* The same by the value of USERHASH; never USER_CACHE_ABSENT. */
NODISCARD enum user_cache_answer user_cache_find_hash(struct user_cache *cache, struct text realm,
    struct bytes userhash, int64_t now_s, struct auth_identity **out);

/* Replaces the secrets of a realm that time-limited credentials may be made with, beside those of
 * the configuration; the first is the one to issue with. False when out of memory: then the former
 * ones stay. */
NODISCARD bool user_cache_set_secrets(
    struct user_cache *cache, struct text realm, const struct text *secrets, size_t count);

/* The secrets of one realm as they were at one moment. Immutable. */
struct secret_list {
    size_t count;
    const struct text *secrets;
};

/* Returns a new reference, NULL when the realm has none. */
NODISCARD const struct secret_list *user_cache_secrets(struct user_cache *cache, struct text realm);
void secret_list_unref(const struct secret_list *list); /* accepts NULL */

/* A revoked user is refused, whatever the credentials. The name is that of USERNAME or the part
 * without a time. False when out of memory. */
NODISCARD bool user_cache_revoke(struct user_cache *cache, struct text realm, struct text user);
void user_cache_restore(struct user_cache *cache, struct text realm, struct text user);
bool user_cache_is_revoked(struct user_cache *cache, struct text realm, struct text user);

#endif
