/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/cluster_state.h - what the files of a Cluster's router share; for them only.
 *
 *     router_cluster.c    the router: sending, readiness, life
 *     cluster_nodes.c     its nodes: connections, and which slots are whose
 *     cluster_routes.c    commands on their way, and the redirects they follow
 */
#ifndef REDIS_CLUSTER_STATE_H
#define REDIS_CLUSTER_STATE_H

#include "base/list.h"
#include "redis/router_state.h"
#include "redis/slots.h"

enum {
    CLUSTER_MAX_NODES = 1024,
    CLUSTER_ASK_MS = 200,       /* between two questions for the map, at least */
    CLUSTER_ANSWER_MS = 500,    /* for an answer; then the next node is asked */
    CLUSTER_CALM_MS = 5000,     /* between two questions when all is well */
    CLUSTER_UNUSED_MS = 30000,  /* a node without slots is kept for so long */
    CLUSTER_RETRY_MS = 50,      /* until a command is tried again */
    CLUSTER_MAX_REDIRECTS = 16, /* of one command */
};

struct cluster;

struct cluster_node {
    struct cluster *cluster;
    struct redis_client *client;
    char *host; /* owned */
    uint16_t port;
    bool is_seed;      /* of the configuration: never given up */
    bool has_slots;    /* says the map */
    unsigned question; /* the last that it was asked */
    uint64_t used_ms;
};

struct cluster {
    struct redis_router base;
    uv_timer_t timer;
    struct cluster_node **nodes; /* owned */
    size_t node_count;
    struct cluster_node *slots[REDIS_SLOTS]; /* NULL: nobody, or not known */
    bool is_whole;                           /* every slot has a node */
    bool is_down;                            /* says the Cluster of itself */

    unsigned question; /* the last for the map */
    size_t next_asked;
    uint64_t asked_ms;
    uint64_t map_due_ms;
    struct str failure; /* as it was logged; empty: none */

    struct list routes; /* commands not answered yet, oldest first */
    size_t route_count;
    size_t waiting_count; /* of these, to be tried again */
    size_t kept;          /* bytes of all */
};

/* --- cluster_nodes.c --- */

/* The node, which is made when it is not there; NULL: too many, or out of memory. */
struct cluster_node *cluster_node_at(struct cluster *cluster, struct text host, uint16_t port);
NODISCARD int cluster_add_seeds(struct cluster *cluster);
void cluster_close_nodes(struct cluster *cluster);

bool cluster_node_is_ready(const struct cluster_node *node);

/* Whoever has the slot; the slot of -1: any that is connected. NULL: nobody who is. */
struct cluster_node *cluster_node_for(struct cluster *cluster, int slot);

/* The map is not right any more, or not there. The caller arms the timer. */
void cluster_want_map(struct cluster *cluster);

/* When to ask for it. */
uint64_t cluster_map_due_ms(const struct cluster *cluster);

/* Asks, when it is time to. */
void cluster_ask_map(struct cluster *cluster, uint64_t now);

/* --- cluster_routes.c --- */

NODISCARD int cluster_route_new(struct cluster *cluster, int slot, const struct text *words,
    size_t count, struct redis_callback callback);
void cluster_retry_routes(struct cluster *cluster, uint64_t now);

/* Calls back those that wait to be tried again. */
void cluster_end_waiting(struct cluster *cluster);

uint64_t cluster_oldest_route_ms(const struct cluster *cluster);

/* --- router_cluster.c --- */

void cluster_arm(struct cluster *cluster);

/* Something is another now: the timer, and what the owner was told. */
void cluster_changed(struct cluster *cluster);

#endif
