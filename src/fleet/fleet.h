/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet/fleet.h - this node among those that share a store: what it carries is kept there, what a
 * dead one has carried is taken from there.
 *
 * - Lease: the node renews it three times in its length. A node whose lease has ended is dead; but
 *   for a lease and two seconds after the store came back nobody is, for all must be able to come
 *   back first.
 * - Keeping: what has changed is marked, and written when the store can take it: one write at a
 *   time for each item, only its newest state, at most KEEP_WINDOW at once. After the store was
 *   away everything is written again. What is not saved for KEEP_MAX_AGE_MS is, without a change.
 * - Losing: a write that is refused (another node has taken the item) ends the item here, silently.
 *   Only an item that no write has ever come through for is given the next epoch instead: it is
 * new, and what is there is an old one of its id.
 * - Taking: items of dead nodes, and those nobody owns, whose local addresses are all here; and our
 *   own that we do not carry: of a process of our name that was here before.
 * - Releasing: an item of ours whose local address has left this machine is written with its last
 *   state and owned by nobody; its media ends here at that moment. When the store is away it waits
 *   in memory, up to a limit, and goes on from there when the address comes back first.
 * - Finding: who has an item that is not here.
 *
 * Pure: no loop, no clock, no log. Time comes in, events go out through `struct fleet_host`; all
 * from one thread. It may call the holder and the host from any of its functions, and from answers
 * of the store.
 */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include "mediaferry/address.h"
#include "store/store.h"

enum {
    FLEET_KEEP_WINDOW = 64,         /* items being saved or written at once */
    FLEET_KEEP_DELAY_MS = 20,       /* from the first change to the write */
    FLEET_KEEP_INTERVAL_MS = 200,   /* between two writes of one item */
    FLEET_KEEP_MAX_AGE_MS = 60000,  /* an item is written so often at least */
    FLEET_TAKE_MAX_AGE_MS = 150000, /* no media state older than that: see relay/resume.h */
    FLEET_TAKE_WINDOW = 64,
    FLEET_RELEASE_MAX_BYTES = 64 << 20,
    FLEET_TICK_MS = 100,    /* how often fleet_tick() is to be called */
    FLEET_SETTLE_MS = 2000, /* see Lease; on top of it */
    FLEET_SLOW_MS = 50,     /* a store that lets wait so long is not asked by finds */
};

enum fleet_save { FLEET_SAVE_COPY, FLEET_SAVE_AND_END };

/* A saved item, borrowed. */
struct fleet_saved {
    struct text id;
    struct text places; /* as in struct store_put */
    struct bytes record;
};

struct fleet;

enum fleet_restored {
    FLEET_RESTORED,
    FLEET_NOT_HERE, /* an address, a port or a later program is needed: perhaps another node can.
                     * It is given back. */
    FLEET_REFUSED,  /* too old, or nonsense: nobody can. Its record is removed. */
    FLEET_KNOWN,    /* there is one of that id already */
};

/* Who carries items of one kind. `handle` names one, unique in the process and never reused. */
struct fleet_holder {
    void *owner;
    /* Asks for its record; fleet_saved() with `handle` follows, later or at once. Returns 0, or a
     * negative errno: then it does not follow. FLEET_SAVE_AND_END: the item is over with it,
     * without fleet_ended(), unless fleet_saved() gets NULL. */
    int (*save)(void *owner, uint64_t handle, enum fleet_save how);
    /* Goes on with a record. `takes`: how often it was taken since it was written (1: the first
     * time). With FLEET_RESTORED *handle is set, and with FLEET_KNOWN unless it is not known. It
     * calls nothing of the fleet meanwhile. */
    enum fleet_restored (*restore)(
        void *owner, struct bytes record, unsigned takes, uint64_t *handle);
    /* Another node has it: ends without a word to its parties, and without fleet_ended(). */
    void (*drop)(void *owner, uint64_t handle);
};

/* For the log and the metrics. */
enum fleet_event_kind {
    FLEET_STORE_UP,
    FLEET_STORE_DOWN,
    FLEET_NAME_TAKEN, /* another process of our name is alive: nothing is shared until it is not */
    FLEET_JOINED,     /* our lease holds */
    FLEET_NODE_UP,    /* node */
    FLEET_NODE_DOWN,  /* node; count: its records */
    FLEET_TAKING,     /* node (empty: released); count: items we can go on with */
    FLEET_TOOK,       /* node, kind, id */
    FLEET_TAKEN_ALL,  /* node; count: taken; ms: since FLEET_TAKING */
    FLEET_TAKE_REFUSED, /* node, kind, id */
    FLEET_LOST,         /* kind, id; node: who has it now */
    FLEET_RELEASED,     /* kind, id */
    FLEET_USURPED, /* kind, id; node: who had it: a new item of ours with the id of an old one */
    FLEET_WRITE_FAILED, /* kind, id: the store refuses; told once until it works again */
    FLEET_WRITES_WORK,
};

struct fleet_event {
    enum fleet_event_kind kind;
    struct text node;
    enum store_kind item;
    struct text id;
    uint64_t count, ms;
};

struct fleet_host {
    void *owner;
    /* Whether this machine has the address now; the port does not matter. What needs one that it
     * has not is released. */
    bool (*is_here)(void *owner, const struct address *ip);
    void (*event)(void *owner, const struct fleet_event *event);
    /* The time of this moment, for what the log tells of durations. May be NULL: then they are as
     * coarse as the ticks. */
    uint64_t (*now_ms)(void *owner);
    /* fleet_tick() is wanted at `due_ms` (or at once, when that is past), which is sooner than
     * FLEET_TICK_MS after the last one. One timer, moved by each call, is enough. May be NULL: then
     * some things take up to FLEET_TICK_MS longer. */
    void (*wake)(void *owner, uint64_t due_ms);
};

struct fleet_config {
    struct store *store;  /* borrowed */
    struct text name;     /* of this node; copied */
    struct text instance; /* of this process, unique; copied */
    struct address ng;    /* where other nodes reach our ng; family NONE: nowhere. */
    struct text version;  /* of the program; copied */
    uint64_t lease_ms;
    struct fleet_holder holders[STORE_KINDS];
    struct fleet_host host;
};

/* NULL when out of memory. */
NODISCARD struct fleet *fleet_new(const struct fleet_config *config, uint64_t now_ms);
/* The store must be closed, or answer no more. Accepts NULL. */
void fleet_free(struct fleet *fleet);

/* To be called every FLEET_TICK_MS, and when the host was asked for it. The store's answers are
 * taken to come at the latest time given to any function: it may be that of the last tick. */
void fleet_tick(struct fleet *fleet, uint64_t now_ms);
/* The store has become reachable, or is not any more. It counts as not, at first. */
void fleet_store_ready(struct fleet *fleet, bool is_ready, uint64_t now_ms);

/* --- what holders tell ---
 *
 * None of these calls the holder. */

/* The item is new or has changed: worth a record. `id` is copied when the handle is new: 1 to
 * STORE_MAX_ID bytes, or it is not shared. */
void fleet_changed(
    struct fleet *fleet, enum store_kind kind, uint64_t handle, struct text id, uint64_t now_ms);
/* It has ended: its record goes. Unknown handles are passed over, here and below. */
void fleet_ended(struct fleet *fleet, enum store_kind kind, uint64_t handle, uint64_t now_ms);
/* The answer to holder.save(). NULL: it could not be; the item is as it was. */
void fleet_saved(struct fleet *fleet, enum store_kind kind, uint64_t handle,
    const struct fleet_saved *saved, uint64_t now_ms);
/* An item came back by another way (the file of a restart): it is ours, whatever epoch, unless
 * another node has its record by now. Before the store is ready for the first time, so that its
 * record is not taken for one that nobody carries. */
void fleet_returned(
    struct fleet *fleet, enum store_kind kind, uint64_t handle, struct text id, uint64_t now_ms);

/* --- who has an item --- */

enum fleet_place_kind {
    FLEET_HERE,     /* taken just now, or always was */
    FLEET_THERE,    /* at the living node `ng` */
    FLEET_STRANDED, /* its owner is dead, or nobody, and we cannot go on with it */
    FLEET_NOWHERE,  /* no such item */
    FLEET_UNKNOWN,  /* the store is away, or too slow */
};

struct fleet_place {
    enum fleet_place_kind kind;
    struct text node;  /* THERE, STRANDED (empty: nobody) */
    struct address ng; /* THERE; family NONE: it has none */
};

typedef void fleet_find_fn(void *owner, const struct fleet_place *place);

/* Tells who has an item that is not here, after `wait_ms` at the latest; one whose owner is dead is
 * taken when that can be (also after it was told FLEET_UNKNOWN). Never called back from within.
 * Returns false, and nothing follows, when the store is away or slow (an answer has been due for
 * FLEET_SLOW_MS), or memory is short. */
NODISCARD bool fleet_find(struct fleet *fleet, enum store_kind kind, struct text id,
    uint64_t wait_ms, uint64_t now_ms, fleet_find_fn *found, void *owner);
/* Nothing more is told to `owner`, of finds and lists. */
void fleet_cancel(struct fleet *fleet, const void *owner);

/* Removes an item that is stranded still; in the background. */
void fleet_discard(struct fleet *fleet, enum store_kind kind, struct text id);

/* Up to `limit` ids of `kind` that living nodes other than this one carry; `done` once, later.
 * False: nothing follows. */
NODISCARD bool fleet_list(struct fleet *fleet, enum store_kind kind, size_t limit,
    void (*each)(void *owner, struct text node, struct text id), void (*done)(void *owner),
    void *owner);

/* --- leaving --- */

/* Saves everything with its last state, owned by nobody, and gives up the lease; `done`, later,
 * when that is over or after `wait_ms`. Nothing is taken any more, and what is new is released as
 * well. An item ends only when the store can take it; what is left at last, and of which the store
 * may have an older record, is dropped before `done` is called. */
void fleet_leave(
    struct fleet *fleet, uint64_t wait_ms, uint64_t now_ms, void (*done)(void *owner), void *owner);
/* The process ends, but one of the same name follows within `grace_ms`, with the items: the lease
 * holds so long, and from now on nothing is written or removed. `done`, later, when the store knows
 * it, or after `wait_ms`. */
void fleet_step_aside(struct fleet *fleet, uint64_t grace_ms, uint64_t wait_ms, uint64_t now_ms,
    void (*done)(void *owner), void *owner);
/* Takes nothing more (draining); or does again. */
void fleet_hold(struct fleet *fleet, bool holds);

/* --- numbers --- */

struct fleet_totals {
    bool is_joined, store_is_ready;
    bool name_is_taken;
    bool is_settling; /* the store is back, and nobody counts as dead yet */
    uint64_t nodes_alive, nodes_dead;
    uint64_t items[STORE_KINDS]; /* known here */
    uint64_t dirty;              /* of these, waiting to be written */
    uint64_t written, write_failures, removed;
    uint64_t taken[STORE_KINDS], take_refused, stranded;
    uint64_t lost, released, release_waiting, usurped;
    uint64_t finds, finds_failed;
};
void fleet_totals(const struct fleet *fleet, struct fleet_totals *out);

/* Calls `visit` for each node known, this one included. */
struct fleet_node_row {
    struct text name;
    bool is_alive, is_self;
    struct address ng;
    struct text version;
    uint64_t records;
};
void fleet_nodes(const struct fleet *fleet,
    void (*visit)(void *owner, const struct fleet_node_row *row), void *owner);

#endif
