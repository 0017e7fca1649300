/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_settings.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* Ephemeral keys and AEAD only; TLS 1.3 has its own list, left as OpenSSL has it. */
static const char default_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

/* RFC 7443, as ALPN has it: each name behind its length. */
static const unsigned char our_protocols[] = "\x09stun.turn\x12stun.nat-discovery";

/* "certificate /etc/x.pem: No such file or directory" */
static int refuse(struct str *why, const char *what, const char *file)
{
    unsigned long error = ERR_peek_error();
    const char *reason = error == 0                ? "out of memory"
                         : ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error))
                                                   : ERR_reason_error_string(error);
    str_addf(why, "%s %s: %s", what, file, reason != NULL ? reason : "not understood by OpenSSL");
    ERR_clear_error();
    return -EINVAL;
}

int tls_authorities_load(const char *file, struct tls_authorities *out, struct str *why)
{
    struct tls_authorities a = {.store = NULL};
    if (file != NULL) {
        ERR_clear_error();
        a.store = X509_STORE_new();
        a.names = SSL_load_client_CA_file(file);
        if (a.store == NULL || a.names == NULL || X509_STORE_load_file(a.store, file) != 1) {
            tls_authorities_done(&a);
            return refuse(why, "client authorities", file);
        }
    }
    *out = a;
    return 0;
}

void tls_authorities_done(struct tls_authorities *a)
{
    X509_STORE_free(a->store);
    sk_X509_NAME_pop_free(a->names, X509_NAME_free);
}

struct password {
    const char *value; /* or NULL */
    bool is_missed;
};

/* In place of OpenSSL's own, which asks the terminal. */
static int give_password(char *buffer, int size, int is_writing, void *argument)
{
    (void)is_writing;
    struct password *password = argument;
    struct text value = text_from(password->value);
    password->is_missed = value.len == 0;
    if (value.len == 0 || value.len > (size_t)size)
        return -1;
    memcpy(buffer, value.data, value.len);
    return (int)value.len;
}

int tls_pair_load(
    SSL_CTX *context, const struct tls_pair *pair, const char *password, struct str *why)
{
    struct password given = {.value = password};
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, pair->certificate) != 1)
        return refuse(why, "certificate", pair->certificate);

    SSL_CTX_set_default_passwd_cb(context, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, &given);
    int loaded = SSL_CTX_use_PrivateKey_file(context, pair->key, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    SSL_CTX_set_default_passwd_cb(context, NULL);
    if (given.is_missed) {
        str_addf(why, "key %s: is encrypted, and there is no password", pair->key);
        ERR_clear_error();
        return -EINVAL;
    }
    /* Loading compares it with a certificate of its own kind only. */
    if (loaded != 1 || SSL_CTX_check_private_key(context) != 1)
        return refuse(why, "key", pair->key);
    return 0;
}

bool tls_pair_copy(SSL_CTX *to, SSL_CTX *from)
{
    STACK_OF(X509) *chain = NULL;
    return SSL_CTX_use_certificate(to, SSL_CTX_get0_certificate(from)) == 1 &&
           SSL_CTX_use_PrivateKey(to, SSL_CTX_get0_privatekey(from)) == 1 &&
           SSL_CTX_get0_chain_certs(from, &chain) == 1 && SSL_CTX_set1_chain(to, chain) == 1;
}

/* RFC 7301, section 3.2; a client without ALPN does not come here. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *offered, unsigned offered_len, void *argument)
{
    (void)ssl;
    (void)argument;
    struct reader theirs = reader_over(bytes_of(offered, offered_len));
    while (reader_left(&theirs) > 0) {
        struct bytes wish = reader_take(&theirs, reader_u8(&theirs));
        struct reader ours = reader_over(bytes_of(our_protocols, sizeof(our_protocols) - 1));
        while (wish.len > 0 && reader_left(&ours) > 0) {
            if (!bytes_equal(reader_take(&ours, reader_u8(&ours)), wish))
                continue;
            *out = wish.data;
            *out_len = (unsigned char)wish.len;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool demand_certificates(SSL_CTX *context, const struct tls_authorities *authorities)
{
    if (authorities->store == NULL)
        return true;
    STACK_OF(X509_NAME) *names = SSL_dup_CA_list(authorities->names);
    if (names == NULL)
        return false;
    SSL_CTX_set1_cert_store(context, authorities->store);
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}

static bool configure(SSL_CTX *context, const struct tls_authorities *authorities)
{
    static const unsigned char session_context[] = "mediaferry";
    bool is_dtls = SSL_CTX_get_ssl_method(context) == DTLS_server_method();
    int lowest = is_dtls ? DTLS1_2_VERSION : TLS1_2_VERSION;

    /* A peer that just closes has closed; messages carry their own length. */
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_SINGLE_ECDH_USE | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    if (is_dtls)
        SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Tickets keep nothing here. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_dh_auto(context, 1);
    return SSL_CTX_set_min_proto_version(context, lowest) == 1 &&
           SSL_CTX_set_max_proto_version(context, is_dtls ? DTLS1_2_VERSION : 0) == 1 &&
           SSL_CTX_set_num_tickets(context, 1) == 1 &&
           SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1) ==
               1 &&
           demand_certificates(context, authorities);
}

SSL_CTX *tls_settings_new(const SSL_METHOD *method, const struct tls_config *config,
    const struct tls_authorities *authorities, struct str *why)
{
    const char *ciphers = config->ciphers != NULL ? config->ciphers : default_ciphers;
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL || !configure(context, authorities)) {
        refuse(why, "TLS", "settings");
    } else if (SSL_CTX_set_cipher_list(context, ciphers) != 1) {
        refuse(why, "cipher list", ciphers);
    } else {
        return context;
    }
    SSL_CTX_free(context);
    return NULL;
}

/* Kept in the context that chooses, behind an index of OpenSSL's. */
struct name_table {
    size_t count;
    SSL_CTX *contexts[];
};

static pthread_once_t table_index_once = PTHREAD_ONCE_INIT;
static int table_index;

static void free_table(
    void *parent, void *value, CRYPTO_EX_DATA *data, int index, long number, void *pointer)
{
    (void)parent, (void)data, (void)index, (void)number, (void)pointer;
    struct name_table *table = value;
    if (table == NULL)
        return;
    for (size_t i = 1; i < table->count; i++) /* the first is the parent */
        SSL_CTX_free(table->contexts[i]);
    free(table);
}

static void make_table_index(void)
{
    table_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_table);
}

static SSL_CTX *find_name(const struct name_table *table, struct text name, unsigned flags)
{
    for (size_t i = 0; i < table->count; i++) {
        X509 *certificate = SSL_CTX_get0_certificate(table->contexts[i]);
        if (X509_check_host(certificate, name.data, name.len,
                flags | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1)
            return table->contexts[i];
    }
    return NULL;
}

/* An unknown name gets the default certificate, and the client decides (RFC 6066, section 3). */
static int choose_certificate(SSL *ssl, int *alert, void *argument)
{
    (void)alert;
    const struct name_table *table = argument;
    struct text name = text_from(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    if (name.len == 0)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX *found = find_name(table, name, X509_CHECK_FLAG_NO_WILDCARDS);
    if (found == NULL)
        found = find_name(table, name, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ERR_clear_error();
    if (found == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_set_SSL_CTX(ssl, found) != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool tls_settings_choose_by_name(SSL_CTX *const *contexts, size_t count)
{
    pthread_once(&table_index_once, make_table_index);
    struct name_table *table = malloc(sizeof(*table) + count * sizeof(table->contexts[0]));
    if (table == NULL || SSL_CTX_set_ex_data(contexts[0], table_index, table) != 1) {
        free(table);
        return false;
    }
    table->count = count;
    for (size_t i = 0; i < count; i++) {
        table->contexts[i] = contexts[i];
        if (i > 0)
            SSL_CTX_up_ref(contexts[i]);
    }
    SSL_CTX_set_tlsext_servername_callback(contexts[0], choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(contexts[0], table);
    return true;
}
