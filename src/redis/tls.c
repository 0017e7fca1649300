/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES = 3 };

struct redis_tls {
    unsigned refs;
    enum redis_verify verify;
    char *paths[FILES]; /* owned: CA, certificate, key; NULL: none */
    struct stat seen[FILES];
    SSL_CTX *context;
};

/* --- the context --- */

static int refuse_file(const char *what, const char *path, struct str *why)
{
    unsigned long first = ERR_peek_error();
    const char *reason = ERR_SYSTEM_ERROR(first) ? strerror(ERR_GET_REASON(first))
                                                 : ERR_reason_error_string(ERR_peek_last_error());
    str_addf(why, "the %s in %s cannot be used: %s", what, path,
        reason != NULL ? reason : "no file, or not PEM");
    ERR_clear_error();
    return -EINVAL;
}

static int load_ca(SSL_CTX *context, const char *path, struct str *why)
{
    if (path == NULL) {
        if (SSL_CTX_set_default_verify_paths(context) == 1)
            return 0;
        str_add_string(why, "the CAs of the system cannot be used");
        ERR_clear_error();
        return -EINVAL;
    }
    return SSL_CTX_load_verify_locations(context, path, NULL) == 1
               ? 0
               : refuse_file("CA certificates", path, why);
}

static int load_pair(SSL_CTX *context, const char *certificate, const char *key, struct str *why)
{
    if (certificate == NULL && key == NULL)
        return 0;
    if (certificate == NULL || key == NULL) {
        str_add_string(why, "a certificate and its key are needed together");
        return -EINVAL;
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return refuse_file("certificate", certificate, why);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return refuse_file("private key", key, why);
    return 0;
}

static int make_context(const struct redis_tls *tls, SSL_CTX **out, struct str *why)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        str_add_string(why, "out of memory");
        return -ENOMEM;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(
        context, tls->verify == REDIS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    int error = load_ca(context, tls->paths[0], why);
    if (error == 0)
        error = load_pair(context, tls->paths[1], tls->paths[2], why);
    if (error != 0) {
        SSL_CTX_free(context);
        return error;
    }
    *out = context;
    return 0;
}

/* --- files that are written again --- */

static void look_at_files(const struct redis_tls *tls, struct stat *out)
{
    for (size_t i = 0; i < FILES; i++)
        if (tls->paths[i] == NULL || stat(tls->paths[i], &out[i]) != 0)
            out[i] = (struct stat){.st_ino = 0};
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A certificate and its key may be written one after the other: what does not fit together is
 * looked at again for the next connection. */
static void read_again(struct redis_tls *tls)
{
    struct stat now[FILES];
    bool changed = false;
    look_at_files(tls, now);
    for (size_t i = 0; i < FILES; i++)
        changed = changed || !is_same(&now[i], &tls->seen[i]);
    if (!changed)
        return;
    SSL_CTX *context = NULL;
    struct str why = {.data = NULL};
    if (make_context(tls, &context, &why) == 0) {
        SSL_CTX_free(tls->context);
        tls->context = context;
        memcpy(tls->seen, now, sizeof(now));
    }
    str_done(&why);
}

/* --- life --- */

static bool copy_paths(struct redis_tls *tls, const struct redis_tls_files *files)
{
    const char *from[FILES] = {files->ca, files->certificate, files->key};
    for (size_t i = 0; i < FILES; i++) {
        if (from[i] == NULL || from[i][0] == '\0')
            continue;
        tls->paths[i] = text_dup(text_from(from[i]));
        if (tls->paths[i] == NULL)
            return false;
    }
    return true;
}

int redis_tls_new(const struct redis_tls_files *files, enum redis_verify verify,
    struct redis_tls **out, struct str *why)
{
    static const struct redis_tls_files none = {.ca = NULL};
    struct redis_tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL || !copy_paths(tls, files != NULL ? files : &none)) {
        redis_tls_unref(tls);
        str_add_string(why, "out of memory");
        return -ENOMEM;
    }
    tls->refs = 1;
    tls->verify = verify;
    look_at_files(tls, tls->seen);
    int error = make_context(tls, &tls->context, why);
    if (error != 0) {
        redis_tls_unref(tls);
        return error;
    }
    *out = tls;
    return 0;
}

static const char *first_of(const char *a, const char *b)
{
    return a != NULL && a[0] != '\0' ? a : b;
}

int redis_tls_wanted(const struct redis_tls_words *words, const struct redis_tls_files *files,
    struct redis_tls **out, struct str *why)
{
    *out = NULL;
    if (!words->is_wanted)
        return 0;
    struct redis_tls_files chosen = {words->ca, words->certificate, words->key};
    if (files != NULL) {
        chosen.ca = first_of(files->ca, chosen.ca);
        chosen.certificate = first_of(files->certificate, chosen.certificate);
        chosen.key = first_of(files->key, chosen.key);
    }
    return redis_tls_new(&chosen, words->verify, out, why);
}

struct redis_tls *redis_tls_ref(struct redis_tls *tls)
{
    if (tls != NULL)
        tls->refs++;
    return tls;
}

void redis_tls_unref(struct redis_tls *tls)
{
    if (tls == NULL || (tls->refs > 0 && --tls->refs > 0))
        return;
    for (size_t i = 0; i < FILES; i++)
        free(tls->paths[i]);
    SSL_CTX_free(tls->context);
    free(tls);
}

/* --- connections --- */

static bool is_address(const char *host)
{
    uint8_t binary[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1;
}

/* RFC 6066, section 3: a server name is never an address. */
static bool expect_host(SSL *ssl, const char *host, enum redis_verify verify)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);
    bool numeric = is_address(host);

    if (!numeric && SSL_set_tlsext_host_name(ssl, host) != 1)
        return false;
    if (verify != REDIS_VERIFY_HOST)
        return true;
    if (numeric)
        return X509_VERIFY_PARAM_set1_ip_asc(rules, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(rules, host, 0) == 1;
}

SSL *redis_tls_connection(struct redis_tls *tls, const char *host)
{
    read_again(tls);
    SSL *ssl = SSL_new(tls->context);
    if (ssl == NULL)
        return NULL;
    if (!expect_host(ssl, host, tls->verify)) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return ssl;
}
