/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stun/integrity.h - MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256: HMAC-SHA1 and HMAC-SHA256 over
 * a STUN message (RFC 8489, sections 14.5 and 14.6).
 *
 * Apart from the codec library, because it needs OpenSSL. The key is the password itself
 * (short-term credentials, as in ICE) or a hash of user, realm and password (long-term, as in
 * TURN).
 */
#ifndef STUN_INTEGRITY_H
#define STUN_INTEGRITY_H

#include "mediaferry/stun.h"

/* Compares in constant time. */
NODISCARD enum stun_check stun_check_integrity(const struct stun_message *m, struct bytes key);

/* The same with SHA-256. The value may be cut down to `min_size` bytes, but the RFC wants the full
 * STUN_INTEGRITY_SHA256_SIZE unless a usage of STUN allows less. */
NODISCARD enum stun_check stun_check_integrity_sha256(
    const struct stun_message *m, struct bytes key, size_t min_size);

/* Only MESSAGE-INTEGRITY-SHA256 and FINGERPRINT may be written behind it. */
void stun_write_integrity(struct writer *w, struct bytes key);

/* Only FINGERPRINT may be written behind it. */
void stun_write_integrity_sha256(struct writer *w, struct bytes key);

#endif
