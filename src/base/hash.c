/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

/* SipHash (Aumasson, Bernstein 2012) with one compression and three finalization rounds. */
struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static struct sip sip_start(const uint64_t seed[2])
{
    return (struct sip){
        .v0 = seed[0] ^ 0x736f6d6570736575u,
        .v1 = seed[1] ^ 0x646f72616e646f6du,
        .v2 = seed[0] ^ 0x6c7967656e657261u,
        .v3 = seed[1] ^ 0x7465646279746573u,
    };
}

static void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

static uint64_t sip_end(struct sip *s)
{
    s->v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(struct bytes b, const uint64_t seed[2])
{
    struct sip s = sip_start(seed);
    uint64_t last = (uint64_t)b.len << 56;
    size_t at = 0;

    for (; b.len - at >= 8; at += 8) {
        uint64_t word = 0;
        for (unsigned i = 0; i < 8; i++)
            word |= (uint64_t)b.data[at + i] << (8 * i);
        sip_word(&s, word);
    }
    for (unsigned i = 0; at + i < b.len; i++)
        last |= (uint64_t)b.data[at + i] << (8 * i);
    sip_word(&s, last);
    return sip_end(&s);
}

uint64_t hash_u64(uint64_t value, const uint64_t seed[2])
{
    struct sip s = sip_start(seed);
    sip_word(&s, value);
    return sip_end(&s);
}
