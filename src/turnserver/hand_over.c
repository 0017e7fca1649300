/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/hand_over.h"

#include <stdlib.h>

#include "turnserver/datagrams.h"
#include "turnserver/doors.h"

struct parcel {
    struct message message;
    struct turn_path path;
    uint8_t tos;
    size_t len;
    uint8_t data[];
};

static void serve_handed(struct turn_worker *w, struct parcel *h)
{
    struct door *door = door_at(w, &h->path.server);
    struct packet *p = door == NULL ? NULL : worker_packet(w->worker);
    if (p == NULL)
        return;
    h->path.link = door->socket;
    p->socket = door->socket;
    p->peer = h->path.hop;
    p->tos = h->tos;
    if (!packet_set(p, bytes_of(h->data, h->len)))
        p->drop = DROP_TRUNCATED;
    else
        datagram_from_client(w, &h->path, p, (struct serving){.was_handed_over = true});
    if (!p->queued)
        worker_discard(w->worker, p);
}

static void deliver(struct message *self, void *owner)
{
    struct parcel *h = CONTAINER_OF(self, struct parcel, message);
    struct turn_worker *w = owner;
    atomic_fetch_sub_explicit(&w->server->handed[w->index], 1, memory_order_relaxed);
    serve_handed(w, h);
    free(h);
}

static bool post(
    struct turn_worker *w, unsigned to, const struct turn_path *path, const struct packet *p)
{
    struct parcel *h = malloc(sizeof(*h) + p->len);
    if (h == NULL)
        return false;
    *h = (struct parcel){.message.deliver = deliver, .path = *path, .tos = p->tos, .len = p->len};
    if (p->len > 0)
        memcpy(h->data, p->data, p->len);
    bool is_posted = post_to_worker(w->server, to, &h->message);
    if (!is_posted)
        free(h);
    return is_posted;
}

bool hand_over_datagram(
    struct turn_worker *w, unsigned to, const struct turn_path *path, struct packet *p)
{
    atomic_uint *waiting = &w->server->handed[to];
    bool is_full = atomic_fetch_add_explicit(waiting, 1, memory_order_relaxed) >= MAX_HANDED;
    if (is_full)
        p->drop = DROP_INSIDE_FULL;
    else
        counter_add(&w->counters.handed_over, 1); /* before an answer can be there */
    bool is_posted = !is_full && post(w, to, path, p);
    if (!is_posted)
        atomic_fetch_sub_explicit(waiting, 1, memory_order_relaxed);
    return is_posted || is_full;
}
