/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_context.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "pem.h"

enum kind { OVER_STREAM, OVER_DATAGRAM };

/* What a client is set up with, and what it came to. */
struct visit {
    const char *server_name;
    const char *alpn; /* wire format, or NULL */
    int max_version;
    const char *certificate; /* name of its own pair, or NULL */

    bool is_open;
    const char *reason; /* why the server failed, or NULL */
    X509 *shown;        /* borrowed from the client */
    char alpn_chosen[32];
    SSL *server, *client;
};

static int set_up(void **state)
{
    (void)state;
    pem_init();
    pem_make("default", "DNS:turn.example");
    pem_make("exact", "DNS:a.wild.example,DNS:other.example");
    pem_make("wild", "DNS:*.wild.example");
    pem_make("nameless", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pem_done();
    return 0;
}

static struct tls_pair pair_of(const char *name)
{
    char file[64];
    snprintf(file, sizeof(file), "%s.pem", name);
    const char *certificate = pem_path(file);
    snprintf(file, sizeof(file), "%s.key", name);
    return (struct tls_pair){.certificate = certificate, .key = pem_path(file)};
}

static struct tls_context *context_of(const struct tls_config *config)
{
    struct tls_context *c = NULL;
    struct str why = {.data = NULL};
    if (tls_context_new(config, &c, &why) != 0)
        fail_msg("%s", str_string(&why));
    str_done(&why);
    return c;
}

static struct tls_context *context_of_one(const char *name)
{
    struct tls_pair pair = pair_of(name);
    return context_of(&(struct tls_config){.pairs = &pair, .pair_count = 1});
}

static BIO *datagrams(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(bio, -1);
    return bio;
}

static SSL *new_end(SSL_CTX *context, BIO *in, BIO *out)
{
    SSL *ssl = SSL_new(context);
    SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
    if (SSL_is_dtls(ssl))
        SSL_set_mtu(ssl, 16000); /* a flight in one datagram: a memory BIO joins them */
    BIO_up_ref(in);
    BIO_up_ref(out);
    SSL_set_bio(ssl, in, out);
    return ssl;
}

static void begin_visit(SSL_CTX *server, struct visit *v)
{
    bool is_dtls = SSL_CTX_get_ssl_method(server) == DTLS_server_method();
    SSL_CTX *context = SSL_CTX_new(is_dtls ? DTLS_client_method() : TLS_client_method());
    BIO *to_server = datagrams(), *to_client = datagrams();
    SSL_CTX_set_security_level(context, 0);
    if (v->max_version != 0)
        SSL_CTX_set_max_proto_version(context, v->max_version);
    if (v->certificate != NULL) {
        struct tls_pair own = pair_of(v->certificate);
        SSL_CTX_use_certificate_chain_file(context, own.certificate);
        SSL_CTX_use_PrivateKey_file(context, own.key, SSL_FILETYPE_PEM);
    }
    v->client = new_end(context, to_client, to_server);
    v->server = new_end(server, to_server, to_client);
    if (v->server_name != NULL)
        SSL_set_tlsext_host_name(v->client, v->server_name);
    if (v->alpn != NULL)
        SSL_set_alpn_protos(v->client, (const unsigned char *)v->alpn, (unsigned)strlen(v->alpn));
    SSL_set_connect_state(v->client);
    SSL_set_accept_state(v->server);
    BIO_free(to_server);
    BIO_free(to_client);
    SSL_CTX_free(context);
}

static void finish_visit(struct visit *v)
{
    int result = 0;
    for (int turn = 0; turn < 10 && v->reason == NULL; turn++) {
        SSL_do_handshake(v->client);
        ERR_clear_error();
        result = SSL_do_handshake(v->server);
        if (result != 1 && SSL_get_error(v->server, result) == SSL_ERROR_SSL)
            v->reason = ERR_reason_error_string(ERR_peek_last_error());
        ERR_clear_error();
    }
    const unsigned char *alpn;
    unsigned alpn_len;
    SSL_get0_alpn_selected(v->client, &alpn, &alpn_len);
    snprintf(v->alpn_chosen, sizeof(v->alpn_chosen), "%.*s", (int)alpn_len, (const char *)alpn);
    v->is_open = result == 1 && SSL_is_init_finished(v->client);
    v->shown = SSL_get0_peer_certificate(v->client);
}

static void end_visit(struct visit *v)
{
    SSL_free(v->client);
    SSL_free(v->server);
    ERR_clear_error();
}

static SSL_CTX *of_kind(const struct tls_context *c, enum kind kind)
{
    return kind == OVER_STREAM ? tls_context_stream(c) : tls_context_datagram(c);
}

static void visit(const struct tls_context *c, enum kind kind, struct visit *v)
{
    begin_visit(of_kind(c, kind), v);
    finish_visit(v);
}

static void expect_shown(const struct visit *v, const char *name)
{
    struct tls_pair pair = pair_of(name);
    FILE *f = fopen(pair.certificate, "r");
    BIO *bio = BIO_new_fp(f, BIO_CLOSE);
    X509 *expected = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(v->shown);
    assert_int_equal(X509_cmp(v->shown, expected), 0);
    X509_free(expected);
    BIO_free(bio);
}

static void chooses_the_certificate_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *shown;
    } cases[] = {
        {NULL, "default"}, {"turn.example", "default"}, {"unknown.example", "default"},
        {"other.example", "exact"}, {"OTHER.example", "exact"},
        {"a.wild.example", "exact"}, /* exact beats a wildcard that comes first */
        {"b.wild.example", "wild"}, {"b.c.wild.example", "default"}, {"wild.example", "default"},
        {"common.example", "default"}, /* the name of a subject is no name of a server */
    };
    const struct tls_pair pairs[] = {
        pair_of("default"), pair_of("wild"), pair_of("exact"), pair_of("nameless")};
    struct tls_context *c =
        context_of(&(struct tls_config){.pairs = pairs, .pair_count = COUNT_OF(pairs)});
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (enum kind kind = OVER_STREAM; kind <= OVER_DATAGRAM; kind++) {
            struct visit v = {.server_name = cases[i].asked};
            visit(c, kind, &v);
            assert_true(v.is_open);
            expect_shown(&v, cases[i].shown);
            end_visit(&v);
        }
    }
    tls_context_unref(c);
}

static void agrees_on_a_protocol(void **state)
{
    (void)state;
    static const struct {
        const char *offered, *chosen; /* NULL: refused */
    } cases[] = {
        {NULL, ""},
        {"\x09stun.turn", "stun.turn"},
        {"\x12stun.nat-discovery", "stun.nat-discovery"},
        {"\x12stun.nat-discovery\x09stun.turn", "stun.nat-discovery"},
        {"\x02h2\x08http/1.1\x09stun.turn", "stun.turn"},
        {"\x08http/1.1", NULL},
        {"\x08stun.tur", NULL},
        {"\x0astun.turns", NULL},
    };
    struct tls_context *c = context_of_one("default");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (enum kind kind = OVER_STREAM; kind <= OVER_DATAGRAM; kind++) {
            struct visit v = {.alpn = cases[i].offered};
            visit(c, kind, &v);
            assert_int_equal(v.is_open, cases[i].chosen != NULL);
            if (v.is_open)
                assert_string_equal(v.alpn_chosen, cases[i].chosen);
            else
                assert_string_equal(v.reason, "no application protocol");
            end_visit(&v);
        }
    }
    tls_context_unref(c);
}

static void speaks_1_2_and_1_3(void **state)
{
    (void)state;
    static const struct {
        enum kind kind;
        int version;
        bool is_welcome;
    } cases[] = {
        {OVER_STREAM, TLS1_1_VERSION, false},
        {OVER_STREAM, TLS1_2_VERSION, true},
        {OVER_STREAM, TLS1_3_VERSION, true},
        {OVER_DATAGRAM, DTLS1_VERSION, false},
        {OVER_DATAGRAM, DTLS1_2_VERSION, true},
    };
    struct tls_context *c = context_of_one("default");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct visit v = {.max_version = cases[i].version};
        visit(c, cases[i].kind, &v);
        assert_int_equal(v.is_open, cases[i].is_welcome);
        if (v.is_open)
            assert_int_equal(SSL_version(v.client), cases[i].version);
        end_visit(&v);
    }
    tls_context_unref(c);
}

static void ciphers_are_the_asked_ones(void **state)
{
    (void)state;
    struct tls_pair pair = pair_of("default");
    struct tls_context *c = context_of(&(struct tls_config){
        .pairs = &pair, .pair_count = 1, .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"});
    struct visit v = {.max_version = TLS1_2_VERSION};
    visit(c, OVER_STREAM, &v);
    assert_string_equal(SSL_get_cipher_name(v.client), "ECDHE-ECDSA-AES256-GCM-SHA384");
    end_visit(&v);
    tls_context_unref(c);
}

static void shows_the_whole_chain(void **state)
{
    (void)state;
    struct pem_identity root = pem_identity(NULL, NULL);
    struct pem_identity leaf = pem_identity("DNS:turn.example", &root);
    const struct pem_identity *const chain[] = {&leaf, &root, NULL};
    pem_write("chain", chain, NULL);
    struct tls_context *c = context_of_one("chain");
    for (enum kind kind = OVER_STREAM; kind <= OVER_DATAGRAM; kind++) {
        struct visit v = {.server_name = NULL};
        visit(c, kind, &v);
        assert_true(v.is_open);
        assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(v.client)), 2);
        end_visit(&v);
    }
    tls_context_unref(c);
    pem_identity_free(&leaf);
    pem_identity_free(&root);
}

static void a_key_may_be_encrypted(void **state)
{
    (void)state;
    struct pem_identity identity = pem_identity("DNS:turn.example", NULL);
    const struct pem_identity *const chain[] = {&identity, NULL};
    pem_write("locked", chain, "secret");
    pem_identity_free(&identity);
    struct tls_pair pair = pair_of("locked");
    tls_context_unref(context_of(
        &(struct tls_config){.pairs = &pair, .pair_count = 1, .key_password = "secret"}));
}

struct refusal {
    const char *name;
    const char *pairs[2]; /* certificate and key: of the second of two pairs when there are more */
    bool comes_second;
    const char *password, *ciphers, *client_ca;
    const char *file;   /* must be named */
    const char *reason; /* and this said */
};

static const struct refusal refusals[] = {
    {"no certificate", {"gone.pem", "default.key"}, .file = "certificate @/gone.pem",
        .reason = "No such file"},
    {"no key", {"default.pem", "gone.key"}, .file = "key @/gone.key", .reason = "No such file"},
    {"in the second pair", {"gone.pem", "default.key"}, .comes_second = true,
        .file = "certificate @/gone.pem", .reason = "No such file"},
    {"garbage", {"garbage.pem", "default.key"}, .file = "certificate @/garbage.pem",
        .reason = "no start line"},
    {"another key", {"default.pem", "exact.key"}, .file = "key @/exact.key",
        .reason = "key values mismatch"},
    {"no password", {"locked.pem", "locked.key"}, .file = "key @/locked.key",
        .reason = "no password"},
    {"wrong password", {"locked.pem", "locked.key"}, .password = "wrong",
        .file = "key @/locked.key", .reason = "bad decrypt"},
    {"no such cipher", {"default.pem", "default.key"}, .ciphers = "ROT13",
        .file = "cipher list ROT13", .reason = "no cipher match"},
    {"no authorities", {"default.pem", "default.key"}, .client_ca = "gone.pem",
        .file = "client authorities @/gone.pem", .reason = "No such file"},
    {"empty authorities", {"default.pem", "default.key"}, .client_ca = "garbage.pem",
        .file = "client authorities @/garbage.pem", .reason = ""},
};

static void refuses(void **state)
{
    const struct refusal *r = *state;
    struct pem_identity identity = pem_identity("DNS:turn.example", NULL);
    const struct pem_identity *const chain[] = {&identity, NULL};
    pem_write("locked", chain, "secret");
    pem_identity_free(&identity);
    pem_put("garbage.pem", "garbage\n");

    struct tls_pair good = pair_of("default");
    struct tls_pair bad = {.certificate = pem_path(r->pairs[0]), .key = pem_path(r->pairs[1])};
    const struct tls_pair pairs[] = {r->comes_second ? good : bad, bad};
    struct tls_config config = {
        .pairs = pairs,
        .pair_count = r->comes_second ? 2 : 1,
        .key_password = r->password,
        .ciphers = r->ciphers,
        .client_ca = r->client_ca != NULL ? pem_path(r->client_ca) : NULL,
    };
    struct tls_context *c = NULL;
    struct str why = {.data = NULL};
    assert_int_equal(tls_context_new(&config, &c, &why), -EINVAL);
    assert_null(c);

    char expected[PEM_PATH_SIZE * 2];
    const char *at = strchr(r->file, '@');
    if (at != NULL)
        snprintf(
            expected, sizeof(expected), "%.*s%s: ", (int)(at - r->file), r->file, pem_path(at + 2));
    else
        snprintf(expected, sizeof(expected), "%s: ", r->file);
    if (strncmp(str_string(&why), expected, strlen(expected)) != 0 ||
        strstr(str_string(&why), r->reason) == NULL)
        fail_msg("\"%s\" is not \"%s...%s\"", str_string(&why), expected, r->reason);
    str_done(&why);
}

static void clients_must_be_certified(void **state)
{
    (void)state;
    struct pem_identity authority = pem_identity(NULL, NULL);
    struct pem_identity friend = pem_identity("DNS:friend", &authority);
    const struct pem_identity *const authority_chain[] = {&authority, NULL};
    const struct pem_identity *const friend_chain[] = {&friend, NULL};
    pem_write("authority", authority_chain, NULL);
    pem_write("friend", friend_chain, NULL);
    static const struct {
        const char *certificate;
        bool is_welcome;
    } cases[] = {{NULL, false}, {"friend", true}, {"default", false}};

    const struct tls_pair pairs[] = {pair_of("default"), pair_of("exact")};
    struct tls_context *c = context_of(&(struct tls_config){
        .pairs = pairs, .pair_count = 2, .client_ca = pem_path("authority.pem")});
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (enum kind kind = OVER_STREAM; kind <= OVER_DATAGRAM; kind++) {
            struct visit v = {.certificate = cases[i].certificate,
                .server_name = i % 2 == 0 ? "other.example" : NULL};
            visit(c, kind, &v);
            assert_int_equal(v.is_open, cases[i].is_welcome);
            end_visit(&v);
        }
    }
    tls_context_unref(c);
    pem_identity_free(&friend);
    pem_identity_free(&authority);
}

static void tells_that_files_changed(void **state)
{
    (void)state;
    static const char *const files[] = {"default.pem", "default.key", "authority.pem"};
    pem_make("authority", NULL);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct tls_pair pair = pair_of("default");
        struct tls_config config = {
            .pairs = &pair, .pair_count = 1, .client_ca = pem_path("authority.pem")};
        struct tls_context *c = context_of(&config);
        assert_false(tls_files_changed(c));

        /* Another file of the same content, in its place. */
        char away[PEM_PATH_SIZE], command[PEM_PATH_SIZE * 3];
        snprintf(away, sizeof(away), "%s", pem_path("away"));
        snprintf(command, sizeof(command), "cp -p %s %s", pem_path(files[i]), away);
        assert_int_equal(system(command), 0);
        assert_int_equal(rename(away, pem_path(files[i])), 0);
        assert_true(tls_files_changed(c));
        tls_context_unref(c);

        c = context_of(&config);
        assert_false(tls_files_changed(c));
        assert_int_equal(rename(pem_path(files[i]), away), 0);
        assert_true(tls_files_changed(c));
        assert_int_equal(rename(away, pem_path(files[i])), 0);
        assert_false(tls_files_changed(c));

        FILE *f = fopen(pem_path(files[i]), "a"); /* written in place */
        fputs("\n", f);
        fclose(f);
        assert_true(tls_files_changed(c));
        tls_context_unref(c);
    }
}

static unsigned prepared;

static void prepare(SSL_CTX *context)
{
    assert_ptr_equal(SSL_CTX_get_ssl_method(context), DTLS_server_method());
    prepared++;
}

static void datagram_contexts_are_prepared(void **state)
{
    (void)state;
    const struct tls_pair pairs[] = {pair_of("default"), pair_of("exact")};
    prepared = 0;
    tls_context_unref(context_of(
        &(struct tls_config){.pairs = pairs, .pair_count = 2, .prepare_datagrams = prepare}));
    assert_int_equal(prepared, 2);
}

/* A handshake goes on with the certificates it began with, also when the snapshot is gone. */
static void a_reload_does_not_hurt_who_is_there(void **state)
{
    (void)state;
    const struct tls_pair pairs[] = {pair_of("default"), pair_of("exact")};
    for (enum kind kind = OVER_STREAM; kind <= OVER_DATAGRAM; kind++) {
        struct tls_context *c = context_of(&(struct tls_config){.pairs = pairs, .pair_count = 2});
        struct visit v = {.server_name = "other.example"};
        begin_visit(of_kind(c, kind), &v);
        struct tls_context *second = tls_context_ref(c);
        tls_context_unref(c);
        tls_context_unref(second);
        finish_visit(&v);
        assert_true(v.is_open);
        expect_shown(&v, "exact");
        end_visit(&v);
    }
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(chooses_the_certificate_by_name),
        cmocka_unit_test(agrees_on_a_protocol),
        cmocka_unit_test(speaks_1_2_and_1_3),
        cmocka_unit_test(ciphers_are_the_asked_ones),
        cmocka_unit_test(shows_the_whole_chain),
        cmocka_unit_test(a_key_may_be_encrypted),
        cmocka_unit_test(clients_must_be_certified),
        cmocka_unit_test(tells_that_files_changed),
        cmocka_unit_test(datagram_contexts_are_prepared),
        cmocka_unit_test(a_reload_does_not_hurt_who_is_there),
    };
    struct CMUnitTest tests[COUNT_OF(refusals) + COUNT_OF(others)];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        tests[count++] = (struct CMUnitTest){.name = refusals[i].name,
            .test_func = refuses,
            .initial_state = (void *)(uintptr_t)&refusals[i]};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        tests[count++] = others[i];
    return _cmocka_run_group_tests("tls_context", tests, count, set_up, tear_down);
}
