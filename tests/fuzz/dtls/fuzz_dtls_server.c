/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any datagrams, to a DTLS server and its sessions. The first byte chooses the scene; each datagram
 * follows with its length in two bytes.
 *
 * Nobody gets a session without the cookie, or an answer longer than the question; nobody without
 * the keys opens a session, ends an open one, or has a record of its own taken.
 */
#include <openssl/ssl.h>

#include "../require.h"
#include "dtls/certificate.h"
#include "dtls/server_session.h"
#include "dtls/transport.h"

enum scene { FRONT, HANDSHAKING, OPEN, SCENES };
enum { INBOX = 32, DATAGRAM = 2048, LAST_FLIGHT = 256 };

struct inbox {
    uint8_t data[INBOX][DATAGRAM];
    size_t len[INBOX];
    size_t count;
    size_t sent; /* bytes in all */
};

static SSL_CTX *client_context;
static BIO_METHOD *method;
static struct dtls_server *server;
static struct inbox to_client, to_server;
static size_t records;

static void keep(void *owner, struct bytes datagram)
{
    struct inbox *inbox = owner;
    inbox->sent += datagram.len;
    if (inbox->count == INBOX)
        return;
    require(datagram.len <= DATAGRAM);
    memcpy(inbox->data[inbox->count], datagram.data, datagram.len);
    inbox->len[inbox->count++] = datagram.len;
}

static void on_record(void *owner, struct bytes record)
{
    (void)owner;
    require(record.len > 0);
    records++;
}

static const struct dtls_session_hooks hooks = {.send = keep, .on_record = on_record};

static void set_up(void)
{
    struct dtls_certificate *certificate = dtls_certificate_new(1750000000);
    SSL_CTX *context = SSL_CTX_new(DTLS_server_method());
    client_context = SSL_CTX_new(DTLS_client_method());
    method = dtls_transport_method();
    require(certificate != NULL && context != NULL && client_context != NULL && method != NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_options(client_context, SSL_OP_NO_QUERY_MTU);
    require(SSL_CTX_use_certificate(context, dtls_certificate_x509(certificate)) == 1);
    require(SSL_CTX_use_PrivateKey(context, dtls_certificate_key(certificate)) == 1);
    dtls_server_prepare(context);
    server = dtls_server_new(context, 0);
    require(server != NULL);
    SSL_CTX_free(context);
    dtls_certificate_unref(certificate);
}

static const struct address client_address = {
    .family = ADDRESS_IP4, .port = 4000, .ip = {192, 0, 2, 1}};

/* What the server makes of one datagram; a session is made when it is proven. */
static struct dtls_session *receive(
    struct dtls_session *session, struct bytes datagram, uint64_t now_ms)
{
    struct dtls_answer answer;
    if (session != NULL && dtls_session_owns(session, datagram)) {
        dtls_session_receive(session, datagram, now_ms);
        return session;
    }
    switch (dtls_server_first(server, &client_address, datagram, now_ms, &answer)) {
    case DTLS_FIRST_DROP:
        break;
    case DTLS_FIRST_ANSWER:
        require(answer.len <= datagram.len);
        keep(&to_client, bytes_of(answer.data, answer.len));
        break;
    case DTLS_FIRST_PROVEN:
        require(session == NULL);
        session = dtls_session_new(server, &hooks, &to_client, &client_address, datagram, now_ms);
        require(session != NULL);
        break;
    }
    return session;
}

/* Lets a good client go `turns` times to the server and back. */
static struct dtls_session *begin(int turns)
{
    struct dtls_session *session = NULL;
    struct dtls_transport transport = {.send = keep, .owner = &to_server};
    SSL *client = SSL_new(client_context);
    BIO *bio = dtls_transport_bio(method, &transport);
    require(client != NULL && bio != NULL);
    SSL_set_bio(client, bio, bio);
    SSL_set_mtu(client, 1200);
    SSL_set_connect_state(client);
    to_server.count = to_client.count = 0;
    SSL_do_handshake(client);
    for (int turn = 0; turn < turns; turn++) {
        size_t count = to_server.count;
        for (size_t i = 0; i < count; i++)
            session = receive(session, bytes_of(to_server.data[i], to_server.len[i]), 0);
        to_server.count = 0;
        for (size_t i = 0; i < to_client.count; i++) {
            transport.input = bytes_of(to_client.data[i], to_client.len[i]);
            SSL_do_handshake(client);
        }
        to_client.count = 0;
    }
    SSL_free(client);
    require(session != NULL);
    return session;
}

static struct dtls_session *session_for(enum scene scene)
{
    static struct dtls_session *open; /* made once: what is fuzzed must not change it anyway */
    if (scene == FRONT)
        return NULL;
    if (scene == HANDSHAKING)
        return begin(2);
    if (open == NULL)
        open = begin(3);
    require(dtls_session_state(open) == DTLS_SESSION_OPEN);
    return open;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_over(bytes_of(data, size));
    enum scene scene = (enum scene)(reader_u8(&r) % SCENES);
    uint64_t now_ms = 0;

    if (server == NULL)
        set_up();
    struct dtls_session *session = session_for(scene);
    records = 0;
    while (reader_left(&r) > 2) {
        size_t len = reader_u16(&r);
        struct bytes datagram = reader_take(&r, len < reader_left(&r) ? len : reader_left(&r));
        size_t sent = to_client.sent;
        require(receive(session, datagram, now_ms) == session);
        if (scene == OPEN)
            require(to_client.sent - sent <= LAST_FLIGHT);
        now_ms += 20;
        if (session != NULL)
            dtls_session_tick(session, now_ms);
        to_client.count = 0;
    }
    require(records == 0);
    if (scene == OPEN)
        require(dtls_session_state(session) == DTLS_SESSION_OPEN);
    if (scene == HANDSHAKING) {
        require(dtls_session_state(session) != DTLS_SESSION_OPEN);
        dtls_session_free(session);
    }
    return 0;
}
