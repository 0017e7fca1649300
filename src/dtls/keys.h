/* SPDX-License-Identifier: Apache-2.0 */
/* dtls/keys.h - SRTP keys out of a completed handshake (RFC 5764, section 4.2). */
#ifndef DTLS_KEYS_H
#define DTLS_KEYS_H

#include "dtls/association.h"

struct ssl_st;

/* Reads profile and keys as seen by `role`; false when no SRTP profile was agreed on. */
NODISCARD bool dtls_keys_export(
    struct ssl_st *ssl, enum dtls_role role, struct dtls_srtp_keys *out);

#endif
