/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/fingerprint.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

static const struct {
    const char *name;
    size_t len;
    const EVP_MD *(*digest)(void);
} hashes[DTLS_HASHES] = {
    [DTLS_SHA1] = {"sha-1", 20, EVP_sha1},
    [DTLS_SHA224] = {"sha-224", 28, EVP_sha224},
    [DTLS_SHA256] = {"sha-256", 32, EVP_sha256},
    [DTLS_SHA384] = {"sha-384", 48, EVP_sha384},
    [DTLS_SHA512] = {"sha-512", 64, EVP_sha512},
};

const char *dtls_hash_name(enum dtls_hash hash)
{
    return hashes[hash].name;
}

size_t dtls_hash_len(enum dtls_hash hash)
{
    return hashes[hash].len;
}

bool dtls_hash_from_name(struct text name, enum dtls_hash *out)
{
    for (unsigned i = 0; i < DTLS_HASHES; i++) {
        if (text_is_nocase(name, hashes[i].name)) {
            *out = (enum dtls_hash)i;
            return true;
        }
    }
    return false;
}

static int hex_value(char c)
{
    c = text_lower(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool dtls_fingerprint_parse(struct text hash, struct text digest, struct dtls_fingerprint *out)
{
    struct dtls_fingerprint f = {0};
    if (!dtls_hash_from_name(hash, &f.hash))
        return false;

    size_t len = hashes[f.hash].len;
    if (digest.len != len * 3 - 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        const char *pair = digest.data + i * 3;
        int high = hex_value(pair[0]);
        int low = hex_value(pair[1]);
        if (high < 0 || low < 0 || (i + 1 < len && pair[2] != ':'))
            return false;
        f.digest[i] = (uint8_t)(high << 4 | low);
    }
    *out = f;
    return true;
}

const char *dtls_fingerprint_text(
    const struct dtls_fingerprint *f, char out[DTLS_FINGERPRINT_TEXT_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = hashes[f->hash].len;
    for (size_t i = 0; i < len; i++) {
        out[i * 3] = digits[f->digest[i] >> 4];
        out[i * 3 + 1] = digits[f->digest[i] & 15];
        out[i * 3 + 2] = i + 1 < len ? ':' : '\0';
    }
    return out;
}

bool dtls_fingerprint_equal(const struct dtls_fingerprint *a, const struct dtls_fingerprint *b)
{
    return a->hash == b->hash && memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

bool dtls_fingerprints_of(const X509 *certificate, struct dtls_fingerprint out[DTLS_HASHES])
{
    struct dtls_fingerprint all[DTLS_HASHES] = {0};
    for (unsigned i = 0; i < DTLS_HASHES; i++) {
        unsigned len = 0;
        all[i].hash = (enum dtls_hash)i;
        if (X509_digest(certificate, hashes[i].digest(), all[i].digest, &len) != 1 ||
            len != hashes[i].len)
            return false;
    }
    memcpy(out, all, sizeof(all));
    return true;
}
