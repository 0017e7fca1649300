/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "store/memory_data.h"
#include "store/redis_read.h"
#include "store/redis_scripts.h"
#include "store/redis_state.h"

/*
 * A request that changes a record: a note in an index, if it will be somebody's, and the script,
 * both sent at once. It is answered when both are.
 */
struct writing {
    struct redis_store *store;
    enum store_kind kind;
    struct text id;    /* in `memory` */
    struct text noted; /* in `memory`: whose index has the note, or had it */
    uint64_t epoch;    /* of the note */
    bool is_removal;
    unsigned waiting; /* answers */
    enum store_result noting, result;
    struct store_version version; /* its owner in `there` */
    unsigned takes;
    char there[STORE_MAX_NAME];
    store_put_fn *put; /* one of the two; none: nobody is told */
    store_take_fn *take;
    void *owner;
    char memory[];
};

static struct writing *new_writing(struct redis_store *store, const struct store_put *put)
{
    struct writing *w = calloc(1, sizeof(*w) + put->id.len + put->owner.len);
    if (w == NULL)
        return NULL;
    w->store = store;
    w->kind = put->kind;
    w->epoch = put->epoch;
    w->id = text_of(w->memory, put->id.len);
    w->noted = text_of(w->memory + put->id.len, put->owner.len);
    memcpy(w->memory, put->id.data, put->id.len);
    if (put->owner.len > 0)
        memcpy(w->memory + put->id.len, put->owner.data, put->owner.len);
    return w;
}

static void finish(struct writing *w)
{
    if (--w->waiting > 0)
        return;
    enum store_result result = w->result;
    /* Without its note nobody would find it. */
    if (result == STORE_DONE && w->noting != STORE_DONE)
        result = w->noting;
    if (result == STORE_CONFLICT)
        counter_add(&w->store->counters.conflicts, 1);
    if (w->put != NULL)
        w->put(w->owner, result, &w->version);
    else if (w->take != NULL)
        w->take(w->owner, result, w->version.epoch, w->takes);
    free(w);
}

static void on_noted(void *owner, const struct redis_reply *reply)
{
    struct writing *w = owner;
    w->noting = redis_store_judge(w->store, reply);
    finish(w);
}

/* Notes that are not true any more, or never became so. */
static void strike_notes(const struct writing *w, const struct redis_outcome *o)
{
    const struct store_version *before = &o->before;
    bool is_true = o->result == STORE_DONE ||
                   (o->version.epoch == w->epoch && text_equal(o->version.owner, w->noted));
    bool same = text_equal(before->owner, w->noted);
    if (w->is_removal ? o->result == STORE_DONE : !is_true)
        redis_index_strike(w->store, w->noted, w->kind, w->id, w->epoch);
    if (o->result == STORE_DONE && before->epoch > 0 &&
        (!same || (w->is_removal && before->epoch != w->epoch)))
        redis_index_strike(w->store, before->owner, w->kind, w->id, before->epoch);
}

static void on_written(void *owner, const struct redis_reply *reply)
{
    struct writing *w = owner;
    struct redis_outcome o = {.takes = 0};
    w->result = redis_store_judge(w->store, reply);
    if (w->result == STORE_DONE && !redis_read_outcome(reply, &o))
        w->result = redis_store_nonsense(w->store, "a record is none");
    if (w->result == STORE_DONE) {
        w->result = o.result;
        w->takes = o.takes;
        w->version = o.version;
        w->version.owner = text_of(w->there, o.version.owner.len);
        if (o.version.owner.len > 0)
            memcpy(w->there, o.version.owner.data, o.version.owner.len);
        strike_notes(w, &o);
    }
    finish(w);
}

/* Sends the script, after the note; frees `w` when nothing was sent. */
static bool send_both(struct writing *w, const struct store_put *note, const struct text *words,
    size_t count, const struct str *key)
{
    store_put_fn *put = w->put;
    store_take_fn *take = w->take;
    if (note != NULL) {
        w->put = NULL; /* should the note be all that can be sent, nobody is told */
        w->take = NULL;
        if (!redis_index_note(w->store, w->noted, note, on_noted, w)) {
            free(w);
            return false;
        }
        w->waiting = 1;
    }
    if (!redis_store_send(w->store, key, words, count, on_written, w)) {
        if (w->waiting == 0)
            free(w);
        return false;
    }
    w->waiting++;
    w->put = put;
    w->take = take;
    return true;
}

/* --- put --- */

static bool fits(struct redis_store *store, const struct store_put *put)
{
    if (put->id.len > 0 && put->id.len <= STORE_MAX_ID && put->places.len <= STORE_MAX_PLACES &&
        put->record.len <= STORE_MAX_RECORD && put->epoch <= STORE_MAX_EPOCH)
        return true;
    redis_store_nonsense(store, "a record is too large");
    return false;
}

/* The record as it goes to Redis: itself, or a sealed copy in `*memory`, which the caller frees. */
static bool close_record(
    struct redis_store *store, const struct store_put *put, uint8_t **memory, struct text *out)
{
    *memory = NULL;
    *out = text_from_bytes(put->record);
    if (store->seal == NULL)
        return true;
    *memory = malloc(put->record.len + SEAL_OVERHEAD);
    if (*memory == NULL || !seal_close(store->seal, put->kind, put->id, put->record, *memory)) {
        free(*memory);
        redis_store_nonsense(store, "a record cannot be sealed");
        return false;
    }
    *out = text_of((const char *)*memory, put->record.len + SEAL_OVERHEAD);
    return true;
}

static bool send_put(struct writing *w, const struct store_put *put, struct text record)
{
    struct redis_store *store = w->store;
    char epoch[REDIS_NUMBER_SIZE];
    struct str key = redis_store_record_key(store, put->kind, put->id);
    const struct text words[] = {
        TEXT("EVAL"),
        text_from(redis_script_put),
        TEXT("1"),
        str_text(&key),
        w->noted,
        put->owner,
        redis_store_number(put->epoch, epoch),
        put->places,
        record,
        text_from(store->expires),
    };
    bool ok = send_both(w, put, words, COUNT_OF(words), &key);
    str_done(&key);
    if (ok) {
        counter_add(&store->counters.puts, 1);
        counter_add(&store->counters.written, record.len);
    }
    return ok;
}

bool redis_records_put(
    struct store *base, const struct store_put *put, store_put_fn *done, void *owner)
{
    struct redis_store *store = redis_store_of(base);
    struct store_put noted = *put;
    uint8_t *memory;
    struct text record;
    if (!fits(store, put) || !close_record(store, put, &memory, &record))
        return false;
    if (put->is_free)
        noted.owner = TEXT("");
    struct writing *w = new_writing(store, &noted);
    if (w != NULL) {
        w->put = done;
        w->owner = owner;
    }
    bool ok = w != NULL && send_put(w, put, record);
    free(memory);
    return ok;
}

/* --- remove --- */

bool redis_records_remove(struct store *base, enum store_kind kind, struct text id,
    struct text writer, uint64_t epoch, store_put_fn *done, void *owner)
{
    struct redis_store *store = redis_store_of(base);
    const struct store_put put = {.kind = kind, .id = id, .owner = writer, .epoch = epoch};
    char number[REDIS_NUMBER_SIZE], grave[REDIS_NUMBER_SIZE];
    struct writing *w = fits(store, &put) ? new_writing(store, &put) : NULL;
    if (w == NULL)
        return false;
    w->is_removal = true;
    w->put = done;
    w->owner = owner;
    struct str key = redis_store_record_key(store, kind, id);
    const struct text words[] = {
        TEXT("EVAL"),
        text_from(redis_script_remove),
        TEXT("1"),
        str_text(&key),
        writer,
        redis_store_number(epoch, number),
        redis_store_number(STORE_GRAVE_MS / 1000, grave),
    };
    bool ok = send_both(w, NULL, words, COUNT_OF(words), &key);
    str_done(&key);
    if (ok)
        counter_add(&store->counters.removes, 1);
    return ok;
}

/* --- take --- */

bool redis_records_take(
    struct store *base, const struct store_taking *taking, store_take_fn *done, void *owner)
{
    struct redis_store *store = redis_store_of(base);
    const struct store_put note = {
        .kind = taking->kind,
        .id = taking->id,
        .owner = taking->taker,
        .epoch = taking->seen.epoch + 1,
        .places = taking->places,
    };
    char mine[REDIS_NUMBER_SIZE], epoch[REDIS_NUMBER_SIZE], serial[REDIS_NUMBER_SIZE];
    struct writing *w = fits(store, &note) ? new_writing(store, &note) : NULL;
    if (w == NULL)
        return false;
    w->take = done;
    w->owner = owner;
    struct str key = redis_store_record_key(store, taking->kind, taking->id);
    const struct text words[] = {
        TEXT("EVAL"),
        text_from(redis_script_take),
        TEXT("1"),
        str_text(&key),
        taking->taker,
        redis_store_number(note.epoch, mine),
        taking->seen.owner,
        redis_store_number(taking->seen.epoch, epoch),
        redis_store_number(taking->seen.serial, serial),
        text_from(store->expires),
        taking->taker.len > 0 ? TEXT("1")
        : taking->is_unused   ? TEXT("-1")
                              : TEXT("0"),
    };
    bool ok = send_both(w, &note, words, COUNT_OF(words), &key);
    str_done(&key);
    if (ok)
        counter_add(&store->counters.takes, 1);
    return ok;
}

/* --- get --- */

struct reading {
    struct redis_store *store;
    enum store_kind kind;
    bool whole;
    store_get_fn *get;
    void *owner;
    size_t id_len;
    char id[];
};

/* Opens it in memory of its own, which is wiped after it was told. */
static enum store_result tell_sealed(const struct reading *r, struct store_record *record)
{
    struct redis_store *store = r->store;
    size_t room = record->record.len, len = 0;
    if (store->seal == NULL)
        return redis_store_nonsense(store, "a record is sealed, and there is no key");
    uint8_t *memory = malloc(room);
    if (memory == NULL)
        return redis_store_nonsense(store, "out of memory");
    bool ok =
        seal_open(store->seal, r->kind, text_of(r->id, r->id_len), record->record, memory, &len);
    if (ok) {
        record->record = bytes_of(memory, len);
        r->get(r->owner, STORE_DONE, record);
    }
    OPENSSL_cleanse(memory, room);
    free(memory);
    return ok ? STORE_DONE
              : redis_store_nonsense(store, "a record is sealed, and no key of ours opens it");
}

static enum store_result read_and_tell(const struct reading *r, const struct redis_reply *reply)
{
    struct store_record record;
    enum store_result result = redis_store_judge(r->store, reply);
    if (result != STORE_DONE)
        return result;
    if (!redis_read_record(reply, r->whole, &record))
        return redis_store_nonsense(r->store, "a record is none");
    if (record.version.epoch == 0)
        return STORE_ABSENT;
    record.id = text_of(r->id, r->id_len);
    counter_add(&r->store->counters.read, record.record.len);
    if (seal_is_sealed(record.record))
        return tell_sealed(r, &record);
    r->get(r->owner, STORE_DONE, &record);
    return STORE_DONE;
}

static void on_read(void *owner, const struct redis_reply *reply)
{
    struct reading *r = owner;
    enum store_result result = read_and_tell(r, reply);
    if (result != STORE_DONE)
        r->get(r->owner, result, NULL);
    free(r);
}

static bool send_get(struct reading *r)
{
    struct text words[2 + REDIS_RECORD_FIELDS];
    size_t fields = r->whole ? REDIS_RECORD_FIELDS : REDIS_RECORD_FIELDS - 1;
    struct str key = redis_store_record_key(r->store, r->kind, text_of(r->id, r->id_len));
    words[0] = TEXT("HMGET");
    words[1] = str_text(&key);
    for (size_t i = 0; i < fields; i++)
        words[2 + i] = redis_record_fields[i];
    bool ok = redis_store_send(r->store, &key, words, 2 + fields, on_read, r);
    str_done(&key);
    return ok;
}

bool redis_records_get(struct store *base, enum store_kind kind, struct text id, bool whole,
    store_get_fn *done, void *owner)
{
    struct redis_store *store = redis_store_of(base);
    struct reading *r = id.len > 0 && id.len <= STORE_MAX_ID ? malloc(sizeof(*r) + id.len) : NULL;
    if (r == NULL)
        return false;
    *r = (struct reading){store, kind, whole, done, owner, id.len};
    memcpy(r->id, id.data, id.len);
    if (!send_get(r)) {
        free(r);
        return false;
    }
    counter_add(&store->counters.gets, 1);
    return true;
}
