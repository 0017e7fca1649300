/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/context.h - what all handshakes with one certificate share: the OpenSSL settings.
 *
 * DTLS 1.2 only (DTLS 1.0 is off: RFC 8996; OpenSSL 3 has no DTLS 1.3), ephemeral ECDH with AEAD
 * ciphers, DTLS-SRTP profiles (RFC 5764, RFC 7714) in the order GCM-256, GCM-128, CM-80, CM-32.
 * The peer must show a certificate; any is taken here, and the association compares it with the
 * signalled fingerprint. No session tickets, no resumption, no renegotiation.
 *
 * Immutable and reference counted (atomically). One a worker is enough; associations hold a
 * reference, so a renewed certificate simply means a new context for new associations.
 */
#ifndef DTLS_CONTEXT_H
#define DTLS_CONTEXT_H

#include "dtls/certificate.h"

enum { DTLS_MTU_DEFAULT = 1200, DTLS_MTU_MIN = 256, DTLS_MTU_MAX = 16384 };

struct dtls_context_config {
    struct dtls_certificate *certificate; /* the context takes a reference of its own */
    size_t mtu;           /* longest datagram (UDP payload) to send; 0: DTLS_MTU_DEFAULT */
    const char *ciphers;  /* OpenSSL cipher list; NULL: the built-in one */
    const char *profiles; /* OpenSSL SRTP profile list; NULL: the built-in one */
};

struct dtls_context;

/* Returns a new context with one reference; NULL when OpenSSL refuses a setting. */
NODISCARD struct dtls_context *dtls_context_new(const struct dtls_context_config *config);

struct dtls_context *dtls_context_ref(struct dtls_context *c);

/* Accepts NULL. */
void dtls_context_unref(struct dtls_context *c);

/* Borrowed: the certificate whose fingerprint is to be signalled. */
const struct dtls_certificate *dtls_context_certificate(const struct dtls_context *c);

struct dtls_transport;
struct ssl_st;

/* Returns a new OpenSSL connection over `transport`, or NULL when out of memory. Both must go
 * before the context; for dtls/association.c. */
NODISCARD struct ssl_st *dtls_context_connect(
    const struct dtls_context *c, struct dtls_transport *transport);

#endif
