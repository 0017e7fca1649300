/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/server.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "base/random.h"
#include "dtls/context.h"
#include "dtls/server_state.h"
#include "dtls/transport.h"
#include "stun/hmac.h"

/* OpenSSL asks for one only when it has found another one wrong, which was ours to find. */
static int refuse_cookie(SSL *ssl, unsigned char *cookie, unsigned *len)
{
    (void)ssl, (void)cookie, (void)len;
    return 0;
}

void dtls_server_prepare(SSL_CTX *context)
{
    SSL_CTX_set_cookie_generate_cb(context, refuse_cookie);
    SSL_CTX_set_cookie_verify_cb(context, dtls_session_judge_cookie);
}

struct dtls_server *dtls_server_new(SSL_CTX *context, size_t mtu)
{
    struct dtls_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return NULL;
    server->method = dtls_transport_method();
    if (server->method == NULL) {
        free(server);
        return NULL;
    }
    server->mtu = mtu > 0 ? mtu : DTLS_MTU_DEFAULT;
    dtls_server_set_context(server, context);
    return server;
}

void dtls_server_free(struct dtls_server *server)
{
    if (server == NULL)
        return;
    SSL_CTX_free(server->context);
    BIO_meth_free(server->method);
    OPENSSL_cleanse(server, sizeof(*server));
    free(server);
}

void dtls_server_set_context(struct dtls_server *server, SSL_CTX *context)
{
    SSL_CTX_up_ref(context);
    SSL_CTX_free(server->context);
    server->context = context;
}

/* A secret is in use for a minute, and good for another. */
static void renew_secrets(struct dtls_server *server, uint64_t now_ms)
{
    uint64_t age_ms = now_ms - server->secret_since_ms;
    if (server->has_secrets && age_ms < DTLS_SECRET_MS)
        return;
    if (server->has_secrets && age_ms < 2 * DTLS_SECRET_MS)
        memcpy(server->secrets[1], server->secrets[0], DTLS_SECRET_SIZE);
    else
        random_bytes(server->secrets[1], DTLS_SECRET_SIZE);
    random_bytes(server->secrets[0], DTLS_SECRET_SIZE);
    server->secret_since_ms = now_ms;
    server->has_secrets = true;
}

static bool make_cookie(const struct dtls_server *server, size_t secret,
    const struct address *client, uint8_t out[DTLS_COOKIE_SIZE])
{
    uint8_t port[] = {(uint8_t)(client->port >> 8), (uint8_t)client->port};
    struct bytes parts[] = {bytes_of(port, sizeof(port)), address_ip(client)};
    uint8_t mac[HMAC_SHA256_SIZE];
    if (!hmac_compute(HMAC_SHA256, bytes_of(server->secrets[secret], DTLS_SECRET_SIZE), parts,
            COUNT_OF(parts), mac))
        return false;
    memcpy(out, mac, DTLS_COOKIE_SIZE);
    return true;
}

bool dtls_server_knows_cookie(
    const struct dtls_server *server, const struct address *client, struct bytes cookie)
{
    for (size_t i = 0; i < COUNT_OF(server->secrets); i++) {
        uint8_t ours[DTLS_COOKIE_SIZE];
        if (make_cookie(server, i, client, ours) &&
            bytes_equal_secret(cookie, bytes_of(ours, sizeof(ours))))
            return true;
    }
    return false;
}

enum dtls_first dtls_server_first(struct dtls_server *server, const struct address *client,
    struct bytes datagram, uint64_t now_ms, struct dtls_answer *answer)
{
    struct dtls_client_hello hello;
    uint8_t cookie[DTLS_COOKIE_SIZE];

    if (!dtls_client_hello_parse(datagram, &hello))
        return DTLS_FIRST_DROP;
    renew_secrets(server, now_ms);
    if (hello.cookie.len > 0 && dtls_server_knows_cookie(server, client, hello.cookie))
        return DTLS_FIRST_PROVEN;
    if (!make_cookie(server, 0, client, cookie))
        return DTLS_FIRST_DROP;

    struct writer w = writer_over(answer->data, sizeof(answer->data));
    dtls_write_hello_verify(&w, &hello, bytes_of(cookie, sizeof(cookie)));
    answer->len = writer_bytes(&w).len;
    return DTLS_FIRST_ANSWER;
}
