/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/certificate.h - the self-signed ECDSA P-256 certificate shown in DTLS handshakes.
 *
 * Immutable once made, and reference counted with an atomic counter: threads share it read-only.
 * A certificate is told by its fingerprint in SDP, so its name is random and says nothing. It is
 * valid for 30 days from one day before its making, and due for renewal with under 15 days left.
 * Running associations keep the one they signalled.
 */
#ifndef DTLS_CERTIFICATE_H
#define DTLS_CERTIFICATE_H

#include "dtls/fingerprint.h"

enum {
    DTLS_CERTIFICATE_LIFE_S = 30 * 86400,
    DTLS_CERTIFICATE_BACKDATE_S = 86400, /* for peers whose clock is slow */
    DTLS_CERTIFICATE_RENEW_S = 15 * 86400,
};

/* Room for the private key and certificate as PEM, terminated. */
enum { DTLS_PEM_SIZE = 4096 };

struct dtls_certificate;

/* Returns a new certificate with one reference, or NULL when OpenSSL fails. `now_s` is Unix time.
 */
NODISCARD struct dtls_certificate *dtls_certificate_new(int64_t now_s);

/* Returns a new certificate from what dtls_certificate_export() wrote, or NULL on anything else. */
NODISCARD struct dtls_certificate *dtls_certificate_import(struct text pem);

/* Writes private key and certificate as PEM, terminated. Secret: the caller wipes it after use. */
NODISCARD bool dtls_certificate_export(const struct dtls_certificate *c, char out[DTLS_PEM_SIZE]);

struct dtls_certificate *dtls_certificate_ref(struct dtls_certificate *c);

/* Accepts NULL. */
void dtls_certificate_unref(struct dtls_certificate *c);

/* Borrowed from the certificate. */
const struct dtls_fingerprint *dtls_certificate_fingerprint(
    const struct dtls_certificate *c, enum dtls_hash hash);

/* Unix time at which it ceases to be valid. */
int64_t dtls_certificate_not_after_s(const struct dtls_certificate *c);

static inline bool dtls_renewal_is_due(int64_t not_after_s, int64_t now_s)
{
    return not_after_s - now_s < DTLS_CERTIFICATE_RENEW_S;
}

struct x509_st;
struct evp_pkey_st;

/* Borrowed from the certificate; for dtls/context.c. */
struct x509_st *dtls_certificate_x509(const struct dtls_certificate *c);
struct evp_pkey_st *dtls_certificate_key(const struct dtls_certificate *c);

#endif
