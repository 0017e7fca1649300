/* SPDX-License-Identifier: Apache-2.0 */
/* Refresh (RFC 8656, section 8.2; RFC 8016, section 3.2). */
#include "turn/allocate.h"
#include "turn/mobility.h"

enum turn_verdict refresh_find(struct turn_request *r)
{
    bool has_ticket = request_has(r, REQUEST_TICKET) && r->values[REQUEST_TICKET].len > 0;
    return has_ticket && r->server->settings->mobility ? mobility_find(r) : TURN_DONE;
}

/* What is asked for; 0 or the code of the error. */
static unsigned read_wishes(struct turn_request *r, enum address_family *family, uint32_t *asked_s)
{
    uint8_t value;

    if (request_has(r, REQUEST_LIFETIME) && !request_u32(r, REQUEST_LIFETIME, asked_s))
        return STUN_BAD_REQUEST;
    if (request_has(r, REQUEST_FAMILY)) {
        if (!request_u8(r, REQUEST_FAMILY, &value))
            return STUN_BAD_REQUEST;
        *family = request_family_of(value);
        if (*family == ADDRESS_NONE || !allocation_has_family(r->allocation, *family))
            return STUN_PEER_FAMILY_MISMATCH;
    }
    if (request_has(r, REQUEST_TICKET)) {
        if (!r->server->settings->mobility)
            return STUN_MOBILITY_FORBIDDEN;
        return mobility_move(r);
    }
    return 0;
}

static bool is_same_payer(const struct auth_identity *a, const struct auth_identity *b)
{
    return text_equal(auth_identity_user(a), auth_identity_user(b)) &&
           text_equal(auth_identity_realm(a), auth_identity_realm(b));
}

/* The same user may have another password by now. A new access token may be of another key, and so
 * by the quotas another user's: false when he may not have one more. */
static bool adopt_identity(struct turn_allocation *allocation, struct auth_identity *identity)
{
    const struct turn_host *host = &allocation->server->host;
    struct auth_identity *former = allocation->identity;
    if (identity == former)
        return true;
    bool is_same = is_same_payer(identity, former);
    if (!is_same && !host->quota_take(host->owner, identity))
        return false;
    allocation->identity = auth_identity_ref(identity);
    if (!is_same)
        host->quota_give(host->owner, former);
    auth_identity_unref(former);
    return true;
}

static void prolong(struct turn_allocation *allocation, enum address_family family,
    uint32_t lifetime_s, uint64_t now_ms)
{
    for (size_t i = 0; i < TURN_FAMILIES; i++) {
        struct turn_relayed *relayed = &allocation->relayed[i];
        if (relayed->relay == NULL)
            continue;
        if (family != ADDRESS_NONE && relayed->relay->relayed.family != family)
            continue;
        relayed->expires_ms = now_ms + lifetime_s * 1000ull;
        allocation_due(allocation, relayed->expires_ms);
    }
}

/* Of one family or of all; the allocation ends with the last one. */
static void end(struct turn_request *r, enum address_family family)
{
    struct turn_allocation *allocation = r->allocation;
    if (family != ADDRESS_NONE)
        allocation_end_family(allocation, family);
    if (family == ADDRESS_NONE || allocation_expires_ms(allocation) == 0) {
        allocation_end(allocation, TURN_END_DELETED);
        r->allocation = NULL;
    }
}

enum turn_verdict refresh(struct turn_request *r)
{
    uint64_t now_ms = r->arrival->now_ms;
    enum address_family family = ADDRESS_NONE;
    uint32_t lifetime_s = r->server->settings->allocation_default_s;

    unsigned code = read_wishes(r, &family, &lifetime_s);
    if (code != 0)
        return reply_error(r, (enum stun_error)code);

    if (lifetime_s != 0 && !adopt_identity(r->allocation, r->exchange.auth.identity))
        return reply_error(r, STUN_ALLOCATION_QUOTA_REACHED);
    if (lifetime_s != 0)
        lifetime_s = allocation_lifetime_s(r->server, r->allocation->identity, lifetime_s, now_ms);
    if (lifetime_s == 0)
        end(r, family);
    else
        prolong(r->allocation, family, lifetime_s, now_ms);
    if (r->allocation != NULL)
        allocation_changed(r->allocation);

    struct turn_reply reply;
    if (!reply_begin(&reply, r->server, &r->exchange, STUN_SUCCESS))
        return TURN_DONE;
    stun_write_u32(&reply.w, STUN_LIFETIME, lifetime_s);
    if (r->allocation != NULL && request_has(r, REQUEST_TICKET))
        mobility_write_ticket(r->allocation, &reply.w);
    reply_send(&reply, r->arrival->path);
    return TURN_DONE;
}
