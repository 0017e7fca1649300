/* SPDX-License-Identifier: Apache-2.0 */
/* Associations that go on in another process, where nothing of OpenSSL is left. */
#include "dtls/saved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "pair.h"

static struct pair p;

static enum dtls_state state_of(const struct pair_end *end)
{
    return dtls_association_state(end->association);
}

static void keep_datagram(void *owner, struct bytes datagram)
{
    pair_inject(owner, datagram);
}

/* `end` is another process now. */
static void move_house(struct pair_end *end)
{
    struct dtls_saved saved;
    assert_true(dtls_association_save(end->association, &saved));
    dtls_association_free(end->association);
    end->association = dtls_association_restore(
        &(struct dtls_association_config){.send = keep_datagram, .owner = end}, &saved);
    assert_non_null(end->association);
}

static void connect(void)
{
    pair_init(&p, &(struct pair_config){0});
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    pair_run(&p, 5000);
    assert_true(pair_agrees(&p));
}

static void goes_on_verified(void **state)
{
    (void)state;
    connect();
    struct dtls_fingerprint wrong = *dtls_certificate_fingerprint(p.b.certificate, DTLS_SHA256);
    wrong.digest[31] ^= 1;
    move_house(&p.a);
    move_house(&p.b);
    assert_true(pair_agrees(&p));
    assert_int_equal(dtls_association_role(p.a.association), DTLS_ROLE_ACTIVE);
    assert_int_equal(dtls_association_role(p.b.association), DTLS_ROLE_PASSIVE);
    assert_true(dtls_due_ms(p.a.association) == DTLS_NEVER);
    for (unsigned hash = 0; hash < DTLS_HASHES; hash++) {
        const struct dtls_fingerprint *right =
            dtls_certificate_fingerprint(p.b.certificate, (enum dtls_hash)hash);
        assert_int_equal(dtls_set_fingerprint(p.a.association, right), DTLS_VERIFIED);
    }
    dtls_release(p.a.association); /* as after any handshake */
    assert_int_equal(dtls_set_fingerprint(p.a.association, &wrong), DTLS_FAILED);
    pair_done(&p);
}

static void answers_a_client_that_lost_the_last_flight(void **state)
{
    (void)state;
    for (int released = 0; released < 2; released++) {
        pair_init(&p, &(struct pair_config){0});
        dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
        while (state_of(&p.b) != DTLS_VERIFIED)
            pair_run(&p, p.now_ms + 1);
        p.b.out_count = 0;
        if (released)
            dtls_release(p.b.association);
        move_house(&p.b);
        pair_run(&p, p.now_ms + 200);
        assert_true(pair_agrees(&p));
        pair_done(&p);
    }
}

static void says_farewell(void **state)
{
    (void)state;
    connect();
    dtls_release(p.a.association);
    move_house(&p.a);
    dtls_close(p.a.association);
    pair_run(&p, p.now_ms + 100);
    assert_int_equal(state_of(&p.a), DTLS_CLOSED);
    assert_int_equal(state_of(&p.b), DTLS_CLOSED);
    assert_int_equal(dtls_peer_alert(p.b.association), 0);
    move_house(&p.b); /* is closed there, too, and says nothing more */
    size_t waiting = p.b.out_count;
    assert_int_equal(state_of(&p.b), DTLS_CLOSED);
    dtls_close(p.b.association);
    assert_int_equal(p.b.out_count, waiting);
    pair_done(&p);
}

/* The handshake came before the answer, and so did the move. */
static void holds_an_early_handshake(void **state)
{
    (void)state;
    for (int right = 0; right < 2; right++) {
        struct dtls_srtp_keys keys;
        pair_init(&p, &(struct pair_config){.keep_fingerprints = true});
        pair_tell_fingerprint(&p.b, DTLS_SHA256);
        dtls_start(p.b.association, DTLS_ROLE_ACTIVE, p.now_ms);
        pair_run(&p, 5000);
        assert_int_equal(state_of(&p.a), DTLS_CONNECTED_UNVERIFIED);
        move_house(&p.a);
        assert_int_equal(state_of(&p.a), DTLS_CONNECTED_UNVERIFIED);
        assert_false(dtls_keys(p.a.association, &keys));
        struct dtls_fingerprint told = *dtls_certificate_fingerprint(p.b.certificate, DTLS_SHA384);
        told.digest[0] ^= right ? 0 : 1;
        assert_int_equal(
            dtls_set_fingerprint(p.a.association, &told), right ? DTLS_VERIFIED : DTLS_FAILED);
        assert_int_equal(pair_agrees(&p), right);
        pair_done(&p);
    }
}

static void only_a_complete_handshake_is_saved(void **state)
{
    (void)state;
    struct dtls_saved saved;
    pair_init(&p, &(struct pair_config){0});
    assert_false(dtls_association_save(p.a.association, &saved));
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    assert_int_equal(state_of(&p.a), DTLS_HANDSHAKING);
    assert_false(dtls_association_save(p.a.association, &saved));
    p.a.drop_mask = UINT64_MAX;
    pair_run(&p, DTLS_NEVER);
    assert_int_equal(state_of(&p.a), DTLS_FAILED);
    assert_false(dtls_association_save(p.a.association, &saved));
    dtls_close(p.b.association); /* before it began */
    assert_false(dtls_association_save(p.b.association, &saved));
    pair_done(&p);
}

static void what_cannot_have_been_is_refused(void **state)
{
    (void)state;
    static const enum dtls_state incomplete[] = {DTLS_IDLE, DTLS_HANDSHAKING, DTLS_FAILED};
    const struct dtls_association_config config = {.send = keep_datagram};
    struct dtls_saved good;
    connect();
    assert_true(dtls_association_save(p.a.association, &good));
    struct dtls_saved bad[8];
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        bad[i] = good;
    for (size_t i = 0; i < COUNT_OF(incomplete); i++)
        bad[i].state = incomplete[i];
    bad[3].role = DTLS_ROLE_UNDECIDED;
    bad[4].flight_len = DTLS_FLIGHT_MAX + 1;
    bad[5].farewell_len = DTLS_FAREWELL_MAX + 1;
    bad[6].keys.key_len = sizeof(good.keys.rx_key) + 1;
    bad[7].keys.salt_len = sizeof(good.keys.rx_salt) + 1;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_null(dtls_association_restore(&config, &bad[i]));
    struct dtls_association *a = dtls_association_restore(&config, &good);
    assert_non_null(a);
    dtls_association_free(a);
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_verified),
        cmocka_unit_test(answers_a_client_that_lost_the_last_flight),
        cmocka_unit_test(says_farewell),
        cmocka_unit_test(holds_an_early_handshake),
        cmocka_unit_test(only_a_complete_handshake_is_saved),
        cmocka_unit_test(what_cannot_have_been_is_refused),
    };
    return cmocka_run_group_tests_name("dtls saved", tests, NULL, NULL);
}
