/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/server_session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "dtls/server_state.h"
#include "dtls/transport.h"

struct dtls_session {
    struct dtls_server *server;
    const struct dtls_session_hooks *hooks;
    void *owner;
    struct address client;
    enum dtls_session_state state;
    const char *failure;
    SSL *ssl;
    struct dtls_transport transport;
    uint8_t random[DTLS_HELLO_RANDOM_SIZE]; /* of the ClientHello that began it */

    uint64_t now_ms; /* of the call being served, for the timer callback */
    uint64_t retransmit_ms;
    uint64_t deadline_ms;
    size_t datagrams; /* of the handshake */
    size_t bytes;
};

static void send_out(void *owner, struct bytes datagram)
{
    struct dtls_session *s = owner;
    s->hooks->send(s->owner, datagram);
}

static unsigned next_wait_us(SSL *ssl, unsigned previous_us)
{
    struct dtls_session *s = SSL_get_app_data(ssl);
    unsigned wait_ms = dtls_next_wait_ms(previous_us);
    s->retransmit_ms = s->now_ms + wait_ms;
    return wait_ms * 1000;
}

int dtls_session_judge_cookie(SSL *ssl, const unsigned char *cookie, unsigned len)
{
    const struct dtls_session *s = SSL_get_app_data(ssl);
    return dtls_server_knows_cookie(s->server, &s->client, bytes_of(cookie, len));
}

/* OpenSSL's words, which are constants. */
static const char *reason_of_error(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "protocol error";
}

static void leave(struct dtls_session *s, enum dtls_session_state state, const char *failure)
{
    assert(s->state == DTLS_SESSION_HANDSHAKING || s->state == DTLS_SESSION_OPEN);
    s->state = state;
    s->failure = failure;
    s->retransmit_ms = DTLS_NEVER;
    ERR_clear_error();
}

/* Takes what OpenSSL has decrypted. */
static void read_records(struct dtls_session *s)
{
    while (s->state == DTLS_SESSION_OPEN) {
        ERR_clear_error();
        int len = SSL_read(s->ssl, s->server->plain, sizeof(s->server->plain));
        if (len > 0) {
            s->hooks->on_record(s->owner, bytes_of(s->server->plain, (size_t)len));
            continue;
        }
        int error = SSL_get_error(s->ssl, len);
        if (error == SSL_ERROR_WANT_READ)
            return;
        leave(s, DTLS_SESSION_CLOSED, error == SSL_ERROR_ZERO_RETURN ? NULL : reason_of_error());
    }
}

static void go_on(struct dtls_session *s)
{
    ERR_clear_error();
    int result = SSL_do_handshake(s->ssl);
    if (result == 1) {
        s->state = DTLS_SESSION_OPEN;
        s->retransmit_ms = DTLS_NEVER;
        read_records(s); /* what came before its time */
    } else if (SSL_get_error(s->ssl, result) != SSL_ERROR_WANT_READ) {
        leave(s, DTLS_SESSION_FAILED, reason_of_error());
    }
}

static bool make_openssl(struct dtls_session *s)
{
    s->ssl = SSL_new(s->server->context);
    BIO *bio = dtls_transport_bio(s->server->method, &s->transport);
    if (s->ssl == NULL || bio == NULL || SSL_set_mtu(s->ssl, (long)s->server->mtu) == 0) {
        BIO_free(bio);
        return false;
    }
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_app_data(s->ssl, s);
    SSL_set_accept_state(s->ssl);
    DTLS_set_timer_cb(s->ssl, next_wait_us);
    return true;
}

/* Lets OpenSSL check the cookie once more: only so does it go on behind a HelloVerifyRequest. */
static bool listen_once(struct dtls_session *s)
{
    BIO_ADDR *nobody = BIO_ADDR_new();
    int result = nobody != NULL ? DTLSv1_listen(s->ssl, nobody) : -1;
    BIO_ADDR_free(nobody);
    return result == 1;
}

struct dtls_session *dtls_session_new(struct dtls_server *server,
    const struct dtls_session_hooks *hooks, void *owner, const struct address *client,
    struct bytes datagram, uint64_t now_ms)
{
    struct dtls_client_hello hello;
    struct dtls_session *s = calloc(1, sizeof(*s));
    if (s == NULL || !dtls_client_hello_parse(datagram, &hello)) {
        free(s);
        return NULL;
    }
    s->server = server;
    s->hooks = hooks;
    s->owner = owner;
    s->client = *client;
    s->transport = (struct dtls_transport){.input = datagram, .send = send_out, .owner = s};
    memcpy(s->random, hello.random.data, sizeof(s->random));
    s->now_ms = now_ms;
    s->retransmit_ms = DTLS_NEVER;
    s->deadline_ms = now_ms + DTLS_HANDSHAKE_MS;
    ERR_clear_error();
    if (!make_openssl(s) || !listen_once(s)) {
        dtls_session_free(s);
        return NULL;
    }
    go_on(s);
    s->transport.input = bytes_of(NULL, 0);
    return s;
}

void dtls_session_free(struct dtls_session *s)
{
    if (s == NULL)
        return;
    SSL_free(s->ssl);
    ERR_clear_error();
    free(s);
}

bool dtls_session_owns(const struct dtls_session *s, struct bytes datagram)
{
    struct dtls_client_hello hello;
    return !dtls_client_hello_parse(datagram, &hello) ||
           bytes_equal(hello.random, bytes_of(s->random, sizeof(s->random)));
}

static void receive_handshaking(struct dtls_session *s, size_t len)
{
    s->datagrams++;
    s->bytes += len;
    if (s->datagrams > DTLS_HANDSHAKE_DATAGRAMS || s->bytes > DTLS_HANDSHAKE_BYTES) {
        leave(s, DTLS_SESSION_FAILED, "too much handshake");
        return;
    }
    go_on(s);
}

enum dtls_session_state dtls_session_receive(
    struct dtls_session *s, struct bytes datagram, uint64_t now_ms)
{
    s->now_ms = now_ms;
    s->transport.input = datagram;
    if (s->state == DTLS_SESSION_HANDSHAKING)
        receive_handshaking(s, datagram.len);
    else
        read_records(s); /* OpenSSL drops what is not encrypted by now */
    s->transport.input = bytes_of(NULL, 0);
    return s->state;
}

int dtls_session_send(struct dtls_session *s, struct bytes record)
{
    if (s->state != DTLS_SESSION_OPEN)
        return -ENOTCONN;
    if (record.len == 0 || record.len > SSL3_RT_MAX_PLAIN_LENGTH)
        return -EMSGSIZE;
    ERR_clear_error();
    if (SSL_write(s->ssl, record.data, (int)record.len) == (int)record.len)
        return 0;
    ERR_clear_error();
    return -EIO;
}

enum dtls_session_state dtls_session_tick(struct dtls_session *s, uint64_t now_ms)
{
    s->now_ms = now_ms;
    if (s->state != DTLS_SESSION_HANDSHAKING)
        return s->state;
    if (now_ms >= s->deadline_ms) {
        leave(s, DTLS_SESSION_FAILED, "timeout");
        return s->state;
    }
    if (now_ms < s->retransmit_ms)
        return s->state;

    ERR_clear_error();
    s->retransmit_ms = now_ms + DTLS_CLOCKS_DISAGREE_MS;
    if (DTLSv1_handle_timeout(s->ssl) < 0)
        leave(s, DTLS_SESSION_FAILED, "timeout");
    return s->state;
}

uint64_t dtls_session_due_ms(const struct dtls_session *s)
{
    if (s->state != DTLS_SESSION_HANDSHAKING)
        return DTLS_NEVER;
    return s->retransmit_ms < s->deadline_ms ? s->retransmit_ms : s->deadline_ms;
}

void dtls_session_close(struct dtls_session *s)
{
    if (s->state == DTLS_SESSION_OPEN) {
        ERR_clear_error();
        SSL_shutdown(s->ssl);
    }
    if (s->state == DTLS_SESSION_OPEN || s->state == DTLS_SESSION_HANDSHAKING)
        leave(s, DTLS_SESSION_CLOSED, NULL);
}

enum dtls_session_state dtls_session_state(const struct dtls_session *s)
{
    return s->state;
}

const char *dtls_session_failure(const struct dtls_session *s)
{
    return s->failure;
}
