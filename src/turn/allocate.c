/* SPDX-License-Identifier: Apache-2.0 */
/* Allocate (RFC 8656, section 7.2; RFC 6062, section 5.1; RFC 8016, section 3.1). */
#include "turn/allocate.h"

#include <errno.h>

#include "turn/mobility.h"

enum { PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };

/* What the client asks for, and what became of it. */
struct wishes {
    struct turn_relay_wish relay; /* of the first family */
    bool is_dual;
    bool is_mobile;
    uint32_t lifetime_s;
    struct turn_relay *relays[TURN_FAMILIES];
    enum address_family missing;
    unsigned missing_code;
};

/* --- reading; each returns 0 or the code of the error --- */

static unsigned read_transport(const struct turn_request *r, struct wishes *w)
{
    const struct turn_settings *settings = r->server->settings;
    uint8_t protocol;

    if (!request_u8(r, REQUEST_TRANSPORT, &protocol))
        return STUN_BAD_REQUEST;
    if (protocol == PROTOCOL_UDP && settings->udp_relay)
        return 0;
    if (protocol != PROTOCOL_TCP || !settings->tcp_relay)
        return STUN_UNSUPPORTED_TRANSPORT;
    if (!turn_path_is_stream(r->arrival->path) || request_has(r, REQUEST_EVEN_PORT) ||
        request_has(r, REQUEST_DONT_FRAGMENT) || request_has(r, REQUEST_TOKEN))
        return STUN_BAD_REQUEST;
    w->relay.tcp = true;
    return 0;
}

static unsigned read_port(const struct turn_request *r, struct wishes *w)
{
    if (request_has(r, REQUEST_TOKEN)) {
        struct bytes token = r->values[REQUEST_TOKEN];
        if (token.len != TURN_TOKEN_SIZE || request_has(r, REQUEST_EVEN_PORT) ||
            request_has(r, REQUEST_FAMILY) || request_has(r, REQUEST_ADDITIONAL_FAMILY))
            return STUN_BAD_REQUEST;
        w->relay.token = token.data;
    }
    if (request_has(r, REQUEST_EVEN_PORT)) {
        struct bytes value = r->values[REQUEST_EVEN_PORT];
        if (value.len != 1)
            return STUN_BAD_REQUEST;
        w->relay.even = true;
        w->relay.reserve_next = (value.data[0] & 0x80) != 0;
        if (w->relay.reserve_next && request_has(r, REQUEST_ADDITIONAL_FAMILY))
            return STUN_BAD_REQUEST;
    }
    return 0;
}

static bool offers_family(const struct turn_settings *settings, enum address_family family)
{
    return family == ADDRESS_IP4 ? settings->relay_ip4
                                 : family == ADDRESS_IP6 && settings->relay_ip6;
}

static unsigned read_family(const struct turn_request *r, struct wishes *w)
{
    const struct turn_settings *settings = r->server->settings;
    uint8_t value;

    if (w->relay.token != NULL)
        return 0; /* that of the reserved port */
    if (request_has(r, REQUEST_ADDITIONAL_FAMILY)) {
        if (request_has(r, REQUEST_FAMILY) || !request_u8(r, REQUEST_ADDITIONAL_FAMILY, &value) ||
            request_family_of(value) != ADDRESS_IP6)
            return STUN_BAD_REQUEST;
        w->is_dual = true;
        w->relay.family = ADDRESS_IP4;
        return 0;
    }
    if (request_has(r, REQUEST_FAMILY)) {
        if (!request_u8(r, REQUEST_FAMILY, &value))
            return STUN_BAD_REQUEST;
        w->relay.family = request_family_of(value);
    } else {
        w->relay.family = settings->default_family == ADDRESS_NONE ? r->arrival->path->client.family
                                                                   : settings->default_family;
    }
    return offers_family(settings, w->relay.family) ? 0 : STUN_ADDRESS_FAMILY_NOT_SUPPORTED;
}

static unsigned read_mobility(const struct turn_request *r, struct wishes *w)
{
    w->is_mobile = request_has(r, REQUEST_TICKET);
    if (!w->is_mobile)
        return 0;
    if (!r->server->settings->mobility)
        return STUN_MOBILITY_FORBIDDEN;
    return r->values[REQUEST_TICKET].len == 0 ? 0 : STUN_BAD_REQUEST;
}

static unsigned read_wishes(const struct turn_request *r, struct wishes *w)
{
    uint32_t asked_s = r->server->settings->allocation_default_s;
    if (request_has(r, REQUEST_LIFETIME) && !request_u32(r, REQUEST_LIFETIME, &asked_s))
        return STUN_BAD_REQUEST;

    unsigned code = read_transport(r, w);
    if (code == 0)
        code = read_port(r, w);
    if (code == 0)
        code = read_family(r, w);
    if (code == 0)
        code = read_mobility(r, w);
    w->lifetime_s =
        allocation_lifetime_s(r->server, r->exchange.auth.identity, asked_s, r->arrival->now_ms);
    return code;
}

/* --- another server --- */

/* The next in turn that a client of this kind and family can use; NULL without. */
static const struct address *next_alternate(
    struct turn_server *server, const struct turn_path *path)
{
    const struct turn_settings *settings = server->settings;
    bool is_tls = path->transport == TURN_TLS || path->transport == TURN_DTLS;
    const struct address *list = is_tls ? settings->tls_alternates : settings->alternates;
    size_t count = is_tls ? settings->tls_alternate_count : settings->alternate_count;

    for (size_t i = 0; i < count; i++) {
        const struct address *at = &list[server->next_alternate++ % count];
        if (at->family == path->client.family && !address_equal(at, &path->server))
            return at;
    }
    return NULL;
}

/* RFC 8489, section 10. */
static enum turn_verdict redirect(struct turn_request *r, const struct address *alternate)
{
    struct turn_reply reply;
    if (reply_begin_error(&reply, r, STUN_TRY_ALTERNATE)) {
        stun_write_address(&reply.w, STUN_ALTERNATE_SERVER, alternate);
        reply_send(&reply, r->arrival->path);
    }
    return TURN_DONE;
}

/* --- making --- */

static unsigned open_relay(
    struct turn_request *r, const struct turn_relay_wish *wish, struct turn_relay **out)
{
    const struct turn_host *host = &r->server->host;
    if (wish->token == NULL && !offers_family(r->server->settings, wish->family))
        return STUN_ADDRESS_FAMILY_NOT_SUPPORTED;
    int error = host->open_relay(host->owner, wish, r->arrival->path, out);
    if (error == 0)
        return 0;
    return error == -EAFNOSUPPORT ? STUN_ADDRESS_FAMILY_NOT_SUPPORTED : STUN_INSUFFICIENT_CAPACITY;
}

/* One family of two is enough (RFC 8656, section 7.2): the other is told by ADDRESS-ERROR-CODE. */
static unsigned open_relays(struct turn_request *r, struct wishes *w)
{
    unsigned first_code = open_relay(r, &w->relay, &w->relays[0]);
    if (!w->is_dual)
        return first_code;

    struct turn_relay_wish second = w->relay;
    second.family = ADDRESS_IP6;
    unsigned second_code = open_relay(r, &second, &w->relays[1]);
    if (first_code != 0 && second_code != 0)
        return first_code;
    w->missing = first_code != 0 ? ADDRESS_IP4 : second_code != 0 ? ADDRESS_IP6 : ADDRESS_NONE;
    w->missing_code = first_code != 0 ? first_code : second_code;
    return 0;
}

static void close_relays(struct turn_request *r, struct wishes *w)
{
    const struct turn_host *host = &r->server->host;
    for (size_t i = 0; i < COUNT_OF(w->relays); i++)
        if (w->relays[i] != NULL)
            host->close_relay(host->owner, w->relays[i]);
}

static void fill(struct turn_allocation *allocation, struct turn_request *r, struct wishes *w)
{
    uint64_t expires_ms = r->arrival->now_ms + w->lifetime_s * 1000ull;

    memcpy(allocation->transaction, r->exchange.id, STUN_ID_SIZE);
    allocation->is_tcp = w->relay.tcp;
    allocation->is_mobile = w->is_mobile;
    allocation->has_token = w->relay.reserve_next;
    allocation->missing = w->missing;
    allocation->missing_code = (enum stun_error)w->missing_code;
    for (size_t i = 0; i < COUNT_OF(w->relays); i++) {
        if (w->relays[i] == NULL)
            continue;
        w->relays[i]->owner = allocation;
        *allocation_relayed(allocation, w->relays[i]->relayed.family) =
            (struct turn_relayed){.relay = w->relays[i], .expires_ms = expires_ms};
    }
    allocation_due(allocation, expires_ms);
}

/* 0, or the code of the error. */
static unsigned make(struct turn_request *r, struct wishes *w)
{
    struct turn_server *server = r->server;
    const struct turn_host *host = &server->host;
    struct auth_identity *identity = r->exchange.auth.identity;

    if (server->allocation_count >= server->max_allocations)
        return STUN_INSUFFICIENT_CAPACITY;
    w->relay.identity = identity;
    if (!host->quota_take(host->owner, identity))
        return STUN_ALLOCATION_QUOTA_REACHED;
    unsigned code = open_relays(r, w);
    if (code == 0) {
        r->allocation = allocation_new(server, 0, identity, r->arrival->now_ms);
        if (r->allocation == NULL)
            code = STUN_INSUFFICIENT_CAPACITY;
    }
    if (code != 0) {
        close_relays(r, w);
        host->quota_give(host->owner, identity);
        return code;
    }
    counter_add(&server->counters.allocations_made, 1);
    route_put(server, &r->allocation->route, r->arrival->path, r->allocation);
    fill(r->allocation, r, w);
    allocation_set_name(r->allocation);
    return 0;
}

/* --- answering --- */

static void write_relayed(struct writer *w, struct turn_allocation *allocation)
{
    for (size_t i = 0; i < TURN_FAMILIES; i++) {
        const struct turn_relay *relay = allocation->relayed[i].relay;
        if (relay == NULL)
            continue;
        stun_write_xor_address(w, STUN_XOR_RELAYED_ADDRESS, &relay->relayed);
        if (allocation->has_token)
            stun_write_attr(w, STUN_RESERVATION_TOKEN, bytes_of(relay->reserved, TURN_TOKEN_SIZE));
    }
}

/* RFC 8656, section 18.12. */
static void write_missing(struct writer *w, const struct turn_allocation *allocation)
{
    unsigned code = allocation->missing_code;
    if (allocation->missing == ADDRESS_NONE)
        return;
    uint32_t family = allocation->missing == ADDRESS_IP4 ? 1 : 2;
    stun_write_u32(w, STUN_ADDRESS_ERROR_CODE, family << 24 | code / 100 << 8 | code % 100);
}

static enum turn_verdict answer(struct turn_request *r)
{
    struct turn_allocation *allocation = r->allocation;
    struct turn_reply reply;
    if (!reply_begin(&reply, r->server, &r->exchange, STUN_SUCCESS))
        return TURN_DONE;

    write_relayed(&reply.w, allocation);
    stun_write_u32(&reply.w, STUN_LIFETIME,
        seconds_until(allocation_expires_ms(allocation), r->arrival->now_ms));
    stun_write_xor_address(&reply.w, STUN_XOR_MAPPED_ADDRESS, &r->arrival->path->client);
    write_missing(&reply.w, allocation);
    if (allocation->is_mobile)
        mobility_write_ticket(allocation, &reply.w);
    reply_send(&reply, r->arrival->path);
    return TURN_DONE;
}

static void tell_made(struct turn_allocation *allocation, uint64_t now_ms)
{
    const struct turn_host *host = &allocation->server->host;
    allocation->is_told = true;
    if (host->made == NULL)
        return;
    struct turn_report report = allocation_report(allocation, now_ms);
    host->made(host->owner, &report);
}

bool allocate_is_repeated(const struct turn_request *r)
{
    return memcmp(r->allocation->transaction, r->exchange.id, STUN_ID_SIZE) == 0;
}

enum turn_verdict allocate(struct turn_request *r)
{
    const struct turn_settings *settings = r->server->settings;
    struct wishes w = {.missing = ADDRESS_NONE};

    if (r->allocation != NULL)
        return allocate_is_repeated(r) ? answer(r) : reply_error(r, STUN_ALLOCATION_MISMATCH);
    unsigned code = read_wishes(r, &w);
    if (code != 0)
        return reply_error(r, (enum stun_error)code);

    if (settings->draining || settings->redirect_always) {
        const struct address *alternate = next_alternate(r->server, r->arrival->path);
        if (alternate != NULL)
            return redirect(r, alternate);
        if (settings->draining)
            return reply_error(r, STUN_FORBIDDEN);
    }
    code = make(r, &w);
    if (code != 0)
        return reply_error(r, (enum stun_error)code);
    tell_made(r->allocation, r->arrival->now_ms);
    allocation_changed(r->allocation);
    return answer(r);
}
