/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet/world.h - nodes with one store, addresses that move between them, and holders whose items
 * are a number each; and what must be true of all of it.
 *
 * Time goes in steps. A call needs two addresses, those of its group; groups move as one or not.
 */
#ifndef WORLD_H
#define WORLD_H

#include "fleet/fleet.h"
#include "store/memory.h"

enum {
    WORLD_NODES = 4,
    WORLD_GROUPS = 3,
    WORLD_IDS = 32768,
    WORLD_STEP_MS = 10,
    WORLD_LEASE_MS = 3000,
    WORLD_NOWHERE = -1, /* an address that no machine has */
};

struct world;

/* An item at a node. */
struct live {
    uint64_t handle; /* 0: none */
    unsigned incarnation;
    unsigned group;
    bool is_leaving;
};

struct pending_save {
    uint64_t handle;
    enum fleet_save how;
    uint64_t due_ms;
};

enum { WORLD_MAX_SAVES = 4096 };

struct world_node {
    struct world *world;
    unsigned number;
    unsigned named; /* its name is that of node `named`: usually itself */
    unsigned instance;
    bool is_running; /* there is a process */
    bool is_frozen;
    bool is_away; /* it cannot reach the store */
    bool has_left;
    struct store *view;
    struct fleet *fleet;
    uint64_t tick_ms;
    struct live *live;  /* by id */
    struct live *spool; /* of a process that stepped aside */
    bool has_spool;
    uint64_t handles;
    struct pending_save saves[WORLD_MAX_SAVES];
    size_t save_first, save_count;
    uint64_t save_delay_ms;      /* 0: at once */
    enum fleet_restored refuses; /* FLEET_RESTORED: nothing */
    size_t saves_asked, restores, drops;
    uint64_t first_took_ms, last_took_ms;
    size_t events[FLEET_WRITES_WORK + 1];
    char trace[1024];
};

/* What is known of an id from outside. */
struct truth {
    bool is_alive;
    /* Blows were such that nobody can tell. */
    bool may_be_lost, may_be_ghost, is_contested;
    unsigned incarnation;
    int memory_of; /* the node that has its last record in memory; -1 */
    int ended_by;
    unsigned ended_instance;
};

struct world {
    struct store_memory *memory;
    uint64_t now_ms;
    struct world_node nodes[WORLD_NODES];
    int addresses[WORLD_GROUPS][2]; /* which node has it */
    struct truth *truths;
    unsigned ids;       /* in use */
    unsigned saves;     /* every record has a number */
    uint32_t *restored; /* which `takes` each has been restored with */
    size_t restored_size;
    unsigned instances;
    bool is_loud;
};

struct world *world_new(void);
void world_free(struct world *world);

void world_start(struct world *world, unsigned node);
void world_kill(struct world *world, unsigned node);
/* It ends in good order, and one of its name can follow with all it has. */
void world_step_aside(struct world *world, unsigned node);
void world_leave(struct world *world, unsigned node, uint64_t wait_ms);
void world_freeze(struct world *world, unsigned node, bool is_frozen);
/* What its link to the store does. */
void world_link(struct world *world, unsigned node, enum store_memory_way way, uint64_t delay_ms);
void world_move(struct world *world, unsigned group, int node);
void world_lose_all(struct world *world);
/* All records as they are now; and back to that. */
struct world_picture;
struct world_picture *world_picture(struct world *world);
void world_go_back(struct world *world, const struct world_picture *picture);
void world_picture_free(struct world_picture *picture);

bool world_has_group(const struct world *world, unsigned node, unsigned group);
void world_begin(struct world *world, unsigned node, unsigned id, unsigned group);
void world_change(struct world *world, unsigned node, unsigned id);
void world_end(struct world *world, unsigned node, unsigned id);

void world_step(struct world *world);
void world_run(struct world *world, uint64_t ms);

/* Everything has come to rest: each item is where its addresses are and nowhere else, each record
 * has its item. Returns what is wrong, or NULL; static. */
const char *world_wrong(struct world *world);

struct text world_id(unsigned id, char out[16]);
struct text world_name(unsigned node, char out[16]);
/* Owner of the record of an id: a node, WORLD_NOWHERE (nobody); -2: there is no record. */
int world_owner(struct world *world, unsigned id);
size_t world_carried(const struct world *world, unsigned node);
size_t world_records(struct world *world);

#endif
