/* SPDX-License-Identifier: Apache-2.0 */
#include "stun/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

static const struct {
    char name[8];
    size_t size;
} hashes[HMAC_HASHES] = {
    [HMAC_SHA1] = {"SHA1", HMAC_SHA1_SIZE},
    [HMAC_SHA256] = {"SHA256", HMAC_SHA256_SIZE},
};

enum { KEPT_KEY_MAX = 64 };

/* With the key of the last time: nonces have always the same, and an answer has that of its
 * request. To set a key costs as much as the MAC of a short message. */
struct context {
    EVP_MAC_CTX *mac;
    size_t key_len; /* 0: none */
    uint8_t key[KEPT_KEY_MAX];
};

struct contexts {
    struct context of[HMAC_HASHES];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key_of_thread;
static _Thread_local struct contexts mine;

static void free_contexts(void *of_thread)
{
    struct contexts *c = of_thread;
    for (unsigned i = 0; i < HMAC_HASHES; i++)
        EVP_MAC_CTX_free(c->of[i].mac);
    OPENSSL_cleanse(c, sizeof(*c));
}

static void make_key(void)
{
    if (pthread_key_create(&key_of_thread, free_contexts) != 0)
        abort();
}

/* Looking up a MAC and its hash by name costs more than a short message's MAC itself. */
static EVP_MAC_CTX *make_context(enum hmac_hash hash)
{
    char name[sizeof(hashes[hash].name)]; /* the library wants to be given a writable one */
    memcpy(name, hashes[hash].name, sizeof(name));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

static struct context *context_of(enum hmac_hash hash)
{
    struct context *c = &mine.of[hash];
    if (c->mac == NULL) {
        pthread_once(&once, make_key);
        pthread_setspecific(key_of_thread, &mine);
        c->mac = make_context(hash);
    }
    return c->mac == NULL ? NULL : c;
}

static bool set_key(struct context *c, struct bytes key)
{
    if (c->key_len > 0 && bytes_equal_secret(key, bytes_of(c->key, c->key_len)))
        return EVP_MAC_init(c->mac, NULL, 0, NULL) == 1;

    /* An empty key would mean "go on with the one before" to the library. */
    c->key_len = 0;
    if (key.len == 0 || EVP_MAC_init(c->mac, key.data, key.len, NULL) != 1)
        return false;
    if (key.len <= sizeof(c->key)) {
        memcpy(c->key, key.data, key.len);
        c->key_len = key.len;
    }
    return true;
}

bool hmac_compute(
    enum hmac_hash hash, struct bytes key, const struct bytes *parts, size_t count, uint8_t *out)
{
    size_t len = 0;
    struct context *c = context_of(hash);

    if (c == NULL || !set_key(c, key))
        return false;
    for (size_t i = 0; i < count; i++)
        if (EVP_MAC_update(c->mac, parts[i].data, parts[i].len) != 1)
            return false;
    return EVP_MAC_final(c->mac, out, &len, hashes[hash].size) == 1 && len == hashes[hash].size;
}
