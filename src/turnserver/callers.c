/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/callers.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"

enum { IP6_NETWORK_SIZE = 8 };

struct caller {
    struct address_node node; /* without what tells his hosts and ports apart */
    uint64_t connections;
};

struct callers {
    pthread_mutex_t lock;
    struct map map; /* with at least one connection */
    uint64_t total;
};

struct callers *callers_new(void)
{
    struct callers *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    map_init(&c->map);
    return c;
}

void callers_free(struct callers *c)
{
    if (c == NULL)
        return;
    map_for_each (at, &c->map)
        free(CONTAINER_OF(at, struct caller, node.link));
    map_done(&c->map);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static struct caller *find_caller(const struct callers *c, const struct address *ip)
{
    struct address_node *node = address_map_find(&c->map, ip);
    return node == NULL ? NULL : CONTAINER_OF(node, struct caller, node);
}

static struct address caller_of(const struct address *client)
{
    size_t len = client->family == ADDRESS_IP6 ? IP6_NETWORK_SIZE : address_ip_len(client);
    struct address caller = {.family = client->family};
    memcpy(caller.ip, client->ip, len);
    return caller;
}

static bool is_below(uint64_t taken, uint64_t limit)
{
    return limit == 0 || taken < limit;
}

bool callers_connect(
    struct callers *c, const struct address *client, uint64_t limit_each, uint64_t limit)
{
    struct address ip = caller_of(client);
    bool is_let_in = false;

    pthread_mutex_lock(&c->lock);
    struct caller *caller = find_caller(c, &ip);
    if (is_below(c->total, limit) &&
        is_below(caller == NULL ? 0 : caller->connections, limit_each)) {
        if (caller == NULL && (caller = calloc(1, sizeof(*caller))) != NULL)
            address_map_put(&c->map, &caller->node, &ip);
        is_let_in = caller != NULL;
    }
    if (is_let_in) {
        caller->connections++;
        c->total++;
    }
    pthread_mutex_unlock(&c->lock);
    return is_let_in;
}

void callers_disconnect(struct callers *c, const struct address *client)
{
    struct address ip = caller_of(client);

    pthread_mutex_lock(&c->lock);
    struct caller *caller = find_caller(c, &ip);
    if (caller != NULL) {
        c->total--;
        if (--caller->connections == 0) {
            address_map_remove(&c->map, &caller->node);
            free(caller);
        }
    }
    pthread_mutex_unlock(&c->lock);
}
