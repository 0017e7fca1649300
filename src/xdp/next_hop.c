/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/next_hop.h"

#include <assert.h>
#include <stdlib.h>

#include "base/cache_line.h"
#include "base/hot_path.h"
#include "base/random.h"
#include "xdp/next_hop_table.h"

enum {
    FIRST_SIZE = 256,
    WINDOW = 8, /* slots in which a key may lie, from its own on */
};

/* Only what is good is believed, so a slot needs no care when its key is not used any more. */
struct slot {
    uint8_t ip[32];      /* ours, then the peer's */
    struct next_hop hop; /* family ADDRESS_NONE: nothing is here */
    uint32_t generation;
    uint64_t good_until_ms;
};

_Static_assert(sizeof(struct next_hop) == 20, "compared as bytes");
_Static_assert(sizeof(struct slot) == CACHE_LINE, "a look at one cache line");

struct next_hop_cache {
    const _Atomic uint32_t *generation; /* the table's */
    struct slot *slots;
    size_t size; /* a power of two */
    size_t size_max;
    uint64_t seed[3];
    size_t filled;
    struct next_hops *hops; /* borrowed */
};

const char *next_hop_state_name(enum next_hop_state state)
{
    static const char *const names[NEXT_HOP_STATE_COUNT] = {
        [NEXT_HOP_READY] = "ready",
        [NEXT_HOP_UNKNOWN] = "unknown",
        [NEXT_HOP_WAITING] = "waiting",
        [NEXT_HOP_CONFIRM] = "confirm",
        [NEXT_HOP_LOCAL] = "local",
        [NEXT_HOP_SPECIAL] = "special",
        [NEXT_HOP_NO_ROUTE] = "no-route",
        [NEXT_HOP_INTERFACE] = "interface",
        [NEXT_HOP_TOO_MANY] = "too-many",
    };
    return names[state];
}

struct next_hop_cache *next_hop_cache_new(struct next_hops *hops)
{
    struct next_hop_cache *cache = cache_line_calloc(1, sizeof(*cache));
    if (cache == NULL)
        return NULL;
    cache->slots = cache_line_calloc(FIRST_SIZE, sizeof(struct slot));
    if (cache->slots == NULL) {
        free(cache);
        return NULL;
    }
    cache->hops = hops;
    cache->generation = next_hops_generation(hops);
    cache->size = cache->size_max = FIRST_SIZE;
    while (cache->size_max < 2 * next_hops_keys_max(hops))
        cache->size_max *= 2;
    random_bytes(cache->seed, sizeof(cache->seed));
    return cache;
}

void next_hop_cache_free(struct next_hop_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->slots);
    free(cache);
}

/* --- slots ------------------------------------------------------------------------------------ */

__extension__ typedef unsigned __int128 wide;

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Peers choose addresses, so that collisions must not be foreseen. */
static inline uint64_t hash_of(
    const struct next_hop_cache *cache, const uint8_t *local, const uint8_t *remote)
{
    uint64_t l[2], r[2];
    memcpy(l, local, sizeof(l));
    memcpy(r, remote, sizeof(r));
    uint64_t h = fold(r[0] ^ cache->seed[0], r[1] ^ cache->seed[1]);
    return fold(h ^ l[0] ^ (l[1] << 32 | l[1] >> 32), cache->seed[2]);
}

static inline struct slot *slot_at(const struct next_hop_cache *cache, uint64_t hash, size_t i)
{
    return &cache->slots[(hash + i) & (cache->size - 1)];
}

/* NULL when it is not there. */
static inline struct slot *find_slot(const struct next_hop_cache *cache,
    const struct address *local, const struct address *remote, uint64_t hash)
{
    for (size_t i = 0; i < WINDOW; i++) {
        struct slot *slot = slot_at(cache, hash, i);
        if (slot->hop.family == remote->family && memcmp(slot->ip, local->ip, 16) == 0 &&
            memcmp(slot->ip + 16, remote->ip, 16) == 0)
            return slot;
        if (slot->hop.family == ADDRESS_NONE)
            return NULL;
    }
    return NULL;
}

/* The first that is free, or else the one that expires first. */
static struct slot *slot_to_fill(const struct next_hop_cache *cache, uint64_t hash)
{
    struct slot *found = slot_at(cache, hash, 0);
    for (size_t i = 0; i < WINDOW; i++) {
        struct slot *slot = slot_at(cache, hash, i);
        if (slot->hop.family == ADDRESS_NONE)
            return slot;
        if (slot->good_until_ms < found->good_until_ms)
            found = slot;
    }
    return found;
}

static void put(struct next_hop_cache *cache, const struct slot *what)
{
    struct slot *slot = slot_to_fill(cache, hash_of(cache, what->ip, what->ip + 16));
    if (slot->hop.family == ADDRESS_NONE)
        cache->filled++;
    *slot = *what;
}

/* Grows when half of it is full, and leaves out what is not used any more. Harmless when there is
 * no memory: then a key takes the place of another. */
static void make_room(struct next_hop_cache *cache, uint64_t now_ms)
{
    if (cache->filled * 2 < cache->size || cache->size == cache->size_max)
        return;
    struct next_hop_cache before = *cache;
    struct slot *slots = cache_line_calloc(cache->size * 2, sizeof(struct slot));
    if (slots == NULL)
        return;
    cache->slots = slots;
    cache->size *= 2;
    cache->filled = 0;
    for (size_t i = 0; i < before.size; i++) {
        const struct slot *slot = &before.slots[i];
        if (slot->hop.family != ADDRESS_NONE && slot->good_until_ms + NEXT_HOP_UNUSED_MS > now_ms)
            put(cache, slot);
    }
    free(before.slots);
}

/* --- look-up ---------------------------------------------------------------------------------- */

COLD static const struct next_hop *look_up(struct next_hop_cache *cache, struct slot *slot,
    const struct address *local, const struct address *remote, uint64_t now_ms)
{
    static const struct next_hop nowhere = {.state = NEXT_HOP_NO_ROUTE};
    static const struct next_hop confirm = {.state = NEXT_HOP_CONFIRM};
    if (local->family != remote->family || remote->family == ADDRESS_NONE)
        return &nowhere;

    struct next_hop_id id = next_hop_id_of(local, remote);
    struct next_hop_found found;
    next_hops_look_up(cache->hops, &id, now_ms, &found);
    if (slot == NULL) {
        make_room(cache, now_ms);
        slot = slot_to_fill(cache, hash_of(cache, local->ip, remote->ip));
        if (slot->hop.family == ADDRESS_NONE)
            cache->filled++;
        memcpy(slot->ip, id.ip, sizeof(slot->ip));
    }
    slot->hop = found.hop;
    slot->generation = found.generation;
    slot->good_until_ms = found.good_until_ms;
    return found.must_confirm ? &confirm : &slot->hop;
}

const struct next_hop *next_hop_find(struct next_hop_cache *cache, const struct address *local,
    const struct address *remote, uint64_t now_ms)
{
    struct slot *slot = find_slot(cache, local, remote, hash_of(cache, local->ip, remote->ip));
    if (slot != NULL && now_ms < slot->good_until_ms &&
        slot->generation == atomic_load_explicit(cache->generation, memory_order_relaxed))
        return &slot->hop;
    return look_up(cache, slot, local, remote, now_ms);
}

void next_hop_ask_again(struct next_hop_cache *cache, const struct address *local,
    const struct address *remote, uint64_t now_ms)
{
    struct next_hop_id id = next_hop_id_of(local, remote);
    uint64_t at_ms = next_hops_look_again(cache->hops, &id, now_ms);
    struct slot *slot = find_slot(cache, local, remote, hash_of(cache, local->ip, remote->ip));
    if (slot != NULL && at_ms < slot->good_until_ms)
        slot->good_until_ms = at_ms;
}
