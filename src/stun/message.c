/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/stun.h"

enum { ALIGNMENT = 4 };

static size_t padding_after(size_t len)
{
    return (ALIGNMENT - len % ALIGNMENT) % ALIGNMENT;
}

/* A message is walked a dozen times before it is answered, so this takes no step twice. */
bool stun_next_attr(struct reader *r, struct stun_attr *out)
{
    const struct bytes rest = r->rest;
    if (rest.len == 0)
        return false;

    size_t len = rest.len < STUN_ATTR_HEADER_SIZE ? 0 : (size_t)(rest.data[2] << 8 | rest.data[3]);
    size_t size = STUN_ATTR_HEADER_SIZE + len + padding_after(len);
    if (size > rest.len) {
        *r = (struct reader){.failed = true};
        return false;
    }
    *out = (struct stun_attr){
        .type = (uint16_t)(rest.data[0] << 8 | rest.data[1]),
        .value = bytes_of(rest.data + STUN_ATTR_HEADER_SIZE, len),
    };
    r->rest = bytes_of(rest.data + size, rest.len - size);
    return true;
}

static bool attrs_are_whole(struct bytes attrs)
{
    struct reader r = reader_over(attrs);
    struct stun_attr attr;
    while (stun_next_attr(&r, &attr))
        continue;
    return reader_ok(&r);
}

enum stun_status stun_parse(struct bytes datagram, struct stun_message *out)
{
    struct reader r = reader_over(datagram);
    uint16_t type = reader_u16(&r);
    uint16_t len = reader_u16(&r);
    uint32_t cookie = reader_u32(&r);
    struct bytes id = reader_take(&r, STUN_ID_SIZE);
    if (!reader_ok(&r))
        return STUN_TRUNCATED;
    if ((type & 0xc000) != 0 || cookie != STUN_COOKIE || len % ALIGNMENT != 0)
        return STUN_NOT_STUN;

    struct bytes attrs = reader_take(&r, len);
    if (!reader_ok(&r))
        return STUN_TRUNCATED;
    if (reader_left(&r) > 0)
        return STUN_TRAILING;
    if (!attrs_are_whole(attrs))
        return STUN_BAD_ATTRIBUTE;

    *out = (struct stun_message){.type = type, .id = id, .attrs = attrs, .whole = datagram};
    return STUN_OK;
}

/* How far down the order "attributes, integrity, integrity of SHA-256, fingerprint" a walk is. */
static unsigned rank_of(uint16_t type)
{
    switch (type) {
    case STUN_MESSAGE_INTEGRITY:
        return 1;
    case STUN_MESSAGE_INTEGRITY_SHA256:
        return 2;
    case STUN_FINGERPRINT:
        return 3;
    default:
        return 0;
    }
}

/* Reads the next attribute that counts: behind a check value only a later check value does. */
static bool next_counting(struct reader *r, unsigned *rank, struct stun_attr *out)
{
    while (stun_next_attr(r, out)) {
        unsigned own = rank_of(out->type);
        if (own < *rank || (own > 0 && own == *rank))
            continue;
        *rank = own;
        return true;
    }
    return false;
}

bool stun_find(const struct stun_message *m, uint16_t type, struct bytes *out)
{
    struct reader r = reader_over(m->attrs);
    struct stun_attr attr;
    unsigned rank = 0;
    while (next_counting(&r, &rank, &attr)) {
        if (attr.type == type) {
            *out = attr.value;
            return true;
        }
    }
    return false;
}

bool stun_has(const struct stun_message *m, uint16_t type)
{
    struct bytes ignored;
    return stun_find(m, type, &ignored);
}

static bool contains(const uint16_t *types, size_t count, uint16_t type)
{
    for (size_t i = 0; i < count; i++)
        if (types[i] == type)
            return true;
    return false;
}

size_t stun_unknown_required(const struct stun_message *m, const uint16_t *known,
    size_t known_count, uint16_t *out, size_t capacity)
{
    struct reader r = reader_over(m->attrs);
    struct stun_attr attr;
    unsigned rank = 0;
    size_t count = 0;
    while (count < capacity && next_counting(&r, &rank, &attr)) {
        if (attr.type >= 0x8000 || contains(known, known_count, attr.type) ||
            contains(out, count, attr.type))
            continue;
        out[count++] = attr.type;
    }
    return count;
}
