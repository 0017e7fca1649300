/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes over a link that loses nothing: roles, profiles, fingerprints, the end. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct pair p;

static enum dtls_state state_of(const struct pair_end *end)
{
    return dtls_association_state(end->association);
}

/* A is active. */
static void shake_hands(const struct pair_config *config)
{
    pair_init(&p, config);
    assert_int_equal(dtls_start(p.b.association, DTLS_ROLE_PASSIVE, p.now_ms), DTLS_IDLE);
    assert_int_equal(dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms), DTLS_HANDSHAKING);
    pair_run(&p, p.now_ms + 5000);
}

static const struct {
    const char *a, *b;
    uint16_t profile; /* 0: none in common */
    size_t key_len, salt_len;
} profiles[] = {
    {NULL, NULL, 0x0008, 32, 12},
    {"SRTP_AEAD_AES_128_GCM", NULL, 0x0007, 16, 12},
    {NULL, "SRTP_AEAD_AES_128_GCM", 0x0007, 16, 12},
    {"SRTP_AES128_CM_SHA1_80", NULL, 0x0001, 16, 14},
    {NULL, "SRTP_AES128_CM_SHA1_32", 0x0002, 16, 14},
    {"SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80", "SRTP_AES128_CM_SHA1_80", 0x0001, 16, 14},
    {"SRTP_AES128_CM_SHA1_80", "SRTP_AEAD_AES_256_GCM", 0, 0, 0},
};

static void agrees_on_a_profile(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(profiles); i++) {
        struct dtls_srtp_keys keys;
        shake_hands(
            &(struct pair_config){.profiles_a = profiles[i].a, .profiles_b = profiles[i].b});
        assert_int_equal(dtls_keys(p.a.association, &keys), profiles[i].profile != 0);
        if (profiles[i].profile != 0) {
            assert_true(pair_agrees(&p));
            assert_int_equal(keys.profile, profiles[i].profile);
            assert_int_equal(keys.key_len, profiles[i].key_len);
            assert_int_equal(keys.salt_len, profiles[i].salt_len);
        } else {
            assert_int_equal(state_of(&p.b), DTLS_FAILED);
            assert_int_equal(dtls_association_failure(p.b.association), DTLS_FAILURE_PROFILE);
        }
        pair_done(&p);
    }
}

static void takes_the_roles_it_is_told(void **state)
{
    (void)state;
    pair_init(&p, &(struct pair_config){0});
    assert_int_equal(dtls_association_role(p.a.association), DTLS_ROLE_UNDECIDED);
    dtls_start(p.a.association, DTLS_ROLE_PASSIVE, p.now_ms);
    dtls_start(p.b.association, DTLS_ROLE_ACTIVE, p.now_ms);
    pair_run(&p, 5000);
    assert_true(pair_agrees(&p));
    assert_int_equal(dtls_association_role(p.a.association), DTLS_ROLE_PASSIVE);
    assert_int_equal(dtls_association_role(p.b.association), DTLS_ROLE_ACTIVE);
    assert_true(dtls_due_ms(p.a.association) == DTLS_NEVER);
    pair_done(&p);
}

static void an_undecided_side_follows_the_peer(void **state)
{
    (void)state;
    pair_init(&p, &(struct pair_config){0});
    dtls_start(p.b.association, DTLS_ROLE_ACTIVE, p.now_ms);
    pair_run(&p, 5000);
    assert_true(pair_agrees(&p));
    assert_int_equal(dtls_association_role(p.a.association), DTLS_ROLE_PASSIVE);
    /* What the answer says later changes nothing. */
    assert_int_equal(dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms), DTLS_VERIFIED);
    assert_int_equal(dtls_association_role(p.a.association), DTLS_ROLE_PASSIVE);
    pair_done(&p);
}

static void holds_an_early_handshake(void **state)
{
    (void)state;
    struct dtls_srtp_keys keys;
    pair_init(&p, &(struct pair_config){.keep_fingerprints = true});
    pair_tell_fingerprint(&p.b, DTLS_SHA256);
    dtls_start(p.b.association, DTLS_ROLE_ACTIVE, p.now_ms);
    pair_run(&p, 5000);
    assert_int_equal(state_of(&p.b), DTLS_VERIFIED);
    assert_int_equal(state_of(&p.a), DTLS_CONNECTED_UNVERIFIED);
    assert_false(dtls_keys(p.a.association, &keys));
    dtls_release(p.a.association); /* not yet: nothing happens */

    pair_tell_fingerprint(&p.a, DTLS_SHA384);
    assert_int_equal(state_of(&p.a), DTLS_VERIFIED);
    assert_true(pair_agrees(&p));
    pair_done(&p);
}

static void checks_every_kind_of_fingerprint(void **state)
{
    (void)state;
    for (unsigned hash = 0; hash < DTLS_HASHES; hash++) {
        pair_init(&p, &(struct pair_config){.keep_fingerprints = true});
        pair_tell_fingerprint(&p.a, (enum dtls_hash)hash);
        pair_tell_fingerprint(&p.b, (enum dtls_hash)hash);
        dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
        pair_run(&p, 5000);
        assert_true(pair_agrees(&p));
        pair_done(&p);
    }
}

static struct dtls_fingerprint wrong_fingerprint(const struct pair_end *end)
{
    struct dtls_fingerprint f = *dtls_certificate_fingerprint(end->certificate, DTLS_SHA256);
    f.digest[31] ^= 1;
    return f;
}

static void a_wrong_fingerprint_fails(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        struct dtls_srtp_keys keys;
        pair_init(&p, &(struct pair_config){.keep_fingerprints = true});
        struct dtls_fingerprint wrong = wrong_fingerprint(&p.b);
        if (before)
            dtls_set_fingerprint(p.a.association, &wrong);
        dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
        pair_run(&p, 5000);
        if (!before)
            dtls_set_fingerprint(p.a.association, &wrong);
        assert_int_equal(state_of(&p.a), DTLS_FAILED);
        assert_int_equal(dtls_association_failure(p.a.association), DTLS_FAILURE_FINGERPRINT);
        assert_false(dtls_keys(p.a.association, &keys));
        pair_run(&p, 6000);
        assert_int_equal(state_of(&p.b), DTLS_CLOSED); /* it was told */
        pair_done(&p);
    }
}

static void a_new_fingerprint_is_checked_against_the_same_certificate(void **state)
{
    (void)state;
    shake_hands(&(struct pair_config){0});
    struct dtls_fingerprint wrong = wrong_fingerprint(&p.b);
    const struct dtls_fingerprint *other =
        dtls_certificate_fingerprint(p.b.certificate, DTLS_SHA512);
    dtls_release(p.a.association); /* the answers outlive OpenSSL's state */
    assert_true(dtls_peer_has_fingerprint(p.a.association, other));
    assert_false(dtls_peer_has_fingerprint(p.a.association, &wrong));
    assert_int_equal(dtls_set_fingerprint(p.a.association, other), DTLS_VERIFIED);
    assert_int_equal(dtls_set_fingerprint(p.a.association, &wrong), DTLS_FAILED);
    pair_done(&p);
}

static void fragments_to_the_mtu(void **state)
{
    (void)state;
    shake_hands(&(struct pair_config){.mtu = 300});
    assert_true(pair_agrees(&p));
    assert_in_range(p.a.longest, 200, 300);
    assert_in_range(p.b.longest, 200, 300);
    assert_true(p.a.sent >= 3); /* ClientHello, then a flight in pieces */
    pair_done(&p);
}

static void closing_tells_the_peer(void **state)
{
    (void)state;
    for (int released = 0; released < 2; released++) {
        shake_hands(&(struct pair_config){0});
        if (released)
            dtls_release(p.a.association);
        dtls_close(p.a.association);
        pair_run(&p, p.now_ms + 100);
        assert_int_equal(state_of(&p.a), DTLS_CLOSED);
        assert_int_equal(state_of(&p.b), DTLS_CLOSED);
        assert_int_equal(dtls_peer_alert(p.b.association), 0);
        pair_done(&p);
    }
}

static void a_renewed_certificate_leaves_associations_alone(void **state)
{
    (void)state;
    pair_init(&p, &(struct pair_config){0});
    dtls_context_unref(p.a.context);
    p.a.context = NULL;
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    pair_run(&p, 5000);
    assert_true(pair_agrees(&p));
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_on_a_profile),
        cmocka_unit_test(takes_the_roles_it_is_told),
        cmocka_unit_test(an_undecided_side_follows_the_peer),
        cmocka_unit_test(holds_an_early_handshake),
        cmocka_unit_test(checks_every_kind_of_fingerprint),
        cmocka_unit_test(a_wrong_fingerprint_fails),
        cmocka_unit_test(a_new_fingerprint_is_checked_against_the_same_certificate),
        cmocka_unit_test(fragments_to_the_mtu),
        cmocka_unit_test(closing_tells_the_peer),
        cmocka_unit_test(a_renewed_certificate_leaves_associations_alone),
    };
    return cmocka_run_group_tests_name("dtls association", tests, NULL, NULL);
}
