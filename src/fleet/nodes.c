/* SPDX-License-Identifier: Apache-2.0 */
/* The other nodes: which are alive, and which are dead for sure. */
#include <stdio.h>
#include <stdlib.h>

#include "fleet/state.h"

enum {
    FORGET_MS = 60000,  /* a dead node without records is listed so long */
    REWRITE_MS = 10000, /* between two times that records were missing */
    ODD_POLLS = 10,     /* in a row, before our index is read */
};

/* --- what a node says of itself: lines of a word and its value --- */

struct bytes fleet_info(const struct fleet *fleet, char out[FLEET_INFO_SIZE])
{
    char ng[ADDRESS_TEXT_SIZE];
    int len = 0;
    if (fleet->ng.family != ADDRESS_NONE)
        len = snprintf(out, FLEET_INFO_SIZE, "ng %s\n", address_text(&fleet->ng, ng));
    int more =
        snprintf(out + len, (size_t)(FLEET_INFO_SIZE - len), "version %.64s\n", fleet->version);
    return bytes_of(out, (size_t)(len + more));
}

static void read_info(struct node *node, struct bytes info)
{
    struct text rest = text_from_bytes(info);
    node->ng = (struct address){.family = ADDRESS_NONE};
    node->version_len = 0;
    while (rest.len > 0) {
        struct text line = text_cut(&rest, '\n');
        struct text word = text_cut(&line, ' ');
        struct address ng;
        if (text_is(word, "ng") && address_parse_with_port(line, 0, &ng))
            node->ng = ng;
        if (text_is(word, "version") && line.len <= sizeof(node->version)) {
            node->version_len = line.len;
            if (line.len > 0)
                memcpy(node->version, line.data, line.len);
        }
    }
}

/* --- the table --- */

bool fleet_is_self(const struct fleet *fleet, struct text name)
{
    return text_equal(name, fleet_name(fleet));
}

struct node *fleet_node(const struct fleet *fleet, struct text name)
{
    struct map_node *node = map_find(&fleet->nodes, text_bytes(name));
    return node != NULL ? CONTAINER_OF(node, struct node, node) : NULL;
}

static struct node *add_node(struct fleet *fleet, struct text name)
{
    struct node *node = calloc(1, sizeof(*node) + name.len);
    if (node == NULL)
        return NULL;
    node->name_len = name.len;
    memcpy(node->name, name.data, name.len);
    node->is_self = fleet_is_self(fleet, name);
    node->sweep = fleet_sweep_new(fleet, name);
    if (node->is_self)
        fleet_sweep_want(node->sweep);
    map_put(&fleet->nodes, &node->node, text_bytes(node_name(node)));
    return node;
}

static void free_node(struct fleet *fleet, struct node *node)
{
    map_remove(&fleet->nodes, &node->node);
    fleet_sweep_close(node->sweep);
    free(node);
}

void fleet_nodes_free(struct fleet *fleet)
{
    map_for_each (link, &fleet->nodes)
        free_node(fleet, CONTAINER_OF(link, struct node, node.link));
    map_done(&fleet->nodes);
}

bool fleet_owner_is_gone(const struct fleet *fleet, struct text owner)
{
    if (owner.len == 0 || fleet_is_self(fleet, owner))
        return true;
    const struct node *node = fleet_node(fleet, owner);
    if (node != NULL)
        return node->is_dead;
    return fleet->was_polled && fleet->now_ms >= fleet->settled_ms;
}

/* --- who is alive --- */

static void tell(struct fleet *fleet, enum fleet_event_kind kind, const struct node *node)
{
    fleet_tell(fleet,
        &(struct fleet_event){.kind = kind, .node = node_name(node), .count = node->records});
}

static void see_node(struct fleet *fleet, const struct store_node *seen)
{
    struct node *node = fleet_node(fleet, seen->name);
    if (node == NULL && store_name_is_valid(seen->name))
        node = add_node(fleet, seen->name);
    if (node == NULL)
        return;
    node->unlisted_ms = 0;
    node->is_alive = seen->instance.len > 0;
    node->records = seen->records;
    read_info(node, seen->info);
}

/* One that the store has forgotten (as it may have forgotten all) may be back soon. */
static bool is_forgotten(const struct fleet *fleet, const struct node *node)
{
    return node->unlisted_ms != 0 && !node->is_self &&
           fleet->now_ms >= node->unlisted_ms + fleet->lease_ms + FLEET_SETTLE_MS;
}

/* A store that takes no lease lets those of all nodes end. */
static bool may_be_dead(const struct fleet *fleet, const struct node *node)
{
    return fleet->now_ms >= fleet->settled_ms && node->unlisted_ms == 0 &&
           (node->is_dead || !fleet->lease.was_refused);
}

static void judge(struct fleet *fleet, struct node *node)
{
    if (node->is_self)
        return;
    if (node->is_alive) {
        if (!node->is_told || node->is_dead)
            tell(fleet, FLEET_NODE_UP, node);
        node->is_told = true;
        node->is_dead = false;
        return;
    }
    if (!may_be_dead(fleet, node))
        return;
    if (!node->is_dead) {
        node->is_dead = node->is_told = true;
        node->dead_since_ms = fleet->now_ms;
        tell(fleet, FLEET_NODE_DOWN, node);
        fleet_sweep_want(node->sweep);
    }
    fleet_sweep_count(node->sweep, node->records);
    if (node->records == 0 && fleet->now_ms >= node->dead_since_ms + FORGET_MS)
        (void)fleet->store->ops->forget_node(fleet->store, node_name(node));
}

/* --- our own records --- */

static void write_missing(struct fleet *fleet)
{
    if (fleet->now_ms < fleet->rewritten_ms + REWRITE_MS)
        return;
    fleet->settled_ms = fleet->now_ms + fleet->lease_ms + FLEET_SETTLE_MS;
    fleet->lease.next_ms = fleet->now_ms;
    fleet_write_all_again(fleet);
}

/* Compares our index with what we carry: fewer records than that, and the store has lost some; more
 * of them for long, and there are some that nobody carries. */
static void compare_records(struct fleet *fleet, const struct node *self)
{
    if (!fleet->is_joined)
        return;
    size_t known = fleet->known < fleet->polled_known ? fleet->known : fleet->polled_known;
    uint64_t moving = fleet->writes - fleet->polled_writes + fleet->polled_under_way;
    bool is_listed = self != NULL && self->unlisted_ms == 0;
    uint64_t records = is_listed ? self->records : 0;
    if (!is_listed || records + moving < known) {
        write_missing(fleet);
        return;
    }
    bool is_odd = records > fleet->by_id.count + moving + fleet->taking_count;
    fleet->odd_polls = is_odd ? fleet->odd_polls + 1 : 0;
    if (fleet->odd_polls < ODD_POLLS)
        return;
    fleet->odd_polls = 0;
    fleet_sweep_want(self->sweep);
}

/* --- looking --- */

static void nodes_answered(void *owner, enum store_result result, const struct store_node *nodes,
    size_t count, uint64_t released)
{
    struct fleet *fleet = owner;
    fleet->is_polling = false;
    if (result != STORE_DONE)
        return;
    map_for_each (link, &fleet->nodes) {
        struct node *node = CONTAINER_OF(link, struct node, node.link);
        node->is_alive = false;
        if (node->unlisted_ms == 0)
            node->unlisted_ms = fleet->now_ms > 0 ? fleet->now_ms : 1;
    }
    for (size_t i = 0; i < count; i++)
        see_node(fleet, &nodes[i]);
    fleet->was_polled = true;
    map_for_each (link, &fleet->nodes) {
        struct node *node = CONTAINER_OF(link, struct node, node.link);
        if (is_forgotten(fleet, node))
            free_node(fleet, node);
        else
            judge(fleet, node);
    }
    fleet_sweep_count(fleet->nobody, released);
    compare_records(fleet, fleet_node(fleet, fleet_name(fleet)));
}

void fleet_nodes_tick(struct fleet *fleet)
{
    if (!fleet->is_ready || fleet->is_polling || fleet->now_ms < fleet->poll_ms ||
        fleet_is_over(fleet))
        return;
    fleet->poll_ms = fleet->now_ms + FLEET_POLL_MS;
    fleet->polled_writes = fleet->writes;
    fleet->polled_known = fleet->known;
    fleet->polled_under_way = fleet->under_way;
    fleet->is_polling = fleet->store->ops->nodes(fleet->store, nodes_answered, fleet);
}

void fleet_nodes(const struct fleet *fleet,
    void (*visit)(void *owner, const struct fleet_node_row *row), void *owner)
{
    map_for_each (link, &fleet->nodes) {
        const struct node *node = CONTAINER_OF(link, struct node, node.link);
        visit(owner, &(struct fleet_node_row){
                         .name = node_name(node),
                         .is_alive = node->is_self ? fleet->is_joined : node->is_alive,
                         .is_self = node->is_self,
                         .ng = node->ng,
                         .version = text_of(node->version, node->version_len),
                         .records = node->records,
                     });
    }
}
