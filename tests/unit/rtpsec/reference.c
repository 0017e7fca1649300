/* SPDX-License-Identifier: Apache-2.0 */
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "rtpsec/packet.h"

static void put(uint8_t *to, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] ^= (uint8_t)(value >> 8 * (len - 1 - i));
}

/* XORs the AES-CTR key stream that starts at `iv` onto data. */
static void counter_mode(
    const uint8_t *key, size_t key_len, const uint8_t iv[16], uint8_t *data, size_t len)
{
    const EVP_CIPHER *cipher = key_len == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr();
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int out_len = 0;
    assert_int_equal(EVP_EncryptInit_ex(c, cipher, NULL, key, iv), 1);
    assert_int_equal(EVP_EncryptUpdate(c, data, &out_len, data, (int)len), 1);
    EVP_CIPHER_CTX_free(c);
}

void reference_derive(struct bytes key, struct bytes salt, uint8_t label, uint8_t *out, size_t len)
{
    uint8_t iv[16] = {0};
    memcpy(iv, salt.data, salt.len); /* RFC 7714, section 11: 12 bytes are padded with zeros */
    iv[7] ^= label;
    memset(out, 0, len);
    counter_mode(key.data, key.len, iv, out, len);
}

static void derive_all(struct reference_keys *k, const struct rtpsec_suite *suite, struct bytes key,
    struct bytes salt, uint8_t first_label)
{
    reference_derive(key, salt, first_label, k->cipher, suite->key_len);
    reference_derive(key, salt, (uint8_t)(first_label + 1), k->auth, sizeof(k->auth));
    reference_derive(key, salt, (uint8_t)(first_label + 2), k->salt, suite->salt_len);
}

void reference_init(struct reference *r, const struct rtpsec_suite *suite, struct bytes key,
    struct bytes salt, struct rtpsec_flags flags)
{
    *r = (struct reference){.suite = suite, .flags = flags};
    derive_all(&r->rtp, suite, key, salt, 0);
    derive_all(&r->rtcp, suite, key, salt, 3);
}

static uint32_t ssrc_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* RFC 3711, section 4.1.1. */
static void cm_crypt(const struct reference *r, const struct reference_keys *k, uint32_t ssrc,
    uint64_t index, uint8_t *data, size_t len)
{
    uint8_t iv[16] = {0};
    memcpy(iv, k->salt, 14);
    put(iv + 4, ssrc, 4);
    put(iv + 8, index, 6);
    counter_mode(k->cipher, r->suite->key_len, iv, data, len);
}

static void hmac_tag(
    const struct reference_keys *k, const uint8_t *data, size_t len, uint8_t *tag, size_t tag_len)
{
    uint8_t full[20];
    unsigned full_len = 0;
    assert_non_null(HMAC(EVP_sha1(), k->auth, sizeof(k->auth), data, len, full, &full_len));
    memcpy(tag, full, tag_len);
}

/* Seals `len` bytes in place and appends the tag. */
static void gcm_seal(const struct reference *r, const struct reference_keys *k,
    const uint8_t iv[12], struct bytes aad, uint8_t *data, size_t len)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int out_len = 0;
    assert_int_equal(
        EVP_EncryptInit_ex(c, r->suite->key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), NULL,
            k->cipher, iv),
        1);
    assert_int_equal(EVP_EncryptUpdate(c, NULL, &out_len, aad.data, (int)aad.len), 1);
    assert_int_equal(EVP_EncryptUpdate(c, data, &out_len, data, (int)len), 1);
    assert_int_equal(EVP_EncryptFinal_ex(c, data + len, &out_len), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, data + len), 1);
    EVP_CIPHER_CTX_free(c);
}

size_t reference_protect_rtp(const struct reference *r, uint8_t *data, size_t len, uint64_t index)
{
    struct rtpsec_header header;
    assert_true(rtpsec_read_rtp(bytes_of(data, len), &header));
    uint32_t ssrc = ssrc_at(data + 8);
    if (r->suite->is_aead) {
        /* RFC 7714, section 8.1: 0, SSRC, ROC and sequence number, over the salt. */
        uint8_t iv[12];
        memcpy(iv, r->rtp.salt, 12);
        put(iv + 2, ssrc, 4);
        put(iv + 6, index, 6);
        gcm_seal(r, &r->rtp, iv, bytes_of(data, header.len), data + header.len, len - header.len);
        return len + 16;
    }
    if (!r->flags.unencrypted_srtp)
        cm_crypt(r, &r->rtp, ssrc, index, data + header.len, len - header.len);
    if (r->flags.unauthenticated_srtp)
        return len;
    uint8_t with_roc[4096] = {0};
    memcpy(with_roc, data, len);
    put(with_roc + len, index >> 16, 4);
    hmac_tag(&r->rtp, with_roc, len + 4, data + len, r->suite->rtp_tag_len);
    return len + r->suite->rtp_tag_len;
}

static size_t seal_rtcp(
    const struct reference *r, uint8_t *data, size_t len, uint32_t ssrc, uint32_t word)
{
    uint8_t iv[12], aad[4096] = {0};
    bool plain = r->flags.unencrypted_srtcp;
    size_t clear_len = plain ? len : 8;
    memcpy(iv, r->rtcp.salt, 12);
    put(iv + 2, ssrc, 4);
    put(iv + 8, word & 0x7fffffff, 4);
    memcpy(aad, data, clear_len);
    put(aad + clear_len, word, 4);
    gcm_seal(r, &r->rtcp, iv, bytes_of(aad, clear_len + 4), data + clear_len, len - clear_len);
    memset(data + len + 16, 0, 4);
    put(data + len + 16, word, 4);
    return len + 20;
}

size_t reference_protect_rtcp(const struct reference *r, uint8_t *data, size_t len, uint32_t index)
{
    uint32_t ssrc = ssrc_at(data + 4);
    uint32_t word = r->flags.unencrypted_srtcp ? index : index | 0x80000000;
    if (r->suite->is_aead)
        return seal_rtcp(r, data, len, ssrc, word);
    if (!r->flags.unencrypted_srtcp)
        cm_crypt(r, &r->rtcp, ssrc, index, data + 8, len - 8);
    memset(data + len, 0, 4);
    put(data + len, word, 4);
    hmac_tag(&r->rtcp, data, len + 4, data + len + 4, r->suite->rtcp_tag_len);
    return len + 4 + r->suite->rtcp_tag_len;
}
