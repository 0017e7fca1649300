/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that go on elsewhere: into values, and made of them. */
#include <stdlib.h>

#include "turn/channel.h"
#include "turn/mobility.h"
#include "turn/saved.h"

static uint64_t left_ms(uint64_t expires_ms, uint64_t now_ms)
{
    return expires_ms > now_ms ? expires_ms - now_ms : 0;
}

/* --- saving --- */

static void save_path(const struct turn_route *route, struct turn_saved_path *out)
{
    const struct turn_path *path = &route->path;
    *out =
        (struct turn_saved_path){.client = path->client, .server = path->server, .hop = path->hop};
}

static bool is_over_udp(const struct turn_route *route)
{
    return route != NULL && route_is_linked(route) && route->path.transport == TURN_UDP;
}

/* A connection ends with the process: then the other path is all there is, as when it closes. */
static void save_paths(const struct turn_allocation *allocation, struct turn_saved *out)
{
    const struct turn_route *coming = allocation->coming_route;
    if (is_over_udp(&allocation->route)) {
        save_path(&allocation->route, &out->path);
        if (is_over_udp(coming))
            save_path(coming, &out->coming);
    } else if (is_over_udp(coming)) {
        save_path(coming, &out->path);
    }
}

static void save_relays(
    const struct turn_allocation *allocation, uint64_t now_ms, struct turn_saved *out)
{
    for (size_t i = 0; i < TURN_FAMILIES; i++) {
        const struct turn_relayed *relayed = &allocation->relayed[i];
        if (relayed->relay != NULL)
            out->relays[i] = (struct turn_saved_relay){.local = relayed->relay->local,
                .relayed = relayed->relay->relayed,
                .left_ms = left_ms(relayed->expires_ms, now_ms)};
    }
}

/* Without memory for them false. */
static bool save_peers(
    const struct turn_allocation *allocation, uint64_t now_ms, struct turn_saved *out)
{
    out->permissions = calloc(allocation->permissions.count + 1, sizeof(*out->permissions));
    out->channels = calloc(allocation->channels.count + 1, sizeof(*out->channels));
    if (out->permissions == NULL || out->channels == NULL)
        return false;
    map_for_each (at, &allocation->permissions) {
        const struct permission *permission = CONTAINER_OF(at, struct permission, node.link);
        if (out->permission_count < TURN_SAVED_MAX_PEERS)
            out->permissions[out->permission_count++] =
                (struct turn_saved_permission){.ip = permission->node.key,
                    .left_ms = permission->is_live ? left_ms(permission->expires_ms, now_ms) : 0,
                    .is_known = permission->is_known};
    }
    map_for_each (at, &allocation->channels) {
        const struct channel *channel = CONTAINER_OF(at, struct channel, node.link);
        if (out->channel_count < TURN_SAVED_MAX_PEERS)
            out->channels[out->channel_count++] =
                (struct turn_saved_channel){.peer = *channel_peer(channel),
                    .left_ms = left_ms(channel->expires_ms, now_ms),
                    .number = channel->number};
    }
    return true;
}

static void save_rest(const struct turn_allocation *allocation, struct turn_saved *out)
{
    memcpy(out->id, allocation->name, sizeof(out->id));
    out->worker = allocation->server->worker;
    out->identity = auth_identity_ref(allocation->identity);
    memcpy(out->transaction, allocation->transaction, sizeof(out->transaction));
    out->missing = allocation->missing;
    out->missing_code = allocation->missing == ADDRESS_NONE ? 0 : allocation->missing_code;
    out->client_packets = allocation->from_client.packets;
    out->client_bytes = allocation->from_client.bytes;
    out->peer_packets = allocation->from_peer.packets;
    out->peer_bytes = allocation->from_peer.bytes;
}

bool turn_save(struct turn_server *server, uint64_t id, uint64_t now_ms, int64_t unix_us,
    struct turn_saved *out)
{
    struct turn_allocation *allocation = allocation_of_id(server, id);
    if (allocation == NULL || !allocation_can_be_saved(allocation))
        return false;
    if (!save_peers(allocation, now_ms, out)) {
        turn_saved_done(out);
        return false;
    }
    out->saved_us = unix_us;
    out->made_us = unix_us - (int64_t)(now_ms - allocation->made_ms) * 1000;
    save_paths(allocation, out);
    save_relays(allocation, now_ms, out);
    save_rest(allocation, out);
    if (allocation->is_mobile)
        mobility_save(allocation, out);
    allocation->is_change_told = false;
    return true;
}

void turn_hand_on(struct turn_server *server, uint64_t id, enum turn_end why)
{
    struct turn_allocation *allocation = allocation_of_id(server, id);
    if (allocation != NULL)
        allocation_kill(allocation, why);
}

size_t turn_ids(const struct turn_server *server, uint64_t *out, size_t max)
{
    size_t count = 0;
    list_for_each (at, &server->allocations) {
        const struct turn_allocation *allocation = CONTAINER_OF(at, struct turn_allocation, link);
        if (count < max && allocation_can_be_saved(allocation))
            out[count++] = allocation_id(allocation);
    }
    return count;
}

/* --- restoring --- */

static bool is_possible(struct turn_server *server, const struct turn_path *path)
{
    return server->allocation_count < server->max_allocations &&
           (path->client.family == ADDRESS_NONE || route_find(server, path) == NULL);
}

static void restore_rest(struct turn_allocation *allocation, const struct turn_restoring *r)
{
    const struct turn_saved *saved = r->saved;
    memcpy(allocation->name, saved->id, sizeof(allocation->name));
    allocation->made_ms = r->now_ms - r->age_ms;
    memcpy(allocation->transaction, saved->transaction, sizeof(allocation->transaction));
    allocation->missing = saved->missing;
    allocation->missing_code = (enum stun_error)saved->missing_code;
    allocation->from_client =
        (struct turn_traffic){.packets = saved->client_packets, .bytes = saved->client_bytes};
    allocation->from_peer =
        (struct turn_traffic){.packets = saved->peer_packets, .bytes = saved->peer_bytes};
    allocation->is_told = true;
}

static void restore_relays(struct turn_allocation *allocation, const struct turn_restoring *r)
{
    for (size_t i = 0; i < COUNT_OF(r->relays); i++) {
        struct turn_relay *relay = r->relays[i];
        if (relay == NULL)
            continue;
        relay->owner = allocation;
        *allocation_relayed(allocation, relay->relayed.family) = (struct turn_relayed){
            .relay = relay, .expires_ms = r->now_ms + r->saved->relays[i].left_ms};
    }
    allocation_cap(allocation);
}

/* Permissions first: channels need them. */
static void restore_peers(struct turn_allocation *allocation, const struct turn_restoring *r)
{
    const struct turn_saved *saved = r->saved;
    for (size_t i = 0; i < saved->permission_count; i++) {
        const struct turn_saved_permission *p = &saved->permissions[i];
        if (allocation_has_family(allocation, p->ip.family))
            permission_restore(allocation, &p->ip, r->now_ms + p->left_ms, p->is_known);
    }
    for (size_t i = 0; i < saved->channel_count; i++) {
        const struct turn_saved_channel *c = &saved->channels[i];
        channel_restore(allocation, c->number, &c->peer, r->now_ms + c->left_ms);
    }
}

/* The relays are not its own yet; the quota is not given back. */
static void undo(struct turn_allocation *allocation)
{
    struct turn_server *server = allocation->server;
    mobility_end(allocation);
    route_remove(server, &allocation->route);
    allocation_forget(allocation);
}

bool turn_restore(struct turn_server *server, const struct turn_restoring *r)
{
    struct turn_path path = turn_saved_path(&r->saved->path, r->link);
    turn_server_set_clock(server, r->now_ms, r->unix_s);
    if (!is_possible(server, &path))
        return false;
    struct turn_allocation *allocation =
        allocation_new(server, r->id, r->saved->identity, r->now_ms);
    if (allocation == NULL)
        return false;
    if (path.client.family != ADDRESS_NONE)
        route_put(server, &allocation->route, &path, allocation);
    if (!mobility_restore(allocation, r->saved, r->coming_link)) {
        undo(allocation);
        return false;
    }
    restore_rest(allocation, r);
    restore_relays(allocation, r);
    restore_peers(allocation, r);
    allocation_changed(allocation);
    return true;
}
