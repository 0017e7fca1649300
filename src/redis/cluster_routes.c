/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "redis/cluster_state.h"

/* One command, kept until it is answered. */
struct route {
    struct list link;
    struct cluster *cluster;
    struct cluster_node *node; /* that has it now */
    struct redis_block *command;
    struct redis_callback callback;
    int slot; /* -1: any node will do */
    unsigned redirects;
    bool is_waiting; /* nobody has it: tried again at `due_ms` */
    uint64_t due_ms;
    uint64_t started_ms;
};

static void on_answer(void *owner, const struct redis_reply *reply);

static void set_waiting(struct route *route, bool is_waiting)
{
    struct cluster *cluster = route->cluster;
    if (route->is_waiting != is_waiting)
        cluster->waiting_count += is_waiting ? 1 : (size_t)-1;
    route->is_waiting = is_waiting;
    route->due_ms = uv_now(cluster->base.loop) + CLUSTER_RETRY_MS;
}

static void free_route(struct route *route)
{
    struct cluster *cluster = route->cluster;
    set_waiting(route, false);
    list_remove(&route->link);
    cluster->kept -= route->command->len;
    cluster->route_count--;
    redis_block_unref(route->command);
    free(route);
}

static void finish(struct route *route, const struct redis_reply *reply)
{
    struct redis_callback callback = route->callback;
    free_route(route);
    callback.done(callback.owner, reply);
}

/* --- sending --- */

static int send_to(struct route *route, struct cluster_node *node)
{
    const struct redis_callback callback = {.done = on_answer, .owner = route};
    route->node = node;
    return redis_client_send_block(node->client, route->command, callback);
}

static void on_asking(void *owner, const struct redis_reply *reply)
{
    (void)owner;
    (void)reply; /* the answer to the command behind it tells */
}

/* ASKING holds for the next command of the connection. */
static int send_asking(struct route *route, struct cluster_node *node)
{
    const struct redis_callback callback = {.done = on_asking};
    int error = redis_client_send(node->client, (struct text[]){TEXT("ASKING")}, 1, callback);
    return error == 0 ? send_to(route, node) : error;
}

/* Sends it once more, or lets it wait. */
static void send_again(struct route *route, struct cluster_node *node, bool is_asking)
{
    struct cluster *cluster = route->cluster;
    counter_add(&cluster->base.counters.redirected, 1);
    int error = node == NULL || !cluster_node_is_ready(node) ? -ENOTCONN
                : is_asking                                  ? send_asking(route, node)
                                                             : send_to(route, node);
    set_waiting(route, error != 0);
}

int cluster_route_new(struct cluster *cluster, int slot, const struct text *words, size_t count,
    struct redis_callback callback)
{
    const struct redis_limits *limits = &cluster->base.config.limits;
    struct cluster_node *node = cluster_node_for(cluster, slot);
    if (!redis_words_fit(words, count, limits->command))
        return -E2BIG;
    if (node == NULL)
        return -ENOTCONN;
    struct redis_block *command = redis_command_new(words, count);
    struct route *route = calloc(1, sizeof(*route));
    int error = command == NULL || route == NULL ? -ENOMEM : 0;
    if (error == 0 && cluster->route_count > 0 &&
        (cluster->kept + command->len > limits->unsent || cluster->route_count >= limits->pending))
        error = -EAGAIN;
    if (error != 0) {
        redis_block_unref(command);
        free(route);
        return error;
    }
    *route = (struct route){
        .cluster = cluster,
        .command = command,
        .callback = callback,
        .slot = slot,
        .started_ms = uv_now(cluster->base.loop),
    };
    list_push_back(&cluster->routes, &route->link);
    cluster->route_count++;
    cluster->kept += command->len;
    error = send_to(route, node);
    if (error != 0)
        free_route(route);
    return error;
}

/* --- answers --- */

static void follow(struct route *route, const struct redis_redirect *redirect)
{
    struct cluster *cluster = route->cluster;
    struct text host = redirect->host.len > 0 ? redirect->host : text_from(route->node->host);
    struct cluster_node *node = cluster_node_at(cluster, host, redirect->port);
    bool is_moved = redirect->kind == REDIS_MOVED;

    route->slot = redirect->slot;
    if (is_moved && node != NULL) {
        cluster->slots[redirect->slot] = node;
        node->has_slots = true;
    }
    if (is_moved)
        cluster_want_map(cluster);
    send_again(route, node, !is_moved);
}

static void redirect_route(struct route *route, const struct redis_redirect *redirect)
{
    struct cluster *cluster = route->cluster;
    if (++route->redirects > CLUSTER_MAX_REDIRECTS) {
        cluster_want_map(cluster);
        finish(route, NULL);
    } else if (redirect->kind == REDIS_MOVED || redirect->kind == REDIS_ASK) {
        follow(route, redirect);
    } else {
        if (redirect->kind == REDIS_DOWN) {
            cluster->is_down = true;
            cluster_want_map(cluster);
        }
        counter_add(&cluster->base.counters.redirected, 1);
        set_waiting(route, true);
    }
    cluster_changed(cluster);
}

static void on_answer(void *owner, const struct redis_reply *reply)
{
    struct route *route = owner;
    struct cluster *cluster = route->cluster;
    struct redis_redirect redirect = {.kind = REDIS_STAYS};

    if (reply == NULL)
        cluster_want_map(cluster);
    else if (reply->kind == REDIS_ERROR)
        redirect = redis_redirect_read(reply->text);
    if (redirect.kind == REDIS_STAYS)
        finish(route, reply);
    else
        redirect_route(route, &redirect);
}

/* --- waiting --- */

static void retry(struct route *route, uint64_t now)
{
    struct cluster *cluster = route->cluster;
    if (now - route->started_ms >= cluster->base.config.command_timeout_ms)
        finish(route, NULL);
    else if (now >= route->due_ms)
        send_again(route, cluster_node_for(cluster, route->slot), false);
}

void cluster_retry_routes(struct cluster *cluster, uint64_t now)
{
    struct list *next;
    for (struct list *at = cluster->routes.next; at != &cluster->routes; at = next) {
        struct route *route = CONTAINER_OF(at, struct route, link);
        next = at->next;
        if (route->is_waiting)
            retry(route, now);
    }
}

void cluster_end_waiting(struct cluster *cluster)
{
    struct list *next;
    for (struct list *at = cluster->routes.next; at != &cluster->routes; at = next) {
        struct route *route = CONTAINER_OF(at, struct route, link);
        next = at->next;
        if (route->is_waiting)
            finish(route, NULL);
    }
}

uint64_t cluster_oldest_route_ms(const struct cluster *cluster)
{
    if (list_is_empty(&cluster->routes))
        return 0;
    return uv_now(cluster->base.loop) -
           CONTAINER_OF(cluster->routes.next, struct route, link)->started_ms;
}
