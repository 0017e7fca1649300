/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/mobility.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "turn/former_tickets.h"

enum { ID_WORKER_SHIFT = 48 };

/* --- tickets --- */

void mobility_write_ticket(struct turn_allocation *allocation, struct writer *w)
{
    const struct ticket ticket = {
        .allocation = allocation_id(allocation), .serial = allocation->ticket_serial};
    uint8_t sealed[TICKET_SIZE];

    if (!ticket_seal(allocation->server->settings->ticket_key, &ticket, sealed))
        return;
    stun_write_attr(w, STUN_MOBILITY_TICKET, bytes_of(sealed, sizeof(sealed)));
    allocation->has_own_ticket = true;
}

/* One of this process, or of an allocation that came from another; or that came back: then it has
 * another id than in its ticket, though the key is ours. */
static bool open_ticket(const struct turn_server *server, struct bytes sealed, struct ticket *out)
{
    return (server->former_tickets != NULL &&
               former_tickets_open(server->former_tickets, sealed, out)) ||
           ticket_open(server->settings->ticket_key, sealed, out);
}

/* The last one counts. The one before it does until the client is seen to use its new path: the
 * answer with the last one may have been lost (RFC 8016, section 3.2.2). */
static bool is_current(const struct turn_allocation *allocation, const struct ticket *ticket)
{
    return ticket->serial == allocation->ticket_serial ||
           (allocation->old_ticket_counts && ticket->serial + 1 == allocation->ticket_serial);
}

enum turn_verdict mobility_find(struct turn_request *r)
{
    struct turn_server *server = r->server;
    bool has_path = r->allocation != NULL;
    struct ticket ticket;

    r->allocation = NULL;
    if (!open_ticket(server, r->values[REQUEST_TICKET], &ticket))
        return TURN_DONE;
    unsigned worker = (unsigned)(ticket.allocation >> ID_WORKER_SHIFT);
    if (worker != server->worker) {
        /* A path in use does not move away. */
        if (r->arrival->is_final || has_path)
            return TURN_DONE;
        r->elsewhere->worker = worker;
        return TURN_ANOTHER;
    }
    struct turn_allocation *allocation = allocation_of_id(server, ticket.allocation);
    if (allocation != NULL && allocation->is_mobile && is_current(allocation, &ticket))
        r->allocation = allocation;
    return TURN_DONE;
}

/* --- paths --- */

static void drop_coming(struct turn_allocation *allocation)
{
    if (allocation->coming_route == NULL)
        return;
    route_remove(allocation->server, allocation->coming_route);
    free(allocation->coming_route);
    allocation->coming_route = NULL;
}

/* From now on data goes to `path`, which is in no map. */
static void take_path(struct turn_allocation *allocation, const struct turn_path *path)
{
    route_remove(allocation->server, &allocation->route);
    route_put(allocation->server, &allocation->route, path, allocation);
    counter_add(&allocation->server->counters.mobility_moves, 1);
}

static void take_coming(struct turn_allocation *allocation)
{
    struct turn_path path = allocation->coming_route->path;
    drop_coming(allocation);
    take_path(allocation, &path);
    allocation->old_ticket_counts = false;
}

/* Whether the request stands on the path that already is the allocation's; then it is the
 * repetition of one that was answered, or there is nothing to move. */
static bool is_repeated(const struct turn_request *r)
{
    struct ticket ticket;
    return open_ticket(r->server, r->values[REQUEST_TICKET], &ticket) &&
           ticket.serial != r->allocation->ticket_serial;
}

unsigned mobility_move(struct turn_request *r)
{
    struct turn_allocation *allocation = r->allocation;
    const struct turn_path *path = r->arrival->path;
    struct turn_route *route = route_find(r->server, path);

    if (allocation->is_tcp && !turn_path_is_stream(path))
        return STUN_BAD_REQUEST;
    if (route != NULL && route->allocation != allocation)
        return STUN_ALLOCATION_MISMATCH;
    if (route != NULL)
        return route == allocation->coming_route || is_repeated(r) ? 0 : STUN_BAD_REQUEST;

    if (!route_is_linked(&allocation->route)) {
        take_path(allocation, path);
    } else {
        struct turn_route *coming = calloc(1, sizeof(*coming));
        if (coming == NULL)
            return STUN_INSUFFICIENT_CAPACITY;
        drop_coming(allocation);
        route_put(r->server, coming, path, allocation);
        allocation->coming_route = coming;
    }
    allocation->ticket_serial++;
    allocation->old_ticket_counts = true;
    return 0;
}

void mobility_settle(struct turn_allocation *allocation)
{
    const struct turn_host *host = &allocation->server->host;
    struct turn_path former = allocation->route.path;

    take_coming(allocation);
    allocation_changed(allocation);
    if (former.transport != TURN_UDP)
        host->close_path(host->owner, &former);
}

void mobility_path_closed(struct turn_allocation *allocation, const struct turn_path *path)
{
    struct turn_route *coming = allocation->coming_route;
    if (coming == NULL)
        route_remove(allocation->server, &allocation->route);
    else if (route_find(allocation->server, path) == coming)
        drop_coming(allocation);
    else
        take_coming(allocation);
    allocation_changed(allocation);
}

void mobility_end(struct turn_allocation *allocation)
{
    drop_coming(allocation);
    for (uint32_t i = 0; i < allocation->former_count; i++)
        former_tickets_remove(
            allocation->server->former_tickets, &allocation->former[i], allocation_id(allocation));
    if (allocation->former != NULL)
        OPENSSL_cleanse(allocation->former, allocation->former_count * sizeof(*allocation->former));
    free(allocation->former);
}

/* --- elsewhere --- */

/* The latest first; what is older than two does not count any more. */
void mobility_save(const struct turn_allocation *allocation, struct turn_saved *out)
{
    out->is_mobile = allocation->is_mobile;
    out->old_ticket_counts = allocation->old_ticket_counts;
    out->ticket_serial = allocation->ticket_serial;
    if (allocation->has_own_ticket) {
        struct turn_saved_ticket *own = &out->tickets[out->ticket_count++];
        memcpy(own->key, allocation->server->settings->ticket_key, sizeof(own->key));
        own->allocation = allocation_id(allocation);
    }
    for (uint32_t i = 0; i < allocation->former_count && out->ticket_count < TURN_SAVED_TICKETS;
         i++)
        out->tickets[out->ticket_count++] = allocation->former[i];
}

/* Keeps the tickets that the client may come with. */
static bool keep_tickets(struct turn_allocation *allocation, const struct turn_saved *saved)
{
    struct former_tickets *all = allocation->server->former_tickets;
    if (all == NULL || saved->ticket_count == 0)
        return true;
    allocation->former = calloc(saved->ticket_count, sizeof(*allocation->former));
    if (allocation->former == NULL)
        return false;
    for (size_t i = 0; i < saved->ticket_count; i++)
        if (former_tickets_add(all, &saved->tickets[i], allocation_id(allocation)))
            allocation->former[allocation->former_count++] = saved->tickets[i];
    return true;
}

bool mobility_restore(
    struct turn_allocation *allocation, const struct turn_saved *saved, void *coming_link)
{
    allocation->is_mobile = saved->is_mobile;
    allocation->old_ticket_counts = saved->old_ticket_counts;
    allocation->ticket_serial = saved->ticket_serial;
    if (!keep_tickets(allocation, saved))
        return false;
    if (saved->coming.client.family == ADDRESS_NONE)
        return true;
    struct turn_path path = turn_saved_path(&saved->coming, coming_link);
    if (route_find(allocation->server, &path) != NULL)
        return true;
    allocation->coming_route = calloc(1, sizeof(*allocation->coming_route));
    if (allocation->coming_route == NULL)
        return false;
    route_put(allocation->server, allocation->coming_route, &path, allocation);
    return true;
}
