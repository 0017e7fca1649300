/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/next_hop.h - where a packet has to go next: the table that tells a worker whether it may send
 * a packet as a frame of its own, and what that frame's Ethernet header is.
 *
 * One table for the process, filled by the control thread (xdp/routes.h), and a cache for each
 * worker. A key is a pair of IP addresses, ours and the peer's; ports play no part.
 *
 *               found by a worker              the kernel has a route, over a device
 *     (nothing) ----------------> UNKNOWN -------------------------------------> WAITING
 *         ^                        |  ^                                           |  ^
 *         | unused for 60 s        |  | routes, rules, links                      |  |
 *         +---- from any state     |  | or addresses changed:   neighbour's MAC   |  | failed,
 *                                  |  | from any state           address is known |  | deleted
 *                                  v  |                                           v  |
 *            LOCAL, SPECIAL, NO_ROUTE, INTERFACE                                  READY
 *
 * Only READY means a frame. In all other states the packet goes through the kernel's socket, which
 * is always right: it finds the neighbour (and so ends WAITING), fragments, or fails with an error
 * that the sender sees.
 *
 * A destination is also not READY for one packet in NEXT_HOP_CONFIRM_MS (CONFIRM). The kernel does
 * not see frames, so it would think the neighbour idle: it would not probe it any more, would
 * forget it after a while, and we would send to a MAC address that is gone. The packet that it
 * sends itself keeps its entry alive, and any news of it reaches us as an event. This costs nothing
 * on the hot path: it is what becomes of the cached entry when it expires.
 *
 * Pure: the time is passed in, milliseconds of one clock for all threads that never runs back. No
 * function waits for longer than a short lock is held, or fails.
 */
#ifndef XDP_NEXT_HOP_H
#define XDP_NEXT_HOP_H

#include <net/ethernet.h>

#include "mediaferry/address.h"

enum {
    NEXT_HOP_KEYS_MAX = 65536,    /* unless told otherwise */
    NEXT_HOP_CONFIRM_MS = 5000,   /* between two packets of a destination through the kernel */
    NEXT_HOP_UNUSED_MS = 60000,   /* after which an entry may go */
    NEXT_HOP_RENEW_MS = 60000,    /* an answer is asked for again, while it is still used: what the
                                     kernel has learned from ICMP (redirects, path MTU) ends without
                                     an event */
    NEXT_HOP_RETRY_MS = 20,       /* first pause after an answer of no use, doubled each time */
    NEXT_HOP_RETRY_MAX_MS = 1000, /* and the last */
};

enum next_hop_state {
    NEXT_HOP_READY, /* send a frame */

    /* Send through the kernel's socket: */
    NEXT_HOP_UNKNOWN, /* the kernel has not been asked yet */
    NEXT_HOP_WAITING, /* no MAC address of the neighbour: this packet makes the kernel ask for it */
    NEXT_HOP_CONFIRM, /* once in a while, so that the kernel knows the neighbour is in use */
    NEXT_HOP_LOCAL,   /* this machine */
    NEXT_HOP_SPECIAL, /* broadcast, multicast, anycast or a tunnel */
    NEXT_HOP_NO_ROUTE,  /* no route, one that forbids, or no answer from the kernel */
    NEXT_HOP_INTERFACE, /* leaves by an interface that is no device of ours, or is down */
    NEXT_HOP_TOO_MANY,  /* the table is full */
    NEXT_HOP_STATE_COUNT,
};

/* In lower case with a dash: "no-route". For logs and metrics. */
const char *next_hop_state_name(enum next_hop_state state);

/* All but `state` means something only when READY. */
struct next_hop {
    uint8_t state;  /* enum next_hop_state */
    uint8_t family; /* enum address_family of both addresses */
    uint16_t mtu;   /* the longest IP packet, its header included */
    uint32_t ifindex;
    uint8_t source[ETH_ALEN]; /* MAC addresses of the device, and of the neighbour */
    uint8_t destination[ETH_ALEN];
};

/* The table. All its functions may be called in any thread; those below are meant for the control
 * thread's part, xdp/routes.h. */
struct next_hops;

/* Returns a new table for up to `keys_max` keys (0: NEXT_HOP_KEYS_MAX); NULL when out of memory. */
NODISCARD struct next_hops *next_hops_new(size_t keys_max);

/* All caches are gone. Accepts NULL. */
void next_hops_free(struct next_hops *hops);

/* How many keys are in each state now; none in CONFIRM and TOO_MANY. */
void next_hops_count(struct next_hops *hops, size_t out[NEXT_HOP_STATE_COUNT]);

/* A worker's cache of the table, used in one thread. */
struct next_hop_cache;

/* Returns a new cache; NULL when out of memory. It grows with its use. */
NODISCARD struct next_hop_cache *next_hop_cache_new(struct next_hops *hops);

/* Accepts NULL. */
void next_hop_cache_free(struct next_hop_cache *cache);

/*
 * The next hop of a packet from `local` to `remote`, which are of one family; borrowed until the
 * next call with the same cache. A key that is new is put into the table, and the control thread
 * is woken to ask the kernel. Never NULL, never fails. When the cached entry is still good, this is
 * a look at one cache line: no lock, no system call, no allocation.
 */
const struct next_hop *next_hop_find(struct next_hop_cache *cache, const struct address *local,
    const struct address *remote, uint64_t now_ms);

/* The kernel may know better by now, as when it said that a packet was too long: it is asked again
 * soon. The old answer holds until then. Harmless for a key that is not in the table. */
void next_hop_ask_again(struct next_hop_cache *cache, const struct address *local,
    const struct address *remote, uint64_t now_ms);

/* For the control thread's part. */

struct next_hop_key {
    struct address local; /* ports are 0 */
    struct address remote;
};

/* A key that the kernel is to be asked for. */
struct next_hop_request {
    struct next_hop_key key;
    uint64_t epoch; /* which state of the routes the answer is of */
};

/* A neighbour: an IP address on an interface. */
struct next_hop_via {
    uint32_t ifindex;
    struct address ip; /* port 0 */
};

/* What the kernel says of a key. All but `state` means something only when WAITING. */
struct next_hop_answer {
    enum next_hop_state state; /* WAITING: there is a neighbour to send to; LOCAL, SPECIAL, NO_ROUTE
                                  or INTERFACE */
    struct next_hop_via via;
    uint16_t mtu;
    uint8_t source[ETH_ALEN];
};

/* `wake` is called, with the table's lock held and in any thread, when there is a first key to be
 * asked for; it must not call back. NULL: no longer. */
void next_hops_listen(struct next_hops *hops, void (*wake)(void *arg), void *arg);

/* Takes up to `max` keys that are to be asked for; returns how many. */
size_t next_hops_take(struct next_hops *hops, struct next_hop_request *out, size_t max);

/* What became of a request; each taken one is answered once. An answer that routes have changed
 * under is worth nothing, and its key is to be asked for again. */
void next_hops_answer(struct next_hops *hops, const struct next_hop_request *request,
    const struct next_hop_answer *answer, uint64_t now_ms);

/* A neighbour has this MAC address now; NULL: none that can be used. */
void next_hops_set_neighbour(
    struct next_hops *hops, const struct next_hop_via *via, const uint8_t *mac);

/* Nothing is known of any neighbour: they are all to be set anew. */
void next_hops_forget_neighbours(struct next_hops *hops);

/* Routes, rules, links or addresses have changed: all keys are UNKNOWN at once, and are asked for
 * again when they are used again. */
void next_hops_forget_routes(struct next_hops *hops);

/* Removes what was not used for NEXT_HOP_UNUSED_MS. */
void next_hops_expire(struct next_hops *hops, uint64_t now_ms);

#endif
