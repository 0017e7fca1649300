/* SPDX-License-Identifier: Apache-2.0 */
/* store/redis_state.h - the inside of a store in Redis; for redis_*.c of this folder only. */
#ifndef STORE_REDIS_STATE_H
#define STORE_REDIS_STATE_H

#include "base/str.h"
#include "store/redis_store.h"

enum { REDIS_NUMBER_SIZE = 21, REDIS_TROUBLES = 8 };

struct redis_trouble {
    struct str why; /* empty: none yet */
    uint64_t told_ms;
};

struct redis_store {
    struct store base;
    struct redis_router *router;
    char *prefix;
    char expires[REDIS_NUMBER_SIZE];
    const struct seal *seal;
    void (*on_ready)(void *owner, bool is_ready);
    void (*on_trouble)(void *owner, struct text why);
    void *owner;
    uv_loop_t *loop;
    struct redis_trouble troubles[REDIS_TROUBLES]; /* told last, in no order */
    struct redis_store_counters counters;
};

static inline struct redis_store *redis_store_of(struct store *store)
{
    return (struct redis_store *)store;
}

/* "PREFIX:what:name"; to be released by str_done(). */
struct str redis_store_key(const struct redis_store *store, const char *what, struct text name);
struct str redis_store_record_key(
    const struct redis_store *store, enum store_kind kind, struct text id);
/* "call:ID", a field of an index. */
struct str redis_store_field(enum store_kind kind, struct text id);

/* A number in words, in memory of the caller. */
struct text redis_store_number(uint64_t number, char memory[REDIS_NUMBER_SIZE]);

/* Sends words that use one key. False: nothing follows. */
NODISCARD bool redis_store_send(struct redis_store *store, const struct str *key,
    const struct text *words, size_t count,
    void (*done)(void *owner, const struct redis_reply *reply), void *owner);
/* For what runs in the background: `owner` is the store. */
void redis_store_ignore(void *owner, const struct redis_reply *reply);

/* STORE_AWAY, STORE_FAILED or STORE_DONE: there is an answer. Counts, and tells of trouble. */
enum store_result redis_store_judge(struct redis_store *store, const struct redis_reply *reply);
/* STORE_FAILED: what is there, or is to be written, is not as it should be. */
enum store_result redis_store_nonsense(struct redis_store *store, const char *what);

/* --- redis_index.c --- */

/* Notes in the index of `node` what it is about to own. */
NODISCARD bool redis_index_note(struct redis_store *store, struct text node,
    const struct store_put *put, void (*done)(void *owner, const struct redis_reply *reply),
    void *owner);
/* Removes a note of that epoch; in the background. */
void redis_index_strike(struct redis_store *store, struct text node, enum store_kind kind,
    struct text id, uint64_t epoch);
bool redis_index_list(struct store *store, struct text node, store_list_fn *each, void *owner);
bool redis_index_unlist(
    struct store *store, struct text node, enum store_kind kind, struct text id);

/* --- redis_records.c, redis_nodes.c: as in struct store_ops --- */

bool redis_records_put(
    struct store *store, const struct store_put *put, store_put_fn *done, void *owner);
bool redis_records_remove(struct store *store, enum store_kind kind, struct text id,
    struct text writer, uint64_t epoch, store_put_fn *done, void *owner);
bool redis_records_get(struct store *store, enum store_kind kind, struct text id, bool whole,
    store_get_fn *done, void *owner);
bool redis_records_take(
    struct store *store, const struct store_taking *taking, store_take_fn *done, void *owner);

bool redis_nodes_lease(struct store *store, struct text name, struct text instance,
    struct bytes info, uint64_t lease_ms, store_done_fn *done, void *owner);
bool redis_nodes_unlease(struct store *store, struct text name, struct text instance,
    uint64_t grace_ms, store_done_fn *done, void *owner);
bool redis_nodes_list(struct store *store, store_nodes_fn *done, void *owner);
bool redis_nodes_forget(struct store *store, struct text name);

#endif
