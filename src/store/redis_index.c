/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/redis_read.h"
#include "store/redis_scripts.h"
#include "store/redis_state.h"

/* Notes of one part of a list; Redis may answer more, and does for small indexes. */
#define SCAN_COUNT "200"

/* --- one note --- */

bool redis_index_note(struct redis_store *store, struct text node, const struct store_put *put,
    void (*done)(void *owner, const struct redis_reply *reply), void *owner)
{
    char epoch[REDIS_NUMBER_SIZE];
    struct str key = redis_store_key(store, "index", node);
    struct str field = redis_store_field(put->kind, put->id);
    const struct text words[] = {
        TEXT("EVAL"),
        text_from(redis_script_note),
        TEXT("1"),
        str_text(&key),
        str_text(&field),
        redis_store_number(put->epoch, epoch),
        put->places,
        text_from(store->expires),
    };
    bool ok = str_ok(&field) && redis_store_send(store, &key, words, COUNT_OF(words), done, owner);
    str_done(&key);
    str_done(&field);
    return ok;
}

void redis_index_strike(struct redis_store *store, struct text node, enum store_kind kind,
    struct text id, uint64_t epoch)
{
    char number[REDIS_NUMBER_SIZE];
    struct str key = redis_store_key(store, "index", node);
    struct str field = redis_store_field(kind, id);
    const struct text words[] = {
        TEXT("EVAL"),
        text_from(redis_script_strike),
        TEXT("1"),
        str_text(&key),
        str_text(&field),
        redis_store_number(epoch, number),
    };
    /* A note that stays does no harm: who lists it finds that it is not true, and unlists it. */
    if (str_ok(&field))
        (void)!redis_store_send(store, &key, words, COUNT_OF(words), redis_store_ignore, store);
    str_done(&key);
    str_done(&field);
}

/* --- all of them --- */

struct listing {
    struct redis_store *store;
    struct str key;
    store_list_fn *each;
    void *owner;
};

static void end_listing(struct listing *listing, enum store_result result)
{
    if (result != STORE_DONE)
        listing->each(listing->owner, result, NULL, 0, false);
    str_done(&listing->key);
    free(listing);
}

static void on_scanned(void *owner, const struct redis_reply *reply);

static bool scan(struct listing *listing, struct text cursor)
{
    const struct text words[] = {
        TEXT("HSCAN"), str_text(&listing->key), cursor, TEXT("COUNT"), TEXT(SCAN_COUNT)};
    return redis_store_send(
        listing->store, &listing->key, words, COUNT_OF(words), on_scanned, listing);
}

/* What is no note is passed over. */
static size_t read_entries(const struct redis_reply *pairs, struct store_entry *entries)
{
    size_t count = 0;
    for (size_t i = 0; i + 1 < pairs->count; i += 2) {
        const struct redis_reply *field = pairs->items[i], *value = pairs->items[i + 1];
        struct redis_note note;
        if (field->kind != REDIS_STRING || value->kind != REDIS_STRING ||
            !redis_read_note(field->text, value->text, &note))
            continue;
        entries[count++] =
            (struct store_entry){.kind = note.kind, .id = note.id, .places = note.places};
    }
    return count;
}

static enum store_result tell_part(
    struct listing *listing, const struct redis_reply *pairs, bool more)
{
    struct store_entry *entries = calloc(pairs->count / 2 + 1, sizeof(*entries));
    if (entries == NULL)
        return redis_store_nonsense(listing->store, "out of memory");
    size_t count = read_entries(pairs, entries);
    listing->each(listing->owner, STORE_DONE, entries, count, more);
    free(entries);
    return STORE_DONE;
}

static void on_scanned(void *owner, const struct redis_reply *reply)
{
    struct listing *listing = owner;
    const struct redis_reply *pairs;
    struct text cursor;
    enum store_result result = redis_store_judge(listing->store, reply);
    if (result == STORE_DONE && !redis_read_scan(reply, &cursor, &pairs))
        result = redis_store_nonsense(listing->store, "an index is none");
    if (result != STORE_DONE) {
        end_listing(listing, result);
        return;
    }
    bool more = !text_is(cursor, "0");
    result = tell_part(listing, pairs, more);
    if (result != STORE_DONE || !more)
        end_listing(listing, result);
    else if (!scan(listing, cursor))
        end_listing(listing, STORE_AWAY);
}

bool redis_index_list(struct store *base, struct text node, store_list_fn *each, void *owner)
{
    struct redis_store *store = redis_store_of(base);
    struct listing *listing = calloc(1, sizeof(*listing));
    if (listing == NULL)
        return false;
    *listing = (struct listing){
        .store = store, .key = redis_store_key(store, "index", node), .each = each, .owner = owner};
    if (scan(listing, TEXT("0")))
        return true;
    str_done(&listing->key);
    free(listing);
    return false;
}

/* --- a note that is perhaps not true --- */

/*
 * The note first, then the record: one that is written meanwhile has another epoch, and is not
 * struck.
 */
struct unlisting {
    struct redis_store *store;
    enum store_kind kind;
    uint64_t epoch;
    struct text node, id;
    char memory[];
};

static void on_owner(void *owner, const struct redis_reply *reply)
{
    struct unlisting *u = owner;
    struct text there;
    bool known = redis_store_judge(u->store, reply) == STORE_DONE &&
                 redis_read_string(reply, STORE_MAX_NAME, &there);
    bool is_absent = known && reply->kind == REDIS_NIL;
    if (known && (is_absent || !text_equal(there, u->node)))
        redis_index_strike(u->store, u->node, u->kind, u->id, u->epoch);
    free(u);
}

static void on_note(void *owner, const struct redis_reply *reply)
{
    struct unlisting *u = owner;
    struct redis_note note;
    struct str key = redis_store_record_key(u->store, u->kind, u->id);
    struct str field = redis_store_field(u->kind, u->id);
    const struct text words[] = {TEXT("HGET"), str_text(&key), TEXT("owner")};
    bool is_there = redis_store_judge(u->store, reply) == STORE_DONE &&
                    reply->kind == REDIS_STRING && str_ok(&field) &&
                    redis_read_note(str_text(&field), reply->text, &note);
    if (is_there)
        u->epoch = note.epoch;
    if (!is_there || !redis_store_send(u->store, &key, words, COUNT_OF(words), on_owner, u))
        free(u);
    str_done(&key);
    str_done(&field);
}

static struct unlisting *new_unlisting(
    struct redis_store *store, struct text node, enum store_kind kind, struct text id)
{
    struct unlisting *u = calloc(1, sizeof(*u) + node.len + id.len);
    if (u == NULL)
        return NULL;
    u->store = store;
    u->kind = kind;
    u->node = text_of(u->memory, node.len);
    u->id = text_of(u->memory + node.len, id.len);
    if (node.len > 0)
        memcpy(u->memory, node.data, node.len);
    memcpy(u->memory + node.len, id.data, id.len);
    return u;
}

bool redis_index_unlist(struct store *base, struct text node, enum store_kind kind, struct text id)
{
    struct redis_store *store = redis_store_of(base);
    struct unlisting *u = new_unlisting(store, node, kind, id);
    if (u == NULL)
        return false;
    struct str key = redis_store_key(store, "index", node);
    struct str field = redis_store_field(kind, id);
    const struct text words[] = {TEXT("HGET"), str_text(&key), str_text(&field)};
    bool ok = str_ok(&field) && redis_store_send(store, &key, words, COUNT_OF(words), on_note, u);
    if (!ok)
        free(u);
    str_done(&key);
    str_done(&field);
    return ok;
}
