/* SPDX-License-Identifier: Apache-2.0 */
#include "stun/integrity.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>

enum { WHOLE_SIZE = STUN_ATTR_HEADER_SIZE + STUN_INTEGRITY_SIZE };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MAC *hmac; /* fetched once: it costs more than the hash itself, and lives on */

static void fetch_hmac(void)
{
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

static bool hmac_sha1(EVP_MAC_CTX *ctx, struct bytes key, struct bytes head, struct bytes rest,
    uint8_t out[STUN_INTEGRITY_SIZE])
{
    char digest[] = "SHA1";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t len = 0;
    return EVP_MAC_init(ctx, key.data, key.len, params) == 1 &&
           EVP_MAC_update(ctx, head.data, head.len) == 1 &&
           EVP_MAC_update(ctx, rest.data, rest.len) == 1 &&
           EVP_MAC_final(ctx, out, &len, STUN_INTEGRITY_SIZE) == 1 && len == STUN_INTEGRITY_SIZE;
}

/* Over the first `len` bytes of a message, with a length field that ends at the integrity itself
 * whatever follows it (RFC 8489, section 14.5). */
static bool compute(
    const uint8_t *message, size_t len, struct bytes key, uint8_t out[STUN_INTEGRITY_SIZE])
{
    uint8_t head[STUN_HEADER_SIZE];
    size_t announced = len - STUN_HEADER_SIZE + WHOLE_SIZE;

    pthread_once(&once, fetch_hmac);
    if (hmac == NULL || key.len == 0 || announced > UINT16_MAX)
        return false;
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);
    if (ctx == NULL)
        return false;

    memcpy(head, message, sizeof(head));
    head[2] = (uint8_t)(announced >> 8);
    head[3] = (uint8_t)announced;
    struct bytes rest = bytes_of(message + sizeof(head), len - sizeof(head));
    bool ok = hmac_sha1(ctx, key, bytes_of(head, sizeof(head)), rest, out);
    EVP_MAC_CTX_free(ctx);
    return ok;
}

enum stun_check stun_check_integrity(const struct stun_message *m, struct bytes key)
{
    struct reader r = reader_over(m->attrs);
    struct stun_attr attr;
    size_t left = 0;
    bool present = false;
    uint8_t expected[STUN_INTEGRITY_SIZE];

    while (!present) {
        left = reader_left(&r);
        if (!stun_next_attr(&r, &attr))
            return STUN_CHECK_ABSENT;
        present = attr.type == STUN_MESSAGE_INTEGRITY;
    }
    if (!compute(m->whole.data, m->whole.len - left, key, expected))
        return STUN_CHECK_WRONG;
    return bytes_equal_secret(attr.value, bytes_of(expected, sizeof(expected))) ? STUN_CHECK_RIGHT
                                                                                : STUN_CHECK_WRONG;
}

void stun_write_integrity(struct writer *w, struct bytes key)
{
    uint8_t value[STUN_INTEGRITY_SIZE];
    if (!writer_ok(w))
        return;
    if (!compute(w->data, w->len, key, value)) {
        w->failed = true;
        return;
    }
    stun_write_attr(w, STUN_MESSAGE_INTEGRITY, bytes_of(value, sizeof(value)));
}
