/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/relay_ports.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "base/random.h"
#include "net/udp_socket.h"

/* Ports that others have bound are skipped; so many in a row and the range is given up. */
enum { MAX_TRIES = 64, PORTS = 65536, WORD = 64 };

struct port_set {
    struct address address;
    uint64_t used[PORTS / WORD]; /* or outside of the range, or kept out of it */
    uint64_t count;              /* in use */
};

struct reservation {
    struct list link; /* the oldest first */
    uint8_t token[TURN_TOKEN_SIZE];
    uint64_t until_ms;
    uint64_t payer;
    struct relay_port port;
};

struct relay_ports {
    pthread_mutex_t lock;
    uint16_t min, max;
    unsigned tos;
    struct list reservations;
    size_t reserved;
    size_t kept_out; /* of all sets */
    size_t set_count;
    struct port_set sets[];
};

static bool is_used(const struct port_set *set, unsigned port)
{
    return (set->used[port / WORD] >> port % WORD & 1) != 0;
}

static void mark(struct port_set *set, unsigned port)
{
    set->used[port / WORD] |= UINT64_C(1) << port % WORD;
    set->count++;
}

static void unmark(struct port_set *set, unsigned port)
{
    set->used[port / WORD] &= ~(UINT64_C(1) << port % WORD);
    set->count--;
}

struct relay_ports *relay_ports_new(
    const struct address *addresses, size_t count, uint16_t min, uint16_t max, unsigned tos)
{
    struct relay_ports *ports = calloc(1, sizeof(*ports) + count * sizeof(ports->sets[0]));
    if (ports == NULL)
        return NULL;
    pthread_mutex_init(&ports->lock, NULL);
    list_init(&ports->reservations);
    ports->min = min;
    ports->max = max;
    ports->tos = tos;
    ports->set_count = count;
    for (size_t i = 0; i < count; i++) {
        ports->sets[i].address = addresses[i];
        for (unsigned port = 0; port < PORTS; port++)
            if (port < min || port > max)
                ports->sets[i].used[port / WORD] |= UINT64_C(1) << port % WORD;
    }
    return ports;
}

void relay_ports_keep_out(struct relay_ports *ports, uint16_t port)
{
    pthread_mutex_lock(&ports->lock);
    for (size_t i = 0; i < ports->set_count; i++) {
        if (is_used(&ports->sets[i], port))
            continue;
        ports->sets[i].used[port / WORD] |= UINT64_C(1) << port % WORD;
        ports->kept_out++;
    }
    pthread_mutex_unlock(&ports->lock);
}

/* Under the lock. */
static void drop_reservation(struct relay_ports *ports, struct reservation *r)
{
    list_remove(&r->link);
    ports->reserved--;
    free(r);
}

static void cancel_reservation(struct relay_ports *ports, struct reservation *r)
{
    close(r->port.fd);
    unmark(&ports->sets[r->port.address], r->port.port);
    drop_reservation(ports, r);
}

void relay_ports_free(struct relay_ports *ports)
{
    if (ports == NULL)
        return;
    list_for_each_safe (at, &ports->reservations)
        cancel_reservation(ports, CONTAINER_OF(at, struct reservation, link));
    pthread_mutex_destroy(&ports->lock);
    free(ports);
}

static bool suits(const struct relay_ports *ports, const struct port_set *set,
    const struct relay_port_wish *wish, unsigned port)
{
    if (is_used(set, port) || (wish->even && port % 2 != 0))
        return false;
    return !wish->reserve_next || (port < ports->max && !is_used(set, port + 1));
}

/* Marks and returns a free port, the first that suits from a random place on; 0: none. */
static unsigned draw(
    struct relay_ports *ports, struct port_set *set, const struct relay_port_wish *wish)
{
    unsigned span = (unsigned)(ports->max - ports->min) + 1;
    unsigned start = random_below(span), found = 0;

    pthread_mutex_lock(&ports->lock);
    for (unsigned i = 0; i < span && found == 0; i++) {
        unsigned port = ports->min + (start + i) % span;
        unsigned behind = ports->max - port;
        if (port % WORD == 0 && set->used[port / WORD] == UINT64_MAX)
            i += behind < WORD - 1 ? behind : WORD - 1; /* a full word at once */
        else if (suits(ports, set, wish, port))
            found = port;
    }
    if (found != 0)
        mark(set, found);
    if (found != 0 && wish->reserve_next)
        mark(set, found + 1);
    pthread_mutex_unlock(&ports->lock);
    return found;
}

static int bind_port(
    const struct relay_ports *ports, const struct port_set *set, unsigned port, int *fd)
{
    struct udp_socket_config config = {.bind = set->address, .tos = ports->tos};
    config.bind.port = (uint16_t)port;
    return udp_socket_open(&config, fd);
}

/* Under the lock. Quotas end with the allocation, reserved ports later. */
static bool may_reserve(const struct relay_ports *ports, const struct relay_port_wish *wish)
{
    uint64_t count = 0;
    if (ports->reserved >= MAX_RESERVATIONS)
        return false;
    list_for_each (at, &ports->reservations)
        count += CONTAINER_OF(at, struct reservation, link)->payer == wish->payer;
    return wish->max_reserved == 0 || count < wish->max_reserved;
}

static int keep(struct relay_ports *ports, const struct relay_port_wish *wish,
    const struct relay_port *port, uint64_t now_ms, uint8_t token[TURN_TOKEN_SIZE])
{
    struct reservation *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return -ENOMEM;
    r->port = *port;
    r->payer = wish->payer;
    r->until_ms = now_ms + RESERVATION_MS;
    random_bytes(r->token, sizeof(r->token));
    memcpy(token, r->token, sizeof(r->token));

    pthread_mutex_lock(&ports->lock);
    bool has_room = may_reserve(ports, wish);
    if (has_room) {
        list_push_back(&ports->reservations, &r->link);
        ports->reserved++;
    }
    pthread_mutex_unlock(&ports->lock);
    if (has_room)
        return 0;
    free(r);
    return -ENOSPC;
}

/* Binds what draw() found, the port after it too when that is to be kept. */
static int open_drawn(struct relay_ports *ports, const struct relay_port_wish *wish, unsigned port,
    uint64_t now_ms, struct relay_port *out, uint8_t token[TURN_TOKEN_SIZE])
{
    const struct port_set *set = &ports->sets[wish->address];
    struct relay_port next = {.address = wish->address, .port = (uint16_t)(port + 1), .fd = -1};

    *out = (struct relay_port){
        .address = wish->address, .port = (uint16_t)port, .tcp = wish->tcp, .fd = -1};
    int error = wish->tcp ? 0 : bind_port(ports, set, port, &out->fd);
    if (error != 0 || !wish->reserve_next)
        return error;
    error = bind_port(ports, set, port + 1, &next.fd);
    if (error == 0)
        error = keep(ports, wish, &next, now_ms, token);
    if (error != 0) {
        close(out->fd);
        if (next.fd >= 0)
            close(next.fd);
    }
    return error;
}

int relay_ports_take(struct relay_ports *ports, const struct relay_port_wish *wish, uint64_t now_ms,
    struct relay_port *out, uint8_t token[TURN_TOKEN_SIZE])
{
    struct port_set *set = &ports->sets[wish->address];
    int error = -ENOSPC;

    for (int tries = 0; tries < MAX_TRIES; tries++) {
        unsigned port = draw(ports, set, wish);
        if (port == 0)
            return -ENOSPC;
        error = open_drawn(ports, wish, port, now_ms, out, token);
        if (error == 0)
            return 0;
        relay_ports_give(ports, wish->address, (uint16_t)port);
        if (wish->reserve_next)
            relay_ports_give(ports, wish->address, (uint16_t)(port + 1));
        if (error != -EADDRINUSE)
            return error;
    }
    return error;
}

int relay_ports_take_at(
    struct relay_ports *ports, size_t address, uint16_t port, struct relay_port *out)
{
    struct port_set *set = &ports->sets[address];
    if (port < ports->min || port > ports->max)
        return -ERANGE;
    pthread_mutex_lock(&ports->lock);
    bool is_free = !is_used(set, port);
    if (is_free)
        mark(set, port);
    pthread_mutex_unlock(&ports->lock);
    if (!is_free)
        return -EBUSY;
    *out = (struct relay_port){.address = address, .port = port, .fd = -1};
    int error = bind_port(ports, set, port, &out->fd);
    if (error != 0)
        relay_ports_give(ports, address, port);
    return error;
}

int relay_ports_redeem(struct relay_ports *ports, const uint8_t token[TURN_TOKEN_SIZE],
    uint64_t now_ms, struct relay_port *out)
{
    struct bytes wanted = bytes_of(token, TURN_TOKEN_SIZE);
    int error = -ENOENT;
    pthread_mutex_lock(&ports->lock);
    list_for_each_safe (at, &ports->reservations) {
        struct reservation *r = CONTAINER_OF(at, struct reservation, link);
        if (!bytes_equal_secret(bytes_of(r->token, TURN_TOKEN_SIZE), wanted) ||
            r->until_ms <= now_ms)
            continue;
        *out = r->port;
        drop_reservation(ports, r);
        error = 0;
        break;
    }
    pthread_mutex_unlock(&ports->lock);
    return error;
}

void relay_ports_give(struct relay_ports *ports, size_t address, uint16_t port)
{
    pthread_mutex_lock(&ports->lock);
    unmark(&ports->sets[address], port);
    pthread_mutex_unlock(&ports->lock);
}

void relay_ports_sweep(struct relay_ports *ports, uint64_t now_ms)
{
    pthread_mutex_lock(&ports->lock);
    list_for_each_safe (at, &ports->reservations) {
        struct reservation *r = CONTAINER_OF(at, struct reservation, link);
        if (r->until_ms > now_ms)
            break;
        cancel_reservation(ports, r);
    }
    pthread_mutex_unlock(&ports->lock);
}

struct relay_ports_usage relay_ports_usage(struct relay_ports *ports)
{
    struct relay_ports_usage usage = {.total = ((uint64_t)(ports->max - ports->min) + 1)};
    usage.total *= ports->set_count;
    pthread_mutex_lock(&ports->lock);
    usage.total -= ports->kept_out;
    for (size_t i = 0; i < ports->set_count; i++)
        usage.used += ports->sets[i].count;
    usage.reserved = ports->reserved;
    pthread_mutex_unlock(&ports->lock);
    return usage;
}
