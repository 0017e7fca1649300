/* SPDX-License-Identifier: Apache-2.0 */
/* xdp/next_hop_table.h - what the workers' caches ask the table of next hops (xdp/next_hop.h). */
#ifndef XDP_NEXT_HOP_TABLE_H
#define XDP_NEXT_HOP_TABLE_H

#include <stdatomic.h>

#include "xdp/next_hop.h"

/* A key as bytes, without padding: ours, then the peer's. */
struct next_hop_id {
    uint8_t ip[32];
    uint8_t family; /* enum address_family */
};

/* What a cache may keep. */
struct next_hop_found {
    struct next_hop hop;
    bool must_confirm;      /* it is READY, but not for this packet */
    uint64_t good_until_ms; /* and while the generation is this one: */
    uint32_t generation;
};

static inline struct next_hop_id next_hop_id_of(
    const struct address *local, const struct address *remote)
{
    struct next_hop_id id = {.family = (uint8_t)remote->family};
    memcpy(id.ip, local->ip, 16);
    memcpy(id.ip + 16, remote->ip, 16);
    return id;
}

/* Moves on whenever what was READY is no longer, or is otherwise; all that was found before is to
 * be looked up again then. */
const _Atomic uint32_t *next_hops_generation(const struct next_hops *hops);

size_t next_hops_keys_max(const struct next_hops *hops);

/* Puts the key into the table when it is new. */
void next_hops_look_up(struct next_hops *hops, const struct next_hop_id *id, uint64_t now_ms,
    struct next_hop_found *out);

/* The key is to be asked for again. Returns when the cache has to look it up for that at the
 * latest. */
uint64_t next_hops_look_again(
    struct next_hops *hops, const struct next_hop_id *id, uint64_t now_ms);

#endif
