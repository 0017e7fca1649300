/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/ticket.h"

#include <openssl/evp.h>

#include "base/random.h"

enum { NONCE_SIZE = 12, BLOCK_SIZE = 12, TAG_SIZE = 16 };
enum { OPEN, SEAL };

static EVP_CIPHER_CTX *start(const uint8_t *key, const uint8_t *nonce, int direction)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL && EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, direction, NULL) == 1)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

bool ticket_seal(
    const uint8_t key[TICKET_KEY_SIZE], const struct ticket *ticket, uint8_t out[TICKET_SIZE])
{
    uint8_t block[BLOCK_SIZE];
    uint8_t *sealed = out + NONCE_SIZE, *tag = sealed + BLOCK_SIZE;
    struct writer w = writer_over(block, sizeof(block));
    int len, last;

    writer_u64(&w, ticket->allocation);
    writer_u32(&w, ticket->serial);
    random_bytes(out, NONCE_SIZE);
    EVP_CIPHER_CTX *ctx = start(key, out, SEAL);
    bool ok = ctx != NULL && EVP_CipherUpdate(ctx, sealed, &len, block, BLOCK_SIZE) == 1 &&
              EVP_CipherFinal_ex(ctx, sealed + len, &last) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

bool ticket_open(const uint8_t key[TICKET_KEY_SIZE], struct bytes sealed, struct ticket *out)
{
    uint8_t block[BLOCK_SIZE], tag[TAG_SIZE];
    struct reader r = reader_over(bytes_of(block, sizeof(block)));
    int len, last;

    if (sealed.len != TICKET_SIZE)
        return false;
    memcpy(tag, sealed.data + NONCE_SIZE + BLOCK_SIZE, TAG_SIZE);
    EVP_CIPHER_CTX *ctx = start(key, sealed.data, OPEN);
    bool ok = ctx != NULL &&
              EVP_CipherUpdate(ctx, block, &len, sealed.data + NONCE_SIZE, BLOCK_SIZE) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
              EVP_CipherFinal_ex(ctx, block + len, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!ok)
        return false;
    out->allocation = reader_u64(&r);
    out->serial = reader_u32(&r);
    return true;
}
