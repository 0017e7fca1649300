/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/keys.h"

#include <endian.h>
#include <openssl/crypto.h>

/* The labels of RFC 3711, section 4.3.2: each kind of key has one, those of SRTCP come after. */
enum { LABEL_CIPHER, LABEL_AUTH, LABEL_SALT, LABELS, LABEL_AT = 7 };

static bool derive(const struct rtpsec_engine_key *key, unsigned label, uint8_t *out, size_t len)
{
    uint8_t iv[RTPSEC_CTR_IV] = {0};
    memcpy(iv, key->salt, key->suite->salt_len);
    iv[LABEL_AT] ^= (uint8_t)label;
    memset(out, 0, len);
    return rtpsec_aes_ctr(bytes_of(key->key, key->suite->key_len), iv, out, len);
}

static bool derive_for(
    const struct rtpsec_engine_key *key, unsigned first_label, struct rtpsec_keys *out)
{
    uint8_t auth[RTPSEC_HMAC_SIZE];
    *out = (struct rtpsec_keys){0};
    if (!derive(key, first_label + LABEL_CIPHER, out->cipher, key->suite->key_len) ||
        !derive(key, first_label + LABEL_SALT, out->salt, key->suite->salt_len))
        return false;
    if (key->suite->is_aead)
        return true;
    bool derived = derive(key, first_label + LABEL_AUTH, auth, sizeof(auth));
    if (derived)
        rtpsec_hmac_prepare(&out->hmac, auth);
    OPENSSL_cleanse(auth, sizeof(auth));
    return derived;
}

bool rtpsec_derive_keys(
    const struct rtpsec_engine_key *key, struct rtpsec_keys *rtp, struct rtpsec_keys *rtcp)
{
    return derive_for(key, 0, rtp) && derive_for(key, LABELS, rtcp);
}

/* XORs the SSRC and the 48 bits of the index behind it onto an IV. */
static void mix_in(uint8_t *iv, uint32_t ssrc, uint64_t index)
{
    uint64_t low;
    uint16_t high;
    memcpy(&high, iv, sizeof(high));
    memcpy(&low, iv + 2, sizeof(low));
    high ^= htobe16((uint16_t)(ssrc >> 16));
    low ^= htobe64((uint64_t)ssrc << 48 | index);
    memcpy(iv, &high, sizeof(high));
    memcpy(iv + 2, &low, sizeof(low));
}

void rtpsec_ctr_iv(
    const struct rtpsec_keys *k, uint32_t ssrc, uint64_t index, uint8_t out[RTPSEC_CTR_IV])
{
    memcpy(out, k->salt, 14);
    memset(out + 14, 0, 2); /* where the blocks are counted */
    mix_in(out + 4, ssrc, index);
}

void rtpsec_gcm_iv(
    const struct rtpsec_keys *k, uint32_t ssrc, uint64_t index, uint8_t out[RTPSEC_GCM_IV])
{
    memcpy(out, k->salt, RTPSEC_GCM_IV);
    mix_in(out + 2, ssrc, index);
}
