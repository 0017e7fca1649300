/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/redis_store.h - a store in Redis: docs/store.md, "In Redis", says what it keeps there.
 *
 * Each request is one script that Redis runs whole, beside a note in the index of the owner, which
 * is written with the record and taken back after it. What is there may be anything: what is not as
 * it should be is STORE_FAILED. Used in the loop's thread only; counters may be read in any.
 */
#ifndef STORE_REDIS_STORE_H
#define STORE_REDIS_STORE_H

#include "base/metrics.h"
#include "redis/router.h"
#include "store/seal.h"
#include "store/store.h"

enum {
    REDIS_STORE_DEFAULT_EXPIRES_S = 86400,
    REDIS_STORE_MAX_PREFIX = 64,
};

#define REDIS_STORE_DEFAULT_PREFIX "mediaferry"

struct redis_store;

struct redis_store_config {
    const struct redis_target *target; /* copied */
    const struct redis_tls_files *tls; /* as in struct redis_router_config */
    const char *name;                  /* in the log: a literal */
    unsigned command_timeout_ms;       /* 0: that of redis/client.h */
    unsigned connect_timeout_ms;       /* 0: that of redis/router.h */
    struct text prefix;                /* of all keys; empty: the default. Copied */
    unsigned expires_s;                /* what is not written for so long goes; 0: the default */
    const struct seal *seal;           /* borrowed; NULL: records lie there as they are */

    /* Requests can be made now, or not any more; not called from within a request. */
    void (*on_ready)(void *owner, bool is_ready);
    /* Why Redis refuses, or what is wrong with what is there: for the log. Each reason once a
     * minute at most. */
    void (*on_trouble)(void *owner, struct text why);
    void *owner; /* borrowed */
};

struct redis_store_counters {
    struct counter puts, removes, gets, takes; /* sent */
    struct counter refused;                    /* not taken: away, or too much under way */
    struct counter conflicts;
    struct counter away;    /* answers that were lost */
    struct counter failed;  /* Redis refused, or has nonsense there */
    struct counter written; /* bytes of records, sealed */
    struct counter read;
};

/* 1 to REDIS_STORE_MAX_PREFIX bytes, printable, without spaces, and no hash tag: all keys would lie
 * on one node of a Cluster. */
NODISCARD bool redis_store_prefix_is_valid(struct text prefix);

/* Starts to connect. Returns 0 and a new store in `out`, else -EINVAL (the prefix) or what
 * redis_router_open() returns, with a sentence in `why`. It is closed by store.ops->close, with
 * what is said of redis_router_close(). */
NODISCARD int redis_store_open(uv_loop_t *loop, const struct redis_store_config *config,
    struct redis_store **out, struct str *why);

/* The store as others see it. */
struct store *redis_store_base(struct redis_store *store);

/* Other keys from now on; borrowed. */
void redis_store_reseal(struct redis_store *store, const struct seal *seal);

const struct redis_store_counters *redis_store_counters(const struct redis_store *store);
/* Of the connections, and where they lead. */
const struct redis_counters *redis_store_connections(const struct redis_store *store);
void redis_store_write_where(const struct redis_store *store, struct str *out);

#endif
