/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "redis/cluster_state.h"

static struct cluster *cluster_of(struct redis_router *router)
{
    return CONTAINER_OF(router, struct cluster, base);
}

static const struct cluster *const_cluster_of(const struct redis_router *router)
{
    return CONTAINER_OF(router, const struct cluster, base);
}

/* --- time --- */

static void on_timer(uv_timer_t *timer)
{
    struct cluster *cluster = CONTAINER_OF(timer, struct cluster, timer);
    uint64_t now = uv_now(cluster->base.loop);
    cluster_retry_routes(cluster, now);
    cluster_ask_map(cluster, now);
    cluster_arm(cluster);
}

static uint64_t next_due(const struct cluster *cluster, uint64_t now)
{
    uint64_t due = cluster_map_due_ms(cluster);
    return cluster->waiting_count > 0 && now + CLUSTER_RETRY_MS < due ? now + CLUSTER_RETRY_MS
                                                                      : due;
}

void cluster_arm(struct cluster *cluster)
{
    uint64_t now = uv_now(cluster->base.loop);
    uint64_t due = next_due(cluster, now);
    if (!cluster->base.is_closing)
        uv_timer_start(&cluster->timer, on_timer, due > now ? due - now : 0, 0);
}

void cluster_changed(struct cluster *cluster)
{
    cluster_arm(cluster);
    redis_router_tell(&cluster->base);
}

/* --- as a router --- */

static int start(struct redis_router *router)
{
    struct cluster *cluster = cluster_of(router);
    list_init(&cluster->routes);
    int error = uv_timer_init(router->loop, &cluster->timer);
    if (error != 0)
        return error;
    cluster->timer.data = cluster; /* to be closed */
    error = cluster_add_seeds(cluster);
    if (error == 0)
        cluster_arm(cluster);
    return error;
}

static int send_words(struct redis_router *router, struct text key, const struct text *words,
    size_t count, struct redis_callback callback)
{
    struct cluster *cluster = cluster_of(router);
    int slot = key.len > 0 ? redis_slot_of(key) : -1;
    int error =
        router->is_closing ? -ENOTCONN : cluster_route_new(cluster, slot, words, count, callback);
    if (error == 0)
        return 0;
    counter_add(&router->counters.refused, 1);
    if (error == -ENOTCONN && !router->is_closing) {
        cluster_want_map(cluster);
        cluster_arm(cluster);
    }
    return error;
}

static bool is_ready(const struct redis_router *router)
{
    const struct cluster *cluster = const_cluster_of(router);
    if (!cluster->is_whole || cluster->is_down)
        return false;
    for (size_t i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i]->has_slots && !cluster_node_is_ready(cluster->nodes[i]))
            return false;
    return true;
}

/* What is not a command of the owner's counts as well: it tells of silence just so. */
static uint64_t oldest_ms(const struct redis_router *router)
{
    const struct cluster *cluster = const_cluster_of(router);
    uint64_t oldest = cluster_oldest_route_ms(cluster);
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct cluster_node *node = cluster->nodes[i];
        uint64_t ms = cluster_node_is_ready(node) ? redis_client_oldest_ms(node->client) : 0;
        oldest = ms > oldest ? ms : oldest;
    }
    return oldest;
}

static void write_where(const struct redis_router *router, struct str *out)
{
    const struct cluster *cluster = const_cluster_of(router);
    unsigned masters = 0;
    for (size_t i = 0; i < cluster->node_count; i++)
        masters += cluster->nodes[i]->has_slots;
    str_addf(out, "%u masters", masters);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct cluster *cluster = CONTAINER_OF((uv_timer_t *)handle, struct cluster, timer);
    redis_router_free(&cluster->base);
}

static void close_cluster(struct redis_router *router)
{
    struct cluster *cluster = cluster_of(router);
    cluster_close_nodes(cluster);
    cluster_end_waiting(cluster);
    str_done(&cluster->failure);
    if (cluster->timer.data != NULL)
        uv_close((uv_handle_t *)&cluster->timer, on_timer_closed);
    else
        redis_router_free(router);
}

const struct redis_router_ops redis_cluster_ops = {
    .size = sizeof(struct cluster),
    .start = start,
    .send = send_words,
    .is_ready = is_ready,
    .oldest_ms = oldest_ms,
    .write_where = write_where,
    .close = close_cluster,
};
