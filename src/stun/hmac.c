/* SPDX-License-Identifier: Apache-2.0 */
#include "stun/hmac.h"

#include <openssl/core_names.h>
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

struct contexts {
    EVP_MAC_CTX *of[HMAC_HASHES];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key_of_thread;
static _Thread_local struct contexts mine;

static void free_contexts(void *of_thread)
{
    struct contexts *c = of_thread;
    for (unsigned i = 0; i < HMAC_HASHES; i++) {
        EVP_MAC_CTX_free(c->of[i]);
        c->of[i] = NULL;
    }
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

static EVP_MAC_CTX *context_of(enum hmac_hash hash)
{
    if (mine.of[hash] == NULL) {
        pthread_once(&once, make_key);
        pthread_setspecific(key_of_thread, &mine);
        mine.of[hash] = make_context(hash);
    }
    return mine.of[hash];
}

bool hmac_compute(
    enum hmac_hash hash, struct bytes key, const struct bytes *parts, size_t count, uint8_t *out)
{
    size_t len = 0;
    EVP_MAC_CTX *ctx = context_of(hash);

    /* An empty key would mean "go on with the one before" to the library. */
    if (ctx == NULL || key.len == 0 || EVP_MAC_init(ctx, key.data, key.len, NULL) != 1)
        return false;
    for (size_t i = 0; i < count; i++)
        if (EVP_MAC_update(ctx, parts[i].data, parts[i].len) != 1)
            return false;
    return EVP_MAC_final(ctx, out, &len, hashes[hash].size) == 1 && len == hashes[hash].size;
}
