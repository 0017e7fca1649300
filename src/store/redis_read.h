/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/redis_read.h - reads what Redis answers about records, indexes and nodes.
 *
 * Pure. Anybody may have written there: false, or nothing, for all that is not as it should be. All
 * texts are borrowed from the reply.
 */
#ifndef STORE_REDIS_READ_H
#define STORE_REDIS_READ_H

#include "redis/reply.h"
#include "store/store.h"

/* The answer of a script about a record. */
struct redis_outcome {
    enum store_result result; /* DONE, CONFLICT, ABSENT */
    struct store_version version;
    unsigned takes;
    struct store_version before; /* epoch 0: there was no record; without the serial */
};
NODISCARD bool redis_read_outcome(const struct redis_reply *reply, struct redis_outcome *out);

/* The fields of a record to ask for, and what comes; the last only when the record is wanted. */
extern const struct text redis_record_fields[];
enum { REDIS_RECORD_FIELDS = 6 };
/* `out->version.epoch` 0: there is no record. `out->id` is not written. */
NODISCARD bool redis_read_record(
    const struct redis_reply *reply, bool whole, struct store_record *out);

/* A field of an index, "call:ID", and its value, "EPOCH PLACES". */
struct redis_note {
    enum store_kind kind;
    struct text id;
    uint64_t epoch;
    struct text places;
};
NODISCARD bool redis_read_note(struct text field, struct text value, struct redis_note *out);

/* What HSCAN answers: `*pairs` is an array of fields and values; `*cursor` "0": it was the last. */
NODISCARD bool redis_read_scan(
    const struct redis_reply *reply, struct text *cursor, const struct redis_reply **pairs);

/* A string, or nothing: then empty. */
NODISCARD bool redis_read_string(const struct redis_reply *reply, size_t max, struct text *out);
NODISCARD bool redis_read_count(const struct redis_reply *reply, uint64_t *out);
/* The name and what it says of itself, at `at` and behind it of HGETALL's answer. */
NODISCARD bool redis_read_node(
    const struct redis_reply *reply, size_t at, struct text *name, struct bytes *info);

#endif
