/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet/state.h - what the parts of the fleet share; for this folder only.
 *
 *     lease.c     ours            keep.c     items are saved and written
 *     nodes.c     of the others   remove.c   records of what has ended
 *     places.c    addresses       release.c  items whose address has left
 *     items.c     the table       sweep.c    indexes of the dead, of nobody, and ours
 *     find.c, discard.c, list.c   take.c     one record comes over
 */
#ifndef FLEET_STATE_H
#define FLEET_STATE_H

#include "base/list.h"
#include "base/map.h"
#include "base/timers.h"
#include "fleet/fleet.h"
#include "fleet/memo.h"

enum {
    FLEET_POLL_MS = 200,           /* between two looks at the nodes */
    FLEET_RETRY_MS = 1000,         /* after the store or a holder could not */
    FLEET_REFUSED_RETRY_MS = 5000, /* after the store refused */
    FLEET_MEMO_LIMIT = 16384,
    FLEET_GRAVE_MS = 120000,
    FLEET_SHUN_MS = 60000,
};

/* --- places.c --- */

/* Local addresses that are needed together. Freed with the last who refers to it. */
struct place_set {
    struct map_node node;
    struct list items; /* of struct item, by `placed` */
    size_t users;      /* items and sweeps */
    bool is_here;
    bool is_valid; /* each word is an address */
    size_t count;
    struct address *ips;
    size_t len;
    char text[];
};

/* Returns the set with one more user; NULL when out of memory. */
struct place_set *fleet_place_set(struct fleet *fleet, struct text places);
void fleet_place_set_unref(struct fleet *fleet, struct place_set *set);
/* Looks where all addresses are, and acts on what has changed. */
void fleet_places_look(struct fleet *fleet);

/* --- items.c --- */

enum item_life {
    ITEM_CARRIED,
    ITEM_RELEASING, /* its end was asked for, or we have its last record */
    ITEM_ENDED,
};

enum item_work { ITEM_RESTS, ITEM_SAVES, ITEM_PUTS, ITEM_REMOVES };

/*
 *    changed            taken, returned         address left, or all leave
 *       |                     |                           |
 *       v                     v                           v
 *     CARRIED: rests -> saves -> puts -> rests        RELEASING: saves -> (waits) -> puts -> gone
 *       | ended        | refused: usurp, or drop -> gone     | address back: CARRIED again
 *       v
 *     ENDED: removes -> gone; or CARRIED again: another of that id
 */
struct item {
    struct fleet *fleet;
    struct list link;          /* of fleet->items */
    struct map_node by_id;     /* always */
    struct u64_node by_handle; /* while CARRIED, and while RELEASING saves */
    struct list queue;         /* in one of the queues, or none */
    struct list placed;        /* in places->items, or in fleet->placeless */
    struct place_set *places;  /* NULL: not known yet */
    struct timer timer;        /* CARRIED: next write; else: next try */
    enum item_life life;
    enum item_work work;
    bool is_dirty;      /* CARRIED: differs from what was last saved */
    bool learns;        /* SAVES: for its places only */
    bool is_known;      /* the store has said that it is ours under `epoch` */
    bool was_sent;      /* or may have it, for all we know */
    bool is_returned;   /* see fleet_returned() */
    bool is_unsure;     /* a put was not answered: what conflicts may have come after it */
    bool end_sent;      /* the record may be released or removed, for all we know */
    bool is_another;    /* another of that id, while PUTS or REMOVES was under way for the last */
    bool cannot_return; /* RELEASING: the holder did not take it back */
    bool is_told;       /* that the store refuses it */
    unsigned conflicts; /* in a row */
    uint64_t epoch;
    uint64_t put_epoch;  /* of the last put */
    uint64_t started_ms; /* the last write */
    bool has_started;
    /* RELEASING, when it has been saved: */
    uint8_t *record;
    size_t record_len;
    size_t key_len;
    uint8_t key[];
};

static inline enum store_kind item_kind(const struct item *item)
{
    return (enum store_kind)item->key[0];
}

static inline struct text item_id(const struct item *item)
{
    return text_of((const char *)item->key + 1, item->key_len - 1);
}

static inline uint64_t item_handle(const struct item *item)
{
    return item->by_handle.key;
}

struct item *fleet_item(const struct fleet *fleet, enum store_kind kind, struct text id);
struct item *fleet_item_of(const struct fleet *fleet, enum store_kind kind, uint64_t handle);
/* Takes it out of everything; no request may be under way for it. */
void fleet_item_free(struct item *item);
/* Wipes and frees its record. */
void fleet_item_forget_record(struct item *item);
/* An item that is ours in the store under `epoch`: of a record that was taken. NULL: no memory. */
struct item *fleet_item_adopt(
    struct fleet *fleet, enum store_kind kind, uint64_t handle, struct text id, uint64_t epoch);
void fleet_item_set_places(struct item *item, struct text places);
void fleet_item_set_life(struct item *item, enum item_life life);
void fleet_item_set_known(struct item *item, bool is_known);
/* It is known by that handle from now on; 0: by none. */
void fleet_item_set_handle(struct item *item, uint64_t handle);
/* Begins and ends work: counts what is under way. */
void fleet_item_start(struct item *item, enum item_work work);
void fleet_item_stop(struct item *item);
/* It rests: puts it where it belongs next. */
void fleet_item_settle(struct item *item);
/* The same, but not before `wait_ms`. */
void fleet_item_retry(struct item *item, uint64_t wait_ms);

/* --- keep.c, remove.c, release.c --- */

/* Whether records can be written now. */
bool fleet_can_write(const struct fleet *fleet);
/* Starts as much as can be. */
void fleet_pump(struct fleet *fleet);
void fleet_keep_item(struct item *item);
/* Sends the put for an item; false: not now. */
bool fleet_put_item(struct item *item, struct text places, struct bytes record);
bool fleet_remove_item(struct item *item);
void fleet_write_all_again(struct fleet *fleet);
void fleet_learn_places(struct fleet *fleet);
/* Count answers, and what follows from many refusals: of puts or of removals, for a store that is
 * full takes the one and not the other. */
struct refusals {
    unsigned in_row;
    uint64_t retry_ms; /* while there are many */
};
void fleet_write_worked(struct fleet *fleet, struct refusals *refusals);
void fleet_write_refused(struct item *item, struct refusals *refusals);
/* Somebody else has written it since. */
void fleet_item_lost(struct item *item, struct text owner);

/* The item's address has left, or we leave. */
void fleet_release_item(struct item *item);
/* The address has come back. */
void fleet_unrelease_item(struct item *item);
void fleet_release_pump(struct fleet *fleet);
void fleet_release_saved(struct item *item, const struct fleet_saved *saved);
bool fleet_release_put(struct item *item);
/* The store has its last record. */
void fleet_released(struct item *item);

/* --- lease.c, nodes.c --- */

enum { FLEET_MAX_LEASES = 4 };

struct lease {
    uint64_t sent_ms[FLEET_MAX_LEASES]; /* of those not answered, the oldest first */
    size_t sent;
    uint64_t until_ms, next_ms;
    bool was_refused; /* or ended, while the store could be reached */
};

void fleet_lease_tick(struct fleet *fleet);

struct sweep;

struct node {
    struct map_node node;
    bool is_self;
    bool is_alive;
    bool is_dead;         /* and that is settled */
    bool is_told;         /* up or down, for the first time */
    uint64_t unlisted_ms; /* 0: it is listed */
    struct address ng;
    uint64_t records;
    uint64_t dead_since_ms;
    struct sweep *sweep; /* NULL when out of memory */
    size_t version_len, name_len;
    char version[64];
    char name[];
};

static inline struct text node_name(const struct node *node)
{
    return text_of(node->name, node->name_len);
}

void fleet_nodes_tick(struct fleet *fleet);
void fleet_nodes_free(struct fleet *fleet);
struct node *fleet_node(const struct fleet *fleet, struct text name);
/* What a node says of itself. */
enum { FLEET_INFO_SIZE = 256 };
struct bytes fleet_info(const struct fleet *fleet, char out[FLEET_INFO_SIZE]);
/* Whether nobody carries what `owner` (empty: nobody) owns, for sure. Ours counts as such. */
bool fleet_owner_is_gone(const struct fleet *fleet, struct text owner);
bool fleet_is_self(const struct fleet *fleet, struct text name);

/* --- sweep.c --- */

struct sweep *fleet_sweep_new(struct fleet *fleet, struct text name);
/* At once, or when what is under way for it is over. Accepts NULL. */
void fleet_sweep_close(struct sweep *sweep);
void fleet_sweep_free_all(struct fleet *fleet);
/* Its index is to be read soon. */
void fleet_sweep_want(struct sweep *sweep);
void fleet_sweep_want_ours(struct fleet *fleet);
void fleet_sweeps_want_all(struct fleet *fleet);
/* The index has so many entries now. */
void fleet_sweep_count(struct sweep *sweep, uint64_t records);
void fleet_sweep_places_came(struct fleet *fleet, const struct place_set *set);
/* Entries that need what is not here, all together. */
uint64_t fleet_sweeps_stranded(const struct fleet *fleet);
void fleet_sweeps_tick(struct fleet *fleet);
void fleet_sweeps_stop(struct fleet *fleet); /* the store is away */
struct text fleet_sweep_name(const struct sweep *sweep);
/* A taking of it is over. */
void fleet_sweep_taken(struct sweep *sweep, bool is_here);

/* --- take.c --- */

enum taken {
    TAKEN_HERE,
    TAKEN_NOT_HERE,  /* we cannot go on with it */
    TAKEN_ABSENT,    /* there is no record */
    TAKEN_ELSEWHERE, /* somebody else has it, or was faster */
    TAKEN_UNKNOWN,   /* the store could not tell */
};

enum take_how { TAKE_RESTORE, TAKE_VERIFY };

struct taking {
    struct fleet *fleet;
    struct map_node by_id;
    struct list link;    /* of fleet->taking_list */
    struct sweep *sweep; /* NULL: of a find */
    struct list finds;   /* that wait for it */
    enum take_how how;
    bool has_ended; /* an item of that id ended meanwhile: this is not to come back */
    struct place_set *places;
    uint8_t *record;
    size_t record_len;
    size_t owner_len;
    char owner[STORE_MAX_NAME];
    size_t key_len;
    uint8_t key[];
};

/* Whether anything may be taken now. */
bool fleet_can_take(const struct fleet *fleet);
/* Starts to; there must be none of that id yet. NULL: not now. */
struct taking *fleet_take(struct fleet *fleet, enum store_kind kind, struct text id,
    enum take_how how, struct sweep *sweep);
struct taking *fleet_taking(const struct fleet *fleet, enum store_kind kind, struct text id);
void fleet_takings_free(struct fleet *fleet);
/* Whether a record is one that has ended here: then it goes, once more. */
bool fleet_is_ghost(
    struct fleet *fleet, enum store_kind kind, struct text id, const struct store_version *version);
/* Removes whatever version it is, in the background. */
void fleet_remove_version(
    struct fleet *fleet, enum store_kind kind, struct text id, const struct store_version *version);

/* --- find.c, list.c, leave.c --- */

/* What those who wait for a taking are told; `waiting` is of taking->finds. */
void fleet_find_taken(struct list *waiting, enum taken taken, struct text owner);
void fleet_finds_free(struct fleet *fleet);
void fleet_discards_free(struct fleet *fleet);

void fleet_lists_cancel(struct fleet *fleet, const void *owner);
void fleet_lists_tick(struct fleet *fleet);
void fleet_lists_free(struct fleet *fleet);

enum leaving { LEAVE_NOT, LEAVE_RELEASES, LEAVE_UNLEASES, LEAVE_ASIDE, LEAVE_LEFT };
void fleet_leave_tick(struct fleet *fleet);
/* Nothing is shared any more. */
bool fleet_is_over(const struct fleet *fleet);

/* --- fleet.c --- */

struct fleet {
    struct store *store;
    struct fleet_host host;
    struct fleet_holder holders[STORE_KINDS];
    char *name, *instance, *version;
    struct address ng;
    uint64_t lease_ms;

    uint64_t now_ms, ticked_ms, look_ms, woken_ms;
    bool is_ready, is_joined, name_is_taken, is_held;
    uint64_t settled_ms; /* from then on nodes may be dead */
    struct timers timers;

    bool is_ticking;
    struct list items; /* all */
    struct map by_id;
    struct map by_handle[STORE_KINDS];
    struct list placeless;
    struct map place_sets;
    /* Queues: */
    struct list dirty;    /* to be saved and written */
    struct list removals; /* ENDED */
    struct list leavers;  /* CARRIED, to be saved and ended */
    struct list releases; /* RELEASING, with a record */
    struct list returns;  /* the same, and the address has come back */
    size_t under_way;     /* SAVES, PUTS, REMOVES; but for what leaves */
    size_t leaving_saves;
    size_t release_bytes;
    struct refusals put_refusals, removal_refusals;
    bool is_pumping;
    bool is_blocked; /* the store takes no more, until it has answered something */
    bool refusal_told;

    struct lease lease;
    struct map nodes;
    bool is_polling, was_polled;
    uint64_t poll_ms;
    uint64_t writes;        /* puts and removes ever started */
    uint64_t polled_writes; /* and the rest: when the nodes were asked for */
    size_t polled_known, polled_under_way;
    uint64_t rewritten_ms;
    unsigned odd_polls; /* in a row: more records than items */
    size_t known;       /* items whose record the store has */
    struct list sweeps;
    struct sweep *nobody;
    struct memo graves, shunned;
    struct map takings;
    struct list taking_list;
    size_t taking_count;

    struct list finds;
    struct list lists;
    struct list discards;
    enum leaving leaving;
    uint64_t leave_ms; /* when it is given up */
    void (*left)(void *owner);
    void *left_owner;
    bool is_unleasing;

    struct fleet_totals totals; /* what only grows */
};

static inline struct text fleet_name(const struct fleet *fleet)
{
    return text_from(fleet->name);
}

/* Time goes on. */
void fleet_at(struct fleet *fleet, uint64_t now_ms);
/* The next tick is wanted at `due_ms`. */
void fleet_wake(struct fleet *fleet, uint64_t due_ms);
void fleet_arm(struct fleet *fleet, struct timer *timer, uint64_t due_ms);
void fleet_tell(struct fleet *fleet, const struct fleet_event *event);
void fleet_tell_item(struct fleet *fleet, enum fleet_event_kind kind, struct text node,
    enum store_kind item, struct text id);

#endif
