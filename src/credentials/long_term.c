/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/long_term.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *md5, *sha256; /* fetched once, and live on; MD5 may be forbidden on a system */

static void fetch_hashes(void)
{
    md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* Over the parts with colons between them. */
static bool digest_names(const EVP_MD *hash, const struct text *parts, size_t count, uint8_t *out)
{
    EVP_MD_CTX *ctx = hash != NULL ? EVP_MD_CTX_new() : NULL;
    bool ok = ctx != NULL && EVP_DigestInit_ex2(ctx, hash, NULL) == 1;

    for (size_t i = 0; ok && i < count; i++) {
        if (i > 0)
            ok = EVP_DigestUpdate(ctx, ":", 1) == 1;
        ok = ok && EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool long_term_derive(
    struct text username, struct text realm, struct text password, struct long_term_keys *out)
{
    const struct text parts[] = {username, realm, password};
    struct long_term_keys keys = {0};

    pthread_once(&once, fetch_hashes);
    keys.has_md5 = digest_names(md5, parts, COUNT_OF(parts), keys.md5);
    keys.has_sha256 = digest_names(sha256, parts, COUNT_OF(parts), keys.sha256);
    bool some = keys.has_md5 || keys.has_sha256;
    if (some)
        *out = keys;
    long_term_wipe(&keys);
    return some;
}

static int hex_digit(char c)
{
    c = text_lower(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(struct text hex, uint8_t *out, size_t size)
{
    if (hex.len != size * 2)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(hex.data[2 * i]);
        int low = hex_digit(hex.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool long_term_read(
    struct text username, struct text realm, struct text stored, struct long_term_keys *out)
{
    if (stored.len == 0)
        return false;
    if (!text_starts_with(stored, "0x"))
        return long_term_derive(username, realm, stored, out);

    struct long_term_keys keys = {.has_md5 = true};
    if (!read_hex(text_skip(stored, 2), keys.md5, sizeof(keys.md5)))
        return false;
    *out = keys;
    long_term_wipe(&keys);
    return true;
}

struct bytes long_term_key(const struct long_term_keys *keys, enum password_algorithm algorithm)
{
    if (algorithm == PASSWORD_MD5 && keys->has_md5)
        return bytes_of(keys->md5, sizeof(keys->md5));
    if (algorithm == PASSWORD_SHA256 && keys->has_sha256)
        return bytes_of(keys->sha256, sizeof(keys->sha256));
    return bytes_of(NULL, 0);
}

bool long_term_userhash(
    struct text username, struct text realm, uint8_t out[LONG_TERM_USERHASH_SIZE])
{
    const struct text parts[] = {username, realm};
    pthread_once(&once, fetch_hashes);
    return digest_names(sha256, parts, COUNT_OF(parts), out);
}

void long_term_wipe(struct long_term_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof(*keys));
}
