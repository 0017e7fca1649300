/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/association.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "dtls/association_state.h"
#include "dtls/keys.h"
#include "dtls/record.h"

static const char *const failure_names[] = {
    [DTLS_FAILURE_NONE] = "none",
    [DTLS_FAILURE_TIMEOUT] = "timeout",
    [DTLS_FAILURE_FINGERPRINT] = "wrong-fingerprint",
    [DTLS_FAILURE_PROFILE] = "no-srtp-profile",
    [DTLS_FAILURE_ALERT] = "peer-alert",
    [DTLS_FAILURE_PROTOCOL] = "protocol-error",
    [DTLS_FAILURE_FLOOD] = "too-much-handshake",
    [DTLS_FAILURE_MEMORY] = "out-of-memory",
};

/* The moves of the picture in the header, as bits of the states that may follow. */
static const unsigned moves[] = {
    [DTLS_IDLE] = 1u << DTLS_HANDSHAKING | 1u << DTLS_FAILED | 1u << DTLS_CLOSED,
    [DTLS_HANDSHAKING] = 1u << DTLS_CONNECTED_UNVERIFIED | 1u << DTLS_FAILED | 1u << DTLS_CLOSED,
    [DTLS_CONNECTED_UNVERIFIED] = 1u << DTLS_VERIFIED | 1u << DTLS_FAILED | 1u << DTLS_CLOSED,
    [DTLS_VERIFIED] = 1u << DTLS_FAILED | 1u << DTLS_CLOSED,
    [DTLS_FAILED] = 1u << DTLS_CLOSED,
    [DTLS_CLOSED] = 0,
};

static void move(struct dtls_association *a, enum dtls_state to)
{
    assert((moves[a->state] & 1u << to) != 0);
    a->state = to;
}

static bool is_connected(const struct dtls_association *a)
{
    return a->state == DTLS_CONNECTED_UNVERIFIED || a->state == DTLS_VERIFIED;
}

static void drop_openssl(struct dtls_association *a)
{
    SSL_free(a->ssl);
    a->ssl = NULL;
    a->retransmit_ms = DTLS_NEVER;
    ERR_clear_error();
}

static void fail(struct dtls_association *a, enum dtls_failure failure)
{
    a->failure = failure;
    move(a, DTLS_FAILED);
    drop_openssl(a);
    OPENSSL_cleanse(&a->keys, sizeof(a->keys));
}

static void send_out(void *owner, struct bytes datagram)
{
    struct dtls_association *a = owner;
    if (a->keeps_farewell) {
        dtls_afterglow_keep_farewell(&a->afterglow, datagram);
        return;
    }
    dtls_afterglow_watch(&a->afterglow, datagram);
    a->config.send(a->config.owner, datagram);
}

/* Called by OpenSSL when it starts to wait for an answer: first with 0, then with the last wait. */
static unsigned next_wait_us(SSL *ssl, unsigned previous_us)
{
    struct dtls_association *a = SSL_get_app_data(ssl);
    unsigned wait_ms = dtls_next_wait_ms(previous_us);
    a->retransmit_ms = a->now_ms + wait_ms;
    return wait_ms * 1000;
}

static void verify(struct dtls_association *a)
{
    if (!a->has_fingerprint)
        return;
    if (dtls_peer_has_fingerprint(a, &a->fingerprint)) {
        if (a->state == DTLS_CONNECTED_UNVERIFIED)
            move(a, DTLS_VERIFIED);
        return;
    }
    if (a->ssl != NULL)
        SSL_shutdown(a->ssl);
    fail(a, DTLS_FAILURE_FINGERPRINT);
}

static void complete(struct dtls_association *a)
{
    const X509 *certificate = SSL_get0_peer_certificate(a->ssl);
    if (certificate == NULL || !dtls_fingerprints_of(certificate, a->peer)) {
        fail(a, DTLS_FAILURE_MEMORY); /* the handshake itself demands a certificate */
        return;
    }
    if (!dtls_keys_export(a->ssl, a->role, &a->keys)) {
        SSL_shutdown(a->ssl);
        fail(a, DTLS_FAILURE_PROFILE);
        return;
    }
    a->has_peer = true;
    move(a, DTLS_CONNECTED_UNVERIFIED);
    verify(a);
}

/* The number of the fatal alert behind the last error of OpenSSL, or 0. */
static unsigned alert_behind_error(void)
{
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error);
    if (ERR_GET_LIB(error) != ERR_LIB_SSL || reason < SSL_AD_REASON_OFFSET)
        return 0;
    return (unsigned)(reason - SSL_AD_REASON_OFFSET);
}

static void go_on(struct dtls_association *a)
{
    ERR_clear_error();
    int result = SSL_do_handshake(a->ssl);
    if (result == 1) {
        complete(a);
    } else if (SSL_get_error(a->ssl, result) != SSL_ERROR_WANT_READ) {
        a->peer_alert = alert_behind_error();
        fail(a, a->peer_alert != 0 ? DTLS_FAILURE_ALERT : DTLS_FAILURE_PROTOCOL);
    }
}

static bool begin(struct dtls_association *a, enum dtls_role role, uint64_t now_ms)
{
    a->ssl = dtls_context_connect(a->config.context, &a->transport);
    if (a->ssl == NULL) {
        fail(a, DTLS_FAILURE_MEMORY);
        return false;
    }
    SSL_set_app_data(a->ssl, a);
    DTLS_set_timer_cb(a->ssl, next_wait_us);
    if (role == DTLS_ROLE_ACTIVE)
        SSL_set_connect_state(a->ssl);
    else
        SSL_set_accept_state(a->ssl);
    a->role = role;
    a->deadline_ms = now_ms + DTLS_HANDSHAKE_MS;
    move(a, DTLS_HANDSHAKING);
    return true;
}

struct dtls_association *dtls_association_new(const struct dtls_association_config *config)
{
    struct dtls_association *a = calloc(1, sizeof(*a));
    if (a == NULL)
        return NULL;
    a->config = *config;
    if (a->config.context != NULL)
        dtls_context_ref(a->config.context);
    a->transport = (struct dtls_transport){.send = send_out, .owner = a};
    a->retransmit_ms = DTLS_NEVER;
    a->deadline_ms = DTLS_NEVER;
    return a;
}

void dtls_association_free(struct dtls_association *a)
{
    if (a == NULL)
        return;
    drop_openssl(a);
    dtls_context_unref(a->config.context);
    OPENSSL_cleanse(a, sizeof(*a));
    free(a);
}

enum dtls_state dtls_start(struct dtls_association *a, enum dtls_role role, uint64_t now_ms)
{
    if (a->state != DTLS_IDLE)
        return a->state;
    a->now_ms = now_ms;
    a->role = role;
    if (role == DTLS_ROLE_ACTIVE && begin(a, role, now_ms))
        go_on(a);
    return a->state;
}

static void receive_idle(struct dtls_association *a, struct bytes datagram)
{
    if (!dtls_has_client_hello(datagram) || !begin(a, DTLS_ROLE_PASSIVE, a->now_ms))
        return;
    a->transport.input = datagram;
    go_on(a);
}

static void receive_handshaking(struct dtls_association *a, struct bytes datagram)
{
    /* OpenSSL would end the handshake over the unexpected message. */
    if (a->role == DTLS_ROLE_ACTIVE && dtls_has_client_hello(datagram))
        return;
    a->datagrams++;
    a->bytes += datagram.len;
    if (a->datagrams > DTLS_HANDSHAKE_DATAGRAMS || a->bytes > DTLS_HANDSHAKE_BYTES) {
        fail(a, DTLS_FAILURE_FLOOD);
        return;
    }
    a->transport.input = datagram;
    go_on(a);
}

/* Lets OpenSSL see one encrypted record: a repeated Finished, an alert, or data nobody wants. */
static void read_connected(struct dtls_association *a)
{
    uint8_t unwanted[2048];
    int result;

    ERR_clear_error();
    do {
        result = SSL_read(a->ssl, unwanted, sizeof(unwanted));
    } while (result > 0);

    int error = SSL_get_error(a->ssl, result);
    if (error == SSL_ERROR_WANT_READ)
        return;
    a->peer_alert = alert_behind_error();
    if (error == SSL_ERROR_ZERO_RETURN || a->peer_alert != 0)
        move(a, DTLS_CLOSED);
    /* A fault of OpenSSL's own does not make the keys worse: go on without it. */
    drop_openssl(a);
}

static void receive_connected(struct dtls_association *a, struct bytes datagram)
{
    if (a->ssl == NULL) {
        struct bytes answer = bytes_of(NULL, 0);
        if (a->role == DTLS_ROLE_PASSIVE)
            answer = dtls_afterglow_answer(&a->afterglow, datagram, a->now_ms);
        if (answer.len > 0)
            a->config.send(a->config.owner, answer);
        return;
    }
    struct reader r = reader_over(datagram);
    struct dtls_record record;
    while (a->ssl != NULL && dtls_next_record(&r, &record)) {
        if (record.epoch == 0)
            continue; /* not encrypted: anybody can make it */
        a->transport.input = record.whole;
        read_connected(a);
    }
}

enum dtls_state dtls_receive(struct dtls_association *a, struct bytes datagram, uint64_t now_ms)
{
    a->now_ms = now_ms;
    switch (a->state) {
    case DTLS_IDLE:
        receive_idle(a, datagram);
        break;
    case DTLS_HANDSHAKING:
        receive_handshaking(a, datagram);
        break;
    case DTLS_CONNECTED_UNVERIFIED:
    case DTLS_VERIFIED:
        receive_connected(a, datagram);
        break;
    case DTLS_FAILED:
    case DTLS_CLOSED:
        break;
    }
    a->transport.input = bytes_of(NULL, 0);
    return a->state;
}

enum dtls_state dtls_tick(struct dtls_association *a, uint64_t now_ms)
{
    a->now_ms = now_ms;
    if (a->state != DTLS_HANDSHAKING)
        return a->state;
    if (now_ms >= a->deadline_ms) {
        fail(a, DTLS_FAILURE_TIMEOUT);
        return a->state;
    }
    if (now_ms < a->retransmit_ms)
        return a->state;

    ERR_clear_error();
    a->retransmit_ms = now_ms + DTLS_CLOCKS_DISAGREE_MS;
    if (DTLSv1_handle_timeout(a->ssl) < 0)
        fail(a, DTLS_FAILURE_TIMEOUT);
    return a->state;
}

uint64_t dtls_due_ms(const struct dtls_association *a)
{
    if (a->state != DTLS_HANDSHAKING)
        return DTLS_NEVER;
    return a->retransmit_ms < a->deadline_ms ? a->retransmit_ms : a->deadline_ms;
}

enum dtls_state dtls_set_fingerprint(
    struct dtls_association *a, const struct dtls_fingerprint *fingerprint)
{
    a->fingerprint = *fingerprint;
    a->has_fingerprint = true;
    if (is_connected(a))
        verify(a);
    return a->state;
}

bool dtls_peer_has_fingerprint(
    const struct dtls_association *a, const struct dtls_fingerprint *fingerprint)
{
    return a->has_peer && dtls_fingerprint_equal(&a->peer[fingerprint->hash], fingerprint);
}

bool dtls_keys(const struct dtls_association *a, struct dtls_srtp_keys *out)
{
    if (a->state != DTLS_VERIFIED)
        return false;
    *out = a->keys;
    return true;
}

void dtls_release(struct dtls_association *a)
{
    if (a->state != DTLS_VERIFIED || a->ssl == NULL)
        return;
    a->keeps_farewell = true;
    SSL_shutdown(a->ssl);
    a->keeps_farewell = false;
    drop_openssl(a);
}

void dtls_close(struct dtls_association *a)
{
    if (a->state == DTLS_CLOSED)
        return;
    if (is_connected(a) && a->ssl != NULL)
        SSL_shutdown(a->ssl);
    else if (is_connected(a) && a->afterglow.farewell_len > 0)
        a->config.send(a->config.owner, bytes_of(a->afterglow.farewell, a->afterglow.farewell_len));
    move(a, DTLS_CLOSED);
    drop_openssl(a);
}

enum dtls_state dtls_association_state(const struct dtls_association *a)
{
    return a->state;
}

enum dtls_role dtls_association_role(const struct dtls_association *a)
{
    return a->role;
}

enum dtls_failure dtls_association_failure(const struct dtls_association *a)
{
    return a->failure;
}

unsigned dtls_peer_alert(const struct dtls_association *a)
{
    return a->peer_alert;
}

const char *dtls_failure_name(enum dtls_failure failure)
{
    return failure_names[failure];
}
