/* SPDX-License-Identifier: Apache-2.0 */
/* redis/router_state.h - what the kinds of routers have in common; for them only. */
#ifndef REDIS_ROUTER_STATE_H
#define REDIS_ROUTER_STATE_H

#include "redis/router.h"

/* As the functions of redis/router.h, where not said otherwise. */
struct redis_router_ops {
    size_t size; /* of the whole structure */
    int (*start)(struct redis_router *router);
    int (*send)(struct redis_router *router, struct text key, const struct text *words,
        size_t count, struct redis_callback callback);
    bool (*is_ready)(const struct redis_router *router);
    uint64_t (*oldest_ms)(const struct redis_router *router);
    void (*write_where)(const struct redis_router *router, struct str *out);
    /* Also after start() has failed. Calls redis_router_free() now or from the loop. */
    void (*close)(struct redis_router *router);
};

extern const struct redis_router_ops redis_single_ops, redis_sentinel_ops, redis_cluster_ops;

/* First member of each kind. */
struct redis_router {
    const struct redis_router_ops *ops;
    uv_loop_t *loop;
    struct redis_target target;
    struct redis_tls *tls;             /* or NULL */
    struct redis_router_config config; /* with the defaults in; its pointers are not to be used */
    struct redis_counters counters;
    bool was_ready; /* as it was told */
    bool is_closing;
};

/* Tells the owner when it is ready now and was not, or the other way round. */
void redis_router_tell(struct redis_router *router);

/* A client of the router's for one of its hosts; the caller adds what is special. `endpoint` is
 * filled in, borrows and has to live until the client is opened. */
struct redis_client_config redis_router_client(
    struct redis_router *router, const char *host, uint16_t port, struct redis_endpoint *endpoint);

void redis_router_free(struct redis_router *router);

#endif
