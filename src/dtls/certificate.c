/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/certificate.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

struct dtls_certificate {
    atomic_uint references;
    X509 *x509;
    EVP_PKEY *key;
    int64_t not_after_s;
    struct dtls_fingerprint fingerprints[DTLS_HASHES];
};

static bool read_not_after(struct dtls_certificate *c)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(c->x509), &tm) != 1)
        return false;
    c->not_after_s = (int64_t)timegm(&tm);
    return true;
}

/* Takes `x509` and `key`, also on failure. */
static struct dtls_certificate *wrap(X509 *x509, EVP_PKEY *key)
{
    struct dtls_certificate *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        X509_free(x509);
        EVP_PKEY_free(key);
        return NULL;
    }
    atomic_init(&c->references, 1);
    c->x509 = x509;
    c->key = key;
    if (!dtls_fingerprints_of(x509, c->fingerprints) || !read_not_after(c)) {
        dtls_certificate_unref(c);
        return NULL;
    }
    return c;
}

static bool set_random_serial(X509 *x509)
{
    BIGNUM *serial = BN_new();
    bool ok = serial != NULL && BN_rand(serial, 64, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509)) != NULL;
    BN_free(serial);
    return ok;
}

static bool set_random_name(X509 *x509)
{
    uint8_t random[8];
    char name[2 * sizeof(random) + 1];
    if (RAND_bytes(random, sizeof(random)) != 1)
        return false;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(name + 2 * i, 3, "%02x", random[i]);

    X509_NAME *subject = X509_get_subject_name(x509);
    return X509_NAME_add_entry_by_txt(
               subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(x509, subject) == 1;
}

static bool fill(X509 *x509, EVP_PKEY *key, int64_t now_s)
{
    int64_t not_before_s = now_s - DTLS_CERTIFICATE_BACKDATE_S;
    return X509_set_version(x509, X509_VERSION_3) == 1 && set_random_serial(x509) &&
           set_random_name(x509) &&
           ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)not_before_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(x509),
               (time_t)(not_before_s + DTLS_CERTIFICATE_LIFE_S)) != NULL &&
           X509_set_pubkey(x509, key) == 1 && X509_sign(x509, key, EVP_sha256()) > 0;
}

struct dtls_certificate *dtls_certificate_new(int64_t now_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    if (key == NULL || x509 == NULL || !fill(x509, key, now_s)) {
        EVP_PKEY_free(key);
        X509_free(x509);
        ERR_clear_error();
        return NULL;
    }
    return wrap(x509, key);
}

struct dtls_certificate *dtls_certificate_import(struct text pem)
{
    EVP_PKEY *key = NULL;
    X509 *x509 = NULL;
    BIO *in = pem.len < DTLS_PEM_SIZE ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    if (in != NULL) {
        key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
        x509 = PEM_read_bio_X509(in, NULL, NULL, NULL);
        BIO_free(in);
    }
    if (key == NULL || x509 == NULL || X509_check_private_key(x509, key) != 1) {
        EVP_PKEY_free(key);
        X509_free(x509);
        ERR_clear_error();
        return NULL;
    }
    return wrap(x509, key);
}

bool dtls_certificate_export(const struct dtls_certificate *c, char out[DTLS_PEM_SIZE])
{
    bool ok = false;
    BIO *memory = BIO_new(BIO_s_secmem());
    if (memory != NULL &&
        PEM_write_bio_PrivateKey(memory, c->key, NULL, NULL, 0, NULL, NULL) == 1 &&
        PEM_write_bio_X509(memory, c->x509) == 1) {
        int len = BIO_read(memory, out, DTLS_PEM_SIZE - 1);
        ok = len > 0 && BIO_pending(memory) == 0;
        out[ok ? len : 0] = '\0';
    }
    BIO_free(memory);
    ERR_clear_error();
    return ok;
}

struct dtls_certificate *dtls_certificate_ref(struct dtls_certificate *c)
{
    atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    return c;
}

void dtls_certificate_unref(struct dtls_certificate *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
        return;
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    free(c);
}

const struct dtls_fingerprint *dtls_certificate_fingerprint(
    const struct dtls_certificate *c, enum dtls_hash hash)
{
    assert((unsigned)hash < DTLS_HASHES);
    return &c->fingerprints[hash];
}

int64_t dtls_certificate_not_after_s(const struct dtls_certificate *c)
{
    return c->not_after_s;
}

X509 *dtls_certificate_x509(const struct dtls_certificate *c)
{
    return c->x509;
}

EVP_PKEY *dtls_certificate_key(const struct dtls_certificate *c)
{
    return c->key;
}
