/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/random.h"
#include "store/seal_keys.h"

enum {
    MAGIC = 0x01,
    BLOCK_SIZE = 16,
    TAG_SIZE = 16,
    DERIVE_SIZE = 12, /* of the nonce, for the key; the rest is that of GCM */
    GCM_NONCE_SIZE = SEAL_NONCE_SIZE - DERIVE_SIZE,
    MAX_AAD = 16 + STORE_MAX_ID,
};

/* --- the key of a nonce --- */

static bool encrypt_blocks(
    const uint8_t key[SEAL_KEY_SIZE], const uint8_t *in, size_t len, uint8_t *out)
{
    int written = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_ecb(), NULL, key, NULL) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
              EVP_EncryptUpdate(ctx, out, &written, in, (int)len) == 1 && written == (int)len;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

/* The subkey K1 of CMAC (NIST SP 800-38B, section 6.1). */
static bool derive_mask(const uint8_t key[SEAL_KEY_SIZE], uint8_t mask[BLOCK_SIZE])
{
    const uint8_t zeros[BLOCK_SIZE] = {0};
    uint8_t l[BLOCK_SIZE];
    if (!encrypt_blocks(key, zeros, sizeof(zeros), l))
        return false;
    for (size_t i = 0; i < BLOCK_SIZE; i++) {
        unsigned next = i + 1 < BLOCK_SIZE ? l[i + 1] >> 7 : (l[0] >> 7) * 0x87u;
        mask[i] = (uint8_t)((unsigned)(l[i] << 1) ^ next);
    }
    OPENSSL_cleanse(l, sizeof(l));
    return true;
}

/* Two CMACs of one block each, as NIST SP 800-108r1 derives keys in counter mode. */
static bool derive_key(const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE],
    uint8_t out[SEAL_KEY_SIZE])
{
    uint8_t mask[BLOCK_SIZE], blocks[2 * BLOCK_SIZE] = {0};
    if (!derive_mask(key, mask))
        return false;
    for (size_t i = 0; i < 2; i++) {
        uint8_t *block = blocks + i * BLOCK_SIZE;
        block[1] = (uint8_t)(i + 1);
        block[2] = 'X';
        memcpy(block + BLOCK_SIZE - DERIVE_SIZE, nonce, DERIVE_SIZE);
        for (size_t k = 0; k < BLOCK_SIZE; k++)
            block[k] ^= mask[k];
    }
    bool ok = encrypt_blocks(key, blocks, sizeof(blocks), out);
    OPENSSL_cleanse(mask, sizeof(mask));
    return ok;
}

/* --- GCM --- */

/* OpenSSL takes no bytes at all for something else. */
static bool update(EVP_CIPHER_CTX *ctx, uint8_t *out, struct bytes in)
{
    int len = 0;
    return in.len == 0 || EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len) == 1;
}

bool seal_encrypt(const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE],
    struct bytes aad, struct bytes plain, uint8_t *out)
{
    uint8_t derived[SEAL_KEY_SIZE];
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL && derive_key(key, nonce, derived) &&
              EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, derived, nonce + DERIVE_SIZE) == 1 &&
              update(ctx, NULL, aad) && update(ctx, out, plain) &&
              EVP_EncryptFinal_ex(ctx, out + plain.len, &len) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, out + plain.len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(derived, sizeof(derived));
    return ok;
}

static bool decrypt(const uint8_t key[SEAL_KEY_SIZE], const uint8_t *nonce, struct bytes aad,
    struct bytes secret, const uint8_t tag[TAG_SIZE], uint8_t *out)
{
    uint8_t derived[SEAL_KEY_SIZE], expected[TAG_SIZE];
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    memcpy(expected, tag, sizeof(expected));
    bool ok = ctx != NULL && derive_key(key, nonce, derived) &&
              EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, derived, nonce + DERIVE_SIZE) == 1 &&
              update(ctx, NULL, aad) && update(ctx, out, secret) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, expected) == 1 &&
              EVP_DecryptFinal_ex(ctx, out + secret.len, &len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(derived, sizeof(derived));
    if (!ok && secret.len > 0)
        OPENSSL_cleanse(out, secret.len);
    return ok;
}

/* --- records --- */

static struct bytes write_aad(enum store_kind kind, struct text id, uint8_t memory[MAX_AAD])
{
    struct writer w = writer_over(memory, MAX_AAD);
    writer_put(&w, text_bytes(text_from(store_kind_word(kind))));
    writer_u8(&w, ':');
    writer_put(&w, text_bytes(id));
    return writer_bytes(&w);
}

bool seal_is_sealed(struct bytes record)
{
    return record.len > 0 && record.data[0] == MAGIC;
}

bool seal_close(const struct seal *seal, enum store_kind kind, struct text id, struct bytes record,
    uint8_t *out)
{
    uint8_t memory[MAX_AAD];
    struct bytes aad = write_aad(kind, id, memory);
    out[0] = MAGIC;
    random_bytes(out + 1, SEAL_NONCE_SIZE);
    return aad.len > 0 &&
           seal_encrypt(seal->keys[0], out + 1, aad, record, out + 1 + SEAL_NONCE_SIZE);
}

bool seal_open(const struct seal *seal, enum store_kind kind, struct text id, struct bytes sealed,
    uint8_t *out, size_t *len)
{
    uint8_t memory[MAX_AAD];
    struct bytes aad = write_aad(kind, id, memory);
    if (!seal_is_sealed(sealed) || sealed.len < SEAL_OVERHEAD || aad.len == 0)
        return false;
    const uint8_t *nonce = sealed.data + 1;
    struct bytes secret = bytes_of(nonce + SEAL_NONCE_SIZE, sealed.len - SEAL_OVERHEAD);
    for (size_t i = 0; i < seal->count; i++)
        if (decrypt(seal->keys[i], nonce, aad, secret, secret.data + secret.len, out)) {
            *len = secret.len;
            return true;
        }
    return false;
}
