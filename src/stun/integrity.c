/* SPDX-License-Identifier: Apache-2.0 */
#include "stun/integrity.h"

#include "stun/hmac.h"

enum { LARGEST_SIZE = STUN_INTEGRITY_SHA256_SIZE };

/* Over the first `len` bytes of a message, with a length field that ends at the integrity itself
 * (`size` bytes) whatever follows it (RFC 8489, sections 14.5 and 14.6). */
static bool compute(enum hmac_hash hash, const uint8_t *message, size_t len, size_t size,
    struct bytes key, uint8_t *out)
{
    uint8_t head[STUN_HEADER_SIZE];
    size_t announced = len - STUN_HEADER_SIZE + STUN_ATTR_HEADER_SIZE + size;
    if (announced > UINT16_MAX)
        return false;

    memcpy(head, message, sizeof(head));
    head[2] = (uint8_t)(announced >> 8);
    head[3] = (uint8_t)announced;
    const struct bytes parts[] = {
        bytes_of(head, sizeof(head)),
        bytes_of(message + sizeof(head), len - sizeof(head)),
    };
    return hmac_compute(hash, key, parts, COUNT_OF(parts), out);
}

/* Finds the first attribute of `type` and how many bytes of the message stand before it. */
static bool find_value(
    const struct stun_message *m, uint16_t type, struct bytes *value, size_t *before)
{
    struct reader r = reader_over(m->attrs);
    struct stun_attr attr;
    for (;;) {
        size_t left = reader_left(&r);
        if (!stun_next_attr(&r, &attr))
            return false;
        if (attr.type != type)
            continue;
        *value = attr.value;
        *before = m->whole.len - left;
        return true;
    }
}

static enum stun_check check_value(enum hmac_hash hash, const struct stun_message *m,
    struct bytes value, size_t before, struct bytes key)
{
    uint8_t expected[LARGEST_SIZE];
    if (!compute(hash, m->whole.data, before, value.len, key, expected))
        return STUN_CHECK_WRONG;
    return bytes_equal_secret(value, bytes_of(expected, value.len)) ? STUN_CHECK_RIGHT
                                                                    : STUN_CHECK_WRONG;
}

enum stun_check stun_check_integrity(const struct stun_message *m, struct bytes key)
{
    struct bytes value;
    size_t before;
    if (!find_value(m, STUN_MESSAGE_INTEGRITY, &value, &before))
        return STUN_CHECK_ABSENT;
    if (value.len != STUN_INTEGRITY_SIZE)
        return STUN_CHECK_WRONG;
    return check_value(HMAC_SHA1, m, value, before, key);
}

enum stun_check stun_check_integrity_sha256(
    const struct stun_message *m, struct bytes key, size_t min_size)
{
    struct bytes value;
    size_t before;
    if (!find_value(m, STUN_MESSAGE_INTEGRITY_SHA256, &value, &before))
        return STUN_CHECK_ABSENT;
    if (value.len < STUN_INTEGRITY_SHA256_MIN_SIZE || value.len < min_size ||
        value.len > STUN_INTEGRITY_SHA256_SIZE || value.len % 4 != 0)
        return STUN_CHECK_WRONG;
    return check_value(HMAC_SHA256, m, value, before, key);
}

static void write_value(
    enum hmac_hash hash, uint16_t type, size_t size, struct writer *w, struct bytes key)
{
    uint8_t value[LARGEST_SIZE];
    if (!writer_ok(w))
        return;
    if (!compute(hash, w->data, w->len, size, key, value)) {
        w->failed = true;
        return;
    }
    stun_write_attr(w, type, bytes_of(value, size));
}

void stun_write_integrity(struct writer *w, struct bytes key)
{
    write_value(HMAC_SHA1, STUN_MESSAGE_INTEGRITY, STUN_INTEGRITY_SIZE, w, key);
}

void stun_write_integrity_sha256(struct writer *w, struct bytes key)
{
    write_value(HMAC_SHA256, STUN_MESSAGE_INTEGRITY_SHA256, STUN_INTEGRITY_SHA256_SIZE, w, key);
}
