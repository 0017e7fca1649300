/* SPDX-License-Identifier: Apache-2.0 */
/* net/tls_settings.h - how OpenSSL is set up for TLS and DTLS servers; for net/tls_context.c. */
#ifndef NET_TLS_SETTINGS_H
#define NET_TLS_SETTINGS_H

#include <openssl/ssl.h>

#include "net/tls_context.h"

/* Whom clients must be certified by; nobody when `store` is NULL. */
struct tls_authorities {
    X509_STORE *store;
    STACK_OF(X509_NAME) * names;
};

/* These return 0, or -EINVAL with a sentence in `why`. */
NODISCARD int tls_authorities_load(const char *file, struct tls_authorities *out, struct str *why);
NODISCARD int tls_pair_load(
    SSL_CTX *context, const struct tls_pair *pair, const char *password, struct str *why);

void tls_authorities_done(struct tls_authorities *a);

/* Lets `to` show the certificate that `from` shows. */
NODISCARD bool tls_pair_copy(SSL_CTX *to, SSL_CTX *from);

/* Returns a new context without certificate for TLS_server_method() or DTLS_server_method(), or
 * NULL with a sentence in `why`. */
NODISCARD SSL_CTX *tls_settings_new(const SSL_METHOD *method, const struct tls_config *config,
    const struct tls_authorities *authorities, struct str *why);

/* Lets the first of `contexts` choose among all by server name. It takes references to the others,
 * so that it is complete without anybody else. */
NODISCARD bool tls_settings_choose_by_name(SSL_CTX *const *contexts, size_t count);

#endif
