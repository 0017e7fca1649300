/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/random.h"

enum { FIRST_SIZE = 16 };

void map_init(struct map *map)
{
    *map = (struct map){.size = 1};
    random_bytes(map->seed, sizeof(map->seed));
}

void map_done(struct map *map)
{
    free(map->table);
    *map = (struct map){.size = 1};
}

static struct map_link **chain_of(const struct map *map, uint64_t hash)
{
    if (map->table == NULL)
        return (struct map_link **)&map->single;
    return &map->table[hash & (map->size - 1)];
}

/* Appends, so that growing keeps the order within equal keys: the youngest first. */
static void move_chain(struct map *map, struct map_link *link)
{
    while (link != NULL) {
        struct map_link *next = link->next;
        struct map_link **at = chain_of(map, link->hash);
        while (*at != NULL)
            at = &(*at)->next;
        link->next = NULL;
        *at = link;
        link = next;
    }
}

static void grow(struct map *map)
{
    size_t size = map->table == NULL ? FIRST_SIZE : map->size * 2;
    struct map_link **table = calloc(size, sizeof(struct map_link *));
    if (table == NULL)
        return; /* longer chains, the same answers */

    struct map before = *map;
    map->table = table;
    map->size = size;
    map->single = NULL;
    for (size_t i = 0; i < before.size; i++)
        move_chain(map, before.table == NULL ? before.single : before.table[i]);
    free(before.table);
}

static void put_link(struct map *map, struct map_link *link, uint64_t hash)
{
    assert(!link->linked);
    if (map->count >= map->size)
        grow(map);

    struct map_link **chain = chain_of(map, hash);
    *link = (struct map_link){.next = *chain, .hash = hash, .linked = true};
    *chain = link;
    map->count++;
}

void map_remove_link(struct map *map, struct map_link *link)
{
    if (!link->linked)
        return;
    struct map_link **at = chain_of(map, link->hash);
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    *link = (struct map_link){.next = NULL};
    map->count--;
}

struct map_link *map_next_link(const struct map *map, const struct map_link *link)
{
    if (link != NULL && link->next != NULL)
        return link->next;
    if (map->table == NULL)
        return link == NULL ? map->single : NULL;

    size_t i = link == NULL ? 0 : (link->hash & (map->size - 1)) + 1;
    while (i < map->size && map->table[i] == NULL)
        i++;
    return i < map->size ? map->table[i] : NULL;
}

void map_put(struct map *map, struct map_node *node, struct bytes key)
{
    node->key = key;
    put_link(map, &node->link, hash_bytes(key, map->seed));
}

struct map_node *map_find(const struct map *map, struct bytes key)
{
    uint64_t hash = hash_bytes(key, map->seed);
    for (struct map_link *at = *chain_of(map, hash); at != NULL; at = at->next) {
        struct map_node *node = CONTAINER_OF(at, struct map_node, link);
        if (at->hash == hash && bytes_equal(node->key, key))
            return node;
    }
    return NULL;
}

void u64_map_put(struct map *map, struct u64_node *node, uint64_t key)
{
    node->key = key;
    put_link(map, &node->link, hash_u64(key, map->seed));
}

struct u64_node *u64_map_find(const struct map *map, uint64_t key)
{
    uint64_t hash = hash_u64(key, map->seed);
    for (struct map_link *at = *chain_of(map, hash); at != NULL; at = at->next) {
        struct u64_node *node = CONTAINER_OF(at, struct u64_node, link);
        if (node->key == key)
            return node;
    }
    return NULL;
}

void address_map_put(struct map *map, struct address_node *node, const struct address *key)
{
    node->key = *key;
    put_link(map, &node->link, address_hash(key, map->seed[0]));
}

static struct address_node *find_address(
    struct map_link *chain, uint64_t hash, const struct address *key)
{
    for (struct map_link *at = chain; at != NULL; at = at->next) {
        struct address_node *node = CONTAINER_OF(at, struct address_node, link);
        if (at->hash == hash && address_equal(&node->key, key))
            return node;
    }
    return NULL;
}

struct address_node *address_map_find(const struct map *map, const struct address *key)
{
    uint64_t hash = address_hash(key, map->seed[0]);
    return find_address(*chain_of(map, hash), hash, key);
}

struct address_node *address_map_next(const struct address_node *node)
{
    return find_address(node->link.next, node->link.hash, &node->key);
}
