/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/aes.h"

#include <stdlib.h>

#include <openssl/evp.h>
#include <pthread.h>

enum kind { CTR_128, CTR_256, GCM_128, GCM_256, KINDS };

struct ciphers {
    EVP_CIPHER_CTX *of[KINDS];
};

static const EVP_CIPHER *(*const cipher_of[KINDS])(void) = {
    [CTR_128] = EVP_aes_128_ctr,
    [CTR_256] = EVP_aes_256_ctr,
    [GCM_128] = EVP_aes_128_gcm,
    [GCM_256] = EVP_aes_256_gcm,
};

static _Thread_local struct ciphers *mine;
static pthread_key_t ender;
static bool has_ender;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_ciphers(void *memory)
{
    struct ciphers *c = memory;
    for (size_t i = 0; i < KINDS; i++)
        EVP_CIPHER_CTX_free(c->of[i]);
    free(c);
}

static void make_ender(void)
{
    has_ender = pthread_key_create(&ender, free_ciphers) == 0;
}

static bool make_ciphers(void)
{
    struct ciphers *c = calloc(1, sizeof(*c));
    bool made = c != NULL && pthread_once(&once, make_ender) == 0 && has_ender;
    for (size_t i = 0; made && i < KINDS; i++) {
        c->of[i] = EVP_CIPHER_CTX_new();
        made = c->of[i] != NULL && EVP_CipherInit_ex(c->of[i], cipher_of[i](), NULL, NULL, NULL, 1);
    }
    if (made && pthread_setspecific(ender, c) == 0) {
        mine = c;
        return true;
    }
    if (c != NULL)
        free_ciphers(c);
    return false;
}

void rtpsec_aes_done(void)
{
    if (mine == NULL)
        return;
    pthread_setspecific(ender, NULL);
    free_ciphers(mine);
    mine = NULL;
}

/* This thread's context of a kind, with key and IV set; NULL when that failed. */
static EVP_CIPHER_CTX *keyed(enum kind kind, struct bytes key, const uint8_t *iv, int encrypts)
{
    if (mine == NULL && !make_ciphers())
        return NULL;
    EVP_CIPHER_CTX *c = mine->of[kind];
    return EVP_CipherInit_ex(c, NULL, NULL, key.data, iv, encrypts) ? c : NULL;
}

static bool turn(EVP_CIPHER_CTX *c, uint8_t *out, struct bytes in)
{
    int len;
    return in.len == 0 || EVP_CipherUpdate(c, out, &len, in.data, (int)in.len);
}

bool rtpsec_aes_ctr(struct bytes key, const uint8_t iv[RTPSEC_CTR_IV], uint8_t *data, size_t len)
{
    EVP_CIPHER_CTX *c = keyed(key.len == 16 ? CTR_128 : CTR_256, key, iv, 1);
    return c != NULL && turn(c, data, bytes_of(data, len));
}

static EVP_CIPHER_CTX *gcm_context(const struct rtpsec_gcm *gcm, int encrypts)
{
    EVP_CIPHER_CTX *c = keyed(gcm->key.len == 16 ? GCM_128 : GCM_256, gcm->key, gcm->iv, encrypts);
    return c != NULL && turn(c, NULL, gcm->aad) ? c : NULL;
}

bool rtpsec_gcm_seal(const struct rtpsec_gcm *gcm, uint8_t tag[RTPSEC_GCM_TAG])
{
    uint8_t none[16];
    int len;
    EVP_CIPHER_CTX *c = gcm_context(gcm, 1);
    return c != NULL && turn(c, gcm->data, bytes_of(gcm->data, gcm->len)) &&
           EVP_CipherFinal_ex(c, none, &len) &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, RTPSEC_GCM_TAG, tag);
}

bool rtpsec_gcm_open(const struct rtpsec_gcm *gcm, const uint8_t tag[RTPSEC_GCM_TAG])
{
    uint8_t none[16], expected[RTPSEC_GCM_TAG];
    int len;
    EVP_CIPHER_CTX *c = gcm_context(gcm, 0);
    memcpy(expected, tag, sizeof(expected));
    return c != NULL && turn(c, gcm->data, bytes_of(gcm->data, gcm->len)) &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, sizeof(expected), expected) &&
           EVP_CipherFinal_ex(c, none, &len);
}
