/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of DTLS-SRTP: a=fingerprint and a=setup. */
#include "mediaferry/sdp_attr.h"

#include "sdp/lines.h"

static const struct {
    const char *name;
    uint8_t len;
} hashes[] = {
    [SDP_HASH_OTHER] = {"", 0},
    [SDP_HASH_SHA_1] = {"sha-1", 20},
    [SDP_HASH_SHA_224] = {"sha-224", 28},
    [SDP_HASH_SHA_256] = {"sha-256", 32},
    [SDP_HASH_SHA_384] = {"sha-384", 48},
    [SDP_HASH_SHA_512] = {"sha-512", 64},
};

enum sdp_hash sdp_hash_of(struct text name)
{
    for (size_t i = SDP_HASH_SHA_1; i < COUNT_OF(hashes); i++)
        if (text_is_nocase(name, hashes[i].name))
            return (enum sdp_hash)i;
    return SDP_HASH_OTHER;
}

const char *sdp_hash_name(enum sdp_hash hash)
{
    return hashes[hash].name;
}

size_t sdp_hash_len(enum sdp_hash hash)
{
    return hashes[hash].len;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = text_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex_pair(struct text pair, uint8_t *out)
{
    if (pair.len != 2)
        return false;
    int high = hex_digit(pair.data[0]);
    int low = hex_digit(pair.data[1]);
    if (high < 0 || low < 0)
        return false;
    *out = (uint8_t)(high << 4 | low);
    return true;
}

bool sdp_read_fingerprint(struct text value, struct sdp_fingerprint *out)
{
    struct sdp_fingerprint f = {.len = 0};
    struct text digits;

    if (!sdp_next_word(&value, &f.hash_name) || !sdp_next_word(&value, &digits))
        return false;
    while (digits.len > 0) {
        if (f.len == sizeof(f.bytes) || !read_hex_pair(text_cut(&digits, ':'), &f.bytes[f.len]))
            return false;
        f.len++;
    }
    f.hash = sdp_hash_of(f.hash_name);
    if (f.len == 0 || (f.hash != SDP_HASH_OTHER && f.len != sdp_hash_len(f.hash)))
        return false;
    *out = f;
    return true;
}

static const char *const setups[] = {
    [SDP_SETUP_ACTIVE] = "active",
    [SDP_SETUP_PASSIVE] = "passive",
    [SDP_SETUP_ACTPASS] = "actpass",
    [SDP_SETUP_HOLDCONN] = "holdconn",
};

bool sdp_read_setup(struct text value, enum sdp_setup *out)
{
    for (size_t i = 0; i < COUNT_OF(setups); i++) {
        if (!text_is_nocase(text_trim(value), setups[i]))
            continue;
        *out = (enum sdp_setup)i;
        return true;
    }
    return false;
}

const char *sdp_setup_name(enum sdp_setup setup)
{
    return setups[setup];
}
