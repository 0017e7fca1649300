/* SPDX-License-Identifier: Apache-2.0 */
/* The settings, as an ordinary OpenSSL client or server of another make sees them. */
#include "dtls/association.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <openssl/ssl.h>

static struct dtls_certificate *certificate;
static SSL *peer;
static BIO *to_peer, *from_peer;
static struct dtls_association *association;

static void send_to_peer(void *owner, struct bytes datagram)
{
    (void)owner;
    assert_int_equal(BIO_write(to_peer, datagram.data, (int)datagram.len), (int)datagram.len);
}

static void open_peer(SSL_CTX *ssl_context, bool is_client)
{
    peer = SSL_new(ssl_context);
    to_peer = BIO_new(BIO_s_mem());
    from_peer = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(to_peer, -1);
    SSL_set_bio(peer, to_peer, from_peer);
    SSL_set_options(peer, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(peer, 1200);
    if (is_client)
        SSL_set_connect_state(peer);
    else
        SSL_set_accept_state(peer);
}

/* The memory BIO joins datagrams; records tell their own length, so that does not matter here. */
static void shake_hands(void)
{
    for (int turn = 0; turn < 20; turn++) {
        uint8_t datagram[8192];
        SSL_do_handshake(peer);
        int len = BIO_read(from_peer, datagram, sizeof(datagram));
        if (len > 0)
            dtls_receive(association, bytes_of(datagram, (size_t)len), 0);
    }
}

/* The peer derives the keys by itself (RFC 5764, section 4.2). */
static void assert_keys_fit(bool peer_is_client)
{
    struct dtls_srtp_keys keys;
    uint8_t block[60];
    assert_true(dtls_keys(association, &keys));
    assert_int_equal(keys.profile, 0x0001);
    assert_int_equal(SSL_export_keying_material(peer, block, sizeof(block), "EXTRACTOR-dtls_srtp",
                         strlen("EXTRACTOR-dtls_srtp"), NULL, 0, 0),
        1);
    const uint8_t *client_key = block, *server_key = block + 16;
    const uint8_t *client_salt = block + 32, *server_salt = block + 46;
    assert_memory_equal(keys.rx_key, peer_is_client ? client_key : server_key, 16);
    assert_memory_equal(keys.tx_key, peer_is_client ? server_key : client_key, 16);
    assert_memory_equal(keys.rx_salt, peer_is_client ? client_salt : server_salt, 14);
    assert_memory_equal(keys.tx_salt, peer_is_client ? server_salt : client_salt, 14);
}

static SSL_CTX *peer_context(int max_version, const char *profiles, bool with_certificate)
{
    SSL_CTX *c = SSL_CTX_new(DTLS_method());
    SSL_CTX_set_security_level(c, 0);
    SSL_CTX_set_min_proto_version(c, DTLS1_VERSION);
    SSL_CTX_set_max_proto_version(c, max_version);
    if (with_certificate) {
        SSL_CTX_use_certificate(c, dtls_certificate_x509(certificate));
        SSL_CTX_use_PrivateKey(c, dtls_certificate_key(certificate));
    }
    if (profiles != NULL)
        assert_int_equal(SSL_CTX_set_tlsext_use_srtp(c, profiles), 0);
    return c;
}

static const struct {
    const char *what;
    int version;
    const char *profiles;
    bool is_client, with_certificate;
    enum dtls_state state;
    enum dtls_failure failure;
} cases[] = {
    {"client", DTLS1_2_VERSION, "SRTP_AES128_CM_SHA1_80", true, true, DTLS_VERIFIED, 0},
    {"server", DTLS1_2_VERSION, "SRTP_AES128_CM_SHA1_80", false, true, DTLS_VERIFIED, 0},
    {"client of DTLS 1.0", DTLS1_VERSION, "SRTP_AES128_CM_SHA1_80", true, true, DTLS_FAILED,
        DTLS_FAILURE_PROTOCOL},
    {"client without SRTP", DTLS1_2_VERSION, NULL, true, true, DTLS_FAILED, DTLS_FAILURE_PROFILE},
    {"server without SRTP", DTLS1_2_VERSION, NULL, false, true, DTLS_FAILED, DTLS_FAILURE_PROFILE},
    {"client without a certificate", DTLS1_2_VERSION, "SRTP_AES128_CM_SHA1_80", true, false,
        DTLS_FAILED, DTLS_FAILURE_PROTOCOL},
};

static void meets_other_peers(void **state)
{
    (void)state;
    certificate = dtls_certificate_new(1750000000);
    struct dtls_context *context =
        dtls_context_new(&(struct dtls_context_config){.certificate = certificate});
    assert_non_null(context);
    assert_ptr_equal(dtls_context_certificate(context), certificate);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        association = dtls_association_new(
            &(struct dtls_association_config){.context = context, .send = send_to_peer});
        SSL_CTX *c = peer_context(cases[i].version, cases[i].profiles, cases[i].with_certificate);
        open_peer(c, cases[i].is_client);
        dtls_set_fingerprint(association, dtls_certificate_fingerprint(certificate, DTLS_SHA256));
        if (!cases[i].is_client)
            dtls_start(association, DTLS_ROLE_ACTIVE, 0);
        shake_hands();
        print_message("# %s\n", cases[i].what);
        assert_int_equal(dtls_association_state(association), cases[i].state);
        assert_int_equal(dtls_association_failure(association), cases[i].failure);
        if (cases[i].state == DTLS_VERIFIED)
            assert_keys_fit(cases[i].is_client);
        SSL_free(peer);
        SSL_CTX_free(c);
        dtls_association_free(association);
    }
    dtls_context_unref(context);
    dtls_certificate_unref(certificate);
}

static void refuses_impossible_settings(void **state)
{
    (void)state;
    certificate = dtls_certificate_new(1750000000);
    assert_null(dtls_context_new(
        &(struct dtls_context_config){.certificate = certificate, .ciphers = "NOTHING"}));
    assert_null(dtls_context_new(
        &(struct dtls_context_config){.certificate = certificate, .profiles = "NOTHING"}));
    dtls_context_unref(NULL);
    dtls_certificate_unref(certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meets_other_peers),
        cmocka_unit_test(refuses_impossible_settings),
    };
    return cmocka_run_group_tests_name("dtls context", tests, NULL, NULL);
}
