/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/tokens.h"

#include <errno.h>
#include <openssl/evp.h>

static bool digest_of(struct text token, uint8_t out[TOKEN_DIGEST_SIZE])
{
    return EVP_Digest(token.data, token.len, out, NULL, EVP_sha256(), NULL) == 1;
}

/* "b64token" of RFC 6750, section 2.1. */
static bool is_token(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        char c = t.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                (c != '\0' && strchr("-._~+/=", c) != NULL)))
            return false;
    }
    return true;
}

int admin_tokens_read(
    const struct text *tokens, size_t count, struct admin_tokens *out, struct str *why)
{
    struct admin_tokens read = {.count = count};
    if (count == 0 || count > TOKENS_MAX) {
        str_addf(why, "the admin port needs 1 to %d tokens", TOKENS_MAX);
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        if (tokens[i].len < TOKEN_MIN || tokens[i].len > TOKEN_MAX || !is_token(tokens[i])) {
            str_addf(why,
                "a token must have %d to %d characters: letters, digits and -._~+/=", TOKEN_MIN,
                TOKEN_MAX);
            return -EINVAL;
        }
        if (!digest_of(tokens[i], read.digests[i])) {
            str_add_string(why, "SHA-256 is not available");
            return -EINVAL;
        }
    }
    *out = read;
    return 0;
}

enum admin_tokens_verdict admin_tokens_check(
    const struct admin_tokens *tokens, struct text authorization)
{
    uint8_t digest[TOKEN_DIGEST_SIZE];
    struct text token = authorization;
    struct text scheme = text_cut(&token, ' ');
    token = text_trim(token);
    if (!text_is_nocase(scheme, "bearer") || token.len == 0)
        return TOKENS_NONE;
    if (!digest_of(token, digest))
        return TOKENS_WRONG;
    bool right = false;
    for (size_t i = 0; i < tokens->count; i++)
        right |= bytes_equal_secret(
            bytes_of(tokens->digests[i], TOKEN_DIGEST_SIZE), bytes_of(digest, TOKEN_DIGEST_SIZE));
    return right ? TOKENS_RIGHT : TOKENS_WRONG;
}
