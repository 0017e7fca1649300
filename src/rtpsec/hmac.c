/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's EVP copies contexts on the heap for this; its older functions do without. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "rtpsec/hmac.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

enum { BLOCK = SHA_CBLOCK, INNER_PAD = 0x36, OUTER_PAD = 0x5c };

static void absorb_key(uint32_t state[5], const uint8_t *key, uint8_t pad)
{
    uint8_t block[BLOCK];
    SHA_CTX sha;
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = i < RTPSEC_HMAC_SIZE ? key[i] ^ pad : pad;
    SHA1_Init(&sha);
    SHA1_Transform(&sha, block);
    state[0] = sha.h0;
    state[1] = sha.h1;
    state[2] = sha.h2;
    state[3] = sha.h3;
    state[4] = sha.h4;
    OPENSSL_cleanse(block, sizeof(block));
}

void rtpsec_hmac_prepare(struct rtpsec_hmac *h, const uint8_t key[RTPSEC_HMAC_SIZE])
{
    absorb_key(h->inner, key, INNER_PAD);
    absorb_key(h->outer, key, OUTER_PAD);
}

/* A hash that goes on behind the key's block. */
static void go_on(SHA_CTX *sha, const uint32_t state[5])
{
    sha->h0 = state[0];
    sha->h1 = state[1];
    sha->h2 = state[2];
    sha->h3 = state[3];
    sha->h4 = state[4];
    sha->Nl = 8 * BLOCK; /* bits so far */
    sha->Nh = 0;
    sha->num = 0;
}

void rtpsec_hmac_sign(const struct rtpsec_hmac *h, struct bytes data, struct bytes tail,
    uint8_t tag[RTPSEC_HMAC_SIZE])
{
    SHA_CTX sha;
    go_on(&sha, h->inner);
    SHA1_Update(&sha, data.data, data.len);
    SHA1_Update(&sha, tail.data, tail.len);
    SHA1_Final(tag, &sha);
    go_on(&sha, h->outer);
    SHA1_Update(&sha, tag, RTPSEC_HMAC_SIZE);
    SHA1_Final(tag, &sha);
}
