/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/context.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "dtls/transport.h"

struct dtls_context {
    atomic_uint references;
    struct dtls_certificate *certificate;
    SSL_CTX *ssl;
    BIO_METHOD *method;
    size_t mtu;
};

/* Our certificate is ECDSA; the RSA suites are for servers whose certificate is not. */
static const char default_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384";

static const char default_profiles[] =
    "SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32";

/* More than any sensible chain of self-signed certificates. */
enum { MAX_PEER_CHAIN = 16 * 1024 };

/* Self-signed certificates are the rule; the fingerprint decides, after the handshake. */
static int accept_any_certificate(X509_STORE_CTX *store, void *argument)
{
    (void)argument;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static bool configure(SSL_CTX *ssl, const struct dtls_context_config *config)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
                                 SSL_OP_SINGLE_ECDH_USE | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, accept_any_certificate, NULL);
    SSL_CTX_set_max_cert_list(ssl, MAX_PEER_CHAIN);

    const char *ciphers = config->ciphers != NULL ? config->ciphers : default_ciphers;
    const char *profiles = config->profiles != NULL ? config->profiles : default_profiles;
    /* SSL_CTX_set_tlsext_use_srtp() is the odd one: 0 means success. */
    return SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ssl, ciphers) == 1 &&
           SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384") == 1 &&
           SSL_CTX_set_tlsext_use_srtp(ssl, profiles) == 0 &&
           SSL_CTX_use_certificate(ssl, dtls_certificate_x509(config->certificate)) == 1 &&
           SSL_CTX_use_PrivateKey(ssl, dtls_certificate_key(config->certificate)) == 1;
}

static size_t mtu_of(const struct dtls_context_config *config)
{
    if (config->mtu == 0)
        return DTLS_MTU_DEFAULT;
    if (config->mtu < DTLS_MTU_MIN)
        return DTLS_MTU_MIN;
    return config->mtu > DTLS_MTU_MAX ? DTLS_MTU_MAX : config->mtu;
}

struct dtls_context *dtls_context_new(const struct dtls_context_config *config)
{
    struct dtls_context *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    atomic_init(&c->references, 1);
    c->certificate = dtls_certificate_ref(config->certificate);
    c->mtu = mtu_of(config);
    c->ssl = SSL_CTX_new(DTLS_method());
    c->method = dtls_transport_method();
    if (c->ssl == NULL || c->method == NULL || !configure(c->ssl, config)) {
        dtls_context_unref(c);
        ERR_clear_error();
        return NULL;
    }
    return c;
}

struct dtls_context *dtls_context_ref(struct dtls_context *c)
{
    atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    return c;
}

void dtls_context_unref(struct dtls_context *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(c->ssl);
    BIO_meth_free(c->method);
    dtls_certificate_unref(c->certificate);
    free(c);
}

const struct dtls_certificate *dtls_context_certificate(const struct dtls_context *c)
{
    return c->certificate;
}

SSL *dtls_context_connect(const struct dtls_context *c, struct dtls_transport *transport)
{
    SSL *ssl = SSL_new(c->ssl);
    BIO *bio = dtls_transport_bio(c->method, transport);
    if (ssl == NULL || bio == NULL || SSL_set_mtu(ssl, (long)c->mtu) == 0) {
        SSL_free(ssl);
        BIO_free(bio);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_bio(ssl, bio, bio); /* takes the BIO once when both are the same */
    return ssl;
}
