/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/allocation.h"

#include <stdio.h>
#include <stdlib.h>

#include "turn/channel.h"
#include "turn/mobility.h"
#include "turn/tcp.h"

/* Sweeps wait for each other: no more than one a second for an allocation. */
enum { SWEEP_INTERVAL_MS = 1000 };

/* --- 5-tuples --- */

struct turn_route *route_find(const struct turn_server *server, const struct turn_path *path)
{
    struct address_node *node = address_map_find(&server->routes, &path->client);
    while (node != NULL) {
        struct turn_route *route = CONTAINER_OF(node, struct turn_route, node);
        if (route->path.transport == path->transport &&
            address_equal(&route->path.server, &path->server))
            return route;
        node = address_map_next(node);
    }
    return NULL;
}

void route_put(struct turn_server *server, struct turn_route *route, const struct turn_path *path,
    struct turn_allocation *allocation)
{
    route->path = *path;
    route->allocation = allocation;
    address_map_put(&server->routes, &route->node, &route->path.client);
    server->host.path_added(server->host.owner, &route->path);
}

void route_remove(struct turn_server *server, struct turn_route *route)
{
    if (!route_is_linked(route))
        return;
    address_map_remove(&server->routes, &route->node);
    server->host.path_removed(server->host.owner, &route->path);
}

/* --- lifetimes --- */

uint32_t seconds_until(uint64_t due_ms, uint64_t now_ms)
{
    return due_ms <= now_ms ? 0 : (uint32_t)((due_ms - now_ms + 999) / 1000);
}

/* When `identity` stops its allocations, TIMERS_NEVER when it does not. An access token always
 * does (RFC 7635, section 8). */
static uint64_t credentials_end_ms(
    const struct turn_server *server, const struct auth_identity *identity)
{
    int64_t expires_s = auth_identity_expires_s(identity);
    bool counts = server->settings->strict_expiry || auth_identity_kind(identity) == IDENTITY_OAUTH;
    return expires_s == 0 || !counts ? TIMERS_NEVER : turn_server_ms_of(server, expires_s);
}

uint32_t allocation_lifetime_s(const struct turn_server *server,
    const struct auth_identity *identity, uint32_t asked_s, uint64_t now_ms)
{
    const struct turn_settings *settings = server->settings;
    uint32_t lifetime_s = asked_s;
    if (lifetime_s > settings->allocation_max_s)
        lifetime_s = settings->allocation_max_s;
    if (lifetime_s < settings->allocation_default_s)
        lifetime_s = settings->allocation_default_s;

    uint64_t end_ms = credentials_end_ms(server, identity);
    if (end_ms == TIMERS_NEVER)
        return lifetime_s;
    uint64_t left_s = end_ms <= now_ms ? 0 : (end_ms - now_ms) / 1000;
    return left_s < lifetime_s ? (uint32_t)left_s : lifetime_s;
}

uint64_t allocation_expires_ms(const struct turn_allocation *allocation)
{
    uint64_t last = 0;
    for (size_t i = 0; i < TURN_FAMILIES; i++) {
        const struct turn_relayed *relayed = &allocation->relayed[i];
        if (relayed->relay != NULL && relayed->expires_ms > last)
            last = relayed->expires_ms;
    }
    return last;
}

void allocation_cap(struct turn_allocation *allocation)
{
    uint64_t end_ms = credentials_end_ms(allocation->server, allocation->identity);
    for (size_t i = 0; i < TURN_FAMILIES; i++) {
        struct turn_relayed *relayed = &allocation->relayed[i];
        if (relayed->expires_ms > end_ms)
            relayed->expires_ms = end_ms;
        if (relayed->relay != NULL)
            allocation_due(allocation, relayed->expires_ms);
    }
}

/* --- the timer --- */

void allocation_due(struct turn_allocation *allocation, uint64_t due_ms)
{
    struct timer *timer = &allocation->timer;
    if (!timer_is_armed(timer) || due_ms < timer->due_ms)
        timer_arm(allocation->server->timers, timer, due_ms);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Channels first: their permissions are held by them. */
static uint64_t sweep(struct turn_allocation *allocation, uint64_t now_ms)
{
    uint64_t due = channels_sweep(allocation, now_ms);
    due = earlier(due, permissions_sweep(allocation, now_ms));
    due = earlier(due, tcp_sweep(allocation, now_ms));
    uint64_t soonest = now_ms + SWEEP_INTERVAL_MS;
    return due > soonest ? due : soonest;
}

/* Whether its credentials are what ended it. */
static bool credentials_are_over(const struct turn_allocation *allocation, uint64_t now_ms)
{
    return credentials_end_ms(allocation->server, allocation->identity) <= now_ms + 999;
}

static void on_timer(struct timer *self, uint64_t now_ms)
{
    struct turn_allocation *allocation = CONTAINER_OF(self, struct turn_allocation, timer);
    struct turn_counters *counters = &allocation->server->counters;

    if (allocation_expires_ms(allocation) <= now_ms) {
        if (credentials_are_over(allocation, now_ms)) {
            allocation_kill(allocation, TURN_END_CREDENTIALS);
        } else {
            counter_add(&counters->allocations_expired, 1);
            allocation_end(allocation, TURN_END_EXPIRED);
        }
        return;
    }

    uint64_t due = sweep(allocation, now_ms);
    for (size_t i = 0; i < TURN_FAMILIES; i++) {
        struct turn_relayed *relayed = &allocation->relayed[i];
        if (relayed->relay != NULL && relayed->expires_ms <= now_ms)
            allocation_end_family(allocation, relayed->relay->relayed.family);
        else if (relayed->relay != NULL)
            due = earlier(due, relayed->expires_ms);
    }
    allocation_due(allocation, due);
}

/* --- from beginning to end --- */

struct turn_allocation *allocation_new(
    struct turn_server *server, uint64_t id, struct auth_identity *identity, uint64_t now_ms)
{
    struct turn_allocation *allocation = calloc(1, sizeof(*allocation));
    if (allocation == NULL)
        return NULL;
    allocation->server = server;
    allocation->identity = auth_identity_ref(identity);
    allocation->made_ms = now_ms;
    map_init(&allocation->permissions);
    map_init(&allocation->channels);
    list_init(&allocation->connections);
    timer_init(&allocation->timer, on_timer);

    if (id == 0)
        id = (uint64_t)server->worker << 48 | ++server->made;
    u64_map_put(&server->by_id, &allocation->by_id, id);
    list_push_back(&server->allocations, &allocation->link);
    server->allocation_count++;
    counter_add(&server->counters.allocations, 1);
    return allocation;
}

struct turn_allocation *allocation_of_id(const struct turn_server *server, uint64_t id)
{
    struct u64_node *node = u64_map_find(&server->by_id, id);
    return node == NULL ? NULL : CONTAINER_OF(node, struct turn_allocation, by_id);
}

void allocation_forget(struct turn_allocation *allocation)
{
    struct turn_server *server = allocation->server;
    u64_map_remove(&server->by_id, &allocation->by_id);
    list_remove(&allocation->link);
    server->allocation_count--;
    counter_subtract(&server->counters.allocations, 1);
    auth_identity_unref(allocation->identity);
    free(allocation);
}

void allocation_set_name(struct turn_allocation *allocation)
{
    const struct turn_path *path = &allocation->route.path;
    const struct turn_relay *first = allocation->relayed[0].relay;
    const struct turn_relay *relay = first != NULL ? first : allocation->relayed[1].relay;
    char client[ADDRESS_TEXT_SIZE], server[ADDRESS_TEXT_SIZE], relayed[ADDRESS_TEXT_SIZE];
    snprintf(allocation->name, sizeof(allocation->name), "%s %s %s %s",
        turn_transport_name(path->transport), address_text(&path->client, client),
        address_text(&path->server, server), address_text(&relay->local, relayed));
}

/* --- elsewhere --- */

bool allocation_can_be_saved(const struct turn_allocation *allocation)
{
    return !allocation->is_tcp &&
           (allocation->is_mobile || allocation->route.path.transport == TURN_UDP);
}

void allocation_changed(struct turn_allocation *allocation)
{
    const struct turn_host *host = &allocation->server->host;
    if (host->changed == NULL || allocation->is_change_told || !allocation_can_be_saved(allocation))
        return;
    allocation->is_change_told =
        host->changed(host->owner, allocation_id(allocation), allocation->name);
    if (allocation->is_change_told)
        allocation->is_announced = true;
}

static bool goes_on(enum turn_end why)
{
    return why == TURN_END_SAVED || why == TURN_END_TAKEN;
}

static void tell_end(struct turn_allocation *allocation, enum turn_end why)
{
    const struct turn_host *host = &allocation->server->host;
    if (host->ended != NULL && allocation->is_told) {
        struct turn_report report = allocation_report(allocation, allocation->server->unix_at_ms);
        host->ended(host->owner, &report, why);
    }
    if (allocation->is_announced && why != TURN_END_STOPPED && !goes_on(why))
        host->over(host->owner, allocation_id(allocation), allocation->name);
}

/* --- the end --- */

void allocation_end_family(struct turn_allocation *allocation, enum address_family family)
{
    const struct turn_host *host = &allocation->server->host;
    struct turn_relayed *relayed = allocation_relayed(allocation, family);
    if (relayed->relay == NULL)
        return;
    permissions_end(allocation, family);
    host->close_relay(host->owner, relayed->relay);
    *relayed = (struct turn_relayed){.relay = NULL};
}

void allocation_end(struct turn_allocation *allocation, enum turn_end why)
{
    struct turn_server *server = allocation->server;
    const struct turn_host *host = &server->host;

    tell_end(allocation, why);
    timer_cancel(server->timers, &allocation->timer);
    tcp_end(allocation);
    mobility_end(allocation);
    allocation_end_family(allocation, ADDRESS_IP4);
    allocation_end_family(allocation, ADDRESS_IP6);
    map_done(&allocation->permissions);
    map_done(&allocation->channels);
    free(allocation->numbers);

    route_remove(server, &allocation->route);
    /* After the port is free: who is refused by quota shall not be refused by ports next. */
    host->quota_give(host->owner, allocation->identity);
    allocation_forget(allocation);
}

/* --- for the operator --- */

struct turn_report allocation_report(const struct turn_allocation *allocation, uint64_t now_ms)
{
    uint64_t expires_ms = allocation_expires_ms(allocation);
    struct turn_report report = {
        .id = allocation_id(allocation),
        .path = &allocation->route.path,
        .identity = allocation->identity,
        .is_tcp = allocation->is_tcp,
        .is_mobile = allocation->is_mobile,
        .age_ms = now_ms - allocation->made_ms,
        .expires_in_ms = expires_ms > now_ms ? expires_ms - now_ms : 0,
        .permissions = (uint32_t)allocation->permissions.count,
        .channels = (uint32_t)allocation->channels.count,
        .connections = allocation->connection_count,
        .client_packets = allocation->from_client.packets,
        .client_bytes = allocation->from_client.bytes,
        .peer_packets = allocation->from_peer.packets,
        .peer_bytes = allocation->from_peer.bytes,
    };
    for (size_t i = 0; i < TURN_FAMILIES; i++)
        if (allocation->relayed[i].relay != NULL)
            report.relayed[i] = allocation->relayed[i].relay->relayed;
    return report;
}

/* --- by force --- */

/* Notes the path of a route that a stream or session serves; returns how many were noted. */
static size_t note_session(const struct turn_route *route, struct turn_path *out)
{
    if (route == NULL || !route_is_linked(route) || route->path.transport == TURN_UDP)
        return 0;
    *out = route->path;
    return 1;
}

void allocation_kill(struct turn_allocation *allocation, enum turn_end why)
{
    struct turn_server *server = allocation->server;
    struct turn_path sessions[2];
    size_t count = note_session(&allocation->route, &sessions[0]);
    count += note_session(allocation->coming_route, &sessions[count]);

    if (!goes_on(why))
        counter_add(&server->counters.allocations_killed, 1);
    allocation_end(allocation, why);
    for (size_t i = 0; i < count; i++)
        server->host.close_path(server->host.owner, &sessions[i]);
}
