/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/store.h - where the nodes of a fleet share what outlives one of them: records of calls and
 * of TURN allocations, who owns each, and which nodes are alive.
 *
 * A record is owned by the node that carries it, or by nobody (released: whoever can go on with it
 * may take it). Its epoch grows with each owner, and is the fence: what somebody writes who has
 * been followed by another is refused (STORE_CONFLICT). A record that has had several owners leaves
 * its epoch behind for a while when it is removed, so that an owner of long ago cannot bring it
 * back.
 *
 *     absent --put--> owned by A, epoch 1 --put_free--> owned by nobody --take--> B, epoch 2
 *                          \---------------- take, by who knows that A is dead ----^
 *
 * Nothing here blocks. Every request is answered once, never from within the function that asked;
 * what it is given is copied or sent before the function returns. STORE_AWAY: the store cannot be
 * reached, or the answer was lost: the request may have been carried out or not.
 *
 * Belongs to one thread. Two implementations: store/memory.h, store/redis_store.h.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "mediaferry/bytes.h"

enum store_kind { STORE_CALL, STORE_ALLOCATION };
enum { STORE_KINDS = STORE_ALLOCATION + 1 };

/* Lower-case words: "call", "allocation". */
const char *store_kind_word(enum store_kind kind);
NODISCARD bool store_kind_of(struct text word, enum store_kind *out);

enum store_result {
    STORE_DONE,
    STORE_ABSENT,   /* there is no such record */
    STORE_CONFLICT, /* somebody else has it, or wrote it since */
    STORE_AWAY,     /* not reachable, or not any more */
    STORE_FAILED,   /* the store refuses: full, read-only, no permission; or has nonsense there */
};

enum {
    STORE_MAX_NAME = 64, /* bytes of a node's name: letters, digits, ".-_" */
    STORE_MAX_RECORD = 8 << 20,
    STORE_MAX_ID = 4096,
    STORE_MAX_INFO = 4096,  /* what a node says of itself */
    STORE_MAX_PLACES = 512, /* see store_put.places */
};

/* Epochs and serials are below this (a double of Redis' scripts holds them). */
#define STORE_MAX_EPOCH ((UINT64_C(1) << 53) - 1)

/* 1 to STORE_MAX_NAME letters, digits, ".-_". */
NODISCARD bool store_name_is_valid(struct text name);

/* The instance of a node that has let go of its lease, see unlease. */
#define STORE_LET_GO "-"

/* One version of a record. */
struct store_version {
    struct text owner; /* name of a node; empty: nobody */
    uint64_t epoch;    /* 1 and on; 0: there is no record */
    uint64_t serial;   /* grows with each put under the same epoch; 0: taken, not written yet */
};

struct store_record {
    struct store_version version;
    struct text id;
    struct text places;  /* as put */
    struct bytes record; /* empty: it was not asked for */
    unsigned takes;      /* how often it was taken since it was written */
};

/* What is asked for when a record is written. */
struct store_put {
    enum store_kind kind;
    struct text id;     /* any bytes, 1 to STORE_MAX_ID */
    struct text owner;  /* who writes, and owns it */
    uint64_t epoch;     /* that of the writer; 1 for what is new */
    struct text places; /* local IP addresses it needs, with spaces between them */
    struct bytes record;
    bool is_free; /* nobody owns it afterwards */
};

struct store_taking {
    enum store_kind kind;
    struct text id;
    struct store_version seen; /* what is taken is just this version */
    struct text taker;         /* empty: nobody, it is released as it is; not counted in `takes` */
    bool is_unused;            /* released by who has just taken it, and did nothing with it: his
                                  taking is not counted any more */
    struct text places;        /* of the record, for the taker's index */
};

/* `other`: with STORE_CONFLICT, what is there instead; with STORE_DONE the version written. */
typedef void store_put_fn(void *owner, enum store_result result, const struct store_version *other);
/* `record` is NULL unless STORE_DONE; borrowed for the call, as all of these. */
typedef void store_get_fn(void *owner, enum store_result result, const struct store_record *record);
/* `epoch` is the taker's from now on, `takes` how often the record was taken since it was written,
 * this time included. */
typedef void store_take_fn(void *owner, enum store_result result, uint64_t epoch, unsigned takes);
typedef void store_done_fn(void *owner, enum store_result result);

/* A node that has registered; it is listed until forget_node(). */
struct store_node {
    struct text name;
    struct text instance; /* of its process, or STORE_LET_GO; empty when its lease has ended */
    struct bytes info;    /* what it says of itself */
    uint64_t records;     /* in its index, of all kinds */
};

/* `nodes` is NULL unless STORE_DONE. `released`: records that nobody owns. */
typedef void store_nodes_fn(void *owner, enum store_result result, const struct store_node *nodes,
    size_t count, uint64_t released);

/* One entry of an index. */
struct store_entry {
    enum store_kind kind;
    struct text id;
    struct text places;
};
/* `more` false: this was the last part, which may be empty, and is unless STORE_DONE. */
typedef void store_list_fn(void *owner, enum store_result result, const struct store_entry *entries,
    size_t count, bool more);

struct store;

/* What an implementation has. Requests return false when they cannot be taken (too many wait, the
 * store is away, memory is short, or something is over the limits above): then nothing is called
 * back. Requests of one store are carried out in their order, those of several in any. */
struct store_ops {
    /* Under an epoch that is past, or under the same one of another owner: STORE_CONFLICT. Who has
     * released a record may go on writing it until somebody has taken it. A higher epoch replaces
     * whatever is there. */
    bool (*put)(struct store *store, const struct store_put *put, store_put_fn *done, void *owner);
    /* Removes what `writer` owns (empty: nobody) or has released, under `epoch` or an older one;
     * STORE_DONE also when it was not there. */
    bool (*remove)(struct store *store, enum store_kind kind, struct text id, struct text writer,
        uint64_t epoch, store_put_fn *done, void *owner);
    /* `whole` false: without the bytes of the record. */
    bool (*get)(struct store *store, enum store_kind kind, struct text id, bool whole,
        store_get_fn *done, void *owner);
    bool (*take)(
        struct store *store, const struct store_taking *taking, store_take_fn *done, void *owner);
    /* The index of a node, or (name empty) of what nobody owns; in parts. It has all that is owned,
     * perhaps twice, and may have what is not any more: see unlist. */
    bool (*list)(struct store *store, struct text node, store_list_fn *each, void *owner);
    /* Takes from a node's index (name empty: from that of nobody) what it does not own; in the
     * background. What it does own stays. */
    bool (*unlist)(struct store *store, struct text node, enum store_kind kind, struct text id);
    /* Registers a node, or goes on with it, for `lease_ms` from now. STORE_CONFLICT: another
     * instance of that name is alive, and has not let go with unlease(). `instance`: 1 to
     * STORE_MAX_NAME bytes, not STORE_LET_GO. */
    bool (*lease)(struct store *store, struct text name, struct text instance, struct bytes info,
        uint64_t lease_ms, store_done_fn *done, void *owner);
    /* Lets go of the lease, if it is this instance's. The node counts as alive for `grace_ms`
     * still, but any instance may take the name meanwhile. */
    bool (*unlease)(struct store *store, struct text name, struct text instance, uint64_t grace_ms,
        store_done_fn *done, void *owner);
    bool (*nodes)(struct store *store, store_nodes_fn *done, void *owner);
    /* A dead node with an empty index is no longer listed (others stay); in the background. */
    bool (*forget_node)(struct store *store, struct text name);

    /* Whether requests can be made at all now. */
    bool (*is_ready)(const struct store *store);
    /* Milliseconds that the oldest request has been waiting for its answer; 0: none waits. */
    uint64_t (*oldest_ms)(const struct store *store);
    /* Waiting requests are called back with STORE_AWAY. */
    void (*close)(struct store *store);
};

/* First member of each implementation. */
struct store {
    const struct store_ops *ops;
};

#endif
