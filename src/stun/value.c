/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the values of attributes (RFC 8489, section 14). */
#include "mediaferry/stun.h"

enum { FAMILY_IP4 = 1, FAMILY_IP6 = 2 };

bool stun_read_u32(struct bytes value, uint32_t *out)
{
    struct reader r = reader_over(value);
    uint32_t number = reader_u32(&r);
    if (!reader_ok(&r) || reader_left(&r) > 0)
        return false;
    *out = number;
    return true;
}

bool stun_read_u64(struct bytes value, uint64_t *out)
{
    struct reader r = reader_over(value);
    uint64_t number = reader_u64(&r);
    if (!reader_ok(&r) || reader_left(&r) > 0)
        return false;
    *out = number;
    return true;
}

bool stun_read_address(struct bytes value, struct address *out)
{
    struct reader r = reader_over(value);
    reader_u8(&r); /* ignored by the receiver */
    uint8_t code = reader_u8(&r);
    uint16_t port = reader_u16(&r);
    if (!reader_ok(&r) || (code != FAMILY_IP4 && code != FAMILY_IP6))
        return false;

    enum address_family family = code == FAMILY_IP4 ? ADDRESS_IP4 : ADDRESS_IP6;
    struct bytes ip = reader_take(&r, code == FAMILY_IP4 ? 4 : 16);
    if (!reader_ok(&r) || reader_left(&r) > 0)
        return false;
    *out = address_from_ip(family, ip.data, port);
    return true;
}

/* The mask is the cookie and the transaction id, as they stand in the header. */
bool stun_read_xor_address(const struct stun_message *m, struct bytes value, struct address *out)
{
    struct address a;
    if (!stun_read_address(value, &a))
        return false;

    struct reader r = reader_over(m->whole);
    reader_take(&r, STUN_ATTR_HEADER_SIZE);
    struct bytes mask = reader_take(&r, sizeof(a.ip));
    if (!reader_ok(&r))
        return false;
    a.port = (uint16_t)(a.port ^ (STUN_COOKIE >> 16));
    for (size_t i = 0; i < address_ip_len(&a); i++)
        a.ip[i] ^= mask.data[i];
    *out = a;
    return true;
}

bool stun_read_error(struct bytes value, unsigned *code, struct text *reason)
{
    struct reader r = reader_over(value);
    reader_u16(&r);
    unsigned hundreds = reader_u8(&r) & 7;
    unsigned rest = reader_u8(&r);
    if (!reader_ok(&r) || hundreds < 3 || hundreds > 6 || rest > 99)
        return false;
    *code = hundreds * 100 + rest;
    *reason = text_from_bytes(r.rest);
    return true;
}

bool stun_read_icmp(struct bytes value, struct stun_icmp *out)
{
    struct reader r = reader_over(value);
    reader_u16(&r); /* reserved */
    uint16_t kind = reader_u16(&r);
    uint32_t data = reader_u32(&r);
    if (!reader_ok(&r) || reader_left(&r) > 0)
        return false;
    *out = (struct stun_icmp){.type = (uint8_t)(kind >> 9), .code = kind & 0x1ff, .data = data};
    return true;
}
