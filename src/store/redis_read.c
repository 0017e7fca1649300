/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_read.h"

#include "store/seal.h"

enum { OUTCOME_STRINGS = 7, MAX_CURSOR = 20, MAX_TAKES = 1000000 };

const struct text redis_record_fields[] = {
    {"epoch", 5},
    {"owner", 5},
    {"serial", 6},
    {"takes", 5},
    {"places", 6},
    {"record", 6},
};

static bool is_array_of(const struct redis_reply *reply, size_t count)
{
    return reply->kind == REDIS_ARRAY && reply->count == count;
}

bool redis_read_string(const struct redis_reply *reply, size_t max, struct text *out)
{
    if (reply->kind == REDIS_NIL) {
        *out = TEXT("");
        return true;
    }
    if (reply->kind != REDIS_STRING || reply->text.len > max)
        return false;
    *out = reply->text;
    return true;
}

static bool read_number(const struct redis_reply *reply, uint64_t max, uint64_t *out)
{
    return reply->kind == REDIS_STRING && text_to_u64(reply->text, max, out);
}

static bool read_takes(const struct redis_reply *reply, unsigned *out)
{
    uint64_t takes;
    if (!read_number(reply, MAX_TAKES, &takes))
        return false;
    *out = (unsigned)takes;
    return true;
}

/* The name of a node, or nothing: nobody. */
static bool read_owner(const struct redis_reply *reply, struct text *out)
{
    return reply->kind == REDIS_STRING && redis_read_string(reply, STORE_MAX_NAME, out) &&
           (out->len == 0 || store_name_is_valid(*out));
}

/* --- records --- */

static bool read_result(struct text word, enum store_result *out)
{
    static const struct {
        const char *word;
        enum store_result result;
    } results[] = {
        {"done", STORE_DONE},
        {"conflict", STORE_CONFLICT},
        {"absent", STORE_ABSENT},
    };
    for (size_t i = 0; i < COUNT_OF(results); i++)
        if (text_is(word, results[i].word)) {
            *out = results[i].result;
            return true;
        }
    return false;
}

bool redis_read_outcome(const struct redis_reply *reply, struct redis_outcome *out)
{
    struct redis_outcome o = {.result = STORE_FAILED};
    if (!is_array_of(reply, OUTCOME_STRINGS))
        return false;
    struct redis_reply *const *at = reply->items;
    bool ok = at[0]->kind == REDIS_STRING && read_result(at[0]->text, &o.result) &&
              read_owner(at[1], &o.version.owner) &&
              read_number(at[2], STORE_MAX_EPOCH, &o.version.epoch) &&
              read_number(at[3], STORE_MAX_EPOCH, &o.version.serial) &&
              read_takes(at[4], &o.takes) && read_owner(at[5], &o.before.owner) &&
              read_number(at[6], STORE_MAX_EPOCH, &o.before.epoch);
    if (!ok || (o.version.epoch == 0 && o.result != STORE_ABSENT))
        return false;
    *out = o;
    return true;
}

/* None, or the memory of an epoch only. */
static bool is_absent(const struct redis_reply *reply)
{
    for (size_t i = 1; i < reply->count; i++)
        if (reply->items[i]->kind != REDIS_NIL)
            return false;
    return true;
}

bool redis_read_record(const struct redis_reply *reply, bool whole, struct store_record *out)
{
    struct store_record r = {.takes = 0};
    struct text record = TEXT("");
    if (!is_array_of(reply, whole ? REDIS_RECORD_FIELDS : REDIS_RECORD_FIELDS - 1))
        return false;
    struct redis_reply *const *at = reply->items;
    if (is_absent(reply)) {
        *out = r;
        return true;
    }
    bool ok = read_number(at[0], STORE_MAX_EPOCH, &r.version.epoch) && r.version.epoch > 0 &&
              read_owner(at[1], &r.version.owner) &&
              read_number(at[2], STORE_MAX_EPOCH, &r.version.serial) &&
              read_takes(at[3], &r.takes) && redis_read_string(at[4], STORE_MAX_PLACES, &r.places);
    if (ok && whole)
        ok = redis_read_string(at[5], STORE_MAX_RECORD + SEAL_OVERHEAD, &record) && record.len > 0;
    if (!ok)
        return false;
    r.record = text_bytes(record);
    *out = r;
    return true;
}

/* --- indexes --- */

bool redis_read_note(struct text field, struct text value, struct redis_note *out)
{
    struct redis_note note;
    struct text word = text_cut(&field, ':');
    struct text number = text_cut(&value, ' ');
    if (!store_kind_of(word, &note.kind) || field.len == 0 || field.len > STORE_MAX_ID)
        return false;
    if (!text_to_u64(number, STORE_MAX_EPOCH, &note.epoch) || value.len > STORE_MAX_PLACES)
        return false;
    note.id = field;
    note.places = value;
    *out = note;
    return true;
}

bool redis_read_scan(
    const struct redis_reply *reply, struct text *cursor, const struct redis_reply **pairs)
{
    uint64_t number;
    if (!is_array_of(reply, 2) || !read_number(reply->items[0], UINT64_MAX, &number) ||
        reply->items[0]->text.len > MAX_CURSOR)
        return false;
    const struct redis_reply *array = reply->items[1];
    if (array->kind != REDIS_ARRAY || array->count % 2 != 0)
        return false;
    *cursor = reply->items[0]->text;
    *pairs = array;
    return true;
}

/* --- nodes --- */

bool redis_read_count(const struct redis_reply *reply, uint64_t *out)
{
    if (reply->kind != REDIS_INTEGER || reply->integer < 0)
        return false;
    *out = (uint64_t)reply->integer;
    return true;
}

bool redis_read_node(
    const struct redis_reply *reply, size_t at, struct text *name, struct bytes *info)
{
    const struct redis_reply *key = reply->items[at], *value = reply->items[at + 1];
    if (key->kind != REDIS_STRING || !store_name_is_valid(key->text) ||
        value->kind != REDIS_STRING || value->text.len > STORE_MAX_INFO)
        return false;
    *name = key->text;
    *info = text_bytes(value->text);
    return true;
}
