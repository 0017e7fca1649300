/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/memory_data.h - what a store in memory holds, and what each request means, carried out at
 * once. store/redis_scripts.c says the same to Redis.
 *
 * What is handed out is borrowed until the next change.
 */
#ifndef STORE_MEMORY_DATA_H
#define STORE_MEMORY_DATA_H

#include "store/store.h"

/* How long an epoch is remembered after its record was removed. */
enum { STORE_GRAVE_MS = 3600 * 1000 };

struct memory_data;

/* NULL when out of memory. */
NODISCARD struct memory_data *memory_data_new(void);
/* Accepts NULL. */
void memory_data_free(struct memory_data *data);
/* Loses everything. */
void memory_data_clear(struct memory_data *data);

/* Results and `other` are those of struct store_ops. */
enum store_result memory_data_put(struct memory_data *data, const struct store_put *put,
    uint64_t now_ms, struct store_version *other);
enum store_result memory_data_remove(struct memory_data *data, enum store_kind kind, struct text id,
    const struct store_version *mine, uint64_t now_ms, struct store_version *other);
enum store_result memory_data_get(struct memory_data *data, enum store_kind kind, struct text id,
    uint64_t now_ms, struct store_record *out);
enum store_result memory_data_take(struct memory_data *data, const struct store_taking *taking,
    uint64_t now_ms, uint64_t *epoch, unsigned *takes);

/* Entry `at` of what `node` (empty: nobody) owns; false behind the last. `*cursor` is NULL at
 * first, and the store's afterwards; no change between two calls. */
bool memory_data_list(
    struct memory_data *data, struct text node, const void **cursor, struct store_entry *out);

/* All records, in no order: as memory_data_list(). */
bool memory_data_walk(
    struct memory_data *data, const void **cursor, enum store_kind *kind, struct store_record *out);

struct memory_lease {
    struct text name, instance;
    struct bytes info;
    uint64_t lease_ms;
};
enum store_result memory_data_lease(
    struct memory_data *data, const struct memory_lease *lease, uint64_t now_ms);
void memory_data_unlease(struct memory_data *data, struct text name, struct text instance,
    uint64_t grace_ms, uint64_t now_ms);
/* The members as a new array of `*count`, to be freed; NULL when out of memory. */
NODISCARD struct store_node *memory_data_nodes(
    struct memory_data *data, uint64_t now_ms, size_t *count, uint64_t *released);
void memory_data_forget(struct memory_data *data, struct text name, uint64_t now_ms);

#endif
