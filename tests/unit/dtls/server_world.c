/* SPDX-License-Identifier: Apache-2.0 */
#include "server_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/time.h>
#include <cmocka.h>

static uint64_t wall_ms;

/* In place of that of libc, for libssl. */
int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    uint64_t now_ms = 1700000000000 + wall_ms;
    tv->tv_sec = (time_t)(now_ms / 1000);
    tv->tv_usec = (suseconds_t)(now_ms % 1000 * 1000);
    return 0;
}

static void set_now(struct world *w, uint64_t now_ms)
{
    w->now_ms = now_ms;
    wall_ms = now_ms;
}

static void enqueue(struct world_link *link, struct bytes datagram, uint64_t delay_ms)
{
    assert_true(link->count < WORLD_QUEUE);
    assert_true(datagram.len <= WORLD_DATAGRAM);
    struct world_datagram *d = &link->queue[link->count++];
    memcpy(d->data, datagram.data, datagram.len);
    d->len = datagram.len;
    d->due_ms = link->world->now_ms + delay_ms;
}

static void put_on_link(void *owner, struct bytes datagram)
{
    struct world_link *link = owner;
    struct world *w = link->world;
    size_t number = link->sent++;

    if (number < COUNT_OF(link->sent_ms))
        link->sent_ms[number] = w->now_ms;
    if (datagram.len > link->longest)
        link->longest = datagram.len;
    if (number < 64 && (link->drop_mask >> number & 1) != 0)
        return;
    if (w->chaos == NULL) {
        enqueue(link, datagram, WORLD_LATENCY_MS);
        return;
    }
    size_t copies = 1 + (gen_below(w->chaos, 100) < 20);
    for (size_t i = 0; i < copies; i++)
        if (gen_below(w->chaos, 100) >= w->loss_percent)
            enqueue(link, datagram, 1 + gen_below(w->chaos, 80));
}

static void note(char *heard, size_t capacity, struct bytes record)
{
    size_t len = strlen(heard);
    assert_true(len + record.len + 2 <= capacity);
    memcpy(heard + len, record.data, record.len);
    heard[len + record.len] = '|';
    heard[len + record.len + 1] = '\0';
}

static void session_sends(void *owner, struct bytes datagram)
{
    struct world *w = owner;
    put_on_link(&w->to_client, datagram);
}

/* Answers as an echo would. */
static void on_record(void *owner, struct bytes record)
{
    struct world *w = owner;
    note(w->heard, sizeof(w->heard), record);
    assert_int_equal(dtls_session_send(w->session, record), 0);
}

static const struct dtls_session_hooks session_hooks = {
    .send = session_sends,
    .on_record = on_record,
};

static void on_first(struct world *w, struct bytes datagram)
{
    struct dtls_answer answer;
    enum dtls_first first = dtls_server_first(w->server, &w->address, datagram, w->now_ms, &answer);
    if (first == DTLS_FIRST_ANSWER) {
        assert_true(answer.len <= datagram.len);
        put_on_link(&w->to_client, bytes_of(answer.data, answer.len));
    }
    if (first != DTLS_FIRST_PROVEN)
        return;
    dtls_session_free(w->session);
    w->session = dtls_session_new(w->server, &session_hooks, w, &w->address, datagram, w->now_ms);
    assert_non_null(w->session);
    w->sessions++;
}

void world_deliver(struct world *w, struct bytes datagram)
{
    if (w->session != NULL && dtls_session_owns(w->session, datagram))
        dtls_session_receive(w->session, datagram, w->now_ms);
    else
        on_first(w, datagram);
}

static void client_reads(struct world *w)
{
    struct world_client *c = &w->client;
    char record[512];
    for (;;) {
        int len = SSL_read(c->ssl, record, sizeof(record));
        if (len > 0) {
            note(c->heard, sizeof(c->heard), bytes_of(record, (size_t)len));
            continue;
        }
        int error = SSL_get_error(c->ssl, len);
        c->was_told_goodbye = c->was_told_goodbye || error == SSL_ERROR_ZERO_RETURN;
        c->has_failed = c->has_failed || error == SSL_ERROR_SSL;
        return;
    }
}

static void client_goes_on(struct world *w)
{
    struct world_client *c = &w->client;
    if (c->has_failed)
        return;
    if (!c->is_open) {
        int result = SSL_do_handshake(c->ssl);
        c->is_open = result == 1;
        c->has_failed = result != 1 && SSL_get_error(c->ssl, result) != SSL_ERROR_WANT_READ;
        if (c->is_open && w->say_when_open != NULL)
            world_client_says(w, w->say_when_open);
    }
    if (c->is_open)
        client_reads(w);
}

void world_client_says(struct world *w, const char *record)
{
    int len = (int)strlen(record);
    assert_int_equal(SSL_write(w->client.ssl, record, len), len);
}

SSL_CTX *world_server_context(struct dtls_certificate *certificate)
{
    SSL_CTX *context = SSL_CTX_new(DTLS_server_method());
    assert_non_null(context);
    SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION);
    assert_int_equal(SSL_CTX_use_certificate(context, dtls_certificate_x509(certificate)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, dtls_certificate_key(certificate)), 1);
    dtls_server_prepare(context);
    return context;
}

void world_init(struct world *w)
{
    memset(w, 0, sizeof(*w));
    set_now(w, 1000);
    w->to_server.world = w;
    w->to_client.world = w;
    assert_true(address_parse_with_port(TEXT("192.0.2.1:4000"), 0, &w->address));
    w->certificate = dtls_certificate_new(1700000000);
    assert_non_null(w->certificate);
    w->server_context = world_server_context(w->certificate);
    w->client_context = SSL_CTX_new(DTLS_client_method());
    w->method = dtls_transport_method();
    w->server = dtls_server_new(w->server_context, 0);
    assert_non_null(w->server);
    SSL_CTX_set_options(w->client_context, SSL_OP_NO_QUERY_MTU);
}

void world_done(struct world *w)
{
    SSL_free(w->client.ssl);
    dtls_session_free(w->session);
    dtls_server_free(w->server);
    SSL_CTX_free(w->client_context);
    SSL_CTX_free(w->server_context);
    BIO_meth_free(w->method);
    dtls_certificate_unref(w->certificate);
}

/* Sooner than OpenSSL's own, which has few tries in the 30 s that the server waits. */
static unsigned client_wait_us(SSL *ssl, unsigned previous_us)
{
    (void)ssl;
    return previous_us == 0 ? 100000 : previous_us < 1600000 ? previous_us * 2 : previous_us;
}

void world_start_client(struct world *w)
{
    struct world_client *c = &w->client;
    SSL_free(c->ssl);
    *c = (struct world_client){.ssl = SSL_new(w->client_context)};
    c->transport = (struct dtls_transport){.send = put_on_link, .owner = &w->to_server};
    BIO *bio = dtls_transport_bio(w->method, &c->transport);
    SSL_set_bio(c->ssl, bio, bio);
    SSL_set_mtu(c->ssl, 1200);
    if (w->server_name != NULL)
        SSL_set_tlsext_host_name(c->ssl, w->server_name);
    SSL_set_connect_state(c->ssl);
    DTLS_set_timer_cb(c->ssl, client_wait_us);
    client_goes_on(w);
}

static uint64_t client_due_ms(const struct world *w)
{
    struct timeval left;
    if (w->client.ssl == NULL || w->client.is_open || w->client.has_failed ||
        DTLSv1_get_timeout(w->client.ssl, &left) != 1)
        return DTLS_NEVER;
    return w->now_ms + (uint64_t)left.tv_sec * 1000 + ((uint64_t)left.tv_usec + 999) / 1000;
}

static uint64_t next_event_ms(const struct world *w)
{
    uint64_t next = client_due_ms(w);
    const struct world_link *links[] = {&w->to_server, &w->to_client};
    if (w->session != NULL && dtls_session_due_ms(w->session) < next)
        next = dtls_session_due_ms(w->session);
    for (size_t l = 0; l < COUNT_OF(links); l++)
        for (size_t i = 0; i < links[l]->count; i++)
            next = links[l]->queue[i].due_ms < next ? links[l]->queue[i].due_ms : next;
    return next;
}

/* Takes one datagram that is due; it is delivered from a block of its exact size. */
static bool deliver_one(struct world_link *link)
{
    struct world *w = link->world;
    for (size_t i = 0; i < link->count; i++) {
        if (link->queue[i].due_ms > w->now_ms)
            continue;
        size_t len = link->queue[i].len;
        uint8_t *exact = malloc(len > 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, link->queue[i].data, len);
        memmove(
            &link->queue[i], &link->queue[i + 1], (link->count - i - 1) * sizeof(link->queue[0]));
        link->count--;
        if (link == &w->to_server) {
            world_deliver(w, bytes_of(exact, len));
        } else {
            w->client.transport.input = bytes_of(exact, len);
            client_goes_on(w);
            w->client.transport.input = bytes_of(NULL, 0);
        }
        free(exact);
        return true;
    }
    return false;
}

void world_run(struct world *w, uint64_t until_ms)
{
    for (;;) {
        uint64_t next = next_event_ms(w);
        if (next == DTLS_NEVER || next > until_ms)
            break;
        set_now(w, next > w->now_ms ? next : w->now_ms);
        while (deliver_one(&w->to_server) || deliver_one(&w->to_client))
            continue;
        if (w->session != NULL)
            dtls_session_tick(w->session, w->now_ms);
        if (client_due_ms(w) <= w->now_ms && DTLSv1_handle_timeout(w->client.ssl) < 0)
            w->client.has_failed = true;
    }
    if (until_ms != DTLS_NEVER && until_ms > w->now_ms)
        set_now(w, until_ms);
}

struct world_datagram world_take_hello(struct world *w)
{
    world_start_client(w);
    assert_int_equal(w->to_server.count, 1);
    w->to_server.count = 0;
    return w->to_server.queue[0];
}
