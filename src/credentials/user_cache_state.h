/* SPDX-License-Identifier: Apache-2.0 */
/* credentials/user_cache_state.h - what the files of the user cache share. */
#ifndef CREDENTIALS_USER_CACHE_STATE_H
#define CREDENTIALS_USER_CACHE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/map.h"
#include "credentials/user_cache.h"

struct user_cache {
    atomic_uint references;
    pthread_mutex_t lock; /* of all that follows, but the count of the revoked */

    size_t capacity;
    struct map by_name, by_hash;
    struct list present, absent; /* the last used first */
    size_t absent_count;

    struct map secrets; /* by realm */

    struct map revoked;
    atomic_size_t revoked_count; /* to spare the lock when there are none */
};

/* For the destructor. */
void user_cache_drop_secrets(struct user_cache *cache);
void user_cache_drop_revocations(struct user_cache *cache);

#endif
