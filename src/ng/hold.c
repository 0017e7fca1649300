/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/hold.h"

#include <stdlib.h>

struct ng_hold {
    struct map_node node;
    struct list requests; /* the oldest first */
    char call_id[];
};

struct ng_hold *ng_hold_find(const struct ng_server *server, struct text call_id)
{
    struct map_node *node = map_find(&server->holds, text_bytes(call_id));
    return node != NULL ? CONTAINER_OF(node, struct ng_hold, node) : NULL;
}

struct ng_hold *ng_hold_new(struct ng_server *server, struct text call_id)
{
    struct ng_hold *hold = calloc(1, sizeof(*hold) + call_id.len);
    if (hold == NULL)
        return NULL;
    memcpy(hold->call_id, call_id.data, call_id.len);
    list_init(&hold->requests);
    map_put(&server->holds, &hold->node, bytes_of(hold->call_id, call_id.len));
    return hold;
}

void ng_hold_free(struct ng_server *server, struct ng_hold *hold)
{
    map_remove(&server->holds, &hold->node);
    free(hold);
}

void ng_hold_add(struct ng_hold *hold, struct ng_request *request)
{
    request->held.hold = hold;
    list_push_back(&hold->requests, &request->held.link);
    counter_add(&request->server->counters.elsewhere.held, 1);
}

void ng_hold_leave(struct ng_request *request)
{
    list_remove(&request->held.link);
    counter_subtract(&request->server->counters.elsewhere.held, 1);
}

struct ng_request *ng_hold_oldest(const struct ng_hold *hold)
{
    struct list *first = list_first(&hold->requests);
    return first != NULL ? CONTAINER_OF(first, struct ng_request, held.link) : NULL;
}

void ng_hold_drop_all(struct ng_server *server)
{
    map_for_each (at, &server->holds) {
        struct ng_hold *hold = CONTAINER_OF(at, struct ng_hold, node.link);
        for (struct ng_request *oldest; (oldest = ng_hold_oldest(hold)) != NULL;) {
            ng_hold_leave(oldest);
            ng_request_free(oldest);
        }
        ng_hold_free(server, hold);
    }
}
