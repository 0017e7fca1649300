/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stun/integrity.h - MESSAGE-INTEGRITY: HMAC-SHA1 over a STUN message (RFC 8489, section 14.5).
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

/* Only FINGERPRINT may be written behind it. */
void stun_write_integrity(struct writer *w, struct bytes key);

#endif
