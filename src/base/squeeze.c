/* SPDX-License-Identifier: Apache-2.0 */
#include "base/squeeze.h"

enum {
    MIN_MATCH = 4,
    MAX_DISTANCE = 65535,
    NIBBLE = 15, /* and more in the bytes that follow */
    HASH_BITS = 10,
};

size_t squeeze_bound(size_t len)
{
    return len + len / 255 + 16;
}

static uint32_t word_at(const uint8_t *data)
{
    uint32_t word;
    memcpy(&word, data, sizeof(word));
    return word;
}

static size_t hash_of(uint32_t word)
{
    return word * UINT32_C(2654435761) >> (32 - HASH_BITS);
}

static size_t match_len(struct bytes in, size_t at, size_t from)
{
    size_t len = MIN_MATCH;
    while (at + len < in.len && in.data[at + len] == in.data[from + len])
        len++;
    return len;
}

static uint8_t *put_more(uint8_t *out, size_t len)
{
    for (len -= NIBBLE; len >= 255; len -= 255)
        *out++ = 255;
    *out++ = (uint8_t)len;
    return out;
}

/* A match of 0: none. */
static uint8_t *put_step(uint8_t *out, struct bytes literals, size_t distance, size_t match)
{
    size_t rest = match > 0 ? match - MIN_MATCH : 0;
    size_t high = literals.len < NIBBLE ? literals.len : NIBBLE,
           low = rest < NIBBLE ? rest : NIBBLE;
    *out++ = (uint8_t)(high << 4 | low);
    if (high == NIBBLE)
        out = put_more(out, literals.len);
    if (literals.len > 0)
        memcpy(out, literals.data, literals.len);
    out += literals.len;
    if (match == 0)
        return out;
    *out++ = (uint8_t)distance;
    *out++ = (uint8_t)(distance >> 8);
    return low == NIBBLE ? put_more(out, rest) : out;
}

size_t squeeze(struct bytes in, uint8_t *out)
{
    uint32_t seen[1 << HASH_BITS] = {0}; /* where a word was last, and 1 more; 0: nowhere */
    uint8_t *const begin = out;
    size_t done = 0, at = 0;

    while (at + MIN_MATCH <= in.len) {
        uint32_t word = word_at(in.data + at);
        uint32_t *place = &seen[hash_of(word)];
        size_t from = *place;
        *place = (uint32_t)at + 1;
        if (from == 0 || at - --from > MAX_DISTANCE || word_at(in.data + from) != word) {
            at++;
            continue;
        }
        size_t len = match_len(in, at, from);
        out = put_step(out, bytes_of(in.data + done, at - done), at - from, len);
        at += len;
        done = at;
    }
    out = put_step(out, bytes_of(in.data + done, in.len - done), 0, 0);
    return (size_t)(out - begin);
}

static size_t take_len(struct reader *r, unsigned nibble)
{
    size_t len = nibble;
    uint8_t more = nibble == NIBBLE ? 255 : 0;
    while (more == 255 && reader_ok(r)) {
        more = reader_u8(r);
        len += more;
    }
    return len;
}

/* A match may reach into what it writes itself: then it repeats. */
static void copy_match(uint8_t *to, size_t distance, size_t len)
{
    if (distance >= len) {
        memcpy(to, to - distance, len);
        return;
    }
    for (size_t i = 0; i < len; i++)
        to[i] = to[i - distance];
}

bool unsqueeze(struct bytes in, uint8_t *out, size_t len)
{
    struct reader r = reader_over(in);
    size_t at = 0;
    for (;;) {
        unsigned token = reader_u8(&r);
        struct bytes literals = reader_take(&r, take_len(&r, token >> 4));
        if (!reader_ok(&r) || literals.len > len - at)
            return false;
        if (literals.len > 0)
            memcpy(out + at, literals.data, literals.len);
        at += literals.len;
        if (reader_left(&r) == 0)
            return at == len;
        size_t distance = reader_u8(&r);
        distance |= (size_t)reader_u8(&r) << 8;
        size_t match = take_len(&r, token & NIBBLE) + MIN_MATCH;
        if (!reader_ok(&r) || distance == 0 || distance > at || match > len - at)
            return false;
        copy_match(out + at, distance, match);
        at += match;
    }
}
