/* SPDX-License-Identifier: Apache-2.0 */
/* Redis over TLS: a real server with certificates made for the test. */
#include "redis/tls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "../net/pem.h"
#include "redis/turn_users.h"
#include "redis_fleet.h"
#include "redis_process.h"
#include "router_world.h"

enum { RECORD = 8 << 20 };

struct bench {
    struct world world;
    struct redis_process server;
    struct redis_fleet fleet;
    uint16_t tls_port;
    char ca[PEM_PATH_SIZE], certificate[PEM_PATH_SIZE], key[PEM_PATH_SIZE];
    struct redis_tls_files files;
    struct pem_identity root;
};

static struct bench bench;

static void make(const char *name, const char *alt, const struct pem_identity *root)
{
    struct pem_identity identity = pem_identity(alt, root);
    const struct pem_identity *const chain[] = {&identity, root, NULL};
    pem_write(name, chain, NULL);
    pem_identity_free(&identity);
}

static int set_up(void **state)
{
    struct bench *b = &bench;
    *b = (struct bench){.tls_port = 0};
    *state = b;
    pem_init();
    world_start(&b->world);
    b->root = pem_identity(NULL, NULL);
    const struct pem_identity *const chain[] = {&b->root, NULL};
    pem_write("root", chain, NULL);
    make("server", "DNS:localhost,IP:127.0.0.1", &b->root);
    make("client", NULL, &b->root);
    make("named", "DNS:redis.example", &b->root);
    pem_make("stranger", "DNS:localhost,IP:127.0.0.1");
    snprintf(b->ca, sizeof(b->ca), "%s", pem_path("root.pem"));
    snprintf(b->certificate, sizeof(b->certificate), "%s", pem_path("client.pem"));
    snprintf(b->key, sizeof(b->key), "%s", pem_path("client.key"));
    b->files = (struct redis_tls_files){b->ca, b->certificate, b->key};
    b->world.config.tls = &b->files;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    world_stop(&b->world);
    redis_process_kill(&b->server);
    fleet_stop(&b->fleet);
    pem_identity_free(&b->root);
    pem_done();
    return 0;
}

/* With the certificate `name`; `clients`: yes, no or optional. */
static void start_server(struct bench *b, const char *name, const char *clients)
{
    char lines[512], certificate[32], key[32];
    if (b->server.port == 0)
        b->server.port = free_port();
    b->tls_port = b->tls_port == 0 ? free_port() : b->tls_port;
    snprintf(certificate, sizeof(certificate), "%s.pem", name);
    snprintf(key, sizeof(key), "%s.key", name);
    snprintf(lines, sizeof(lines),
        "tls-port %u\ntls-cert-file %s\ntls-key-file %s\ntls-ca-cert-file %s\ntls-auth-clients %s",
        b->tls_port, pem_path(certificate), pem_path(key), b->ca, clients);
    struct redis_setup setup = {.directory = pem_path("."), .lines = lines};
    if (!redis_process_start_with(&b->server, &setup))
        skip();
}

static const char *target_of(const struct bench *b, const char *host, const char *query)
{
    static char target[256];
    snprintf(target, sizeof(target), "rediss://%s:%u/%s", host, b->tls_port, query);
    return target;
}

static void speaks_over_tls(void **state)
{
    struct bench *b = *state;
    struct world *w = &b->world;
    start_server(b, "server", "yes");
    world_open(w, target_of(b, "localhost", ""));
    assert_true(run_until(&w->loop, &w->ready, 1));
    assert_string_equal(world_ask(w, "SET|a|1"), "OK");
    assert_string_equal(world_ask(w, "GET|a"), "1");
}

static void large_records_fit(void **state)
{
    static char record[RECORD];
    struct bench *b = *state;
    struct world *w = &b->world;
    start_server(b, "server", "optional");
    world_open(w, target_of(b, "127.0.0.1", ""));
    assert_true(run_until(&w->loop, &w->ready, 1));
    memset(record, 'r', sizeof(record));
    const struct text words[] = {TEXT("SET"), TEXT("big"), text_of(record, sizeof(record))};
    assert_int_equal(world_send_words(w, words[1], words, COUNT_OF(words)), 0);
    assert_true(run_until(&w->loop, &w->answered, 1));
    world_ask(w, "GET|big");
    assert_int_equal(w->last_len, sizeof(record));
}

/* The server's certificate, who it is asked as, what of it is looked at, and what is said. */
static void verifies_the_server(void **state)
{
    static const struct {
        const char *certificate, *host, *query;
        const char *said; /* NULL: connected */
    } cases[] = {
        {"server", "127.0.0.1", "", NULL},
        {"server", "127.0.0.2", "", "IP address mismatch"},
        {"server", "127.0.0.2", "?verify=ca", NULL},
        {"named", "localhost", "", "hostname mismatch"},
        {"named", "localhost", "?verify=ca", NULL},
        {"stranger", "localhost", "", "self-signed certificate"},
        {"stranger", "localhost", "?verify=ca", "self-signed certificate"},
        {"stranger", "localhost", "?verify=none", NULL},
    };
    struct bench *b = *state;
    struct world *w = &b->world;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        redis_process_kill(&b->server);
        start_server(b, cases[i].certificate, "no");
        redis_process_do(&b->server, "CONFIG|SET|bind|127.0.0.1 127.0.0.2");
        unsigned ready = w->ready;
        world_open(w, target_of(b, cases[i].host, cases[i].query));
        for (int j = 0; j < 40 && w->ready == ready; j++) {
            run_for(&w->loop, 25);
            if (cases[i].said != NULL && world_log_lines(w, cases[i].said) > 0)
                break;
        }
        if ((w->ready > ready) != (cases[i].said == NULL))
            fail_msg("case %zu", i);
        if (cases[i].said != NULL)
            assert_true(world_log_lines(w, cases[i].said) > 0);
        world_close_router(w);
    }
}

static void a_client_without_a_certificate_is_told(void **state)
{
    struct bench *b = *state;
    struct world *w = &b->world;
    b->files.certificate = b->files.key = NULL;
    start_server(b, "server", "yes");
    world_open(w, target_of(b, "localhost", ""));
    run_for(&w->loop, 300);
    assert_int_equal(w->ready, 0);
    assert_true(world_log_lines(w, "certificate required") > 0);
}

/* A certificate that is written anew is that of the next connection. */
static void files_are_read_again(void **state)
{
    struct bench *b = *state;
    struct world *w = &b->world;
    pem_make("client", NULL); /* of nobody the server knows */
    start_server(b, "server", "yes");
    world_open(w, target_of(b, "localhost", ""));
    run_for(&w->loop, 300);
    assert_int_equal(w->ready, 0);
    pem_put("client.key", "half");
    run_for(&w->loop, 300);
    make("client", NULL, &b->root);
    assert_true(run_until(&w->loop, &w->ready, 1));
}

/* A server that speaks no TLS, and one that ends in the middle of the handshake. */
static void a_stranger_is_given_up(void **state)
{
    struct bench *b = *state;
    struct world *w = &b->world;
    char target[64];
    start_server(b, "server", "no");
    snprintf(target, sizeof(target), "rediss://127.0.0.1:%u", b->server.port);
    w->config.connect_timeout_ms = 200;
    world_open(w, target);
    run_for(&w->loop, 500);
    assert_int_equal(w->ready, 0);
    assert_true(world_log_lines(w, "event=redis-away") > 0);
    world_close_router(w);
    for (int turns = 0; turns < 12; turns++) {
        world_open(w, target_of(b, "127.0.0.1", ""));
        for (int i = 0; i < turns; i++)
            uv_run(&w->loop, UV_RUN_NOWAIT);
        world_close_router(w);
    }
}

static void says_which_file_is_bad(void **state)
{
    static const struct {
        const char *ca, *certificate, *key, *said;
    } cases[] = {
        {"none.pem", NULL, NULL, "none.pem cannot be used: No such file or directory"},
        {"root.pem", "none.pem", "client.key",
            "none.pem cannot be used: No such file or directory"},
        {"root.pem", "client.pem", "none.key", "private key in"},
        {"root.pem", "client.pem", "server.key", "private key in"},
        {"root.pem", "client.pem", NULL, "together"},
        {"root.pem", NULL, "client.key", "together"},
        {"client.key", NULL, NULL, "CA certificates in"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct redis_tls *tls = NULL;
        struct str why = {.data = NULL};
        struct redis_tls_files files = {
            .ca = pem_path(cases[i].ca),
            .certificate = cases[i].certificate != NULL ? pem_path(cases[i].certificate) : NULL,
            .key = cases[i].key != NULL ? pem_path(cases[i].key) : NULL,
        };
        assert_int_equal(redis_tls_new(&files, REDIS_VERIFY_HOST, &tls, &why), -EINVAL);
        if (strstr(str_string(&why), cases[i].said) == NULL)
            fail_msg("%s", str_string(&why));
        str_done(&why);
    }
}

static void ignore_lists(void *owner, const struct redis_realm_lists *lists)
{
    (void)owner;
    (void)lists;
}

static void ignore_revoked(void *owner, struct text realm, struct text user)
{
    (void)owner;
    (void)realm;
    (void)user;
}

static void count_available(void *owner, bool is_available)
{
    *(unsigned *)owner += is_available;
}

/* Both connections: that for commands and that for revocations. */
static void users_of_turn_over_tls(void **state)
{
    struct bench *b = *state;
    struct redis_endpoint endpoint;
    struct redis_tls *tls;
    struct redis_turn *turn;
    struct str why = {.data = NULL};
    const struct text realms[] = {TEXT("example.org")};
    unsigned available = 0;
    char spec[512];
    start_server(b, "server", "yes");
    snprintf(spec, sizeof(spec), "ip=127.0.0.1 port=%u tls=yes ca=%s cert=%s clientkey=%s",
        b->tls_port, b->ca, b->certificate, b->key);
    assert_int_equal(redis_endpoint_parse(text_from(spec), &endpoint, &why), 0);
    assert_int_equal(redis_tls_wanted(&endpoint.tls, NULL, &tls, &why), 0);
    const struct redis_turn_config config = {
        .endpoint = &endpoint,
        .tls = tls,
        .realms = realms,
        .realm_count = COUNT_OF(realms),
        .on_lists = ignore_lists,
        .on_revoked = ignore_revoked,
        .on_available = count_available,
        .owner = &available,
    };
    assert_int_equal(redis_turn_open(&b->world.loop, &config, &turn), 0);
    redis_endpoint_done(&endpoint);
    redis_tls_unref(tls);
    assert_true(run_until(&b->world.loop, &available, 1));
    run_for(&b->world.loop, 100);
    assert_int_equal(counter_get(&redis_turn_subscriber_counters(turn)->is_ready), 1);
    redis_turn_close(turn);
}

static void a_cluster_over_tls(void **state)
{
    struct bench *b = *state;
    struct world *w = &b->world;
    char lines[384], target[64];
    snprintf(lines, sizeof(lines),
        "tls-cluster yes\ntls-replication yes\ntls-cert-file %s\ntls-key-file %s\n"
        "tls-ca-cert-file %s\ntls-port ",
        pem_path("server.pem"), pem_path("server.key"), b->ca);
    if (!fleet_start_cluster_tls(&b->fleet, lines))
        skip();
    snprintf(target, sizeof(target), "rediss+cluster://127.0.0.1:%u", b->fleet.tls_ports[1]);
    world_open(w, target);
    assert_true(run_until(&w->loop, &w->ready, 1));
    assert_string_equal(world_ask(w, "SET|{a}|1"), "OK");
    assert_string_equal(world_ask(w, "SET|{b}|2"), "OK");
    assert_string_equal(world_ask(w, "SET|{c}|3"), "OK");
    assert_string_equal(world_ask(w, "GET|{a}"), "1");
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(speaks_over_tls),
        BENCH_TEST(large_records_fit),
        BENCH_TEST(verifies_the_server),
        BENCH_TEST(a_client_without_a_certificate_is_told),
        BENCH_TEST(files_are_read_again),
        BENCH_TEST(a_stranger_is_given_up),
        BENCH_TEST(says_which_file_is_bad),
        BENCH_TEST(users_of_turn_over_tls),
        BENCH_TEST(a_cluster_over_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
