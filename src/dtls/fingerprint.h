/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/fingerprint.h - certificate fingerprints as SDP signals them (RFC 8122, section 5).
 *
 * Plain values; nothing here allocates, except inside OpenSSL while it hashes.
 */
#ifndef DTLS_FINGERPRINT_H
#define DTLS_FINGERPRINT_H

#include "mediaferry/bytes.h"

enum dtls_hash { DTLS_SHA1, DTLS_SHA224, DTLS_SHA256, DTLS_SHA384, DTLS_SHA512 };
enum { DTLS_HASHES = DTLS_SHA512 + 1 };

struct dtls_fingerprint {
    enum dtls_hash hash;
    uint8_t digest[64]; /* dtls_hash_len(hash) bytes, the rest is zero */
};

/* Two hex digits and a colon for each byte of the longest digest; the last colon is the NUL. */
enum { DTLS_FINGERPRINT_TEXT_SIZE = 64 * 3 };

/* The name in SDP: "sha-256". */
const char *dtls_hash_name(enum dtls_hash hash);

/* Digest length in bytes. */
size_t dtls_hash_len(enum dtls_hash hash);

/* Looks a hash up by its SDP name, without regard to case. */
NODISCARD bool dtls_hash_from_name(struct text name, enum dtls_hash *out);

/* Reads the two words of "a=fingerprint:sha-256 AB:CD:..."; lower-case digits are accepted. */
NODISCARD bool dtls_fingerprint_parse(
    struct text hash, struct text digest, struct dtls_fingerprint *out);

/* Writes the digest alone as upper-case hex with colons, terminated, and returns `out`. */
const char *dtls_fingerprint_text(
    const struct dtls_fingerprint *f, char out[DTLS_FINGERPRINT_TEXT_SIZE]);

bool dtls_fingerprint_equal(const struct dtls_fingerprint *a, const struct dtls_fingerprint *b);

struct x509_st;

/* All fingerprints of a certificate, indexed by hash; false when out of memory. */
NODISCARD bool dtls_fingerprints_of(
    const struct x509_st *certificate, struct dtls_fingerprint out[DTLS_HASHES]);

#endif
