/* SPDX-License-Identifier: Apache-2.0 */
#include "session/leases.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"

/* One step leases for one offer or answer: sections times addresses, at most. A call that comes
 * from another process leases all that it has in one. */
enum { MAX_STEP_LEASES = PLAN_MAX_STREAMS * PLAN_MAX_LOCALS };

struct lease {
    struct u64_node node; /* by number */
    struct port_pool *pool;
    uint16_t port;
    enum port_lease_kind kind;
};

struct leases {
    const struct interfaces *interfaces;
    struct port_pool **pools; /* one for each of interfaces->binds */
    struct map by_number;
    uint32_t last_number;
    unsigned turn; /* of round-robin groups */
    uint16_t webrtc_port;
    size_t new_count;
    struct relay_sockets new_sockets[MAX_STEP_LEASES];
};

int leases_open(
    struct leases **out, const struct leases_config *config, const struct interfaces *interfaces)
{
    struct leases *leases = calloc(1, sizeof(*leases));
    if (leases == NULL)
        return -ENOMEM;
    leases->interfaces = interfaces;
    map_init(&leases->by_number);
    leases->pools = calloc(interfaces->bind_count, sizeof(struct port_pool *));
    if (leases->pools == NULL) {
        leases_close(leases);
        return -ENOMEM;
    }
    for (size_t i = 0; i < interfaces->bind_count; i++) {
        struct port_pool_config pool = {
            .bind = interfaces->binds[i],
            .min = config->port_min,
            .max = config->port_max,
            .tos = config->tos,
        };
        int error = port_pool_new(&pool, &leases->pools[i]);
        if (error != 0) {
            leases_close(leases);
            return error;
        }
    }
    *out = leases;
    return 0;
}

static void free_lease(struct leases *leases, struct lease *lease)
{
    u64_map_remove(&leases->by_number, &lease->node);
    port_pool_release(lease->pool, lease->port, lease->kind);
    free(lease);
}

void leases_close(struct leases *leases)
{
    if (leases == NULL)
        return;
    leases_rollback(leases);
    map_for_each (at, &leases->by_number)
        free_lease(leases, CONTAINER_OF(at, struct lease, node.link));
    map_done(&leases->by_number);
    for (size_t i = 0; leases->pools != NULL && i < leases->interfaces->bind_count; i++)
        port_pool_free(leases->pools[i]);
    free(leases->pools);
    free(leases);
}

static struct lease *find_lease(const struct leases *leases, uint32_t number)
{
    struct u64_node *node = u64_map_find(&leases->by_number, number);
    return node != NULL ? CONTAINER_OF(node, struct lease, node) : NULL;
}

static struct address with_port(struct address ip, uint16_t port)
{
    ip.port = port;
    return ip;
}

static void describe(const struct local_address *local, uint16_t port, bool pair, uint32_t number,
    struct call_lease_local *out)
{
    *out = (struct call_lease_local){
        .lease = number,
        .bound_rtp = with_port(local->bind, port),
        .advertised_rtp = with_port(local->advertised, port),
    };
    if (pair) {
        out->bound_rtcp = with_port(local->bind, (uint16_t)(port + 1));
        out->advertised_rtcp = with_port(local->advertised, (uint16_t)(port + 1));
    }
    _Static_assert(sizeof(out->foundation) == sizeof(local->foundation), "both are of ICE");
    memcpy(out->foundation, local->foundation, sizeof(out->foundation));
}

/* Gives a number to what the pool has leased, for this step. */
static uint32_t add_lease(struct leases *leases, struct lease *lease,
    const struct port_lease *ports, const struct address *advertised)
{
    uint32_t number = ++leases->last_number;
    if (number == 0) /* 0 means the shared port */
        number = ++leases->last_number;
    lease->port = ports->port;
    lease->kind = ports->kind;
    u64_map_put(&leases->by_number, &lease->node, number);
    leases->new_sockets[leases->new_count++] = (struct relay_sockets){
        .lease = number,
        .rtp_fd = ports->fds[0],
        .rtcp_fd = ports->fds[1],
        .advertised = with_port(*advertised, 0),
    };
    return number;
}

/* Room for one more lease; 0 or a negative errno. */
static int new_lease(struct leases *leases, struct port_pool *pool, struct lease **out)
{
    if (leases->new_count == MAX_STEP_LEASES)
        return -ENOSPC;
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return -ENOMEM;
    (*out)->pool = pool;
    return 0;
}

/* Leases one address's port or pair; 0 or a negative errno. */
static int lease_on(struct leases *leases, const struct local_address *local,
    enum port_lease_kind kind, struct call_lease_local *out)
{
    struct port_pool *pool = leases->pools[local->bind_index];
    struct port_lease ports;
    struct lease *lease;
    int error = new_lease(leases, pool, &lease);
    if (error != 0)
        return error;
    error = port_pool_lease(pool, kind, &ports);
    if (error != 0) {
        free(lease);
        return error;
    }
    uint32_t number = add_lease(leases, lease, &ports, &local->advertised);
    describe(local, ports.port, kind == PORT_PAIR, number, out);
    return 0;
}

/* NULL: the address is none of ours. */
static struct port_pool *pool_of(const struct leases *leases, const struct address *bind)
{
    for (size_t i = 0; i < leases->interfaces->bind_count; i++)
        if (address_same_ip(&leases->interfaces->binds[i], bind))
            return leases->pools[i];
    return NULL;
}

bool leases_have_address(const struct leases *leases, const struct address *bind)
{
    return pool_of(leases, bind) != NULL;
}

int leases_take(struct leases *leases, const struct call_record_port *wanted, uint32_t *number)
{
    enum port_lease_kind kind = wanted->rtcp.family == ADDRESS_NONE ? PORT_SINGLE : PORT_PAIR;
    struct port_pool *pool = pool_of(leases, &wanted->rtp);
    struct port_lease ports;
    struct lease *lease;
    if (pool == NULL)
        return -EADDRNOTAVAIL;
    int error = new_lease(leases, pool, &lease);
    if (error != 0)
        return error;
    error = port_pool_take(pool, wanted->rtp.port, kind, &ports);
    if (error != 0) {
        free(lease);
        return error;
    }
    if (wanted->rtcp_given_up && ports.fds[1] >= 0) { /* nobody would read it */
        close(ports.fds[1]);
        ports.fds[1] = -1;
    }
    *number = add_lease(leases, lease, &ports, &wanted->told);
    return 0;
}

struct pick {
    struct leases *leases;
    unsigned ports;
};

/* A member of a group is passed over while any of its addresses has too few ports. */
static bool has_ports(const struct interface *interface, void *arg)
{
    const struct pick *pick = arg;
    for (size_t i = 0; i < interface->count; i++) {
        struct port_pool_usage usage =
            port_pool_usage(pick->leases->pools[interface->addresses[i].bind_index]);
        if (usage.total - usage.used < pick->ports)
            return false;
    }
    return true;
}

static bool is_for_shared_port(
    const struct leases *leases, const struct call_lease_request *request)
{
    return request->shared && leases->webrtc_port != 0;
}

static const struct interface *choose_interface(
    struct leases *leases, const struct call_lease_request *request)
{
    struct pick pick = {.leases = leases, .ports = request->pair ? 2 : 1};
    if (is_for_shared_port(leases, request))
        pick.ports = 0;
    const struct interfaces *all = leases->interfaces;
    unsigned turn = leases->turn++;
    const struct interface *found =
        interfaces_pick(all, request->interface, turn, has_ports, &pick);
    if (found == NULL) /* none has ports: the lease will say so */
        found = interfaces_pick(all, request->interface, turn, NULL, NULL);
    return found != NULL ? found : interfaces_default(all);
}

/* The address to use without ICE: of the family asked for, here or on the default interface. */
static const struct local_address *choose_address(
    const struct leases *leases, const struct interface *interface, enum address_family family)
{
    const struct local_address *local = interface_address(interface, family);
    if (local == NULL)
        local = interface_address(interfaces_default(leases->interfaces), family);
    return local != NULL ? local : interface_address(interface, ADDRESS_NONE);
}

/* All addresses of the interface, those of the wanted family first. */
static size_t list_addresses(const struct interface *interface, enum address_family family,
    const struct local_address *out[PLAN_MAX_LOCALS])
{
    size_t count = 0;
    for (int other = 0; other <= 1; other++)
        for (size_t i = 0; i < interface->count && count < PLAN_MAX_LOCALS; i++) {
            bool wanted = family == ADDRESS_NONE || interface->addresses[i].bind.family == family;
            if (wanted != (other != 0))
                out[count++] = &interface->addresses[i];
        }
    return count;
}

static size_t lease_ports(void *owner, const struct call_lease_request *request,
    struct call_lease_local out[PLAN_MAX_LOCALS], enum call_status *why)
{
    struct leases *leases = owner;
    const struct interface *interface = choose_interface(leases, request);
    const struct local_address *locals[PLAN_MAX_LOCALS];
    size_t count = 1;
    size_t leased = 0;

    if (request->ice)
        count = list_addresses(interface, request->family, locals);
    else
        locals[0] = choose_address(leases, interface, request->family);

    for (size_t i = 0; i < count; i++) {
        if (is_for_shared_port(leases, request)) {
            describe(locals[i], leases->webrtc_port, false, 0, &out[leased++]);
            continue;
        }
        int error =
            lease_on(leases, locals[i], request->pair ? PORT_PAIR : PORT_SINGLE, &out[leased]);
        if (error == 0)
            leased++;
        else
            *why = error == -ENOSPC || error == -EADDRINUSE ? CALL_NO_PORTS : CALL_BIND_FAILED;
    }
    return leased;
}

static void close_sockets(const struct relay_sockets *sockets)
{
    close(sockets->rtp_fd);
    if (sockets->rtcp_fd >= 0)
        close(sockets->rtcp_fd);
}

/* Only of this step: older leases end with the plan that no longer names them. */
static void release_port(void *owner, uint32_t number)
{
    struct leases *leases = owner;
    for (size_t i = 0; i < leases->new_count; i++) {
        if (leases->new_sockets[i].lease != number)
            continue;
        close_sockets(&leases->new_sockets[i]);
        free_lease(leases, find_lease(leases, number));
        leases->new_sockets[i] = leases->new_sockets[--leases->new_count];
        return;
    }
}

static bool has_interface(void *owner, struct text name)
{
    const struct leases *leases = owner;
    return interfaces_pick(leases->interfaces, name, 0, NULL, NULL) != NULL;
}

struct call_ports leases_begin(struct leases *leases, uint16_t webrtc_port)
{
    leases->webrtc_port = webrtc_port;
    return (struct call_ports){
        .owner = leases,
        .lease = lease_ports,
        .release = release_port,
        .has_interface = has_interface,
    };
}

const struct relay_sockets *leases_new_sockets(const struct leases *leases, size_t *count)
{
    *count = leases->new_count;
    return leases->new_sockets;
}

void leases_commit(struct leases *leases)
{
    leases->new_count = 0;
}

void leases_rollback(struct leases *leases)
{
    while (leases->new_count > 0)
        release_port(leases, leases->new_sockets[0].lease);
}

void leases_returned(struct leases *leases, uint32_t number)
{
    struct lease *lease = find_lease(leases, number);
    if (lease != NULL)
        free_lease(leases, lease);
}

struct port_pool_usage leases_usage(const struct leases *leases, size_t bind_index)
{
    return port_pool_usage(leases->pools[bind_index]);
}

size_t leases_outstanding(const struct leases *leases)
{
    return leases->by_number.count;
}
