/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/permission.h"

#include <stdlib.h>

#include "turn/channel.h"

static struct permission *of_link(struct map_link *link)
{
    return CONTAINER_OF(CONTAINER_OF(link, struct address_node, link), struct permission, node);
}

struct permission *permission_find(
    const struct turn_allocation *allocation, const struct address *peer)
{
    struct address ip = *peer;
    ip.port = 0;
    struct address_node *node = address_map_find(&allocation->permissions, &ip);
    return node == NULL ? NULL : CONTAINER_OF(node, struct permission, node);
}

unsigned permission_judge(
    const struct turn_allocation *allocation, const struct address *peer, bool *checks_port)
{
    struct turn_server *server = allocation->server;
    if (!allocation_has_family(allocation, peer->family))
        return STUN_PEER_FAMILY_MISMATCH;

    enum peer_verdict verdict = policy_peer(server->settings->policy, peer, NULL);
    if (verdict == PEER_DENIED) {
        counter_add(&server->counters.peers_denied, 1);
        return STUN_FORBIDDEN;
    }
    *checks_port = verdict == PEER_ALLOWED_CHECK_PORT;
    return 0;
}

/* --- life --- */

static struct counter *gauge_of(const struct turn_allocation *allocation)
{
    return &allocation->server->counters.permissions;
}

static void set_live(struct turn_allocation *allocation, struct permission *permission, bool live)
{
    if (live && !permission->is_live)
        counter_add(gauge_of(allocation), 1);
    if (!live && permission->is_live)
        counter_subtract(gauge_of(allocation), 1);
    permission->is_live = live;
}

struct permission *permission_prepare(
    struct turn_allocation *allocation, const struct address *peer, bool checks_port)
{
    struct permission *permission = permission_find(allocation, peer);
    if (permission == NULL) {
        if (allocation->permissions.count >= allocation->server->settings->max_permissions)
            return NULL;
        permission = calloc(1, sizeof(*permission));
        if (permission == NULL)
            return NULL;
        struct address ip = *peer;
        ip.port = 0;
        address_map_put(&allocation->permissions, &permission->node, &ip);
    }
    permission->checks_port = checks_port;
    return permission;
}

void permission_renew(
    struct turn_allocation *allocation, struct permission *permission, uint64_t now_ms)
{
    permission->expires_ms = now_ms + allocation->server->settings->permission_s * 1000ull;
    set_live(allocation, permission, true);
    allocation_due(allocation, permission->expires_ms);
}

void permission_restore(struct turn_allocation *allocation, const struct address *ip,
    uint64_t expires_ms, bool is_known)
{
    enum peer_verdict verdict = policy_peer(allocation->server->settings->policy, ip, NULL);
    if (verdict == PEER_DENIED)
        return;
    struct permission *permission =
        permission_prepare(allocation, ip, verdict == PEER_ALLOWED_CHECK_PORT);
    if (permission == NULL)
        return;
    permission->expires_ms = expires_ms;
    permission->is_known = is_known;
    set_live(allocation, permission, true);
    allocation_due(allocation, expires_ms);
}

static void remove_permission(struct turn_allocation *allocation, struct permission *permission)
{
    set_live(allocation, permission, false);
    address_map_remove(&allocation->permissions, &permission->node);
    free(permission);
}

/* And its channels. */
static void end_permission(struct turn_allocation *allocation, struct permission *permission)
{
    if (permission->channels > 0)
        channels_end_of(allocation, permission);
    remove_permission(allocation, permission);
}

uint64_t permissions_sweep(struct turn_allocation *allocation, uint64_t now_ms)
{
    uint64_t due = TIMERS_NEVER;
    map_for_each (at, &allocation->permissions) {
        struct permission *permission = of_link(at);
        if (permission_is_live(permission, now_ms)) {
            if (permission->expires_ms < due)
                due = permission->expires_ms;
            continue;
        }
        set_live(allocation, permission, false);
        if (permission->channels == 0)
            remove_permission(allocation, permission);
    }
    return due;
}

void permissions_rejudge(struct turn_allocation *allocation)
{
    const struct peer_policy *policy = allocation->server->settings->policy;
    map_for_each (at, &allocation->permissions) {
        struct permission *permission = of_link(at);
        enum peer_verdict verdict = policy_peer(policy, &permission->node.key, NULL);
        permission->checks_port = verdict == PEER_ALLOWED_CHECK_PORT;
        if (verdict == PEER_DENIED)
            end_permission(allocation, permission);
    }
}

void permissions_end(struct turn_allocation *allocation, enum address_family family)
{
    map_for_each (at, &allocation->permissions) {
        struct permission *permission = of_link(at);
        if (permission->node.key.family == family)
            end_permission(allocation, permission);
    }
}

/* --- packets --- */

/* Each peer that data is exchanged with for the first time costs one of the new peers a second. */
static bool admit_new(
    struct turn_allocation *allocation, struct permission *permission, uint64_t now_ms)
{
    uint32_t per_second = allocation->server->settings->max_new_peers_per_s;
    const struct token_rate rate = {.per_second = per_second, .burst = per_second};
    permission->is_known = token_bucket_take(&allocation->new_peers_spent, &rate, 1, now_ms);
    return permission->is_known;
}

enum drop_reason permission_check(struct turn_allocation *allocation, struct permission *permission,
    const struct address *peer, uint64_t now_ms)
{
    if (permission == NULL || !permission_is_live(permission, now_ms))
        return DROP_TURN_NO_PERMISSION;
    if (permission->checks_port &&
        !policy_peer_port(allocation->server->settings->policy, peer, NULL))
        return DROP_TURN_PEER_PORT;
    if (!permission->is_known && !admit_new(allocation, permission, now_ms))
        return DROP_TURN_NEW_PEERS;
    return DROP_NONE;
}

/* --- CreatePermission --- */

/* Walks all peers of the request; 0, or the code of the first that may not be. */
static unsigned prepare_all(struct turn_request *r)
{
    struct turn_allocation *allocation = r->allocation;
    struct reader walk = request_peers(r);
    struct address peer;
    bool checks_port;
    enum request_peer_status status;

    while ((status = request_next_peer(r, &walk, &peer)) == REQUEST_PEER_OK) {
        unsigned code = permission_judge(allocation, &peer, &checks_port);
        if (code != 0)
            return code;
        if (permission_prepare(allocation, &peer, checks_port) == NULL)
            return STUN_INSUFFICIENT_CAPACITY;
    }
    return status == REQUEST_PEER_BAD ? STUN_BAD_REQUEST : 0;
}

/* All or nothing (RFC 8656, section 10.2): permissions that were prepared and not renewed are no
 * permissions, and are swept away. */
enum turn_verdict permission_create(struct turn_request *r)
{
    struct turn_allocation *allocation = r->allocation;
    uint64_t now_ms = r->arrival->now_ms;

    if (!request_has(r, REQUEST_PEER))
        return reply_error(r, STUN_BAD_REQUEST);
    permissions_sweep(allocation, now_ms);
    unsigned code = prepare_all(r);
    if (code != 0) {
        permissions_sweep(allocation, now_ms);
        return reply_error(r, (enum stun_error)code);
    }

    struct reader walk = request_peers(r);
    struct address peer;
    while (request_next_peer(r, &walk, &peer) == REQUEST_PEER_OK)
        permission_renew(allocation, permission_find(allocation, &peer), now_ms);
    allocation_changed(allocation);
    return reply_success(r);
}
