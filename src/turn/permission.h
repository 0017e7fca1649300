/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/permission.h - which peers an allocation exchanges data with, by IP (RFC 8656, section 9).
 *
 * Judged by the policy when it is made and when the settings change; the port of a packet only
 * where the policy asks for it. A permission outlives its time while channels point to it, and
 * then permits nothing.
 */
#ifndef TURN_PERMISSION_H
#define TURN_PERMISSION_H

#include "turn/allocation.h"
#include "turn/request.h"

struct permission {
    struct address_node node; /* in allocation->permissions */
    uint64_t expires_ms;
    uint32_t channels; /* that point here */
    bool is_live;      /* counted; its time was not over at the last sweep */
    bool checks_port;  /* policy_peer_port() judges each packet */
    bool is_known;     /* has passed the limit of new peers */
};

/* The permission for the IP of `peer`, or NULL; perhaps not live. */
struct permission *permission_find(
    const struct turn_allocation *allocation, const struct address *peer);

static inline bool permission_is_live(const struct permission *permission, uint64_t now_ms)
{
    return permission->is_live && now_ms < permission->expires_ms;
}

/* Whether `peer` may be had: 0, or the code of the error, 443 or 403. `checks_port` is what its
 * permission must remember. */
NODISCARD unsigned permission_judge(
    const struct turn_allocation *allocation, const struct address *peer, bool *checks_port);

/* The permission for the IP of `peer`; a new one permits nothing until it is renewed, and the next
 * sweep takes it away otherwise. NULL (508) when there are too many or out of memory. */
NODISCARD struct permission *permission_prepare(
    struct turn_allocation *allocation, const struct address *peer, bool checks_port);

/* From now on for its whole time. */
void permission_renew(
    struct turn_allocation *allocation, struct permission *permission, uint64_t now_ms);

/* One that another process has made and that ends then, perhaps now; it is left out when the policy
 * forbids the peer, or there is no room. */
void permission_restore(struct turn_allocation *allocation, const struct address *ip,
    uint64_t expires_ms, bool is_known);

/* Whether data may pass between the client and `peer` (with its port) now; otherwise the reason. A
 * permission of NULL permits nothing. */
enum drop_reason permission_check(struct turn_allocation *allocation, struct permission *permission,
    const struct address *peer, uint64_t now_ms);

/* Ends those whose time is over; returns when the next one is due, TIMERS_NEVER without. */
uint64_t permissions_sweep(struct turn_allocation *allocation, uint64_t now_ms);

/* After a change of the policy. */
void permissions_rejudge(struct turn_allocation *allocation);

/* Ends all of a family. */
void permissions_end(struct turn_allocation *allocation, enum address_family family);

/* CreatePermission (RFC 8656, section 10.2). */
enum turn_verdict permission_create(struct turn_request *r);

#endif
