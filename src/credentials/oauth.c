/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/oauth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "mediaferry/base64.h"

enum {
    LENGTH_SIZE = 2,
    TIMES_SIZE = 12,
    MAX_BLOCK = LENGTH_SIZE + OAUTH_MAX_MAC_KEY + TIMES_SIZE,
    MIN_BLOCK = LENGTH_SIZE + 1 + TIMES_SIZE, /* a key is never empty */
    LONGEST_KEY_TEXT = 128,
};

static const struct {
    const char *name;
    const char *cipher;
    size_t key_len;
} algorithms[] = {
    [OAUTH_A256GCM] = {"A256GCM", "AES-256-GCM", 32},
    [OAUTH_A128GCM] = {"A128GCM", "AES-128-GCM", 16},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *ciphers[COUNT_OF(algorithms)]; /* fetched once, and live on */

static void fetch_ciphers(void)
{
    for (size_t i = 0; i < COUNT_OF(algorithms); i++)
        ciphers[i] = EVP_CIPHER_fetch(NULL, algorithms[i].cipher, NULL);
}

bool oauth_algorithm_from_name(struct text name, enum oauth_algorithm *out)
{
    for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
        if (text_is_nocase(name, algorithms[i].name)) {
            *out = (enum oauth_algorithm)i;
            return true;
        }
    }
    return false;
}

bool oauth_key_read(struct text base64, enum oauth_algorithm algorithm, uint8_t out[OAUTH_MAX_KEY])
{
    uint8_t key[LONGEST_KEY_TEXT];
    struct writer w = writer_over(key, sizeof(key));
    size_t len = algorithms[algorithm].key_len;

    bool ok = base64_decode(&w, base64) && w.len >= len;
    if (ok)
        memcpy(out, key, len);
    OPENSSL_cleanse(key, sizeof(key));
    return ok;
}

bool oauth_key_is_valid(const struct oauth_key *key, int64_t now_s)
{
    if (key->from_s > 0 && now_s + OAUTH_SKEW_S < key->from_s)
        return false;
    return key->lifetime_s <= 0 || now_s - OAUTH_SKEW_S < key->from_s + key->lifetime_s;
}

bool oauth_token_is_valid(const struct oauth_token *token, int64_t now_s)
{
    int64_t distance_s =
        now_s > token->issued_s ? now_s - token->issued_s : token->issued_s - now_s;
    return token->lifetime_s + OAUTH_SKEW_S > distance_s;
}

enum direction { OPEN, SEAL };

/* A context with the key, the nonce and the name of the server in it; NULL on failure. */
static EVP_CIPHER_CTX *start(enum direction direction, const struct oauth_key *key,
    struct text server_name, struct bytes nonce)
{
    pthread_once(&once, fetch_ciphers);
    const EVP_CIPHER *cipher = ciphers[key->algorithm];
    EVP_CIPHER_CTX *ctx = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
    int encrypt = direction == SEAL, len;

    if (ctx != NULL && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, encrypt, NULL) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce.len, NULL) == 1 &&
        EVP_CipherInit_ex2(ctx, NULL, key->key, nonce.data, encrypt, NULL) == 1 &&
        EVP_CipherUpdate(
            ctx, NULL, &len, (const uint8_t *)server_name.data, (int)server_name.len) == 1)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static bool decrypt(EVP_CIPHER_CTX *ctx, struct bytes sealed, struct bytes tag, uint8_t *block)
{
    int len = 0, last = 0;
    return EVP_CipherUpdate(ctx, block, &len, sealed.data, (int)sealed.len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag.len, (void *)tag.data) == 1 &&
           EVP_CipherFinal_ex(ctx, block + len, &last) == 1;
}

static bool read_block(struct bytes block, struct oauth_token *out)
{
    struct reader r = reader_over(block);
    struct bytes mac_key = reader_take(&r, reader_u16(&r));
    uint64_t timestamp = reader_u64(&r); /* 48 bits of seconds, 16 of a fraction */
    uint32_t lifetime_s = reader_u32(&r);
    if (!reader_ok(&r) || reader_left(&r) > 0 || mac_key.len > OAUTH_MAX_MAC_KEY)
        return false;

    *out = (struct oauth_token){
        .mac_key_len = mac_key.len,
        .issued_s = (int64_t)(timestamp >> 16),
        .lifetime_s = lifetime_s,
    };
    memcpy(out->mac_key, mac_key.data, mac_key.len);
    return true;
}

bool oauth_open(const struct oauth_key *key, struct text server_name, struct bytes token,
    struct oauth_token *out)
{
    uint8_t block[MAX_BLOCK];
    struct reader r = reader_over(token);
    struct bytes nonce = reader_take(&r, reader_u16(&r));
    size_t left = reader_left(&r);

    /* All lengths are the sender's word, before anything is proved: look at them first. */
    if (!reader_ok(&r) || nonce.len == 0 || nonce.len > OAUTH_MAX_NONCE ||
        left < MIN_BLOCK + OAUTH_TAG_SIZE || left > MAX_BLOCK + OAUTH_TAG_SIZE)
        return false;
    struct bytes sealed = reader_take(&r, left - OAUTH_TAG_SIZE);
    struct bytes tag = reader_take(&r, OAUTH_TAG_SIZE);

    EVP_CIPHER_CTX *ctx = start(OPEN, key, server_name, nonce);
    bool ok = ctx != NULL && decrypt(ctx, sealed, tag, block) &&
              read_block(bytes_of(block, sealed.len), out);
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(block, sizeof(block));
    return ok;
}

static bool encrypt(EVP_CIPHER_CTX *ctx, struct bytes block, struct writer *w)
{
    uint8_t *sealed = writer_reserve(w, block.len);
    uint8_t *tag = writer_reserve(w, OAUTH_TAG_SIZE);
    int len = 0, last = 0;
    return tag != NULL && EVP_CipherUpdate(ctx, sealed, &len, block.data, (int)block.len) == 1 &&
           EVP_CipherFinal_ex(ctx, sealed + len, &last) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, OAUTH_TAG_SIZE, tag) == 1;
}

void oauth_seal(const struct oauth_key *key, struct text server_name, struct bytes nonce,
    const struct oauth_token *token, struct writer *w)
{
    uint8_t memory[MAX_BLOCK];
    struct writer b = writer_over(memory, sizeof(memory));
    writer_u16(&b, (uint16_t)token->mac_key_len);
    writer_put(&b, bytes_of(token->mac_key, token->mac_key_len));
    writer_u64(&b, (uint64_t)token->issued_s << 16);
    writer_u32(&b, (uint32_t)token->lifetime_s);

    writer_u16(w, (uint16_t)nonce.len);
    writer_put(w, nonce);
    EVP_CIPHER_CTX *ctx = start(SEAL, key, server_name, nonce);
    if (ctx == NULL || !encrypt(ctx, writer_bytes(&b), w))
        w->failed = true;
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(memory, sizeof(memory));
}
