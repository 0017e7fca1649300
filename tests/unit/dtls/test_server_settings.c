/* SPDX-License-Identifier: Apache-2.0 */
/* The DTLS server with a context of net/tls_context.h: names, client certificates, reload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/pem.h>

#include "../net/pem.h"
#include "net/tls_context.h"
#include "server_world.h"

static struct world w;
static struct tls_context *settings;

static X509 *certificate_of(const char *file)
{
    BIO *bio = BIO_new_file(pem_path(file), "r");
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(certificate);
    return certificate;
}

static void use_settings(const char *client_ca)
{
    struct str why = {.data = NULL};
    const struct tls_pair pairs[] = {{pem_path("default.pem"), pem_path("default.key")},
        {pem_path("other.pem"), pem_path("other.key")}};
    assert_int_equal(tls_context_new(&(struct tls_config){.pairs = pairs,
                                         .pair_count = 2,
                                         .client_ca = client_ca,
                                         .prepare_datagrams = dtls_server_prepare},
                         &settings, &why),
        0);
    dtls_server_set_context(w.server, tls_context_datagram(settings));
}

static int set_up(void **state)
{
    (void)state;
    pem_init();
    pem_make("default", "DNS:turn.example");
    pem_make("other", "DNS:other.example");
    world_init(&w);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_done(&w);
    tls_context_unref(settings);
    pem_done();
    return 0;
}

static void expect_open_with(const char *file)
{
    X509 *expected = certificate_of(file);
    world_start_client(&w);
    world_run(&w, w.now_ms + 1000);
    assert_true(w.client.is_open);
    assert_int_equal(X509_cmp(SSL_get0_peer_certificate(w.client.ssl), expected), 0);
    X509_free(expected);
    w.heard[0] = '\0';
    world_client_says(&w, "ping");
    world_run(&w, w.now_ms + 1000);
    assert_string_equal(w.heard, "ping|");
    assert_string_equal(w.client.heard, "ping|");
}

static void chooses_the_certificate_by_name(void **state)
{
    (void)state;
    use_settings(NULL);
    expect_open_with("default.pem");
    w.server_name = "other.example";
    expect_open_with("other.pem");
}

static void a_reload_does_not_hurt_who_is_there(void **state)
{
    (void)state;
    use_settings(NULL);
    w.server_name = "other.example";
    world_start_client(&w);
    world_run(&w, w.now_ms + 3 * WORLD_LATENCY_MS); /* a session, and no certificate yet */
    assert_non_null(w.session);
    tls_context_unref(settings);
    settings = NULL;
    dtls_server_set_context(w.server, w.server_context);
    world_run(&w, w.now_ms + 1000);
    assert_true(w.client.is_open);
}

static void clients_must_be_certified(void **state)
{
    (void)state;
    use_settings(pem_path("other.pem")); /* an authority as good as any */
    world_start_client(&w);
    world_run(&w, w.now_ms + 1000);
    assert_int_equal(dtls_session_state(w.session), DTLS_SESSION_FAILED);
    assert_string_equal(dtls_session_failure(w.session), "peer did not return a certificate");

    assert_int_equal(
        SSL_CTX_use_certificate_file(w.client_context, pem_path("other.pem"), SSL_FILETYPE_PEM), 1);
    assert_int_equal(
        SSL_CTX_use_PrivateKey_file(w.client_context, pem_path("other.key"), SSL_FILETYPE_PEM), 1);
    expect_open_with("default.pem");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chooses_the_certificate_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reload_does_not_hurt_who_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clients_must_be_certified, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("server_settings", tests, NULL, NULL);
}
