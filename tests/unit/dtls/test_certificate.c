/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { DAY_S = 86400 };
static const int64_t now_s = 1750000000;

static void name_of(const struct dtls_certificate *c, char out[64])
{
    assert_true(X509_NAME_get_text_by_NID(
                    X509_get_subject_name(dtls_certificate_x509(c)), NID_commonName, out, 64) > 8);
}

static void is_what_webrtc_expects(void **state)
{
    (void)state;
    struct dtls_certificate *c = dtls_certificate_new(now_s);
    assert_non_null(c);
    X509 *x509 = dtls_certificate_x509(c);
    char group[32];
    assert_int_equal(
        EVP_PKEY_get_group_name(X509_get0_pubkey(x509), group, sizeof(group), NULL), 1);
    assert_string_equal(group, "prime256v1");
    assert_int_equal(X509_get_signature_nid(x509), NID_ecdsa_with_SHA256);
    assert_int_equal(X509_verify(x509, X509_get0_pubkey(x509)), 1); /* self-signed */

    time_t probe = now_s - DAY_S - 1;
    assert_true(X509_cmp_time(X509_get0_notBefore(x509), &probe) > 0);
    probe = now_s - DAY_S + 1;
    assert_true(X509_cmp_time(X509_get0_notBefore(x509), &probe) < 0);
    assert_int_equal(dtls_certificate_not_after_s(c), now_s + 29 * DAY_S);
    dtls_certificate_unref(c);
}

static void no_two_are_alike(void **state)
{
    (void)state;
    char name_a[64], name_b[64];
    struct dtls_certificate *a = dtls_certificate_new(now_s);
    struct dtls_certificate *b = dtls_certificate_new(now_s);
    name_of(a, name_a);
    name_of(b, name_b);
    assert_string_not_equal(name_a, name_b);
    assert_false(dtls_fingerprint_equal(dtls_certificate_fingerprint(a, DTLS_SHA256),
        dtls_certificate_fingerprint(b, DTLS_SHA256)));
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get_serialNumber(dtls_certificate_x509(a)),
                             X509_get_serialNumber(dtls_certificate_x509(b))),
        0);
    dtls_certificate_unref(a);
    dtls_certificate_unref(b);
}

static void is_renewed_in_time(void **state)
{
    (void)state;
    int64_t end_s = now_s + 29 * DAY_S;
    assert_false(dtls_renewal_is_due(end_s, now_s));
    assert_false(dtls_renewal_is_due(end_s, end_s - 15 * DAY_S));
    assert_true(dtls_renewal_is_due(end_s, end_s - 15 * DAY_S + 1));
    assert_true(dtls_renewal_is_due(end_s, end_s + DAY_S));
}

static void survives_export_and_import(void **state)
{
    (void)state;
    char pem[DTLS_PEM_SIZE];
    struct dtls_certificate *a = dtls_certificate_new(now_s);
    assert_true(dtls_certificate_export(a, pem));
    struct dtls_certificate *b = dtls_certificate_import(text_from(pem));
    assert_non_null(b);
    for (unsigned hash = 0; hash < DTLS_HASHES; hash++)
        assert_true(dtls_fingerprint_equal(dtls_certificate_fingerprint(a, (enum dtls_hash)hash),
            dtls_certificate_fingerprint(b, (enum dtls_hash)hash)));
    assert_int_equal(dtls_certificate_not_after_s(a), dtls_certificate_not_after_s(b));
    assert_int_equal(EVP_PKEY_eq(dtls_certificate_key(a), dtls_certificate_key(b)), 1);
    dtls_certificate_unref(a);
    dtls_certificate_unref(b);
}

static void refuses_other_text(void **state)
{
    (void)state;
    char pem[DTLS_PEM_SIZE], other[DTLS_PEM_SIZE], mixed[2 * DTLS_PEM_SIZE];
    struct dtls_certificate *a = dtls_certificate_new(now_s);
    struct dtls_certificate *b = dtls_certificate_new(now_s);
    assert_true(dtls_certificate_export(a, pem));
    assert_true(dtls_certificate_export(b, other));

    /* The key of one with the certificate of the other. */
    const char *certificate = strstr(other, "-----BEGIN CERTIFICATE");
    size_t key_len = (size_t)(strstr(pem, "-----BEGIN CERTIFICATE") - pem);
    snprintf(mixed, sizeof(mixed), "%.*s%s", (int)key_len, pem, certificate);
    assert_null(dtls_certificate_import(text_from(mixed)));
    assert_null(dtls_certificate_import(text_of(pem, key_len)));
    assert_null(dtls_certificate_import(text_of(pem, strlen(pem) / 2)));
    assert_null(dtls_certificate_import(TEXT("")));
    dtls_certificate_unref(a);
    dtls_certificate_unref(b);
}

static void lives_while_it_is_referenced(void **state)
{
    (void)state;
    struct dtls_certificate *c = dtls_certificate_new(now_s);
    assert_ptr_equal(dtls_certificate_ref(c), c);
    dtls_certificate_unref(c);
    assert_int_equal(dtls_certificate_fingerprint(c, DTLS_SHA1)->hash, DTLS_SHA1);
    dtls_certificate_unref(c);
    dtls_certificate_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_webrtc_expects),
        cmocka_unit_test(no_two_are_alike),
        cmocka_unit_test(is_renewed_in_time),
        cmocka_unit_test(survives_export_and_import),
        cmocka_unit_test(refuses_other_text),
        cmocka_unit_test(lives_while_it_is_referenced),
    };
    return cmocka_run_group_tests_name("dtls certificate", tests, NULL, NULL);
}
