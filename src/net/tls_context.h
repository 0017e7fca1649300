/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/tls_context.h - the certificates and settings of TLS and DTLS servers, from PEM files.
 *
 * TLS 1.2 and 1.3 for streams, DTLS 1.2 for datagrams. The certificate is chosen by the client's
 * server name (SNI): a subjectAltName that says it exactly, else a wildcard, else the first pair.
 * ALPN (RFC 7443): a client that offers names gets "stun.turn" or "stun.nat-discovery" in its own
 * order, and no_application_protocol (RFC 7301) when it offers neither; one that offers none is
 * welcome.
 *
 * Immutable and reference counted (atomically): workers share one. A reload makes a new one for new
 * connections; running ones keep theirs. Making one reads files, which may block.
 */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include "base/str.h"

struct ssl_ctx_st;

struct tls_pair {
    const char *certificate; /* file: the certificate, then those that lead to its root */
    const char *key;         /* file: its private key */
};

struct tls_config {
    const struct tls_pair
        *pairs;               /* borrowed for the call, as all of it; the first is the default */
    size_t pair_count;        /* at least 1 */
    const char *key_password; /* NULL: keys are not encrypted */
    const char *ciphers;      /* OpenSSL list up to TLS 1.2; NULL: the built-in one */
    const char *client_ca;    /* file: clients must show a certificate from there; NULL: none */
    /* Called for each DTLS context before anybody else sees it: dtls_server_prepare(). NULL: not.
     */
    void (*prepare_datagrams)(struct ssl_ctx_st *context);
};

struct tls_context;

/* Returns 0 and a new context with one reference in `out`; else -EINVAL or -ENOMEM, with a sentence
 * that names the file in `why`. */
NODISCARD int tls_context_new(
    const struct tls_config *config, struct tls_context **out, struct str *why);

struct tls_context *tls_context_ref(struct tls_context *c);

/* Accepts NULL. */
void tls_context_unref(struct tls_context *c);

/* Whether a file it was made from is another one now, was written, or is gone. */
bool tls_files_changed(const struct tls_context *c);

/* Borrowed: what new connections are made from. */
struct ssl_ctx_st *tls_context_stream(const struct tls_context *c);
struct ssl_ctx_st *tls_context_datagram(const struct tls_context *c);

#endif
