/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials/nonce.h - nonces that need no memory: each carries its time and a MAC over time,
 * features and the client's address (RFC 8489, sections 9.2.1, 9.2.4 and 14.10).
 *
 *     [ "obMatJos2" features ] base64(time:24 MAC:40)          11 or 24 characters
 *
 * The part in brackets, the nonce cookie, stands only before a nonce that has features. A fleet
 * that shares the key accepts each other's nonces. The MAC is HMAC-SHA256 cut to 40 bits: enough
 * for something that lives minutes and can be tested on line only.
 */
#ifndef CREDENTIALS_NONCE_H
#define CREDENTIALS_NONCE_H

#include "mediaferry/address.h"

enum {
    NONCE_KEY_SIZE = 32,
    NONCE_MAX_SIZE = 24,
    NONCE_MAX_LIFETIME_S = (1 << 23) - 1, /* 97 days */
    NONCE_FUTURE_SKEW_S = 10,             /* between the clocks of a fleet */
};

/* The "STUN Security Feature" set. RFC 8489 numbers its 24 bits without saying from which end; the
 * example of appendix B.1 ("AAAC": a hidden user name, so bit 1), the RFC's errata and libjuice
 * count from the least significant. */
enum { NONCE_PASSWORD_ALGORITHMS = 1 << 0, NONCE_USERNAME_ANONYMITY = 1 << 1 };

struct nonce_keys {
    uint8_t current[NONCE_KEY_SIZE];
    uint8_t previous[NONCE_KEY_SIZE]; /* still accepted, while a fleet changes its key */
    bool has_previous;
};

/* Writes a nonce for `client` into `out` and returns it; empty when the library fails. */
struct text nonce_write(const struct nonce_keys *keys, unsigned features,
    const struct address *client, int64_t now_s, char out[NONCE_MAX_SIZE]);

/* Whether `nonce` was given to this client within the last `lifetime_s` seconds (0: ever). The
 * features it was given with are then in `features`. */
NODISCARD bool nonce_check(const struct nonce_keys *keys, struct text nonce,
    const struct address *client, int64_t now_s, uint32_t lifetime_s, unsigned *features);

#endif
