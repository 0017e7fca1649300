/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/router.h"

#include <errno.h>
#include <stdlib.h>

#include "redis/router_state.h"

static const struct redis_router_ops *const kinds[] = {
    [REDIS_SINGLE] = &redis_single_ops,
    [REDIS_SENTINEL] = &redis_sentinel_ops,
    [REDIS_CLUSTER] = &redis_cluster_ops,
};

static size_t or_default(size_t value, size_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static void set_defaults(struct redis_router_config *config, unsigned connect_timeout_ms)
{
    struct redis_limits *limits = &config->limits;
    limits->command = or_default(limits->command, REDIS_ROUTER_MAX_COMMAND);
    limits->unsent = or_default(limits->unsent, REDIS_ROUTER_MAX_UNSENT);
    limits->string = or_default(limits->string, REDIS_ROUTER_MAX_STRING);
    limits->reply = or_default(limits->reply, REDIS_ROUTER_MAX_REPLY);
    limits->pending = (unsigned)or_default(limits->pending, REDIS_ROUTER_MAX_PENDING);
    config->command_timeout_ms =
        (unsigned)or_default(config->command_timeout_ms, REDIS_DEFAULT_COMMAND_TIMEOUT_MS);
    config->connect_timeout_ms = (unsigned)or_default(
        config->connect_timeout_ms, or_default(connect_timeout_ms, REDIS_ROUTER_CONNECT_MS));
    config->back_off_ms = (unsigned)or_default(config->back_off_ms, REDIS_ROUTER_BACK_OFF_MS);
}

void redis_router_free(struct redis_router *router)
{
    redis_target_done(&router->target);
    redis_tls_unref(router->tls);
    free(router);
}

int redis_router_open(uv_loop_t *loop, const struct redis_router_config *config,
    struct redis_router **out, struct str *why)
{
    const struct redis_router_ops *ops = kinds[config->target->topology];
    struct redis_router *router = calloc(1, ops->size);
    if (router == NULL) {
        str_add_string(why, "out of memory");
        return -ENOMEM;
    }
    router->ops = ops;
    router->loop = loop;
    router->config = *config;
    set_defaults(&router->config, config->target->connect_timeout_ms);
    int error = redis_tls_wanted(&config->target->tls, config->tls, &router->tls, why);
    if (error == 0 && redis_target_copy(config->target, &router->target) != 0) {
        str_add_string(why, "out of memory");
        error = -ENOMEM;
    }
    if (error != 0) {
        redis_router_free(router);
        return error;
    }
    error = ops->start(router);
    if (error != 0) {
        str_addf(why, "cannot start: %s", uv_strerror(error));
        redis_router_close(router);
        return error;
    }
    *out = router;
    return 0;
}

int redis_router_send(struct redis_router *router, struct text key, const struct text *words,
    size_t count, struct redis_callback callback)
{
    return router->ops->send(router, key, words, count, callback);
}

bool redis_router_is_ready(const struct redis_router *router)
{
    return router->ops->is_ready(router);
}

uint64_t redis_router_oldest_ms(const struct redis_router *router)
{
    return router->ops->oldest_ms(router);
}

const struct redis_counters *redis_router_counters(const struct redis_router *router)
{
    return &router->counters;
}

void redis_router_write_where(const struct redis_router *router, struct str *out)
{
    if (redis_router_is_ready(router))
        router->ops->write_where(router, out);
}

void redis_router_close(struct redis_router *router)
{
    if (router == NULL)
        return;
    router->is_closing = true;
    router->ops->close(router);
}

/* --- for the kinds --- */

void redis_router_tell(struct redis_router *router)
{
    bool is_ready = !router->is_closing && redis_router_is_ready(router);
    if (is_ready == router->was_ready || router->is_closing)
        return;
    router->was_ready = is_ready;
    if (router->config.on_ready != NULL)
        router->config.on_ready(router->config.owner, is_ready);
}

struct redis_client_config redis_router_client(
    struct redis_router *router, const char *host, uint16_t port, struct redis_endpoint *endpoint)
{
    const struct redis_router_config *config = &router->config;
    *endpoint = (struct redis_endpoint){
        .host = (char *)host, /* copied by who opens the client */
        .port = port,
        .db = router->target.db,
        .user = router->target.user,
        .password = router->target.password,
        .connect_timeout_ms = config->connect_timeout_ms,
        .tls = {.is_wanted = router->tls != NULL},
    };
    return (struct redis_client_config){
        .endpoint = endpoint,
        .name = config->name,
        .command_timeout_ms = config->command_timeout_ms,
        .idle_ms = config->idle_ms,
        .back_off_ms = config->back_off_ms,
        .limits = config->limits,
        .tls = router->tls,
        .counters = &router->counters,
    };
}
