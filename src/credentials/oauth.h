/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials/oauth.h - self-contained access tokens (RFC 7635, section 6.2).
 *
 *     nonce_len:16 nonce { key_len:16 mac_key timestamp:64 lifetime:32 } tag:128
 *
 * The part in braces is encrypted with a key that the authorization server shares with this one;
 * the name of this server is authenticated with it. The client names the key in USERNAME.
 */
#ifndef CREDENTIALS_OAUTH_H
#define CREDENTIALS_OAUTH_H

#include "mediaferry/bytes.h"

enum oauth_algorithm { OAUTH_A256GCM, OAUTH_A128GCM };

enum {
    OAUTH_MAX_KEY = 32,
    OAUTH_MAX_MAC_KEY = 64,
    OAUTH_MAX_NONCE = 64,
    OAUTH_TAG_SIZE = 16,
    OAUTH_SKEW_S = 5, /* RFC 7635, section 4.1.1 (Delta) */
};

struct oauth_key {
    struct text kid; /* borrowed */
    enum oauth_algorithm algorithm;
    uint8_t key[OAUTH_MAX_KEY]; /* 32 or 16 bytes of it are used */
    int64_t from_s;             /* seconds since 1970; 0: always valid */
    int64_t lifetime_s;         /* 0: for ever */
};

struct oauth_token {
    size_t mac_key_len;
    uint8_t mac_key[OAUTH_MAX_MAC_KEY];
    int64_t issued_s;
    int64_t lifetime_s;
};

/* "A256GCM" or "A128GCM", in any case. */
NODISCARD bool oauth_algorithm_from_name(struct text name, enum oauth_algorithm *out);

/* Reads a key as configurations hold it; one that is longer than the algorithm's is cut, as coturn
 * does. False when it is no base64 or too short. */
NODISCARD bool oauth_key_read(
    struct text base64, enum oauth_algorithm algorithm, uint8_t out[OAUTH_MAX_KEY]);

/* Whether the key may be used at `now_s`. */
bool oauth_key_is_valid(const struct oauth_key *key, int64_t now_s);

/* Opens and authenticates a token; says nothing about its times. The caller wipes `out`. */
NODISCARD bool oauth_open(const struct oauth_key *key, struct text server_name, struct bytes token,
    struct oauth_token *out);

/* Writes the token that oauth_open() reads (for tests and tools). A nonce of 12 bytes is usual; a
 * full writer or a failing library fails the writer. */
void oauth_seal(const struct oauth_key *key, struct text server_name, struct bytes nonce,
    const struct oauth_token *token, struct writer *w);

/* Whether the token's time has come and is not over (RFC 7635, section 4.1.1). */
bool oauth_token_is_valid(const struct oauth_token *token, int64_t now_s);

#endif
