/* SPDX-License-Identifier: Apache-2.0 */
#include "net/port_pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "base/random.h"
#include "net/udp_socket.h"

/* An even port and the odd one after it; at the ends of the range one of them may not belong. */
struct slot {
    struct list link;
    uint8_t exists; /* bit 0: the even port, bit 1: the odd one */
    uint8_t free;
};

enum { BOTH = 3 };

struct port_pool {
    struct port_pool_config config;
    struct list pairs;  /* slots with both ports free, the longest unused first */
    struct list halves; /* slots with one free, likewise */
    struct port_pool_usage usage;
    unsigned first; /* the even port of slots[0] */
    unsigned count;
    struct slot slots[];
};

static unsigned port_of(const struct port_pool *pool, const struct slot *slot)
{
    return pool->first + 2 * (unsigned)(slot - pool->slots);
}

/* Links a slot where it belongs by what is free of it, behind all others. */
static void enqueue(struct port_pool *pool, struct slot *slot)
{
    list_remove(&slot->link);
    if (slot->free == BOTH)
        list_push_back(&pool->pairs, &slot->link);
    else if (slot->free != 0)
        list_push_back(&pool->halves, &slot->link);
}

static void fill(struct port_pool *pool)
{
    const struct port_pool_config *config = &pool->config;
    for (unsigned i = 0; i < pool->count; i++) {
        unsigned even = pool->first + 2 * i;
        bool has_even = even >= config->min;
        bool has_odd = even + 1 <= config->max;
        uint8_t exists = (uint8_t)((has_even ? 1 : 0) | (has_odd ? 2 : 0));
        pool->slots[i] = (struct slot){.exists = exists, .free = exists};
    }
    pool->usage.total = (unsigned)config->max - config->min + 1;
}

/* A random order (Fisher and Yates), so that nobody guesses the next port. */
static int enqueue_shuffled(struct port_pool *pool)
{
    unsigned *order = malloc(pool->count * sizeof(*order));
    if (order == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < pool->count; i++) {
        unsigned at = random_below(i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (unsigned i = 0; i < pool->count; i++)
        enqueue(pool, &pool->slots[order[i]]);
    free(order);
    return 0;
}

int port_pool_new(const struct port_pool_config *config, struct port_pool **out)
{
    assert(config->min > 0 && config->min <= config->max);
    unsigned first = config->min & ~1u;
    unsigned count = (config->max - first) / 2 + 1;
    struct port_pool *pool = calloc(1, sizeof(*pool) + count * sizeof(pool->slots[0]));
    if (pool == NULL)
        return -ENOMEM;

    pool->config = *config;
    pool->first = first;
    pool->count = count;
    list_init(&pool->pairs);
    list_init(&pool->halves);
    fill(pool);
    int error = enqueue_shuffled(pool);
    if (error != 0) {
        free(pool);
        return error;
    }
    *out = pool;
    return 0;
}

void port_pool_free(struct port_pool *pool)
{
    free(pool);
}

static int open_port(const struct port_pool *pool, unsigned port, int *out)
{
    struct udp_socket_config socket = {
        .bind = pool->config.bind,
        .tos = pool->config.tos,
        .receive_buffer = pool->config.receive_buffer,
    };
    socket.bind.port = (uint16_t)port;
    return udp_socket_open(&socket, out);
}

static int open_pair(const struct port_pool *pool, unsigned port, int fds[2])
{
    int error = open_port(pool, port, &fds[0]);
    if (error != 0)
        return error;
    error = open_port(pool, port + 1, &fds[1]);
    if (error != 0)
        close(fds[0]);
    return error;
}

/* The bits of a slot that a lease takes. */
static unsigned bits_of(unsigned port, enum port_lease_kind kind)
{
    return kind == PORT_PAIR ? BOTH : (port & 1) != 0 ? 2 : 1;
}

/* Opens a port of the slot, and the next; on success `lease` and the slot are changed. */
static int lease_port(struct port_pool *pool, struct slot *slot, unsigned port,
    enum port_lease_kind kind, struct port_lease *lease)
{
    struct port_lease result = {.port = (uint16_t)port, .kind = kind, .fds = {-1, -1}};
    int error = kind == PORT_PAIR ? open_pair(pool, port, result.fds)
                                  : open_port(pool, port, &result.fds[0]);
    if (error != 0)
        return error;

    slot->free = (uint8_t)(slot->free & ~bits_of(port, kind));
    enqueue(pool, slot);
    pool->usage.used += (unsigned)kind;
    *lease = result;
    return 0;
}

/* What is free of the slot, or the even port when both are. */
static int lease_slot(
    struct port_pool *pool, struct slot *slot, enum port_lease_kind kind, struct port_lease *lease)
{
    bool is_odd = kind == PORT_SINGLE && (slot->free & 1) == 0;
    return lease_port(pool, slot, port_of(pool, slot) + (is_odd ? 1 : 0), kind, lease);
}

/* Tries each slot of the queue once; those that others have bound go to its end. */
static int lease_from(
    struct port_pool *pool, struct list *queue, enum port_lease_kind kind, struct port_lease *out)
{
    const struct list *first_taken = NULL;
    for (struct list *at; (at = list_first(queue)) != first_taken;) {
        struct slot *slot = CONTAINER_OF(at, struct slot, link);
        int error = lease_slot(pool, slot, kind, out);
        if (error != -EADDRINUSE)
            return error;
        pool->usage.skipped++;
        enqueue(pool, slot);
        if (first_taken == NULL)
            first_taken = at;
    }
    return first_taken != NULL ? -EADDRINUSE : -ENOSPC;
}

int port_pool_lease(struct port_pool *pool, enum port_lease_kind kind, struct port_lease *out)
{
    int half_error = -ENOSPC;
    if (kind == PORT_SINGLE)
        half_error = lease_from(pool, &pool->halves, kind, out);
    if (half_error != -ENOSPC && half_error != -EADDRINUSE)
        return half_error;
    int error = lease_from(pool, &pool->pairs, kind, out);
    return error == -ENOSPC ? half_error : error;
}

int port_pool_take(
    struct port_pool *pool, uint16_t port, enum port_lease_kind kind, struct port_lease *out)
{
    unsigned wanted = bits_of(port, kind);
    if (port < pool->config.min || port > pool->config.max)
        return -ERANGE;
    struct slot *slot = &pool->slots[(port - pool->first) / 2];
    if ((kind == PORT_PAIR && (port & 1) != 0) || (slot->exists & wanted) != wanted)
        return -ERANGE;
    if ((slot->free & wanted) != wanted)
        return -EBUSY;
    return lease_port(pool, slot, port, kind, out);
}

void port_pool_release(struct port_pool *pool, uint16_t port, enum port_lease_kind kind)
{
    unsigned taken = bits_of(port, kind);
    assert(port >= pool->config.min && port <= pool->config.max);
    struct slot *slot = &pool->slots[(port - pool->first) / 2];
    assert((slot->exists & taken) == taken && (slot->free & taken) == 0);

    slot->free = (uint8_t)(slot->free | taken);
    enqueue(pool, slot);
    pool->usage.used -= (unsigned)kind;
}

struct port_pool_usage port_pool_usage(const struct port_pool *pool)
{
    return pool->usage;
}

const struct address *port_pool_address(const struct port_pool *pool)
{
    return &pool->config.bind;
}
