/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/request.h - a message of a client, its attributes read once (RFC 8489, section 14).
 *
 * The first of equal attributes counts, and nothing behind a MESSAGE-INTEGRITY does (section 14.5).
 */
#ifndef TURN_REQUEST_H
#define TURN_REQUEST_H

#include "mediaferry/stun.h"
#include "turn/allocation.h"
#include "turn/reply.h"

/* What the methods of TURN look at. */
enum request_attr {
    REQUEST_LIFETIME,
    REQUEST_TRANSPORT,
    REQUEST_FAMILY,
    REQUEST_ADDITIONAL_FAMILY,
    REQUEST_EVEN_PORT,
    REQUEST_TOKEN, /* RESERVATION-TOKEN */
    REQUEST_DONT_FRAGMENT,
    REQUEST_PEER, /* the first XOR-PEER-ADDRESS */
    REQUEST_DATA,
    REQUEST_CHANNEL,       /* CHANNEL-NUMBER */
    REQUEST_CONNECTION_ID, /* RFC 6062 */
    REQUEST_TICKET,        /* MOBILITY-TICKET */
    REQUEST_ATTR_COUNT,
};

enum { REQUEST_UNKNOWN_MAX = 16 };

struct turn_request {
    struct turn_server *server;
    const struct turn_arrival *arrival;
    struct turn_elsewhere *elsewhere; /* to be filled before TURN_ANOTHER and TURN_LOOKUP */
    struct stun_message message;
    struct turn_exchange exchange; /* for the answer */

    /* Of the 5-tuple. A method may put another here before the credentials are checked: that of a
     * mobility ticket or a connection. NULL: none. */
    struct turn_allocation *allocation;

    uint32_t present; /* bits of enum request_attr */
    bool has_integrity;
    struct bytes values[REQUEST_ATTR_COUNT]; /* of those present */
    size_t unknown_count;                    /* comprehension-required, not known */
    uint16_t unknown[REQUEST_UNKNOWN_MAX];
};

/* Reads the attributes of `r->message` into the fields from `exchange` on. */
void request_read(struct turn_request *r);

static inline bool request_has(const struct turn_request *r, enum request_attr attr)
{
    return (r->present & 1u << attr) != 0;
}

/* Values of an attribute that is present; false when it has another shape. */
NODISCARD bool request_u32(const struct turn_request *r, enum request_attr attr, uint32_t *out);
/* Of those that carry one byte and three that are reserved. */
NODISCARD bool request_u8(const struct turn_request *r, enum request_attr attr, uint8_t *out);
NODISCARD bool request_peer(const struct turn_request *r, struct address *out);

/* Walks all XOR-PEER-ADDRESS; `walk` starts as request_peers(r). */
struct reader request_peers(const struct turn_request *r);
enum request_peer_status { REQUEST_PEER_OK, REQUEST_PEER_BAD, REQUEST_PEER_END };
enum request_peer_status request_next_peer(
    const struct turn_request *r, struct reader *walk, struct address *out);

/* The family that a value of REQUESTED-ADDRESS-FAMILY names; NONE: no such family (440). */
enum address_family request_family_of(uint8_t value);

#endif
