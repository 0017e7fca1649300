/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/neighbours.h"

#include <stdlib.h>

static void write_id(const struct next_hop_via *via, uint8_t *id)
{
    memcpy(id, &via->ifindex, sizeof(via->ifindex));
    id[sizeof(via->ifindex)] = (uint8_t)via->ip.family;
    memcpy(id + sizeof(via->ifindex) + 1, via->ip.ip, sizeof(via->ip.ip));
}

struct neighbour *neighbours_find(const struct map *neighbours, const struct next_hop_via *via)
{
    uint8_t id[NEIGHBOUR_ID_SIZE];
    write_id(via, id);
    struct map_node *node = map_find(neighbours, bytes_of(id, sizeof(id)));
    return node != NULL ? CONTAINER_OF(node, struct neighbour, node) : NULL;
}

struct neighbour *neighbours_get(struct map *neighbours, const struct next_hop_via *via)
{
    struct neighbour *n = neighbours_find(neighbours, via);
    if (n != NULL)
        return n;
    n = calloc(1, sizeof(*n));
    if (n == NULL)
        return NULL;
    write_id(via, n->id);
    map_put(neighbours, &n->node, bytes_of(n->id, sizeof(n->id)));
    return n;
}

void neighbours_let_go(struct map *neighbours, struct neighbour *n)
{
    if (n->is_usable || n->entries > 0)
        return;
    map_remove(neighbours, &n->node);
    free(n);
}
