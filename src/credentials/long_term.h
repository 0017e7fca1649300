/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials/long_term.h - keys of the long-term credential mechanism (RFC 8489, sections 9.2.2,
 * 14.4, 18.5).
 *
 * Names and passwords are taken byte for byte: whoever stores them has brought them into the form
 * that clients send (OpaqueString of RFC 8265, which is the identity for what people use).
 */
#ifndef CREDENTIALS_LONG_TERM_H
#define CREDENTIALS_LONG_TERM_H

#include "mediaferry/bytes.h"

/* The values of PASSWORD-ALGORITHM (RFC 8489, section 18.5). */
enum password_algorithm { PASSWORD_MD5 = 1, PASSWORD_SHA256 = 2 };

enum {
    LONG_TERM_MD5_SIZE = 16,
    LONG_TERM_SHA256_SIZE = 32,
    LONG_TERM_USERHASH_SIZE = 32,
    LONG_TERM_MAX_NAME = 508,  /* bytes of USERNAME (RFC 8489, section 14.3) */
    LONG_TERM_MAX_REALM = 763, /* bytes of REALM and NONCE (sections 14.9 and 14.10) */
};

struct long_term_keys {
    bool has_md5;
    bool has_sha256;
    uint8_t md5[LONG_TERM_MD5_SIZE];
    uint8_t sha256[LONG_TERM_SHA256_SIZE];
};

/* Both keys of a user whose password is known; false when the library fails. */
NODISCARD bool long_term_derive(
    struct text username, struct text realm, struct text password, struct long_term_keys *out);

/*
 * The keys of a user as configurations and databases hold them: a password, or "0x" and the 32 hex
 * digits of the MD5 key, which makes SHA-256 impossible. False when it is neither.
 */
NODISCARD bool long_term_read(
    struct text username, struct text realm, struct text stored, struct long_term_keys *out);

/* The key for an algorithm; empty when it is not known. */
struct bytes long_term_key(const struct long_term_keys *keys, enum password_algorithm algorithm);

/* What USERHASH carries (RFC 8489, section 14.4); false when the library fails. */
NODISCARD bool long_term_userhash(
    struct text username, struct text realm, uint8_t out[LONG_TERM_USERHASH_SIZE]);

/* Overwrites the keys. */
void long_term_wipe(struct long_term_keys *keys);

#endif
