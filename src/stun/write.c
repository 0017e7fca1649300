/* SPDX-License-Identifier: Apache-2.0 */
/* Writes messages and attributes (RFC 8489, sections 5 and 14). */
#include "mediaferry/stun.h"

#include <assert.h>

/* A message longer than its 16-bit length field can say is a failure like a full writer. */
static void update_length(struct writer *w)
{
    if (!writer_ok(w))
        return;
    size_t len = w->len - STUN_HEADER_SIZE;
    if (len > UINT16_MAX) {
        w->failed = true;
        return;
    }
    w->data[2] = (uint8_t)(len >> 8);
    w->data[3] = (uint8_t)len;
}

void stun_begin(struct writer *w, uint16_t type, struct bytes id)
{
    assert(w->len == 0 && id.len == STUN_ID_SIZE);
    writer_u16(w, type);
    writer_u16(w, 0);
    writer_u32(w, STUN_COOKIE);
    writer_put(w, id);
}

void stun_write_attr(struct writer *w, uint16_t type, struct bytes value)
{
    static const uint8_t zeros[3];

    if (value.len > UINT16_MAX)
        w->failed = true;
    writer_u16(w, type);
    writer_u16(w, (uint16_t)value.len);
    writer_put(w, value);
    writer_put(w, bytes_of(zeros, (4 - value.len % 4) % 4));
    update_length(w);
}

void stun_write_u32(struct writer *w, uint16_t type, uint32_t value)
{
    uint8_t wire[4];
    struct writer v = writer_over(wire, sizeof(wire));
    writer_u32(&v, value);
    stun_write_attr(w, type, writer_bytes(&v));
}

void stun_write_u64(struct writer *w, uint16_t type, uint64_t value)
{
    uint8_t wire[8];
    struct writer v = writer_over(wire, sizeof(wire));
    writer_u64(&v, value);
    stun_write_attr(w, type, writer_bytes(&v));
}

void stun_write_address(struct writer *w, uint16_t type, const struct address *a)
{
    uint8_t wire[20];
    struct writer v = writer_over(wire, sizeof(wire));
    assert(a->family != ADDRESS_NONE);
    writer_u16(&v, a->family == ADDRESS_IP4 ? 1 : 2);
    writer_u16(&v, a->port);
    writer_put(&v, address_ip(a));
    stun_write_attr(w, type, writer_bytes(&v));
}

void stun_write_xor_address(struct writer *w, uint16_t type, const struct address *a)
{
    struct address hidden = *a;
    if (!writer_ok(w))
        return;
    hidden.port = (uint16_t)(a->port ^ (STUN_COOKIE >> 16));
    for (size_t i = 0; i < address_ip_len(a); i++)
        hidden.ip[i] ^= w->data[STUN_ATTR_HEADER_SIZE + i];
    stun_write_address(w, type, &hidden);
}

void stun_write_error(struct writer *w, enum stun_error code, struct text reason)
{
    uint8_t wire[4 + 128];
    struct writer v = writer_over(wire, sizeof(wire));
    assert(reason.len < 128); /* RFC 8489, section 14.8 */
    writer_u16(&v, 0);
    writer_u8(&v, (uint8_t)(code / 100));
    writer_u8(&v, (uint8_t)(code % 100));
    writer_put(&v, text_bytes(reason));
    stun_write_attr(w, STUN_ERROR_CODE, writer_bytes(&v));
}

void stun_write_icmp(struct writer *w, const struct stun_icmp *icmp)
{
    uint8_t wire[8];
    struct writer v = writer_over(wire, sizeof(wire));
    assert(icmp->type < 0x80 && icmp->code < 0x200);
    writer_u16(&v, 0);
    writer_u16(&v, (uint16_t)(icmp->type << 9 | icmp->code));
    writer_u32(&v, icmp->data);
    stun_write_attr(w, STUN_ICMP, writer_bytes(&v));
}

void stun_write_address_error(struct writer *w, enum address_family family, enum stun_error code)
{
    uint8_t wire[4];
    struct writer v = writer_over(wire, sizeof(wire));
    assert(family != ADDRESS_NONE);
    writer_u8(&v, family == ADDRESS_IP4 ? 1 : 2);
    writer_u8(&v, 0);
    writer_u8(&v, (uint8_t)(code / 100));
    writer_u8(&v, (uint8_t)(code % 100));
    stun_write_attr(w, STUN_ADDRESS_ERROR_CODE, writer_bytes(&v));
}

void stun_write_unknown(struct writer *w, const uint16_t *types, size_t count)
{
    uint8_t wire[2 * 64];
    struct writer v = writer_over(wire, sizeof(wire));
    assert(count <= sizeof(wire) / 2);
    for (size_t i = 0; i < count; i++)
        writer_u16(&v, types[i]);
    stun_write_attr(w, STUN_UNKNOWN_ATTRIBUTES, writer_bytes(&v));
}
