/* SPDX-License-Identifier: Apache-2.0 */
#include "net/own_sockets.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "base/cache_line.h"
#include "net/mailbox.h"

/* Ports that follow each other lie in different shards. */
enum { SHARDS = 64, PORTS = 1 << 16, PORTS_PER_SHARD = PORTS / SHARDS };

struct shard {
    _Alignas(CACHE_LINE) uv_mutex_t lock;
    struct own_socket *ports[PORTS_PER_SHARD]; /* chains of one port each */
};

struct member {
    _Alignas(CACHE_LINE) uv_mutex_t lock;
    struct mailbox *mailbox; /* NULL: not there */
    atomic_uint waiting;     /* packets that were posted and not yet taken */
};

struct own_sockets {
    struct own_ports ports;
    struct shard *shards;
    struct member *members;
    unsigned member_count;
};

static struct shard *shard_of(const struct own_sockets *own, uint16_t port)
{
    return &own->shards[port % SHARDS];
}

static struct own_socket **chain_of(struct shard *shard, uint16_t port)
{
    return &shard->ports[port / SHARDS];
}

static uint64_t bit_of(uint16_t port)
{
    return UINT64_C(1) << (port % 64);
}

static bool init_locks(struct own_sockets *own, unsigned workers)
{
    for (unsigned i = 0; i < SHARDS; i++)
        if (uv_mutex_init(&own->shards[i].lock) != 0)
            return false;
    for (; own->member_count < workers; own->member_count++)
        if (uv_mutex_init(&own->members[own->member_count].lock) != 0)
            return false;
    return true;
}

static void free_all(struct own_sockets *own)
{
    free(own->shards);
    free(own->members);
    free(own);
}

struct own_sockets *own_sockets_new(unsigned workers)
{
    struct own_sockets *own = calloc(1, sizeof(*own));
    if (own == NULL)
        return NULL;
    own->shards = cache_line_calloc(SHARDS, sizeof(*own->shards));
    own->members = cache_line_calloc(workers, sizeof(*own->members));
    if (own->shards != NULL && own->members != NULL && init_locks(own, workers))
        return own;
    free_all(own); /* a mutex of Linux holds nothing that would be lost */
    return NULL;
}

void own_sockets_free(struct own_sockets *own)
{
    if (own == NULL)
        return;
    for (unsigned i = 0; i < SHARDS; i++)
        uv_mutex_destroy(&own->shards[i].lock);
    for (unsigned i = 0; i < own->member_count; i++)
        uv_mutex_destroy(&own->members[i].lock);
    free_all(own);
}

unsigned own_sockets_workers(const struct own_sockets *own)
{
    return own->member_count;
}

const struct own_ports *own_sockets_ports(const struct own_sockets *own)
{
    return &own->ports;
}

void own_sockets_join(struct own_sockets *own, unsigned worker, struct mailbox *mailbox)
{
    assert(worker < own->member_count);
    struct member *member = &own->members[worker];
    uv_mutex_lock(&member->lock);
    member->mailbox = mailbox;
    uv_mutex_unlock(&member->lock);
}

/* --- changes: under the lock of the port's shard -----------------------------------------------
 */

static void note_use(struct own_sockets *own, uint16_t port, bool is_used)
{
    if (is_used)
        atomic_fetch_or_explicit(&own->ports.used[port / 64], bit_of(port), memory_order_relaxed);
    else
        atomic_fetch_and_explicit(&own->ports.used[port / 64], ~bit_of(port), memory_order_relaxed);
}

void own_sockets_add(struct own_sockets *own, unsigned worker, struct own_socket *socket)
{
    uint16_t port = socket->bound.port;
    assert(port != 0 && socket->advertised.port == port && !socket->is_listed);
    assert(!address_is_unspecified(&socket->bound));
    socket->worker = worker;
    socket->is_listed = true;

    struct shard *shard = shard_of(own, port);
    uv_mutex_lock(&shard->lock);
    struct own_socket **chain = chain_of(shard, port);
    socket->next = *chain;
    *chain = socket;
    note_use(own, port, true);
    uv_mutex_unlock(&shard->lock);
}

void own_sockets_remove(struct own_sockets *own, struct own_socket *socket)
{
    if (!socket->is_listed)
        return;
    uint16_t port = socket->bound.port;
    struct shard *shard = shard_of(own, port);
    uv_mutex_lock(&shard->lock);
    struct own_socket **chain = chain_of(shard, port);
    for (struct own_socket **at = chain; *at != NULL; at = &(*at)->next)
        if (*at == socket) {
            *at = socket->next;
            break;
        }
    if (*chain == NULL)
        note_use(own, port, false);
    uv_mutex_unlock(&shard->lock);
    socket->is_listed = false;
}

static void remove_of_worker(struct own_sockets *own, unsigned worker, uint16_t port)
{
    struct shard *shard = shard_of(own, port);
    uv_mutex_lock(&shard->lock);
    struct own_socket **chain = chain_of(shard, port);
    for (struct own_socket **at = chain; *at != NULL;) {
        if ((*at)->worker != worker) {
            at = &(*at)->next;
            continue;
        }
        (*at)->is_listed = false;
        *at = (*at)->next;
    }
    if (*chain == NULL)
        note_use(own, port, false);
    uv_mutex_unlock(&shard->lock);
}

void own_sockets_leave(struct own_sockets *own, unsigned worker)
{
    for (unsigned port = 0; port < PORTS; port++)
        if (own_ports_have(&own->ports, (uint16_t)port))
            remove_of_worker(own, worker, (uint16_t)port);

    struct member *member = &own->members[worker];
    uv_mutex_lock(&member->lock);
    member->mailbox = NULL;
    uv_mutex_unlock(&member->lock);
}

/* --- questions ---------------------------------------------------------------------------------
 */

bool own_sockets_find(
    const struct own_sockets *own, const struct address *address, struct own_match *out)
{
    if (!own_ports_have(&own->ports, address->port))
        return false;

    struct shard *shard = shard_of(own, address->port);
    struct own_match match;
    unsigned found = 0;
    uv_mutex_lock(&shard->lock);
    for (struct own_socket *s = *chain_of(shard, address->port); s != NULL; s = s->next) {
        bool is_bound = address_same_ip(&s->bound, address);
        if (!is_bound && !address_same_ip(&s->advertised, address))
            continue;
        match = (struct own_match){.worker = s->worker, .socket = s, .by_advertised = !is_bound};
        found++;
    }
    uv_mutex_unlock(&shard->lock);
    if (found != 1)
        return false;
    *out = match;
    return true;
}

bool own_sockets_have(const struct own_sockets *own, const struct address *address)
{
    struct own_match match;
    return own_sockets_find(own, address, &match);
}

/* --- packets for another worker ----------------------------------------------------------------
 */

bool own_sockets_post(
    struct own_sockets *own, unsigned worker, struct message *message, unsigned count)
{
    struct member *member = &own->members[worker];
    uv_mutex_lock(&member->lock);
    unsigned waiting = atomic_load_explicit(&member->waiting, memory_order_relaxed);
    bool is_taken = member->mailbox != NULL && waiting + count <= OWN_SOCKETS_WAITING;
    if (is_taken) {
        atomic_fetch_add_explicit(&member->waiting, count, memory_order_relaxed);
        mailbox_post(member->mailbox, message);
    }
    uv_mutex_unlock(&member->lock);
    return is_taken;
}

void own_sockets_taken(struct own_sockets *own, unsigned worker, unsigned count)
{
    atomic_fetch_sub_explicit(&own->members[worker].waiting, count, memory_order_relaxed);
}
