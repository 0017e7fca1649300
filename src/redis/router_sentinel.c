/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/container.h"
#include "base/log.h"
#include "redis/sentinels.h"

struct watched {
    struct redis_router base;
    struct redis_sentinels *sentinels;
    struct redis_client *client; /* of the master; NULL: not known yet */
};

static struct watched *watched_of(struct redis_router *router)
{
    return CONTAINER_OF(router, struct watched, base);
}

static const struct watched *const_watched_of(const struct redis_router *router)
{
    return CONTAINER_OF(router, const struct watched, base);
}

static void on_ready(void *owner, bool is_ready)
{
    struct watched *watched = owner;
    redis_sentinels_hurry(watched->sentinels, !is_ready);
    redis_router_tell(&watched->base);
}

/* It was demoted: ROLE and the Sentinels tell who is master now. */
static void on_error(void *owner, struct text error)
{
    struct watched *watched = owner;
    if (text_starts_with(error, "READONLY "))
        redis_client_drop(watched->client, error);
}

static int connect_to(struct watched *watched, const char *host, uint16_t port)
{
    struct redis_endpoint endpoint;
    struct redis_client_config config = redis_router_client(&watched->base, host, port, &endpoint);
    config.needs_master = true;
    config.on_ready = on_ready;
    config.on_error = on_error;
    config.owner = watched;
    return redis_client_open(watched->base.loop, &config, &watched->client);
}

static bool is_current(const struct watched *watched, const char *host, uint16_t port)
{
    if (watched->client == NULL)
        return false;
    const struct redis_endpoint *now = redis_client_endpoint(watched->client);
    return now->port == port && strcmp(now->host, host) == 0;
}

static void on_master(void *owner, const char *host, uint16_t port)
{
    struct watched *watched = owner;
    if (is_current(watched, host, port))
        return;
    log_event(LOG_NOTICE, LOG_NO_CALL, "redis-master", "for=%s service=%s host=%s port=%u",
        watched->base.config.name, LOG_QUOTED(text_from(watched->base.target.service)),
        LOG_QUOTED(text_from(host)), port);
    /* Those called back by the close must not find it. */
    struct redis_client *former = watched->client;
    watched->client = NULL;
    redis_client_close(former);
    redis_sentinels_hurry(watched->sentinels, true);
    redis_router_tell(&watched->base);
    if (connect_to(watched, host, port) != 0)
        watched->client = NULL; /* out of memory: the next round tries again */
}

/* --- as a router --- */

static int start(struct redis_router *router)
{
    struct watched *watched = watched_of(router);
    const struct redis_sentinels_config config = {
        .router = router,
        .on_master = on_master,
        .owner = watched,
    };
    return redis_sentinels_open(&config, &watched->sentinels);
}

static int send_words(struct redis_router *router, struct text key, const struct text *words,
    size_t count, struct redis_callback callback)
{
    struct watched *watched = watched_of(router);
    (void)key;
    if (watched->client != NULL)
        return redis_client_send(watched->client, words, count, callback);
    counter_add(&router->counters.refused, 1);
    return -ENOTCONN;
}

static bool is_ready(const struct redis_router *router)
{
    const struct watched *watched = const_watched_of(router);
    return watched->client != NULL && redis_client_is_ready(watched->client);
}

static uint64_t oldest_ms(const struct redis_router *router)
{
    const struct watched *watched = const_watched_of(router);
    return watched->client != NULL ? redis_client_oldest_ms(watched->client) : 0;
}

static void write_where(const struct redis_router *router, struct str *out)
{
    const struct redis_endpoint *master = redis_client_endpoint(const_watched_of(router)->client);
    redis_host_write(master->host, master->port, out);
}

static void close_watched(struct redis_router *router)
{
    struct watched *watched = watched_of(router);
    redis_client_close(watched->client);
    redis_sentinels_close(watched->sentinels);
    redis_router_free(router);
}

const struct redis_router_ops redis_sentinel_ops = {
    .size = sizeof(struct watched),
    .start = start,
    .send = send_words,
    .is_ready = is_ready,
    .oldest_ms = oldest_ms,
    .write_where = write_where,
    .close = close_watched,
};
