/* SPDX-License-Identifier: Apache-2.0 */
#include "base/container.h"
#include "redis/router_state.h"

struct single {
    struct redis_router base;
    struct redis_client *client;
};

static struct single *single_of(struct redis_router *router)
{
    return CONTAINER_OF(router, struct single, base);
}

static const struct single *const_single_of(const struct redis_router *router)
{
    return CONTAINER_OF(router, const struct single, base);
}

static void on_ready(void *owner, bool is_ready)
{
    (void)is_ready;
    redis_router_tell(owner);
}

static int start(struct redis_router *router)
{
    const struct redis_host *host = &router->target.hosts[0];
    struct redis_endpoint endpoint;
    struct redis_client_config config =
        redis_router_client(router, host->name, host->port, &endpoint);
    config.on_ready = on_ready;
    config.owner = router;
    return redis_client_open(router->loop, &config, &single_of(router)->client);
}

static int send_words(struct redis_router *router, struct text key, const struct text *words,
    size_t count, struct redis_callback callback)
{
    (void)key;
    return redis_client_send(single_of(router)->client, words, count, callback);
}

static bool is_ready(const struct redis_router *router)
{
    const struct single *single = const_single_of(router);
    return single->client != NULL && redis_client_is_ready(single->client);
}

static uint64_t oldest_ms(const struct redis_router *router)
{
    return redis_client_oldest_ms(const_single_of(router)->client);
}

static void write_where(const struct redis_router *router, struct str *out)
{
    redis_target_write(&router->target, out);
}

static void close_single(struct redis_router *router)
{
    redis_client_close(single_of(router)->client);
    redis_router_free(router);
}

const struct redis_router_ops redis_single_ops = {
    .size = sizeof(struct single),
    .start = start,
    .send = send_words,
    .is_ready = is_ready,
    .oldest_ms = oldest_ms,
    .write_where = write_where,
    .close = close_single,
};
