/* SPDX-License-Identifier: Apache-2.0 */
#include "net/inside.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "base/container.h"
#include "net/mailbox.h"

enum { PARCEL_SIZE = 4 << 10, PARCEL_MAX = 64 << 10 };

/* What goes to another worker with one message. Packets stay with their worker's pool, so their
 * bytes are copied. */
struct parcel {
    struct message message; /* first */
    unsigned count;
    size_t len, capacity;
    uint8_t items[];
};

struct item {
    struct address from, to;
    size_t len; /* of the data that follows */
    uint8_t tos;
};

int inside_init(struct inside *in, struct own_sockets *own, unsigned worker, struct pool *pool,
    struct packet_io_counters *counters)
{
    *in = (struct inside){.own = own, .worker = worker, .pool = pool, .counters = counters};
    in->end = &in->first;
    if (own == NULL)
        return 0;
    in->ports = own_sockets_ports(own);
    in->parcels = calloc(own_sockets_workers(own), sizeof(*in->parcels));
    return in->parcels != NULL ? 0 : -ENOMEM;
}

static void drop(struct inside *in, enum drop_reason reason)
{
    drop_count(&in->counters->drops, reason);
}

static struct packet *pop(struct inside *in)
{
    struct packet *p = in->first;
    in->first = p->next;
    if (in->first == NULL)
        in->end = &in->first;
    in->waiting--;
    return p;
}

void inside_done(struct inside *in)
{
    while (in->waiting > 0)
        packet_give(in->pool, pop(in));
    free(in->parcels);
}

/* --- packets that wait here --------------------------------------------------------------------
 */

/* Lets `p`, addressed by `match`, wait; takes it. */
static void let_wait(
    struct inside *in, struct packet *p, struct packet_socket *socket, const struct address *from)
{
    p->socket = socket;
    p->peer = *from;
    p->kind = PACKET_DATAGRAM;
    p->dont_fragment = false;
    p->drop = DROP_NONE;
    p->queued = false;
    p->user = NULL;
    p->next = NULL;
    if (!socket->want_tos)
        p->tos = 0;
    *in->end = p;
    in->end = &p->next;
    in->waiting++;
    socket->own.waiting++;
}

/* Gives the packet the room around its data that received ones have. */
static bool make_room(struct packet *p)
{
    if (packet_headroom(p) >= PACKET_HEADROOM && packet_tailroom(p) >= PACKET_TAILROOM)
        return true;
    return packet_set(p, packet_bytes(p));
}

static void take_for_here(struct inside *in, struct packet *p, struct packet_socket *socket,
    const struct address *from, uint8_t tos)
{
    if (in->waiting == INSIDE_WAITING || !make_room(p)) {
        drop(in, in->waiting == INSIDE_WAITING ? DROP_INSIDE_FULL : DROP_TRUNCATED);
        packet_give(in->pool, p);
        return;
    }
    counter_add(&in->counters->sent_packets, 1);
    counter_add(&in->counters->sent_bytes, p->len);
    counter_add(&in->counters->delivered_inside, 1);
    p->tos = tos;
    let_wait(in, p, socket, from);
}

unsigned inside_receive(struct inside *in, struct packet_batch *batch, unsigned limit)
{
    unsigned count = 0;
    uint64_t arrival_ns = in->waiting > 0 ? uv_hrtime() : 0;
    for (; in->waiting > 0 && count < limit && batch->count < PACKET_BATCH_MAX; count++) {
        struct packet *p = pop(in);
        p->socket->own.waiting--;
        p->arrival_ns = arrival_ns;
        counter_add(&in->counters->received_packets, 1);
        counter_add(&in->counters->received_bytes, p->len);
        batch->packets[batch->count++] = p;
    }
    return count;
}

void inside_forget(struct inside *in, struct packet_socket *socket)
{
    for (struct packet **at = &in->first; socket->own.waiting > 0;) {
        struct packet *p = *at;
        if (p->socket != socket) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        if (p->next == NULL)
            in->end = at;
        in->waiting--;
        socket->own.waiting--;
        drop(in, DROP_SOCKET_CLOSED);
        packet_give(in->pool, p);
    }
}

/* --- parcels -----------------------------------------------------------------------------------
 */

/* The socket may be gone by now; who has its address then is as good as any. */
static struct packet_socket *find_here(const struct inside *in, const struct address *to)
{
    struct own_match match;
    if (!own_sockets_find(in->own, to, &match) || match.worker != in->worker)
        return NULL;
    return CONTAINER_OF(match.socket, struct packet_socket, own);
}

static void unpack(struct inside *in, const struct item *item, const uint8_t *data)
{
    struct packet_socket *socket = find_here(in, &item->to);
    if (socket == NULL || in->waiting == INSIDE_WAITING) {
        drop(in, socket == NULL ? DROP_SOCKET_CLOSED : DROP_INSIDE_FULL);
        return;
    }
    struct packet *p = packet_take(in->pool);
    if (p == NULL || !packet_set(p, bytes_of(data, item->len))) {
        drop(in, p == NULL ? DROP_NO_MEMORY : DROP_TRUNCATED);
        packet_give(in->pool, p);
        return;
    }
    p->tos = item->tos;
    let_wait(in, p, socket, &item->from);
}

static void deliver(struct message *message, void *owner)
{
    struct parcel *parcel = (struct parcel *)message;
    struct inside *in = owner;
    for (size_t at = 0; at < parcel->len;) {
        struct item item;
        memcpy(&item, parcel->items + at, sizeof(item));
        unpack(in, &item, parcel->items + at + sizeof(item));
        at += sizeof(item) + item.len;
    }
    own_sockets_taken(in->own, in->worker, parcel->count);
    free(parcel);
}

static void post_parcel(struct inside *in, unsigned worker)
{
    struct parcel *parcel = in->parcels[worker];
    in->parcels[worker] = NULL;
    in->open_parcels--;

    unsigned count = parcel->count;
    size_t bytes = parcel->len - count * sizeof(struct item);
    parcel->message.deliver = deliver;
    if (own_sockets_post(in->own, worker, &parcel->message, count)) {
        counter_add(&in->counters->sent_packets, count);
        counter_add(&in->counters->sent_bytes, bytes);
        counter_add(&in->counters->delivered_inside, count);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        drop(in, DROP_INSIDE_FULL);
    free(parcel);
}

void inside_post(struct inside *in)
{
    for (unsigned worker = 0; in->open_parcels > 0; worker++)
        if (in->parcels[worker] != NULL)
            post_parcel(in, worker);
}

/* Returns the parcel for a worker with room for `len` more, or NULL. */
static struct parcel *parcel_for(struct inside *in, unsigned worker, size_t len)
{
    struct parcel *parcel = in->parcels[worker];
    if (parcel != NULL && parcel->capacity - parcel->len >= len)
        return parcel;
    if (parcel != NULL && parcel->len + len > PARCEL_MAX) {
        post_parcel(in, worker);
        parcel = NULL;
    }
    size_t used = parcel != NULL ? parcel->len : 0;
    size_t capacity = PARCEL_SIZE;
    while (capacity < used + len)
        capacity *= 2;
    struct parcel *larger = realloc(parcel, sizeof(*parcel) + capacity);
    if (larger == NULL)
        return NULL;
    if (parcel == NULL) {
        *larger = (struct parcel){.count = 0};
        in->open_parcels++;
    }
    larger->capacity = capacity;
    in->parcels[worker] = larger;
    return larger;
}

static void take_for_another(struct inside *in, unsigned worker, const struct packet *p,
    const struct address *from, uint8_t tos)
{
    struct item item = {.from = *from, .to = p->peer, .len = p->len, .tos = tos};
    struct parcel *parcel = parcel_for(in, worker, sizeof(item) + p->len);
    if (parcel == NULL) {
        drop(in, DROP_NO_MEMORY);
        return;
    }
    memcpy(parcel->items + parcel->len, &item, sizeof(item));
    memcpy(parcel->items + parcel->len + sizeof(item), p->data, p->len);
    parcel->len += sizeof(item) + p->len;
    parcel->count++;
}

/* --- what is for whom --------------------------------------------------------------------------
 */

/* As whom the sender is seen: in the form in which it addressed the other one. */
static const struct address *source_of(
    const struct packet_socket *sender, const struct own_match *match)
{
    return match->by_advertised ? &sender->own.advertised : &sender->own.bound;
}

bool inside_take(struct inside *in, struct packet *p)
{
    const struct packet_socket *sender = p->socket;
    struct own_match match;
    if (!inside_may_take(in, p) || !own_sockets_find(in->own, &p->peer, &match))
        return false;
    /* A closed one, or one with no address to be seen by: what is to be done the kernel knows. */
    const struct address *from = source_of(sender, &match);
    if (sender->user == NULL || from->family != p->peer.family || address_is_unspecified(from))
        return false;

    uint8_t tos = sender->want_tos ? p->tos : sender->tos;
    if (match.worker == in->worker) {
        take_for_here(in, p, CONTAINER_OF(match.socket, struct packet_socket, own), from, tos);
    } else {
        take_for_another(in, match.worker, p, from, tos);
        packet_give(in->pool, p);
    }
    return true;
}
