/* SPDX-License-Identifier: Apache-2.0 */
/* The server stops, again and again, while clients of all kinds and the operator are busy. What is
 * left over, and what two threads touch at once, the sanitizers tell. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "../net/pem.h"
#include "dtls/server.h"
#include "net/sockaddr.h"
#include "net/tcp_socket.h"
#include "site.h"

enum { ROUNDS = 50, BRIEF_MS = 60 };

static struct site site;
static struct tls_context *tls;
static atomic_bool is_over;
static atomic_uint heard, bound, found; /* what clients have achieved */

/* A client that does not wait long. False when the server has gone. */
static bool begin(struct wire *w, enum turn_transport transport, const char *user)
{
    *w = (struct wire){.fd = -1, .wait_ms = BRIEF_MS};
    return !atomic_load(&is_over) && wire_start(w, transport, &site.client, &site.door, user);
}

static bool allocates(struct wire *w)
{
    return wire_ask(w, STUN_ALLOCATE, "transport=17") == 0;
}

static void permit(struct wire *w, const struct address *peer)
{
    char line[128];
    wire_ask(w, STUN_CREATE_PERMISSION, wire_line(line, "peer=%s", peer));
    wire_ask(w, STUN_CHANNEL_BIND, wire_line(line, "channel=4001 peer=%s", peer));
}

/* Two clients that talk to each other. */
static void talk(enum turn_transport one, enum turn_transport another, bool is_polite)
{
    struct wire a, b = {.fd = -1};
    if (begin(&a, one, "alice") && begin(&b, another, "bob") && allocates(&a)) {
        struct address at_a = wire_relayed(&a);
        if (allocates(&b)) {
            struct address at_b = wire_relayed(&b);
            permit(&a, &at_b);
            permit(&b, &at_a);
            for (int i = 0; i < 10 && !atomic_load(&is_over); i++) {
                wire_send_channel(&a, 0x4001, "ping");
                wire_send_data(&b, &at_a, "pong");
            }
            atomic_fetch_add(&heard, wire_hears_channel(&b, 0x4001, "ping"));
        }
        if (is_polite)
            wire_ask(&a, STUN_REFRESH, "lifetime=0");
    }
    wire_close(&a);
    wire_close(&b);
}

static void *talk_over_udp(void *unused)
{
    (void)unused;
    for (unsigned i = 0; !atomic_load(&is_over); i++)
        talk(TURN_UDP, TURN_UDP, i % 2 == 0);
    return NULL;
}

static void *talk_over_streams(void *unused)
{
    (void)unused;
    for (unsigned i = 0; !atomic_load(&is_over); i++)
        talk(TURN_TCP, i % 3 == 0 ? TURN_TLS : TURN_UDP, i % 2 == 0);
    return NULL;
}

static void *talk_over_dtls(void *unused)
{
    (void)unused;
    for (unsigned i = 0; !atomic_load(&is_over); i++)
        talk(TURN_DTLS, TURN_TCP, i % 2 == 0);
    return NULL;
}

static void use_connection(struct wire *control, const struct address *peer, int listener)
{
    struct wire data;
    struct address from;
    char line[128], text[16];
    int fd = -1;
    if (wire_ask(control, STUN_CONNECT, wire_line(line, "peer=%s", peer)) != 0)
        return;
    snprintf(line, sizeof(line), "id=%u", reply_u32(&control->client, STUN_CONNECTION_ID));
    if (begin(&data, TURN_TCP, "alice") && tcp_socket_accept(listener, &from, &fd) == 0) {
        send(fd, "early", 5, MSG_NOSIGNAL);
        atomic_fetch_add(&bound, wire_ask(&data, STUN_CONNECTION_BIND, line) == 0);
        send(data.fd, "late", 4, MSG_NOSIGNAL);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, BRIEF_MS) == 1)
            recv(fd, text, sizeof(text), 0);
    }
    if (fd >= 0)
        close(fd);
    wire_close(&data);
}

/* RFC 6062: connections that move from worker to worker. */
static void *connect_to_peers(void *unused)
{
    struct tcp_socket_config config = {.bind = site.client};
    struct address at;
    int listener;
    (void)unused;
    if (tcp_socket_listen(&config, &listener) != 0)
        return NULL;
    bool has_address = address_of_socket(listener, &at) == 0;
    while (has_address && !atomic_load(&is_over)) {
        struct wire control;
        if (begin(&control, TURN_TCP, "alice") &&
            wire_ask(&control, STUN_ALLOCATE, "transport=6") == 0)
            for (int i = 0; i < 3; i++)
                use_connection(&control, &at, listener);
        wire_close(&control);
    }
    close(listener);
    return NULL;
}

/* Users whom the database knows, and others. */
static void *ask_the_database(void *unused)
{
    (void)unused;
    for (unsigned i = 0; !atomic_load(&is_over); i++) {
        struct wire w;
        if (begin(&w, i % 2 == 0 ? TURN_UDP : TURN_TCP, i % 3 == 0 ? "mallory" : "carol")) {
            w.wait_ms = i % 5 == 0 ? 1 : BRIEF_MS;
            atomic_fetch_add(&found, allocates(&w));
        }
        wire_close(&w);
    }
    return NULL;
}

static void operate(unsigned turn)
{
    switch (turn % 8) {
    case 0:
        site_apply(&site, 0, "127.0.0.0/8");
        return;
    case 1:
        site_apply(&site, 0, NULL);
        return;
    case 2:
        site_ask_list(&site, "", 8);
        return;
    case 3:
        site_ask_kill(&site, 0, "alice");
        return;
    case 4:
        site_apply(&site, 2, NULL);
        return;
    case 5:
        site_ask_list(&site, "bob", 1);
        return;
    case 6:
        site.database = site.database == SITE_ANSWERS ? SITE_HESITATES : SITE_ANSWERS;
        user_cache_forget_all(site.cache);
        return;
    default:
        if (turn % 3 == 0)
            site_answer(&site);
        return;
    }
}

static void *(*const busy[])(void *) = {
    talk_over_udp, talk_over_streams, talk_over_dtls, connect_to_peers, ask_the_database};

static void run_and_stop(unsigned round)
{
    pthread_t threads[COUNT_OF(busy)];
    site = (struct site){.worker_count = 2 + round % 3, .tls = tls_context_ref(tls)};
    atomic_store(&is_over, false);
    site_start(&site);
    for (size_t i = 0; i < COUNT_OF(busy); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, busy[i], NULL), 0);

    unsigned turns = 20 + round % 7 * 10;
    for (unsigned turn = 0; turn < turns; turn++) {
        operate(turn + round);
        site_totals(&site);
        site_run(&site);
        usleep(1500);
    }
    site_stop_workers(&site);
    atomic_store(&is_over, true);
    for (size_t i = 0; i < COUNT_OF(busy); i++)
        pthread_join(threads[i], NULL);
    site_stop_control(&site);
}

static void nothing_is_left_when_it_stops(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++)
        run_and_stop(round);
    /* They were busy indeed. */
    printf("# heard %u, bound %u, found %u\n", heard, bound, found);
    assert_true(heard > 0 && bound > 0 && found > 0);
}

static int make_certificate(void **state)
{
    struct str why = {0};
    (void)state;
    pem_init();
    pem_make("site", "DNS:site.example");
    const struct tls_pair pair = {.certificate = pem_path("site.pem"), .key = pem_path("site.key")};
    const struct tls_config config = {
        .pairs = &pair, .pair_count = 1, .prepare_datagrams = dtls_server_prepare};
    int error = tls_context_new(&config, &tls, &why);
    pem_done();
    return error;
}

static int drop_certificate(void **state)
{
    (void)state;
    tls_context_unref(tls);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_left_when_it_stops)};
    return cmocka_run_group_tests(tests, make_certificate, drop_certificate);
}
