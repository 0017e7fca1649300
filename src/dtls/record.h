/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/record.h - the plain framing of DTLS records (RFC 6347, section 4.1).
 *
 * Pure functions over a datagram the caller owns; nothing is decrypted.
 */
#ifndef DTLS_RECORD_H
#define DTLS_RECORD_H

#include "mediaferry/bytes.h"

enum dtls_record_type {
    DTLS_RECORD_CHANGE_CIPHER_SPEC = 20,
    DTLS_RECORD_ALERT = 21,
    DTLS_RECORD_HANDSHAKE = 22,
    DTLS_RECORD_APPLICATION_DATA = 23,
};

enum { DTLS_HANDSHAKE_CLIENT_HELLO = 1 };

struct dtls_record {
    uint8_t type;
    uint16_t epoch;
    struct bytes body;
    struct bytes whole; /* with its header */
};

/* Reads the next record of a datagram; false at its end and on anything that is not DTLS. */
NODISCARD bool dtls_next_record(struct reader *r, struct dtls_record *out);

/* Whether a datagram carries the start of a plain ClientHello. */
bool dtls_has_client_hello(struct bytes datagram);

#endif
