/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/next_hop_table.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "base/cache_line.h"
#include "base/list.h"
#include "xdp/neighbours.h"

enum {
    SOON_MS = 5,                        /* how long a cache keeps what is about to change */
    KEPT_MS = 1000,                     /* and an answer that is not READY */
    EVICT_MS = 2 * NEXT_HOP_CONFIRM_MS, /* no cache has a copy of an entry unused for that long */
};

struct entry {
    struct map_node node;
    struct next_hop_id id;
    struct list used;  /* in the table's list */
    struct list asked; /* in the table's list, while it waits to be taken */
    bool is_taken;     /* and not answered yet */

    struct next_hop_answer answer; /* its state never READY */
    struct neighbour *neighbour;   /* of an answer WAITING, else NULL */
    uint64_t epoch;                /* of the answer; another than the table's: UNKNOWN */

    uint64_t used_ms;
    uint64_t confirm_ms; /* when a packet has to go through the kernel */
    uint64_t answered_ms;
    uint64_t again_ms; /* when it is to be asked for again */
    unsigned failures; /* answers of no use, one after the other */
};

struct next_hops {
    _Alignas(CACHE_LINE) _Atomic uint32_t generation; /* read for each packet */
    _Alignas(CACHE_LINE) uv_mutex_t lock;             /* over all that follows */
    struct map entries;
    struct map neighbours;
    size_t keys_max;
    uint64_t epoch;                      /* of the routes; from 1 on */
    struct list used;                    /* entries, the longest unused first */
    struct list asked;                   /* entries that are to be asked for */
    size_t counts[NEXT_HOP_STATE_COUNT]; /* entries known in this epoch */
    void (*wake)(void *arg);
    void *wake_arg;
};

struct next_hops *next_hops_new(size_t keys_max)
{
    struct next_hops *hops = cache_line_calloc(1, sizeof(*hops));
    if (hops == NULL)
        return NULL;
    if (uv_mutex_init(&hops->lock) != 0) {
        free(hops);
        return NULL;
    }
    hops->keys_max = keys_max > 0 ? keys_max : NEXT_HOP_KEYS_MAX;
    hops->epoch = 1;
    map_init(&hops->entries);
    map_init(&hops->neighbours);
    list_init(&hops->used);
    list_init(&hops->asked);
    return hops;
}

const _Atomic uint32_t *next_hops_generation(const struct next_hops *hops)
{
    return &hops->generation;
}

size_t next_hops_keys_max(const struct next_hops *hops)
{
    return hops->keys_max;
}

static void move_generation(struct next_hops *hops)
{
    atomic_fetch_add_explicit(&hops->generation, 1, memory_order_relaxed);
}

/* --- neighbours ------------------------------------------------------------------------------- */

static enum next_hop_state state_by(const struct neighbour *n)
{
    return n->is_usable ? NEXT_HOP_READY : NEXT_HOP_WAITING;
}

static void set_mac(struct next_hops *hops, struct neighbour *n, const uint8_t *mac)
{
    bool is_usable = mac != NULL;
    size_t current = n->epoch == hops->epoch ? n->current : 0;
    if (is_usable == n->is_usable && (!is_usable || memcmp(n->mac, mac, sizeof(n->mac)) == 0))
        return;

    if (n->is_usable && current > 0)
        move_generation(hops);
    hops->counts[state_by(n)] -= current;
    n->is_usable = is_usable;
    if (is_usable)
        memcpy(n->mac, mac, sizeof(n->mac));
    hops->counts[state_by(n)] += current;
}

void next_hops_set_neighbour(
    struct next_hops *hops, const struct next_hop_via *via, const uint8_t *mac)
{
    uv_mutex_lock(&hops->lock);
    struct neighbour *n = mac != NULL ? neighbours_get(&hops->neighbours, via)
                                      : neighbours_find(&hops->neighbours, via);
    if (n != NULL) {
        set_mac(hops, n, mac);
        neighbours_let_go(&hops->neighbours, n);
    }
    uv_mutex_unlock(&hops->lock);
}

void next_hops_forget_neighbours(struct next_hops *hops)
{
    uv_mutex_lock(&hops->lock);
    map_for_each (at, &hops->neighbours) {
        struct neighbour *n = CONTAINER_OF(at, struct neighbour, node.link);
        set_mac(hops, n, NULL);
        neighbours_let_go(&hops->neighbours, n);
    }
    uv_mutex_unlock(&hops->lock);
}

/* --- entries ---------------------------------------------------------------------------------- */

static struct entry *find_entry(const struct next_hops *hops, const struct next_hop_id *id)
{
    struct map_node *node = map_find(&hops->entries, bytes_of(id, sizeof(*id)));
    return node != NULL ? CONTAINER_OF(node, struct entry, node) : NULL;
}

static enum next_hop_state state_of(const struct next_hops *hops, const struct entry *e)
{
    if (e->epoch != hops->epoch)
        return NEXT_HOP_UNKNOWN;
    return e->neighbour != NULL ? state_by(e->neighbour) : e->answer.state;
}

static struct next_hop hop_of(const struct next_hops *hops, const struct entry *e)
{
    struct next_hop hop = {.state = (uint8_t)state_of(hops, e), .family = e->id.family};
    if (hop.state != NEXT_HOP_READY)
        return hop;
    hop.mtu = e->answer.mtu;
    hop.ifindex = e->answer.via.ifindex;
    memcpy(hop.source, e->answer.source, sizeof(hop.source));
    memcpy(hop.destination, e->neighbour->mac, sizeof(hop.destination));
    return hop;
}

/* Takes the entry, while its answer is of this epoch, into the counts. */
static void count_in(struct next_hops *hops, struct entry *e)
{
    struct neighbour *n = e->neighbour;
    hops->counts[state_of(hops, e)]++;
    if (n == NULL)
        return;
    if (n->epoch != hops->epoch)
        n->current = 0;
    n->epoch = hops->epoch;
    n->current++;
}

static void count_out(struct next_hops *hops, struct entry *e)
{
    if (e->epoch != hops->epoch)
        return;
    hops->counts[state_of(hops, e)]--;
    if (e->neighbour != NULL)
        e->neighbour->current--;
}

static void drop_neighbour(struct next_hops *hops, struct entry *e)
{
    struct neighbour *n = e->neighbour;
    if (n == NULL)
        return;
    e->neighbour = NULL;
    n->entries--;
    neighbours_let_go(&hops->neighbours, n);
}

static void remove_entry(struct next_hops *hops, struct entry *e)
{
    count_out(hops, e);
    drop_neighbour(hops, e);
    list_remove(&e->used);
    list_remove(&e->asked);
    map_remove(&hops->entries, &e->node);
    free(e);
}

/* The longest unused, when it is unused for `unused_ms`; else NULL. */
static struct entry *longest_unused(
    const struct next_hops *hops, uint64_t unused_ms, uint64_t now_ms)
{
    struct list *first = list_first(&hops->used);
    struct entry *e = first != NULL ? CONTAINER_OF(first, struct entry, used) : NULL;
    return e != NULL && e->used_ms + unused_ms <= now_ms ? e : NULL;
}

/* NULL when the table is full of what is in use, or when out of memory. */
static struct entry *add_entry(
    struct next_hops *hops, const struct next_hop_id *id, uint64_t now_ms)
{
    if (hops->entries.count >= hops->keys_max) {
        struct entry *idle = longest_unused(hops, EVICT_MS, now_ms);
        if (idle == NULL)
            return NULL;
        remove_entry(hops, idle);
    }
    struct entry *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return NULL;
    e->id = *id;
    map_put(&hops->entries, &e->node, bytes_of(&e->id, sizeof(e->id)));
    return e;
}

static void ask(struct next_hops *hops, struct entry *e)
{
    if (e->is_taken || list_is_linked(&e->asked))
        return;
    bool is_first = list_is_empty(&hops->asked);
    list_push_back(&hops->asked, &e->asked);
    if (is_first && hops->wake != NULL)
        hops->wake(hops->wake_arg);
}

/* --- for caches ------------------------------------------------------------------------------- */

/* A packet that is not sent as a frame is one that the kernel sees. */
static void look_at(
    struct next_hops *hops, struct entry *e, uint64_t now_ms, struct next_hop_found *out)
{
    e->used_ms = now_ms;
    list_remove(&e->used);
    list_push_back(&hops->used, &e->used);
    if (e->epoch != hops->epoch || now_ms >= e->again_ms)
        ask(hops, e);

    bool is_asked = e->is_taken || list_is_linked(&e->asked);
    out->hop = hop_of(hops, e);
    out->must_confirm = out->hop.state == NEXT_HOP_READY && now_ms >= e->confirm_ms;
    if (out->hop.state != NEXT_HOP_READY || out->must_confirm)
        e->confirm_ms = now_ms + NEXT_HOP_CONFIRM_MS;

    if (out->hop.state == NEXT_HOP_READY)
        out->good_until_ms = e->confirm_ms;
    else if (out->hop.state == NEXT_HOP_WAITING || is_asked)
        out->good_until_ms = now_ms + SOON_MS;
    else
        out->good_until_ms = e->again_ms < now_ms + KEPT_MS ? e->again_ms : now_ms + KEPT_MS;
}

void next_hops_look_up(struct next_hops *hops, const struct next_hop_id *id, uint64_t now_ms,
    struct next_hop_found *out)
{
    uv_mutex_lock(&hops->lock);
    struct entry *e = find_entry(hops, id);
    if (e == NULL)
        e = add_entry(hops, id, now_ms);
    *out = (struct next_hop_found){
        .hop = {.state = NEXT_HOP_TOO_MANY, .family = id->family},
        .good_until_ms = now_ms + KEPT_MS,
        .generation = atomic_load_explicit(&hops->generation, memory_order_relaxed),
    };
    if (e != NULL)
        look_at(hops, e, now_ms, out);
    uv_mutex_unlock(&hops->lock);
}

uint64_t next_hops_look_again(struct next_hops *hops, const struct next_hop_id *id, uint64_t now_ms)
{
    uint64_t at_ms = now_ms;
    uv_mutex_lock(&hops->lock);
    struct entry *e = find_entry(hops, id);
    if (e != NULL) {
        at_ms = e->answered_ms + NEXT_HOP_RETRY_MS;
        if (e->again_ms > at_ms)
            e->again_ms = at_ms;
        if (now_ms >= at_ms)
            ask(hops, e);
    }
    uv_mutex_unlock(&hops->lock);
    return at_ms;
}

/* --- for the control thread ------------------------------------------------------------------- */

void next_hops_listen(struct next_hops *hops, void (*wake)(void *arg), void *arg)
{
    uv_mutex_lock(&hops->lock);
    hops->wake = wake;
    hops->wake_arg = arg;
    if (wake != NULL && !list_is_empty(&hops->asked))
        wake(arg);
    uv_mutex_unlock(&hops->lock);
}

static struct next_hop_key key_of(const struct next_hop_id *id)
{
    return (struct next_hop_key){
        .local = address_from_ip(id->family, id->ip, 0),
        .remote = address_from_ip(id->family, id->ip + 16, 0),
    };
}

size_t next_hops_take(struct next_hops *hops, struct next_hop_request *out, size_t max)
{
    size_t count = 0;
    struct list *first;
    uv_mutex_lock(&hops->lock);
    while (count < max && (first = list_pop_front(&hops->asked)) != NULL) {
        struct entry *e = CONTAINER_OF(first, struct entry, asked);
        e->is_taken = true;
        out[count++] = (struct next_hop_request){.key = key_of(&e->id), .epoch = hops->epoch};
    }
    uv_mutex_unlock(&hops->lock);
    return count;
}

static unsigned pause_after(unsigned failures)
{
    unsigned pause_ms = NEXT_HOP_RETRY_MS;
    while (failures-- > 1 && pause_ms < NEXT_HOP_RETRY_MAX_MS)
        pause_ms *= 2;
    return pause_ms < NEXT_HOP_RETRY_MAX_MS ? pause_ms : NEXT_HOP_RETRY_MAX_MS;
}

static void take_answer(
    struct next_hops *hops, struct entry *e, const struct next_hop_answer *answer, uint64_t now_ms)
{
    struct neighbour *before = e->neighbour;
    struct neighbour *n =
        answer->state == NEXT_HOP_WAITING ? neighbours_get(&hops->neighbours, &answer->via) : NULL;
    count_out(hops, e);
    e->answer = *answer;
    if (answer->state == NEXT_HOP_WAITING && n == NULL)
        e->answer.state = NEXT_HOP_NO_ROUTE; /* out of memory */
    if (n != NULL)
        n->entries++;
    if (before != NULL)
        drop_neighbour(hops, e);
    e->neighbour = n;
    e->epoch = hops->epoch;
    count_in(hops, e);

    e->failures = e->answer.state == NEXT_HOP_NO_ROUTE ? e->failures + 1 : 0;
    e->answered_ms = now_ms;
    e->again_ms = now_ms + (e->failures > 0 ? pause_after(e->failures) : NEXT_HOP_RENEW_MS);
}

void next_hops_answer(struct next_hops *hops, const struct next_hop_request *request,
    const struct next_hop_answer *answer, uint64_t now_ms)
{
    assert(answer->state != NEXT_HOP_READY && answer->state != NEXT_HOP_UNKNOWN);
    struct next_hop_id id = next_hop_id_of(&request->key.local, &request->key.remote);
    uv_mutex_lock(&hops->lock);
    struct entry *e = find_entry(hops, &id);
    if (e != NULL) {
        e->is_taken = false;
        if (request->epoch == hops->epoch) {
            struct next_hop before = hop_of(hops, e);
            take_answer(hops, e, answer, now_ms);
            struct next_hop after = hop_of(hops, e);
            if (before.state == NEXT_HOP_READY && memcmp(&before, &after, sizeof(after)) != 0)
                move_generation(hops);
        } else {
            ask(hops, e);
        }
    }
    uv_mutex_unlock(&hops->lock);
}

void next_hops_forget_routes(struct next_hops *hops)
{
    uv_mutex_lock(&hops->lock);
    hops->epoch++;
    memset(hops->counts, 0, sizeof(hops->counts));
    move_generation(hops);
    uv_mutex_unlock(&hops->lock);
}

void next_hops_expire(struct next_hops *hops, uint64_t now_ms)
{
    struct entry *e;
    uv_mutex_lock(&hops->lock);
    while ((e = longest_unused(hops, NEXT_HOP_UNUSED_MS, now_ms)) != NULL)
        remove_entry(hops, e);
    uv_mutex_unlock(&hops->lock);
}

void next_hops_count(struct next_hops *hops, size_t out[NEXT_HOP_STATE_COUNT])
{
    uv_mutex_lock(&hops->lock);
    size_t unknown = hops->entries.count;
    for (size_t i = 0; i < NEXT_HOP_STATE_COUNT; i++) {
        out[i] = hops->counts[i];
        unknown -= out[i];
    }
    out[NEXT_HOP_UNKNOWN] = unknown;
    uv_mutex_unlock(&hops->lock);
}

void next_hops_free(struct next_hops *hops)
{
    if (hops == NULL)
        return;
    map_for_each (at, &hops->entries)
        remove_entry(hops, CONTAINER_OF(at, struct entry, node.link));
    next_hops_forget_neighbours(hops);
    map_done(&hops->entries);
    map_done(&hops->neighbours);
    uv_mutex_destroy(&hops->lock);
    free(hops);
}
