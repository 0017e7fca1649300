/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/client_hello.h - the first words of a DTLS client (RFC 6347, section 4.2), and the answer
 * that asks for a cookie. Pure functions over memory the caller owns.
 */
#ifndef DTLS_CLIENT_HELLO_H
#define DTLS_CLIENT_HELLO_H

#include "mediaferry/bytes.h"

enum { DTLS_COOKIE_SIZE = 16, DTLS_HELLO_RANDOM_SIZE = 32 };

/* Borrows its datagram. */
struct dtls_client_hello {
    struct bytes sequence; /* of its record, with the epoch: 8 bytes */
    struct bytes random;   /* 32 bytes */
    struct bytes cookie;   /* empty: it has none */
};

/* Reads a datagram that starts with a plain ClientHello, or with the first fragment of one that
 * goes as far as the cookie; false on any other. */
NODISCARD bool dtls_client_hello_parse(struct bytes datagram, struct dtls_client_hello *out);

/* Writes the HelloVerifyRequest to `hello`. */
void dtls_write_hello_verify(
    struct writer *w, const struct dtls_client_hello *hello, struct bytes cookie);

#endif
