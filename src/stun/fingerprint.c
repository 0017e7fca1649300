/* SPDX-License-Identifier: Apache-2.0 */
/* FINGERPRINT: CRC-32 over all that precedes it, with a mask (RFC 8489, section 14.7). */
#include "mediaferry/stun.h"

enum { WHOLE_SIZE = STUN_ATTR_HEADER_SIZE + STUN_FINGERPRINT_SIZE };

static const uint32_t mask = 0x5354554e;

/* The reflected CRC-32 of ITU-T V.42, four bits at a time. */
static uint32_t crc32_of(struct bytes b)
{
    static const uint32_t table[16] = {
        0x00000000,
        0x1db71064,
        0x3b6e20c8,
        0x26d930ac,
        0x76dc4190,
        0x6b6b51f4, //
        0x4db26158,
        0x5005713c,
        0xedb88320,
        0xf00f9344,
        0xd6d6a3e8,
        0xcb61b38c, //
        0x9b64c2b0,
        0x86d3d2d4,
        0xa00ae278,
        0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < b.len; i++) {
        crc ^= b.data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

enum stun_check stun_check_fingerprint(const struct stun_message *m)
{
    struct reader r = reader_over(m->attrs);
    struct stun_attr attr;
    bool present = false;
    uint32_t value;

    while (!present && stun_next_attr(&r, &attr))
        present = attr.type == STUN_FINGERPRINT;
    if (!present)
        return STUN_CHECK_ABSENT;
    if (reader_left(&r) > 0 || !stun_read_u32(attr.value, &value))
        return STUN_CHECK_WRONG;

    struct bytes covered = bytes_of(m->whole.data, m->whole.len - WHOLE_SIZE);
    return value == (crc32_of(covered) ^ mask) ? STUN_CHECK_RIGHT : STUN_CHECK_WRONG;
}

/* The length in the header counts the attribute itself: write it first, then its value. */
void stun_write_fingerprint(struct writer *w)
{
    stun_write_u32(w, STUN_FINGERPRINT, 0);
    if (!writer_ok(w))
        return;

    w->len -= STUN_FINGERPRINT_SIZE;
    struct bytes covered = bytes_of(w->data, w->len - STUN_ATTR_HEADER_SIZE);
    writer_u32(w, crc32_of(covered) ^ mask);
}
