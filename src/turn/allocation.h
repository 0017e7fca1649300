/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/allocation.h - an allocation (RFC 8656, section 3.2), the 5-tuple that leads to it, and its
 * end.
 *
 *     client 5-tuple --route--> allocation --relayed--> relay (IPv4, IPv6 or both)
 *                                  |-- permissions, channels  (permission.h, channel.h)
 *                                  `-- connections to peers   (tcp.h)
 *
 * It ends when the last of its relayed addresses ends: its timer, which also sweeps permissions,
 * channels and connections whose time is over.
 */
#ifndef TURN_ALLOCATION_H
#define TURN_ALLOCATION_H

#include "base/token_bucket.h"
#include "turn/state.h"

/* A 5-tuple that leads to an allocation; of all zeros while it is in no map. */
struct turn_route {
    struct address_node node; /* in server->routes */
    struct turn_path path;
    struct turn_allocation *allocation;
};

enum { TURN_FAMILIES = 2 };

struct turn_relayed {
    struct turn_relay *relay; /* NULL: none of this family */
    uint64_t expires_ms;
};

/* What an allocation spends of its limits, one bucket a direction. */
struct turn_spending {
    struct token_bucket bytes;
    struct token_bucket packets;
};

struct turn_traffic {
    uint64_t packets;
    uint64_t bytes;
};

struct channel;
struct turn_saved_ticket;

struct turn_allocation {
    struct turn_server *server;
    struct list link;      /* in server->allocations */
    struct u64_node by_id; /* in server->by_id */
    struct timer timer;
    struct auth_identity *identity; /* a reference */
    uint64_t made_ms;

    struct turn_route route;         /* where data goes; in no map while a mobile client is away */
    struct turn_route *coming_route; /* RFC 8016: proven, not used yet; owned, mobility.c's */
    struct turn_relayed relayed[TURN_FAMILIES]; /* see allocation_relayed() */

    bool is_tcp;            /* RFC 6062 */
    bool is_mobile;         /* RFC 8016 */
    bool old_ticket_counts; /* mobility.c's, as is the next */
    uint32_t ticket_serial;
    bool is_told;   /* the host has heard of it */
    bool has_token; /* RESERVATION-TOKEN was answered */

    char name[TURN_ID_SIZE];
    bool is_change_told;   /* to the host, since it was saved */
    bool is_announced;     /* the host has ever been told of a change */
    bool has_own_ticket;   /* was written by this process */
    uint32_t former_count; /* tickets of processes before; mobility.c's, as is the next */
    struct turn_saved_ticket *former;

    /* For the answer to an Allocate that comes again (RFC 8656, section 7.2). */
    uint8_t transaction[STUN_ID_SIZE];
    enum address_family missing; /* ADDRESS-ERROR-CODE was answered for it; NONE: not */
    enum stun_error missing_code;

    struct map permissions;    /* struct permission by IP, the port is 0 */
    struct map channels;       /* struct channel by peer */
    struct channel **numbers;  /* the same, chains by the low bits of the number */
    uint32_t number_slots;     /* a power of two, or 0 */
    struct list connections;   /* struct turn_peer_connection, tcp.c's */
    uint32_t connection_count; /* tcp.c's */

    struct turn_spending from_client_spent;
    struct turn_spending from_peer_spent;
    struct token_bucket new_peers_spent;
    struct token_bucket icmp_spent;
    struct turn_traffic from_client;
    struct turn_traffic from_peer;
};

/* --- 5-tuples --- */

/* The route of a path, or NULL. */
struct turn_route *route_find(const struct turn_server *server, const struct turn_path *path);

/* Lets `path` lead to `allocation` and tells the host; the route must be in no map. */
void route_put(struct turn_server *server, struct turn_route *route, const struct turn_path *path,
    struct turn_allocation *allocation);

/* Accepts a route that is in no map. */
void route_remove(struct turn_server *server, struct turn_route *route);

static inline bool route_is_linked(const struct turn_route *route)
{
    return route->node.link.linked;
}

/* --- allocations --- */

/* Returns a new allocation of `identity` (takes a reference of its own) without path, relayed
 * address and timer; NULL when out of memory. Id 0: the next one. */
NODISCARD struct turn_allocation *allocation_new(
    struct turn_server *server, uint64_t id, struct auth_identity *identity, uint64_t now_ms);

/* Gives it the name it has for its life; path and relayed addresses are there. */
void allocation_set_name(struct turn_allocation *allocation);

/* Whether another process could go on with it. */
bool allocation_can_be_saved(const struct turn_allocation *allocation);

/* What such a process would have to know is not what it was: the host is told, when it is new to
 * him. */
void allocation_changed(struct turn_allocation *allocation);

/* Frees one that has nothing yet, or no more; the quota is not given back. */
void allocation_forget(struct turn_allocation *allocation);

/* The one with this id, or NULL. */
struct turn_allocation *allocation_of_id(const struct turn_server *server, uint64_t id);

static inline uint64_t allocation_id(const struct turn_allocation *allocation)
{
    return allocation->by_id.key;
}

/* Ends it: closes relays and connections, gives back the quota, frees. Pointers to it, its
 * permissions and channels are gone. */
void allocation_end(struct turn_allocation *allocation, enum turn_end why);

/* The same by force: a stream or DTLS session of the client is closed too. */
void allocation_kill(struct turn_allocation *allocation, enum turn_end why);

/* What operators are told of it. */
struct turn_report allocation_report(const struct turn_allocation *allocation, uint64_t now_ms);

/* Ends one of its relayed addresses, if it has it, with the permissions for its family. */
void allocation_end_family(struct turn_allocation *allocation, enum address_family family);

/* The relayed address of a family, or an empty slot. */
static inline struct turn_relayed *allocation_relayed(
    struct turn_allocation *allocation, enum address_family family)
{
    return &allocation->relayed[family == ADDRESS_IP6 ? 1 : 0];
}

/* Whether peers of this family can be reached: 443 otherwise. */
static inline bool allocation_has_family(
    const struct turn_allocation *allocation, enum address_family family)
{
    return allocation->relayed[family == ADDRESS_IP6 ? 1 : 0].relay != NULL;
}

/* When the last of its relayed addresses ends. */
uint64_t allocation_expires_ms(const struct turn_allocation *allocation);

/* What a client that asks for `asked_s` seconds gets (RFC 8656, section 7.2): at least the default,
 * at most the maximum; with strict_expiry not beyond the end of `identity`, then perhaps 0. */
uint32_t allocation_lifetime_s(const struct turn_server *server,
    const struct auth_identity *identity, uint32_t asked_s, uint64_t now_ms);

/* Whole seconds from now on, rounded up. */
uint32_t seconds_until(uint64_t due_ms, uint64_t now_ms);

/* Lets nothing of it last longer than its credentials; after a change of clock or settings. */
void allocation_cap(struct turn_allocation *allocation);

/* Something in it is due at `due_ms`: the timer looks at all then. */
void allocation_due(struct turn_allocation *allocation, uint64_t due_ms);

#endif
