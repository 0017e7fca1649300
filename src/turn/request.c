/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/request.h"

/* ADDITIONAL-ADDRESS-FAMILY in the drafts of RFC 8656: clients made of coturn 4.6 still send it. */
enum { STUN_ADDITIONAL_ADDRESS_FAMILY_OF_DRAFTS = 0x8032 };

/* Attributes whose values are kept; of those we know besides, somebody else reads the value. */
static int attr_of_type(uint16_t type)
{
    switch (type) {
    case STUN_LIFETIME:
        return REQUEST_LIFETIME;
    case STUN_REQUESTED_TRANSPORT:
        return REQUEST_TRANSPORT;
    case STUN_REQUESTED_ADDRESS_FAMILY:
        return REQUEST_FAMILY;
    case STUN_ADDITIONAL_ADDRESS_FAMILY:
    case STUN_ADDITIONAL_ADDRESS_FAMILY_OF_DRAFTS:
        return REQUEST_ADDITIONAL_FAMILY;
    case STUN_EVEN_PORT:
        return REQUEST_EVEN_PORT;
    case STUN_RESERVATION_TOKEN:
        return REQUEST_TOKEN;
    case STUN_DONT_FRAGMENT:
        return REQUEST_DONT_FRAGMENT;
    case STUN_XOR_PEER_ADDRESS:
        return REQUEST_PEER;
    case STUN_DATA_ATTR:
        return REQUEST_DATA;
    case STUN_CHANNEL_NUMBER:
        return REQUEST_CHANNEL;
    case STUN_CONNECTION_ID:
        return REQUEST_CONNECTION_ID;
    case STUN_MOBILITY_TICKET:
        return REQUEST_TICKET;
    default:
        return -1;
    }
}

/* Comprehension-required attributes that the credentials or nobody needs to look at: known, and
 * ignored where they are out of place (RFC 8489, section 14). */
static bool is_known(uint16_t type)
{
    static const uint16_t known[] = {STUN_MAPPED_ADDRESS, STUN_USERNAME, STUN_MESSAGE_INTEGRITY,
        STUN_ERROR_CODE, STUN_UNKNOWN_ATTRIBUTES, STUN_XOR_RELAYED_ADDRESS, STUN_REALM, STUN_NONCE,
        STUN_ACCESS_TOKEN, STUN_MESSAGE_INTEGRITY_SHA256, STUN_PASSWORD_ALGORITHM, STUN_USERHASH,
        STUN_XOR_MAPPED_ADDRESS};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (known[i] == type)
            return true;
    return false;
}

static void note_unknown(struct turn_request *r, uint16_t type)
{
    for (size_t i = 0; i < r->unknown_count; i++)
        if (r->unknown[i] == type)
            return;
    if (r->unknown_count < COUNT_OF(r->unknown))
        r->unknown[r->unknown_count++] = type;
}

void request_read(struct turn_request *r)
{
    struct reader walk = reader_over(r->message.attrs);
    struct stun_attr attr;

    r->exchange.method = stun_method_of(r->message.type);
    memcpy(r->exchange.id, r->message.id.data, STUN_ID_SIZE);
    while (stun_next_attr(&walk, &attr)) {
        if (attr.type == STUN_FINGERPRINT)
            r->exchange.has_fingerprint = true;
        if (r->has_integrity)
            continue;
        int kept = attr_of_type(attr.type);
        if (attr.type == STUN_MESSAGE_INTEGRITY || attr.type == STUN_MESSAGE_INTEGRITY_SHA256) {
            r->has_integrity = true;
        } else if (kept < 0) {
            if (attr.type < 0x8000 && !is_known(attr.type))
                note_unknown(r, attr.type);
        } else if (!request_has(r, (enum request_attr)kept)) {
            r->present |= 1u << kept;
            r->values[kept] = attr.value;
        }
    }
}

bool request_u32(const struct turn_request *r, enum request_attr attr, uint32_t *out)
{
    return request_has(r, attr) && stun_read_u32(r->values[attr], out);
}

bool request_u8(const struct turn_request *r, enum request_attr attr, uint8_t *out)
{
    uint32_t value;
    if (!request_u32(r, attr, &value))
        return false;
    *out = (uint8_t)(value >> 24);
    return true;
}

bool request_peer(const struct turn_request *r, struct address *out)
{
    return request_has(r, REQUEST_PEER) &&
           stun_read_xor_address(&r->message, r->values[REQUEST_PEER], out);
}

struct reader request_peers(const struct turn_request *r)
{
    return reader_over(r->message.attrs);
}

enum request_peer_status request_next_peer(
    const struct turn_request *r, struct reader *walk, struct address *out)
{
    struct stun_attr attr;
    while (stun_next_attr(walk, &attr)) {
        if (attr.type == STUN_MESSAGE_INTEGRITY || attr.type == STUN_MESSAGE_INTEGRITY_SHA256)
            return REQUEST_PEER_END;
        if (attr.type == STUN_XOR_PEER_ADDRESS)
            return stun_read_xor_address(&r->message, attr.value, out) ? REQUEST_PEER_OK
                                                                       : REQUEST_PEER_BAD;
    }
    return REQUEST_PEER_END;
}

enum address_family request_family_of(uint8_t value)
{
    return value == 1 ? ADDRESS_IP4 : value == 2 ? ADDRESS_IP6 : ADDRESS_NONE;
}
