/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/suite.h"

static const struct rtpsec_suite suites[RTPSEC_SUITES] = {
    [RTPSEC_AEAD_AES_256_GCM] = {RTPSEC_AEAD_AES_256_GCM, "AEAD_AES_256_GCM", 0x0008, true, 32, 12,
        16, 16},
    [RTPSEC_AEAD_AES_128_GCM] = {RTPSEC_AEAD_AES_128_GCM, "AEAD_AES_128_GCM", 0x0007, true, 16, 12,
        16, 16},
    [RTPSEC_AES_256_CM_80] = {RTPSEC_AES_256_CM_80, "AES_256_CM_HMAC_SHA1_80", 0, false, 32, 14, 10,
        10},
    [RTPSEC_AES_256_CM_32] = {RTPSEC_AES_256_CM_32, "AES_256_CM_HMAC_SHA1_32", 0, false, 32, 14, 4,
        10},
    [RTPSEC_AES_128_CM_80] = {RTPSEC_AES_128_CM_80, "AES_CM_128_HMAC_SHA1_80", 0x0001, false, 16,
        14, 10, 10},
    [RTPSEC_AES_128_CM_32] = {RTPSEC_AES_128_CM_32, "AES_CM_128_HMAC_SHA1_32", 0x0002, false, 16,
        14, 4, 10},
};

const struct rtpsec_suite *rtpsec_suite(enum rtpsec_suite_id id)
{
    return &suites[id];
}

const struct rtpsec_suite *rtpsec_suite_by_name(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(suites); i++)
        if (text_is_nocase(name, suites[i].name))
            return &suites[i];
    return NULL;
}

const struct rtpsec_suite *rtpsec_suite_by_dtls_profile(uint16_t profile)
{
    for (size_t i = 0; profile != 0 && i < COUNT_OF(suites); i++)
        if (suites[i].dtls_profile == profile)
            return &suites[i];
    return NULL;
}

bool rtpsec_suite_split(const struct rtpsec_suite *suite, struct bytes inline_key,
    struct bytes *key, struct bytes *salt)
{
    struct reader r = reader_over(inline_key);
    struct bytes first = reader_take(&r, suite->key_len);
    struct bytes second = reader_take(&r, suite->salt_len);
    if (!reader_ok(&r) || reader_left(&r) > 0)
        return false;
    *key = first;
    *salt = second;
    return true;
}
