/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/map.h - intrusive hash maps keyed by bytes, by a number or by a transport address.
 *
 * A map never owns its members: each embeds the node of its kind and unlinks itself before it is
 * freed. Every map draws a random seed, so strangers cannot choose keys that collide. Putting
 * never fails: when no larger table can be had, the chains grow instead.
 *
 * One map holds nodes of one kind only. Keys need not differ: put() does not look for an equal
 * one, find() returns the youngest.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/container.h"
#include "mediaferry/address.h"

/* What the three kinds of node have in common; all zeros while it is in no map. */
struct map_link {
    struct map_link *next;
    uint64_t hash;
    bool linked;
};

struct map {
    struct map_link **table; /* NULL: the one chain `single` */
    struct map_link *single;
    size_t size; /* chains in `table`, a power of two */
    size_t count;
    uint64_t seed[2];
};

void map_init(struct map *map);

/* Frees the table. The members, if any are left, are not touched. */
void map_done(struct map *map);

/* Accepts a link that is in no map. */
void map_remove_link(struct map *map, struct map_link *link);

/*
 * Walks all links in no order: starts with NULL, ends with NULL. The link returned last may be
 * removed only after the next one was fetched; use map_for_each.
 */
struct map_link *map_next_link(const struct map *map, const struct map_link *link);

/* The body may remove `at`, but no other member. */
#define map_for_each(at, map)                                                                      \
    for (struct map_link *at = map_next_link((map), NULL),                                         \
                         *at##_next = at != NULL ? map_next_link((map), at) : NULL;                \
         at != NULL; at = at##_next, at##_next = at != NULL ? map_next_link((map), at) : NULL)

/* Keyed by bytes; the node borrows its key, which usually lies in the same structure. */
struct map_node {
    struct map_link link;
    struct bytes key;
};

void map_put(struct map *map, struct map_node *node, struct bytes key);
struct map_node *map_find(const struct map *map, struct bytes key);

static inline void map_remove(struct map *map, struct map_node *node)
{
    map_remove_link(map, &node->link);
}

/* Keyed by a number. */
struct u64_node {
    struct map_link link;
    uint64_t key;
};

void u64_map_put(struct map *map, struct u64_node *node, uint64_t key);
struct u64_node *u64_map_find(const struct map *map, uint64_t key);

static inline void u64_map_remove(struct map *map, struct u64_node *node)
{
    map_remove_link(map, &node->link);
}

/* Keyed by a transport address; the node keeps a copy. */
struct address_node {
    struct map_link link;
    struct address key;
};

void address_map_put(struct map *map, struct address_node *node, const struct address *key);
struct address_node *address_map_find(const struct map *map, const struct address *key);

/* The next older node with the same key, or NULL. */
struct address_node *address_map_next(const struct address_node *node);

static inline void address_map_remove(struct map *map, struct address_node *node)
{
    map_remove_link(map, &node->link);
}

#endif
