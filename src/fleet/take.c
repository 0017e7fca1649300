/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record comes over: it is read, taken just as it was read (the fence), and gone on with.
 *
 *     get --> take --> restore --> ours
 *      |        |         |-> given back: somebody else may be able to
 *      |        |         `-> removed: nobody is
 *      |        `-> another was faster
 *      `-> gone, or not ours to take
 */
#include <stdlib.h>

#include "fleet/state.h"

static enum store_kind kind_of(const struct taking *taking)
{
    return (enum store_kind)taking->key[0];
}

static struct text id_of(const struct taking *taking)
{
    return text_of((const char *)taking->key + 1, taking->key_len - 1);
}

static struct text owner_of(const struct taking *taking)
{
    return text_of(taking->owner, taking->owner_len);
}

bool fleet_can_take(const struct fleet *fleet)
{
    return fleet->is_ready && fleet->is_joined && !fleet->is_held && fleet->leaving == LEAVE_NOT;
}

struct taking *fleet_taking(const struct fleet *fleet, enum store_kind kind, struct text id)
{
    uint8_t key[1 + STORE_MAX_ID];
    struct map_node *node = map_find(&fleet->takings, memo_key(key, kind, id));
    return node != NULL ? CONTAINER_OF(node, struct taking, by_id) : NULL;
}

static void free_taking(struct taking *taking)
{
    struct fleet *fleet = taking->fleet;
    map_remove(&fleet->takings, &taking->by_id);
    list_remove(&taking->link);
    fleet->taking_count--;
    if (taking->record != NULL)
        explicit_bzero(taking->record, taking->record_len);
    free(taking->record);
    fleet_place_set_unref(fleet, taking->places);
    free(taking);
}

void fleet_takings_free(struct fleet *fleet)
{
    for (struct list *at = list_first(&fleet->taking_list); at != NULL;
         at = list_first(&fleet->taking_list))
        free_taking(CONTAINER_OF(at, struct taking, link));
    map_done(&fleet->takings);
}

/* Frees it, and tells who waits. */
static void end(struct taking *taking, enum taken taken)
{
    struct sweep *sweep = taking->sweep;
    struct list finds;
    char owner[STORE_MAX_NAME];
    struct text name = text_of(owner, taking->owner_len);
    memcpy(owner, taking->owner, taking->owner_len);
    list_init(&finds);
    list_move_all(&finds, &taking->finds);
    free_taking(taking);
    for (struct list *at = list_pop_front(&finds); at != NULL; at = list_pop_front(&finds))
        fleet_find_taken(at, taken, name);
    if (sweep != NULL)
        fleet_sweep_taken(sweep, taken == TAKEN_HERE);
}

/* --- what ended here, and shows again --- */

bool fleet_is_ghost(
    struct fleet *fleet, enum store_kind kind, struct text id, const struct store_version *version)
{
    uint64_t ended = memo_epoch(&fleet->graves, kind, id, fleet->now_ms);
    bool is_ours = fleet_is_self(fleet, version->owner);
    bool is_ghost =
        version->epoch < ended ||
        (ended > 0 && (is_ours || (version->owner.len == 0 && version->epoch == ended)));
    if (is_ghost)
        fleet_remove_version(fleet, kind, id, version);
    return is_ghost;
}

/* --- we cannot go on with it --- */

static void given_back(void *owner, enum store_result result, uint64_t epoch, unsigned takes)
{
    (void)epoch;
    (void)takes;
    struct fleet *fleet = owner;
    if (result == STORE_AWAY || result == STORE_FAILED)
        fleet_sweep_want_ours(fleet);
}

static void give_back(struct taking *taking, const struct store_version *version, bool was_taken)
{
    struct fleet *fleet = taking->fleet;
    struct store_taking giving = {
        .kind = kind_of(taking),
        .id = id_of(taking),
        .seen = *version,
        .is_unused = was_taken,
        .places = text_of(taking->places->text, taking->places->len),
    };
    memo_note(&fleet->shunned, giving.kind, giving.id, version->epoch + 1, fleet->now_ms);
    if (!fleet->store->ops->take(fleet->store, &giving, given_back, fleet))
        fleet_sweep_want_ours(fleet);
    end(taking, TAKEN_NOT_HERE);
}

static void remove_ended(struct taking *taking, const struct store_version *version)
{
    struct fleet *fleet = taking->fleet;
    memo_note(&fleet->graves, kind_of(taking), id_of(taking), version->epoch, fleet->now_ms);
    fleet_remove_version(fleet, kind_of(taking), id_of(taking), version);
    end(taking, TAKEN_ABSENT);
}

static void refuse(struct taking *taking, const struct store_version *version)
{
    struct fleet *fleet = taking->fleet;
    fleet->totals.take_refused++;
    fleet_tell_item(fleet, FLEET_TAKE_REFUSED, owner_of(taking), kind_of(taking), id_of(taking));
    remove_ended(taking, version);
}

/* --- it is ours --- */

static void go_on(struct taking *taking, const struct store_version *version, unsigned takes)
{
    struct fleet *fleet = taking->fleet;
    enum store_kind kind = kind_of(taking);
    const struct fleet_holder *holder = &fleet->holders[kind];
    uint64_t handle = 0;
    struct bytes record = bytes_of(taking->record, taking->record_len);
    switch (holder->restore(holder->owner, record, takes, &handle)) {
    case FLEET_RESTORED:
    case FLEET_KNOWN:
        if (handle == 0) {
            give_back(taking, version, true);
            return;
        }
        break;
    case FLEET_NOT_HERE:
        give_back(taking, version, true);
        return;
    case FLEET_REFUSED:
        refuse(taking, version);
        return;
    }
    fleet->totals.taken[kind]++;
    fleet_tell_item(fleet, FLEET_TOOK, owner_of(taking), kind, id_of(taking));
    struct item *item = fleet_item_adopt(fleet, kind, handle, id_of(taking), version->epoch);
    if (item != NULL)
        fleet_item_set_places(item, text_of(taking->places->text, taking->places->len));
    end(taking, TAKEN_HERE);
}

static void took(struct taking *taking, uint64_t epoch, unsigned takes)
{
    struct fleet *fleet = taking->fleet;
    struct store_version version = {.owner = fleet_name(fleet), .epoch = epoch};
    struct item *item = fleet_item(fleet, kind_of(taking), id_of(taking));
    if (item != NULL && item->life == ITEM_CARRIED) {
        /* A new one of that id began meanwhile: it follows what was taken. */
        fleet_item_adopt(fleet, kind_of(taking), 0, id_of(taking), epoch);
        end(taking, TAKEN_HERE);
    } else if (item != NULL && item->life == ITEM_RELEASING) {
        end(taking, TAKEN_NOT_HERE); /* it began, too, and is written under our name soon */
    } else if (item != NULL || taking->has_ended) {
        remove_ended(taking, &version);
    } else if (!fleet_can_take(fleet) || !taking->places->is_here) {
        give_back(taking, &version, true);
    } else {
        go_on(taking, &version, takes);
    }
}

static void take_answered(void *owner, enum store_result result, uint64_t epoch, unsigned takes)
{
    struct taking *taking = owner;
    struct fleet *fleet = taking->fleet;
    switch (result) {
    case STORE_DONE:
        took(taking, epoch, takes);
        break;
    case STORE_ABSENT:
        end(taking, TAKEN_ABSENT);
        break;
    case STORE_CONFLICT:
        end(taking, TAKEN_ELSEWHERE);
        break;
    case STORE_AWAY: /* it may be ours by now: our index tells */
        fleet_sweep_want_ours(fleet);
        end(taking, TAKEN_UNKNOWN);
        break;
    case STORE_FAILED:
        end(taking, TAKEN_UNKNOWN);
        break;
    }
    fleet_pump(fleet);
}

/* --- what is there --- */

static bool keep_record(struct taking *taking, const struct store_record *record)
{
    taking->record = malloc(record->record.len + 1);
    if (taking->record == NULL)
        return false;
    if (record->record.len > 0)
        memcpy(taking->record, record->record.data, record->record.len);
    taking->record_len = record->record.len;
    return true;
}

static void take_it(struct taking *taking, const struct store_record *record)
{
    struct fleet *fleet = taking->fleet;
    struct store_taking wanted = {
        .kind = kind_of(taking),
        .id = id_of(taking),
        .seen = record->version,
        .taker = fleet_name(fleet),
        .places = record->places,
    };
    if (!keep_record(taking, record) ||
        !fleet->store->ops->take(fleet->store, &wanted, take_answered, taking))
        end(taking, TAKEN_UNKNOWN);
}

static void unlist(const struct taking *taking)
{
    struct fleet *fleet = taking->fleet;
    if (taking->sweep != NULL)
        (void)fleet->store->ops->unlist(
            fleet->store, fleet_sweep_name(taking->sweep), kind_of(taking), id_of(taking));
}

static bool is_shunned(const struct taking *taking, uint64_t epoch)
{
    const struct fleet *fleet = taking->fleet;
    return epoch <= memo_epoch(&fleet->shunned, kind_of(taking), id_of(taking), fleet->now_ms);
}

static void saw(struct taking *taking, const struct store_record *record)
{
    struct fleet *fleet = taking->fleet;
    struct text owner = record->version.owner;
    if (owner.len > sizeof(taking->owner)) {
        end(taking, TAKEN_UNKNOWN);
        return;
    }
    taking->owner_len = owner.len;
    if (owner.len > 0)
        memcpy(taking->owner, owner.data, owner.len);
    taking->places = fleet_place_set(fleet, record->places);
    if (taking->sweep != NULL && !text_equal(owner, fleet_sweep_name(taking->sweep)))
        unlist(taking);
    bool is_ours = fleet_is_self(fleet, owner);
    if (taking->places == NULL)
        end(taking, TAKEN_UNKNOWN);
    else if (fleet_item(fleet, kind_of(taking), id_of(taking)) != NULL ||
             !fleet_owner_is_gone(fleet, owner))
        end(taking, TAKEN_ELSEWHERE);
    else if (fleet_is_ghost(fleet, kind_of(taking), id_of(taking), &record->version))
        end(taking, TAKEN_ABSENT);
    else if (taking->has_ended)
        remove_ended(taking, &record->version);
    else if (taking->how == TAKE_VERIFY)
        end(taking, TAKEN_ELSEWHERE);
    else if (fleet_can_take(fleet) && taking->places->is_here &&
             !is_shunned(taking, record->version.epoch))
        take_it(taking, record);
    else if (is_ours && fleet->now_ms >= fleet->settled_ms)
        give_back(taking, &record->version, false);
    else
        end(taking, TAKEN_NOT_HERE);
}

static void get_answered(void *owner, enum store_result result, const struct store_record *record)
{
    struct taking *taking = owner;
    struct fleet *fleet = taking->fleet;
    switch (result) {
    case STORE_DONE:
        saw(taking, record);
        break;
    case STORE_ABSENT:
        unlist(taking);
        end(taking, TAKEN_ABSENT);
        break;
    case STORE_CONFLICT:
    case STORE_AWAY:
    case STORE_FAILED:
        end(taking, TAKEN_UNKNOWN);
        break;
    }
    fleet_pump(fleet);
}

struct taking *fleet_take(struct fleet *fleet, enum store_kind kind, struct text id,
    enum take_how how, struct sweep *sweep)
{
    if (!fleet->is_ready || !fleet->is_joined || fleet->leaving != LEAVE_NOT)
        return NULL;
    struct taking *taking = calloc(1, sizeof(*taking) + 1 + id.len);
    if (taking == NULL)
        return NULL;
    taking->fleet = fleet;
    taking->how = how;
    taking->sweep = sweep;
    taking->key_len = 1 + id.len;
    list_init(&taking->finds);
    map_put(&fleet->takings, &taking->by_id, memo_key(taking->key, kind, id));
    list_push_back(&fleet->taking_list, &taking->link);
    fleet->taking_count++;
    if (fleet->store->ops->get(fleet->store, kind, id, how == TAKE_RESTORE, get_answered, taking))
        return taking;
    free_taking(taking);
    return NULL;
}
