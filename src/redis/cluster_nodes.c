/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "redis/cluster_state.h"

/* --- connections --- */

bool cluster_node_is_ready(const struct cluster_node *node)
{
    return node != NULL && redis_client_is_ready(node->client);
}

static void on_ready(void *owner, bool is_ready)
{
    struct cluster_node *node = owner;
    (void)is_ready;
    cluster_want_map(node->cluster);
    cluster_changed(node->cluster);
}

static int connect_node(struct cluster_node *node)
{
    struct redis_endpoint endpoint;
    struct redis_client_config config =
        redis_router_client(&node->cluster->base, node->host, node->port, &endpoint);
    config.on_ready = on_ready;
    config.owner = node;
    return redis_client_open(node->cluster->base.loop, &config, &node->client);
}

static void free_node(struct cluster_node *node)
{
    redis_client_close(node->client);
    free(node->host);
    free(node);
}

static struct cluster_node *find_node(
    const struct cluster *cluster, struct text host, uint16_t port)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct cluster_node *node = cluster->nodes[i];
        if (node->port == port && text_is(host, node->host))
            return node;
    }
    return NULL;
}

static struct cluster_node *make_node(struct cluster *cluster, struct text host, uint16_t port)
{
    struct cluster_node *node = calloc(1, sizeof(*node));
    if (node == NULL)
        return NULL;
    node->cluster = cluster;
    node->host = text_dup(host);
    node->port = port;
    if (node->host == NULL || connect_node(node) != 0) {
        free_node(node);
        return NULL;
    }
    return node;
}

struct cluster_node *cluster_node_at(struct cluster *cluster, struct text host, uint16_t port)
{
    struct cluster_node *node = find_node(cluster, host, port);
    if (node == NULL && cluster->node_count < CLUSTER_MAX_NODES) {
        node = make_node(cluster, host, port);
        if (node != NULL)
            cluster->nodes[cluster->node_count++] = node;
    }
    if (node != NULL)
        node->used_ms = uv_now(cluster->base.loop);
    return node;
}

int cluster_add_seeds(struct cluster *cluster)
{
    const struct redis_target *target = &cluster->base.target;
    cluster->nodes = calloc(CLUSTER_MAX_NODES, sizeof(struct cluster_node *));
    if (cluster->nodes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < target->host_count; i++) {
        const struct redis_host *host = &target->hosts[i];
        struct cluster_node *node = cluster_node_at(cluster, text_from(host->name), host->port);
        if (node == NULL)
            return -ENOMEM;
        node->is_seed = true;
    }
    return 0;
}

void cluster_close_nodes(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->node_count; i++)
        free_node(cluster->nodes[i]);
    cluster->node_count = 0;
    free(cluster->nodes);
    cluster->nodes = NULL;
}

struct cluster_node *cluster_node_for(struct cluster *cluster, int slot)
{
    if (slot >= 0)
        return cluster_node_is_ready(cluster->slots[slot]) ? cluster->slots[slot] : NULL;
    for (size_t i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i]->has_slots && cluster_node_is_ready(cluster->nodes[i]))
            return cluster->nodes[i];
    return NULL;
}

/* --- the map --- */

/* Takes out those that nobody needs; what is under way with them ends. */
static void drop_unused(struct cluster *cluster, uint64_t now)
{
    size_t i = 0;
    while (i < cluster->node_count) {
        struct cluster_node *node = cluster->nodes[i];
        if (node->is_seed || node->has_slots || now - node->used_ms < CLUSTER_UNUSED_MS) {
            i++;
            continue;
        }
        /* Out of the list first: those that are called back may send. */
        cluster->nodes[i] = cluster->nodes[--cluster->node_count];
        free_node(node);
    }
}

static void enter_range(struct cluster *cluster, const struct cluster_node *teller,
    const struct redis_slot_range *range)
{
    struct text host = range->host.len > 0 ? range->host : text_from(teller->host);
    struct cluster_node *node = cluster_node_at(cluster, host, range->port);
    for (unsigned slot = range->first; slot <= range->last; slot++)
        cluster->slots[slot] = node;
    if (node != NULL)
        node->has_slots = true;
}

static bool has_each_slot(const struct cluster *cluster)
{
    for (size_t i = 0; i < REDIS_SLOTS; i++)
        if (cluster->slots[i] == NULL)
            return false;
    return true;
}

static void enter_map(
    struct cluster *cluster, const struct cluster_node *teller, const struct redis_reply *reply)
{
    struct redis_slot_range range;
    memset(cluster->slots, 0, sizeof(cluster->slots));
    for (size_t i = 0; i < cluster->node_count; i++)
        cluster->nodes[i]->has_slots = false;
    for (size_t i = 0; i < reply->count; i++)
        if (redis_slots_range(reply, i, &range))
            enter_range(cluster, teller, &range);
    cluster->is_whole = has_each_slot(cluster);
    drop_unused(cluster, uv_now(cluster->base.loop));
}

/* Once for each reason. */
static void say_failure(struct cluster *cluster, struct text why)
{
    if (text_equal(str_text(&cluster->failure), why))
        return;
    str_reset(&cluster->failure);
    str_add(&cluster->failure, why);
    log_event(LOG_WARNING, LOG_NO_CALL, "redis-cluster", "for=%s state=down why=%s",
        cluster->base.config.name, LOG_QUOTED(why));
}

static void say_recovery(struct cluster *cluster)
{
    if (cluster->failure.len == 0)
        return;
    str_reset(&cluster->failure);
    log_event(
        LOG_NOTICE, LOG_NO_CALL, "redis-cluster", "for=%s state=up", cluster->base.config.name);
}

/* A node that belongs to no Cluster yet has no slots to tell of. */
static bool is_map(const struct redis_reply *reply)
{
    struct redis_slot_range range;
    return redis_slots_range(reply, 0, &range);
}

/* An answer that comes late, when another was asked meanwhile, does not count. */
static bool is_for_now(const struct cluster_node *node, const struct redis_reply *reply)
{
    return reply != NULL && !node->cluster->base.is_closing &&
           node->question == node->cluster->question;
}

static void on_slots(void *owner, const struct redis_reply *reply)
{
    struct cluster_node *node = owner;
    struct cluster *cluster = node->cluster;
    if (reply == NULL || !is_for_now(node, reply))
        return;
    if (reply->kind == REDIS_ERROR)
        say_failure(cluster, reply->text);
    if (!is_map(reply)) {
        cluster_want_map(cluster);
        cluster_arm(cluster);
        return;
    }
    enter_map(cluster, node, reply); /* after which the node may be gone */
    cluster->map_due_ms = uv_now(cluster->base.loop) + CLUSTER_CALM_MS;
    cluster_changed(cluster);
}

static bool contains(struct text text, struct text word)
{
    return memmem(text.data, text.len, word.data, word.len) != NULL;
}

static void on_info(void *owner, const struct redis_reply *reply)
{
    struct cluster_node *node = owner;
    struct cluster *cluster = node->cluster;
    if (reply == NULL || !is_for_now(node, reply) || reply->kind != REDIS_STRING)
        return;
    cluster->is_down = !contains(reply->text, TEXT("cluster_state:ok"));
    if (cluster->is_down)
        say_failure(cluster, TEXT("the Cluster is down"));
    else if (cluster->is_whole)
        say_recovery(cluster);
    cluster_changed(cluster);
}

/* --- asking --- */

void cluster_want_map(struct cluster *cluster)
{
    uint64_t soon = cluster->asked_ms + CLUSTER_ASK_MS;
    if (soon < cluster->map_due_ms)
        cluster->map_due_ms = soon;
}

uint64_t cluster_map_due_ms(const struct cluster *cluster)
{
    uint64_t soon = cluster->asked_ms + CLUSTER_ANSWER_MS;
    return !redis_router_is_ready(&cluster->base) && soon < cluster->map_due_ms
               ? soon
               : cluster->map_due_ms;
}

/* In turn, so that one with old views is not believed for long. */
static struct cluster_node *next_to_ask(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct cluster_node *node = cluster->nodes[cluster->next_asked++ % cluster->node_count];
        if (cluster_node_is_ready(node))
            return node;
    }
    return NULL;
}

static void ask(struct cluster_node *node)
{
    const struct redis_callback info = {.done = on_info, .owner = node};
    const struct redis_callback slots = {.done = on_slots, .owner = node};
    node->question = ++node->cluster->question;
    if (redis_client_send(node->client, (struct text[]){TEXT("CLUSTER"), TEXT("INFO")}, 2, info) !=
            0 ||
        redis_client_send(
            node->client, (struct text[]){TEXT("CLUSTER"), TEXT("SLOTS")}, 2, slots) != 0)
        node->cluster->question++; /* nobody's answer counts */
}

void cluster_ask_map(struct cluster *cluster, uint64_t now)
{
    if (now < cluster_map_due_ms(cluster))
        return;
    struct cluster_node *node = next_to_ask(cluster);
    cluster->asked_ms = now;
    cluster->map_due_ms = now + CLUSTER_ANSWER_MS;
    if (node != NULL)
        ask(node);
}
