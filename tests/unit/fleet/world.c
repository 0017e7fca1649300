/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { ID_BITS = 20 };

struct text world_id(unsigned id, char out[16])
{
    return text_of(out, (size_t)snprintf(out, 16, "c%u", id));
}

struct text world_name(unsigned node, char out[16])
{
    return text_of(out, (size_t)snprintf(out, 16, "n%u", node));
}

static unsigned id_of(struct text id)
{
    uint64_t number = 0;
    bool ok = text_to_u64(text_skip(id, 1), WORLD_IDS - 1, &number);
    assert(ok);
    (void)ok;
    return (unsigned)number;
}

bool world_has_group(const struct world *world, unsigned node, unsigned group)
{
    return world->addresses[group][0] == (int)node && world->addresses[group][1] == (int)node;
}

/* --- telling --- */

static void say_call(const struct world *world, unsigned node, const char *what, unsigned id)
{
    if (world->is_loud)
        printf("# %7lu n%u: c%u %s\n", (unsigned long)world->now_ms, node, id, what);
}

static void say(const struct world *world, const char *what, unsigned node)
{
    if (world->is_loud)
        printf("# %7lu n%u: %s\n", (unsigned long)world->now_ms, node, what);
}

/* --- the holder --- */

static unsigned id_of_handle(uint64_t handle)
{
    return (unsigned)(handle & ((1U << ID_BITS) - 1));
}

static struct live *live_of(struct world_node *node, uint64_t handle)
{
    struct live *live = &node->live[id_of_handle(handle)];
    return handle != 0 && live->handle == handle ? live : NULL;
}

static uint64_t make_live(
    struct world_node *node, unsigned id, unsigned incarnation, unsigned group)
{
    uint64_t handle = ++node->handles << ID_BITS | id;
    node->live[id] = (struct live){.handle = handle, .incarnation = incarnation, .group = group};
    return handle;
}

static void answer_save(struct world_node *node, const struct pending_save *save)
{
    struct world *world = node->world;
    struct live *live = live_of(node, save->handle);
    if (live == NULL || (live->is_leaving && save->how == FLEET_SAVE_COPY)) {
        fleet_saved(node->fleet, STORE_CALL, save->handle, NULL, world->now_ms);
        return;
    }
    char id[16], record[64], places[64];
    unsigned number = id_of_handle(save->handle);
    struct fleet_saved saved = {.id = world_id(number, id)};
    saved.places = text_of(places,
        (size_t)snprintf(places, sizeof(places), "10.0.%u.1 10.0.%u.2", live->group, live->group));
    saved.record = bytes_of(record, (size_t)snprintf(record, sizeof(record), "%u %u %u %u", number,
                                        live->incarnation, live->group, ++world->saves));
    if (save->how == FLEET_SAVE_AND_END) {
        say_call(world, node->number, "is saved for good", number);
        if (world->truths[number].incarnation == live->incarnation)
            world->truths[number].memory_of = (int)node->number;
        live->handle = 0;
    }
    fleet_saved(node->fleet, STORE_CALL, save->handle, &saved, world->now_ms);
}

static int hold_save(void *owner, uint64_t handle, enum fleet_save how)
{
    struct world_node *node = owner;
    struct live *live = live_of(node, handle);
    node->saves_asked++;
    if (live == NULL || live->is_leaving || node->save_count == WORLD_MAX_SAVES)
        return -1;
    live->is_leaving = how == FLEET_SAVE_AND_END;
    struct pending_save save = {handle, how, node->world->now_ms + node->save_delay_ms};
    if (node->save_delay_ms == 0 && how == FLEET_SAVE_COPY) {
        answer_save(node, &save);
        return 0;
    }
    node->saves[(node->save_first + node->save_count++) % WORLD_MAX_SAVES] = save;
    return 0;
}

/* The same record gone on from twice in the same way: one key stream for two packets. */
static void note_restored(struct world *world, unsigned save, unsigned takes)
{
    if (save >= world->restored_size) {
        size_t size = (save + 1) * 2;
        world->restored = realloc(world->restored, size * sizeof(*world->restored));
        assert(world->restored != NULL);
        memset(world->restored + world->restored_size, 0,
            (size - world->restored_size) * sizeof(*world->restored));
        world->restored_size = size;
    }
    uint32_t bit = UINT32_C(1) << (takes < 31 ? takes : 31);
    if ((world->restored[save] & bit) != 0 && takes < 31) {
        printf("# record %u was gone on from twice, takes %u\n", save, takes);
        abort();
    }
    world->restored[save] |= bit;
}

static enum fleet_restored hold_restore(
    void *owner, struct bytes record, unsigned takes, uint64_t *handle)
{
    struct world_node *node = owner;
    unsigned id, incarnation, group, save;
    char text[64] = "";
    assert(record.len < sizeof(text));
    memcpy(text, record.data, record.len);
    if (sscanf(text, "%u %u %u %u", &id, &incarnation, &group, &save) != 4)
        return FLEET_REFUSED;
    if (node->refuses != FLEET_RESTORED)
        return node->refuses;
    if (!world_has_group(node->world, node->number, group))
        return FLEET_NOT_HERE;
    if (node->live[id].handle != 0) {
        *handle = node->live[id].is_leaving ? 0 : node->live[id].handle;
        return FLEET_KNOWN;
    }
    note_restored(node->world, save, takes);
    node->restores++;
    say_call(node->world, node->number, "is restored", id);
    *handle = make_live(node, id, incarnation, group);
    struct truth *truth = &node->world->truths[id];
    if (truth->incarnation == incarnation)
        truth->memory_of = -1;
    /* Who ended it was gone before the store heard of that. */
    bool was_told = truth->ended_by == (int)node->number && truth->ended_instance == node->instance;
    if (!truth->is_alive && !was_told)
        truth->may_be_ghost = true;
    return FLEET_RESTORED;
}

static void hold_drop(void *owner, uint64_t handle)
{
    struct world_node *node = owner;
    struct live *live = live_of(node, handle);
    assert(live != NULL);
    live->handle = 0;
    node->drops++;
    say_call(node->world, node->number, "is dropped", id_of_handle(handle));
}

/* --- the host --- */

static bool is_here(void *owner, const struct address *ip)
{
    const struct world_node *node = owner;
    return node->world->addresses[ip->ip[2]][ip->ip[3] - 1] == (int)node->number;
}

static const char *const event_words[] = {"store-up", "store-down", "name-taken", "joined",
    "node-up", "node-down", "taking", "took", "taken-all", "take-refused", "lost", "released",
    "usurped", "write-failed", "writes-work"};

static void note_event(void *owner, const struct fleet_event *event)
{
    struct world_node *node = owner;
    node->events[event->kind]++;
    if (event->kind == FLEET_RELEASED || event->kind == FLEET_LOST)
        if (node->world->truths[id_of(event->id)].memory_of == (int)node->number)
            node->world->truths[id_of(event->id)].memory_of = -1;
    if (event->kind == FLEET_TOOK) {
        node->last_took_ms = node->world->now_ms;
        if (node->first_took_ms == 0)
            node->first_took_ms = node->world->now_ms;
    }
    if (node->world->is_loud)
        printf("# %7lu n%u %s node=%.*s id=%.*s count=%lu ms=%lu\n",
            (unsigned long)node->world->now_ms, node->number, event_words[event->kind],
            TEXT_ARG(event->node), TEXT_ARG(event->id), (unsigned long)event->count,
            (unsigned long)event->ms);
}

static void wake(void *owner, uint64_t due_ms)
{
    struct world_node *node = owner;
    if (due_ms < node->tick_ms)
        node->tick_ms = due_ms;
}

/* --- nodes --- */

struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof(*world));
    assert(world != NULL);
    world->memory = store_memory_new();
    world->truths = calloc(WORLD_IDS, sizeof(*world->truths));
    world->now_ms = 1000;
    for (unsigned i = 0; i < WORLD_IDS; i++)
        world->truths[i].memory_of = world->truths[i].ended_by = -1;
    for (unsigned i = 0; i < WORLD_GROUPS; i++)
        world->addresses[i][0] = world->addresses[i][1] = WORLD_NOWHERE;
    for (unsigned i = 0; i < WORLD_NODES; i++) {
        struct world_node *node = &world->nodes[i];
        node->world = world;
        node->number = node->named = i;
        node->live = calloc(WORLD_IDS, sizeof(*node->live));
        node->spool = calloc(WORLD_IDS, sizeof(*node->spool));
        node->refuses = FLEET_RESTORED;
        assert(node->live != NULL && node->spool != NULL);
    }
    return world;
}

static void come_back(struct world *world, struct world_node *node)
{
    char name[16];
    for (unsigned id = 0; id < world->ids; id++) {
        struct live *spooled = &node->spool[id];
        if (spooled->handle == 0)
            continue;
        uint64_t handle = make_live(node, id, spooled->incarnation, spooled->group);
        fleet_returned(node->fleet, STORE_CALL, handle, world_id(id, name), world->now_ms);
    }
    memset(node->spool, 0, WORLD_IDS * sizeof(*node->spool));
    node->has_spool = false;
}

void world_start(struct world *world, unsigned number)
{
    struct world_node *node = &world->nodes[number];
    char name[16], instance[16];
    assert(!node->is_running);
    say(world, "starts", number);
    node->instance = ++world->instances;
    node->view = store_memory_view(world->memory);
    struct fleet_config config = {
        .store = node->view,
        .name = world_name(node->named, name),
        .instance =
            text_of(instance, (size_t)snprintf(instance, sizeof(instance), "i%u", node->instance)),
        .version = TEXT("1.0"),
        .lease_ms = WORLD_LEASE_MS,
        .host = {.owner = node, .is_here = is_here, .event = note_event, .wake = wake},
    };
    if (!address_parse_with_port(TEXT("192.0.2.1:2223"), 0, &config.ng))
        abort();
    config.ng.ip[3] = (uint8_t)(number + 1);
    for (size_t i = 0; i < STORE_KINDS; i++)
        config.holders[i] = (struct fleet_holder){node, hold_save, hold_restore, hold_drop};
    node->fleet = fleet_new(&config, world->now_ms);
    assert(node->fleet != NULL);
    node->is_running = true;
    node->is_frozen = node->is_away = node->has_left = false;
    node->save_count = 0;
    node->tick_ms = world->now_ms;
    if (node->has_spool)
        come_back(world, node);
    fleet_store_ready(node->fleet, true, world->now_ms);
}

static void stop(struct world_node *node)
{
    node->is_running = false;
    for (unsigned id = 0; id < node->world->ids; id++)
        if (node->world->truths[id].memory_of == (int)node->number)
            node->world->truths[id].memory_of = -1;
    memset(node->live, 0, WORLD_IDS * sizeof(*node->live));
    node->view->ops->close(node->view);
    fleet_free(node->fleet);
    node->view = NULL;
    node->fleet = NULL;
}

/* --- what may be lost for good --- */

struct seen {
    bool is_there;
    unsigned incarnation;
};

static void see_record(void *owner, enum store_kind kind, const struct store_record *record)
{
    struct seen *seen = owner;
    unsigned id, incarnation = 0;
    char text[64] = "";
    (void)kind;
    memcpy(text, record->record.data, record->record.len);
    if (sscanf(text, "%u %u", &id, &incarnation) == 2)
        seen[id] = (struct seen){true, incarnation};
}

static bool is_carried(const struct world *world, unsigned id, unsigned incarnation)
{
    for (unsigned i = 0; i < WORLD_NODES; i++) {
        const struct world_node *node = &world->nodes[i];
        const struct live *live = &node->live[id];
        if (node->is_running && live->handle != 0 && live->incarnation == incarnation)
            return true;
        if (node->has_spool && node->spool[id].handle != 0 &&
            node->spool[id].incarnation == incarnation)
            return true;
    }
    return false;
}

/* After a blow: who is nowhere any more cannot come back, and what had ended may. */
static void judge(struct world *world)
{
    struct seen *seen = calloc(WORLD_IDS, sizeof(*seen));
    assert(seen != NULL);
    store_memory_walk(world->memory, see_record, seen);
    for (unsigned id = 0; id < world->ids; id++) {
        struct truth *truth = &world->truths[id];
        bool is_kept = truth->memory_of >= 0 && world->nodes[truth->memory_of].is_running;
        bool is_stored = seen[id].is_there && seen[id].incarnation == truth->incarnation;
        if (truth->is_alive && !is_kept && !is_stored && !is_carried(world, id, truth->incarnation))
            truth->may_be_lost = true;
        bool is_known = truth->ended_by >= 0 && world->nodes[truth->ended_by].is_running &&
                        world->nodes[truth->ended_by].instance == truth->ended_instance;
        if (!truth->is_alive && seen[id].is_there && !is_known)
            truth->may_be_ghost = true;
    }
    free(seen);
}

void world_kill(struct world *world, unsigned number)
{
    say(world, "killed", number);
    stop(&world->nodes[number]);
    judge(world);
}

static void went_aside(void *owner)
{
    struct world_node *node = owner;
    node->has_left = true;
}

void world_step_aside(struct world *world, unsigned number)
{
    struct world_node *node = &world->nodes[number];
    say(world, "steps aside", number);
    memcpy(node->spool, node->live, WORLD_IDS * sizeof(*node->spool));
    node->has_spool = true;
    fleet_step_aside(node->fleet, 2000, 100, world->now_ms, went_aside, node);
    while (!node->has_left)
        world_step(world);
    stop(node);
    judge(world);
}

void world_leave(struct world *world, unsigned number, uint64_t wait_ms)
{
    struct world_node *node = &world->nodes[number];
    say(world, "leaves", number);
    fleet_leave(node->fleet, wait_ms, world->now_ms, went_aside, node);
    while (!node->has_left)
        world_step(world);
    stop(node);
    judge(world);
}

void world_freeze(struct world *world, unsigned number, bool is_frozen)
{
    struct world_node *node = &world->nodes[number];
    say(world, is_frozen ? "freezes" : "goes on", number);
    node->is_frozen = is_frozen;
    store_memory_break(node->view, is_frozen ? STORE_MEMORY_FROZEN : STORE_MEMORY_WORKS, 0);
}

void world_link(struct world *world, unsigned number, enum store_memory_way way, uint64_t delay_ms)
{
    static const char *const words[] = {"link works", "link is cut", "link loses answers",
        "link is frozen", "store is full", "store is read-only"};
    struct world_node *node = &world->nodes[number];
    say(world, words[way], number);
    store_memory_break(node->view, way, delay_ms);
    bool is_away = way == STORE_MEMORY_AWAY;
    if (is_away != node->is_away)
        fleet_store_ready(node->fleet, !is_away, world->now_ms);
    node->is_away = is_away;
}

void world_move(struct world *world, unsigned group, int node)
{
    if (world->is_loud)
        printf("# %7lu group %u moves to n%d\n", (unsigned long)world->now_ms, group, node);
    world->addresses[group][0] = world->addresses[group][1] = node;
}

/* --- the store's misfortunes --- */

static void forget_restored(struct world *world)
{
    if (world->restored_size > 0)
        memset(world->restored, 0, world->restored_size * sizeof(*world->restored));
}

void world_lose_all(struct world *world)
{
    say(world, "the store loses all", 0);
    store_memory_lose_all(world->memory);
    forget_restored(world); /* who wrote what is lost with it */
    judge(world);
}

struct kept {
    struct kept *next;
    bool is_free;
    uint64_t epoch;
    size_t record_len;
    char owner[16], id[16], places[64], record[64];
};

struct world_picture {
    struct kept *first;
};

static void keep_record(void *owner, enum store_kind kind, const struct store_record *record)
{
    struct world_picture *picture = owner;
    (void)kind;
    struct kept *kept = calloc(1, sizeof(*kept));
    assert(kept != NULL);
    kept->is_free = record->version.owner.len == 0;
    kept->epoch = record->version.epoch;
    memcpy(kept->owner, record->version.owner.data, record->version.owner.len);
    memcpy(kept->id, record->id.data, record->id.len);
    memcpy(kept->places, record->places.data, record->places.len);
    memcpy(kept->record, record->record.data, record->record.len);
    kept->record_len = record->record.len;
    kept->next = picture->first;
    picture->first = kept;
}

struct world_picture *world_picture(struct world *world)
{
    struct world_picture *picture = calloc(1, sizeof(*picture));
    assert(picture != NULL);
    store_memory_walk(world->memory, keep_record, picture);
    return picture;
}

static void was_put(void *owner, enum store_result result, const struct store_version *other)
{
    (void)owner;
    (void)other;
    assert(result == STORE_DONE);
    (void)result;
}

void world_go_back(struct world *world, const struct world_picture *picture)
{
    say(world, "the store goes back", 0);
    /* The others see it only when it is whole again. */
    bool was_away[WORLD_NODES];
    for (unsigned i = 0; i < WORLD_NODES; i++) {
        was_away[i] = world->nodes[i].is_running ? world->nodes[i].is_away : true;
        if (!was_away[i])
            world_link(world, i, STORE_MEMORY_AWAY, 0);
    }
    store_memory_lose_all(world->memory);
    struct store *view = store_memory_view(world->memory);
    for (const struct kept *kept = picture->first; kept != NULL; kept = kept->next) {
        struct store_put put = {
            .kind = STORE_CALL,
            .id = text_from(kept->id),
            .owner = kept->is_free ? TEXT("nobody") : text_from(kept->owner),
            .epoch = kept->epoch,
            .places = text_from(kept->places),
            .record = bytes_of(kept->record, kept->record_len),
            .is_free = kept->is_free,
        };
        if (!view->ops->put(view, &put, was_put, NULL))
            abort();
        store_memory_deliver(world->memory, world->now_ms);
    }
    view->ops->close(view);
    forget_restored(world);
    for (unsigned i = 0; i < WORLD_NODES; i++)
        if (!was_away[i])
            world_link(world, i, STORE_MEMORY_WORKS, 0);
    judge(world);
    for (unsigned id = 0; id < world->ids; id++) {
        int owner = world->truths[id].is_alive ? -2 : world_owner(world, id);
        if (owner != -2 && owner != world->truths[id].ended_by)
            world->truths[id].may_be_ghost = true;
    }
}

void world_picture_free(struct world_picture *picture)
{
    while (picture != NULL && picture->first != NULL) {
        struct kept *first = picture->first;
        picture->first = first->next;
        free(first);
    }
    free(picture);
}

/* --- calls --- */

void world_begin(struct world *world, unsigned number, unsigned id, unsigned group)
{
    struct world_node *node = &world->nodes[number];
    char name[16];
    struct truth *truth = &world->truths[id];
    if (id >= world->ids)
        world->ids = id + 1;
    unsigned incarnation = truth->incarnation + 1;
    say_call(world, number, "begins", id);
    *truth = (struct truth){.is_alive = true,
        .incarnation = incarnation,
        /* When the answer to its first write is lost as well, the older ones are in its way. */
        .may_be_lost = truth->incarnation > 0,
        .is_contested = truth->is_alive || truth->may_be_ghost || truth->is_contested,
        .memory_of = -1,
        .ended_by = -1};
    uint64_t handle = make_live(node, id, incarnation, group);
    fleet_changed(node->fleet, STORE_CALL, handle, world_id(id, name), world->now_ms);
}

void world_change(struct world *world, unsigned number, unsigned id)
{
    struct world_node *node = &world->nodes[number];
    struct live *live = &node->live[id];
    char name[16];
    if (live->handle != 0 && !live->is_leaving)
        fleet_changed(node->fleet, STORE_CALL, live->handle, world_id(id, name), world->now_ms);
}

void world_end(struct world *world, unsigned number, unsigned id)
{
    struct world_node *node = &world->nodes[number];
    struct live *live = &node->live[id];
    struct truth *truth = &world->truths[id];
    if (live->handle == 0 || live->is_leaving)
        return;
    uint64_t handle = live->handle;
    say_call(world, number, "ends", id);
    if (live->incarnation == truth->incarnation) {
        truth->is_alive = false;
        truth->ended_by = (int)number;
        truth->ended_instance = node->instance;
        /* Another may have it already, or take it before it hears of this. */
        int owner = world_owner(world, id);
        truth->may_be_ghost = node->is_away || (owner != (int)number && owner != -2);
    }
    live->handle = 0;
    fleet_ended(node->fleet, STORE_CALL, handle, world->now_ms);
}

/* --- time --- */

static void step_node(struct world_node *node)
{
    uint64_t now = node->world->now_ms;
    while (node->save_count > 0 && node->saves[node->save_first].due_ms <= now) {
        struct pending_save save = node->saves[node->save_first];
        node->save_first = (node->save_first + 1) % WORLD_MAX_SAVES;
        node->save_count--;
        answer_save(node, &save);
    }
    if (now < node->tick_ms)
        return;
    node->tick_ms = now + FLEET_TICK_MS;
    fleet_tick(node->fleet, now);
}

void world_step(struct world *world)
{
    world->now_ms += WORLD_STEP_MS;
    for (unsigned i = 0; i < WORLD_NODES; i++)
        if (world->nodes[i].is_running && !world->nodes[i].is_frozen)
            step_node(&world->nodes[i]);
    store_memory_deliver(world->memory, world->now_ms);
}

void world_run(struct world *world, uint64_t ms)
{
    for (uint64_t end = world->now_ms + ms; world->now_ms < end;)
        world_step(world);
}

void world_free(struct world *world)
{
    for (unsigned i = 0; i < WORLD_NODES; i++) {
        if (world->nodes[i].is_running)
            stop(&world->nodes[i]);
        free(world->nodes[i].live);
        free(world->nodes[i].spool);
    }
    store_memory_free(world->memory);
    free(world->truths);
    free(world->restored);
    free(world);
}

/* --- what must be true --- */

struct owners {
    int *of;
    size_t count;
};

static void see_owner(void *owner, enum store_kind kind, const struct store_record *record)
{
    struct owners *owners = owner;
    (void)kind;
    uint64_t node = 0;
    owners->count++;
    if (record->version.owner.len == 0)
        owners->of[id_of(record->id)] = WORLD_NOWHERE;
    else if (text_to_u64(text_skip(record->version.owner, 1), 99, &node))
        owners->of[id_of(record->id)] = (int)node;
}

static struct owners owners_of(struct world *world)
{
    struct owners owners = {.of = calloc(WORLD_IDS, sizeof(int))};
    assert(owners.of != NULL);
    for (unsigned i = 0; i < WORLD_IDS; i++)
        owners.of[i] = -2;
    store_memory_walk(world->memory, see_owner, &owners);
    return owners;
}

int world_owner(struct world *world, unsigned id)
{
    struct owners owners = owners_of(world);
    int owner = owners.of[id];
    free(owners.of);
    return owner;
}

size_t world_records(struct world *world)
{
    struct owners owners = owners_of(world);
    free(owners.of);
    return owners.count;
}

size_t world_carried(const struct world *world, unsigned node)
{
    size_t count = 0;
    for (unsigned id = 0; id < world->ids; id++)
        count += world->nodes[node].live[id].handle != 0;
    return count;
}

static const char *wrong_with(const struct world *world, unsigned id, int owner)
{
    const struct truth *truth = &world->truths[id];
    int carrier = -1;
    for (unsigned i = 0; i < WORLD_NODES; i++) {
        const struct world_node *node = &world->nodes[i];
        if (node->live[id].handle == 0)
            continue;
        if (carrier >= 0)
            return "two nodes have it";
        if (!node->is_running || !world_has_group(world, i, node->live[id].group))
            return "it is where its addresses are not";
        carrier = (int)i;
    }
    if (carrier < 0 && owner != -2)
        return "a record without an item";
    if (carrier >= 0 && owner == -2)
        return "an item without a record";
    if (carrier >= 0 && owner != carrier)
        return "the record is another's";
    if (carrier < 0 && truth->is_alive && !truth->may_be_lost && !truth->is_contested)
        return "it is lost";
    if (carrier >= 0 && !truth->is_alive && !truth->may_be_ghost && !truth->is_contested)
        return "a ghost";
    if (carrier >= 0 && truth->is_alive && !truth->is_contested && !truth->may_be_lost &&
        world->nodes[carrier].live[id].incarnation != truth->incarnation)
        return "an older one of its id lives";
    return NULL;
}

const char *world_wrong(struct world *world)
{
    static char text[200];
    struct owners owners = owners_of(world);
    const char *why = NULL;
    for (unsigned id = 0; id < world->ids && why == NULL; id++) {
        why = wrong_with(world, id, owners.of[id]);
        if (why != NULL)
            snprintf(text, sizeof(text), "c%u: %s (owner %d)", id, why, owners.of[id]);
    }
    free(owners.of);
    return why != NULL ? text : NULL;
}
