/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/sdp_attr.h"

#include "mediaferry/base64.h"
#include "sdp/lines.h"

enum {
    MAX_TAG = 999999999, /* nine digits: RFC 4568, section 9.1 */
    MAX_LIFETIME_POWER = 63,
    MAX_MKI_LEN = 128,
    MAX_KDR = 24,
    MIN_WSH = 64,
};

static const struct sdp_suite suites[] = {
    {"AES_CM_128_HMAC_SHA1_80", 16, 14},
    {"AES_CM_128_HMAC_SHA1_32", 16, 14},
    {"F8_128_HMAC_SHA1_80", 16, 14},
    {"AES_192_CM_HMAC_SHA1_80", 24, 14},
    {"AES_192_CM_HMAC_SHA1_32", 24, 14},
    {"AES_256_CM_HMAC_SHA1_80", 32, 14},
    {"AES_256_CM_HMAC_SHA1_32", 32, 14},
    {"AEAD_AES_128_GCM", 16, 12},
    {"AEAD_AES_256_GCM", 32, 12},
};

const struct sdp_suite *sdp_suite_find(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(suites); i++)
        if (text_is_nocase(name, suites[i].name))
            return &suites[i];
    return NULL;
}

/* `2^31` or a plain number of packets */
static bool read_lifetime(struct text field, struct sdp_crypto_key *key)
{
    uint64_t power;
    if (!text_starts_with(field, "2^"))
        return text_to_u64(field, UINT64_MAX, &key->lifetime);
    if (!text_to_u64(text_skip(field, 2), MAX_LIFETIME_POWER, &power))
        return false;
    key->lifetime = UINT64_C(1) << power;
    return true;
}

/* `value:length` */
static bool read_mki(struct text field, struct sdp_crypto_key *key)
{
    uint64_t len;
    struct text value = text_cut(&field, ':');
    if (!text_to_u64(value, UINT64_MAX, &key->mki) || !text_to_u64(field, MAX_MKI_LEN, &len) ||
        len == 0 || (len < 8 && key->mki >> (8 * len) != 0))
        return false;
    key->mki_len = (uint8_t)len;
    return true;
}

/* `inline:` base64 [`|` lifetime] [`|` mki]: RFC 4568, section 6.1 */
static bool read_key(struct text param, struct sdp_crypto_key *out)
{
    struct sdp_crypto_key key = {.len = 0};
    struct writer bytes = writer_over(key.bytes, sizeof(key.bytes));

    if (!text_is_nocase(text_cut(&param, ':'), "inline"))
        return false;
    if (!base64_decode(&bytes, text_cut(&param, '|')) || bytes.len == 0)
        return false;
    key.len = (uint8_t)bytes.len;

    struct text field = text_cut(&param, '|');
    if (field.len > 0 && memchr(field.data, ':', field.len) == NULL) {
        if (!read_lifetime(field, &key))
            return false;
        field = text_cut(&param, '|');
    }
    if (field.len > 0 && !read_mki(field, &key))
        return false;
    *out = key;
    return param.len == 0;
}

static bool read_keys(struct text params, struct sdp_crypto *c)
{
    while (params.len > 0) {
        struct text param = text_cut(&params, ';');
        if (c->key_count == SDP_MAX_CRYPTO_KEYS)
            return false;
        struct sdp_crypto_key *key = &c->keys[c->key_count++];
        if (!read_key(param, key))
            return false;
        if (c->suite != NULL && key->len != c->suite->key_len + c->suite->salt_len)
            return false;
    }
    return c->key_count > 0;
}

/* RFC 4568, section 6.3; FEC parameters are known to it, but not to us. */
static bool read_param(struct text param, struct sdp_crypto *c)
{
    struct text value = param;
    struct text name = text_cut(&value, '=');
    uint64_t number;

    if (text_is_nocase(name, "KDR")) {
        if (!text_to_u64(value, MAX_KDR, &number))
            return false;
        c->kdr = (uint8_t)number;
    } else if (text_is_nocase(name, "WSH")) {
        if (!text_to_u64(value, UINT32_MAX, &number) || number < MIN_WSH)
            return false;
        c->wsh = (uint32_t)number;
    } else if (text_is_nocase(param, "UNENCRYPTED_SRTP")) {
        c->unencrypted_srtp = true;
    } else if (text_is_nocase(param, "UNENCRYPTED_SRTCP")) {
        c->unencrypted_srtcp = true;
    } else if (text_is_nocase(param, "UNAUTHENTICATED_SRTP")) {
        c->unauthenticated_srtp = true;
    } else if (param.data[0] != '-') {
        c->has_unknown_params = true;
    }
    return true;
}

bool sdp_read_crypto(struct text value, struct sdp_crypto *out)
{
    struct sdp_crypto c = {.key_count = 0};
    struct text keys, param;
    uint64_t tag;

    if (!sdp_take_number(&value, MAX_TAG, &tag) || !sdp_next_word(&value, &c.suite_name) ||
        !sdp_next_word(&value, &keys))
        return false;
    c.tag = (uint32_t)tag;
    c.suite = sdp_suite_find(c.suite_name);
    if (!read_keys(keys, &c))
        return false;
    c.params = text_trim(value);
    while (sdp_next_word(&value, &param))
        if (!read_param(param, &c))
            return false;
    *out = c;
    return true;
}
