/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/neighbours.h - the neighbours that the table of next hops knows, by interface and address.
 *
 * Part of the table (xdp/next_hop.h), under its lock. A neighbour lives while it has a MAC address
 * that can be used, or is sent to.
 */
#ifndef XDP_NEIGHBOURS_H
#define XDP_NEIGHBOURS_H

#include "base/map.h"
#include "xdp/next_hop.h"

enum { NEIGHBOUR_ID_SIZE = sizeof(uint32_t) + 1 + 16 };

struct neighbour {
    struct map_node node;
    uint8_t id[NEIGHBOUR_ID_SIZE]; /* interface, family, address */
    uint8_t mac[ETH_ALEN];
    bool is_usable;
    size_t entries; /* of the table, that are sent by it */
    size_t current; /* of those: known in this epoch of the routes: */
    uint64_t epoch;
};

/* NULL when it is not known. */
struct neighbour *neighbours_find(const struct map *neighbours, const struct next_hop_via *via);

/* The one that is known, or a new one; NULL when out of memory. */
NODISCARD struct neighbour *neighbours_get(struct map *neighbours, const struct next_hop_via *via);

/* Frees it, unless it has a reason to live. */
void neighbours_let_go(struct map *neighbours, struct neighbour *n);

#endif
