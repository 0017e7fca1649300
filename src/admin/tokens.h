/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin/tokens.h - who may use the port: bearer tokens (RFC 6750), of which only hashes are kept.
 */
#ifndef ADMIN_TOKENS_H
#define ADMIN_TOKENS_H

#include "base/str.h"

enum { TOKENS_MAX = 8, TOKEN_MIN = 16, TOKEN_MAX = 256, TOKEN_DIGEST_SIZE = 32 };

struct admin_tokens {
    size_t count;
    uint8_t digests[TOKENS_MAX][TOKEN_DIGEST_SIZE];
};

/* Returns 0, or -EINVAL with a sentence, which shows no token, in `why`; `out` is then untouched.
 * At least one, each of TOKEN_MIN to TOKEN_MAX characters of base64 or URLs. */
NODISCARD int admin_tokens_read(
    const struct text *tokens, size_t count, struct admin_tokens *out, struct str *why);

enum admin_tokens_verdict {
    TOKENS_NONE,  /* no bearer token was presented */
    TOKENS_WRONG, /* one that is not among them */
    TOKENS_RIGHT,
};

/* `authorization`: the value of the field. Takes a time that tells nothing of the tokens. */
enum admin_tokens_verdict admin_tokens_check(
    const struct admin_tokens *tokens, struct text authorization);

#endif
