/* SPDX-License-Identifier: Apache-2.0 */
/* What an attacker who knows the addresses can send, and that it changes nothing. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct pair p;

/* Records of epoch 0, as anybody can make them. */
static const uint8_t fatal_alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40};
static const uint8_t close_notify[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 1, 0};
/* The same with an epoch it cannot have the keys of. */
static const uint8_t forged_alert[] = {21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 99, 0, 26, 1, 2, 3, 4,
    5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26};

static void connect_pair(void)
{
    pair_init(&p, &(struct pair_config){0});
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    pair_run(&p, p.now_ms + 5000);
    assert_true(pair_agrees(&p));
}

static void forged_alerts_leave_a_verified_association_alone(void **state)
{
    (void)state;
    const struct bytes forged[] = {bytes_of(fatal_alert, sizeof(fatal_alert)),
        bytes_of(close_notify, sizeof(close_notify)), bytes_of(forged_alert, sizeof(forged_alert))};
    connect_pair();
    for (int released = 0; released < 2; released++) {
        size_t sent = p.a.sent + p.b.sent;
        for (size_t i = 0; i < COUNT_OF(forged); i++) {
            dtls_receive(p.a.association, forged[i], p.now_ms);
            dtls_receive(p.b.association, forged[i], p.now_ms);
        }
        assert_true(pair_agrees(&p));
        assert_int_equal(p.a.sent + p.b.sent, sent);
        dtls_release(p.a.association);
        dtls_release(p.b.association);
    }
    pair_done(&p);
}

static void a_plain_fatal_alert_ends_a_handshake(void **state)
{
    (void)state;
    pair_init(&p, &(struct pair_config){0});
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    assert_int_equal(
        dtls_receive(p.a.association, bytes_of(fatal_alert, sizeof(fatal_alert)), p.now_ms),
        DTLS_FAILED);
    assert_int_equal(dtls_association_failure(p.a.association), DTLS_FAILURE_ALERT);
    assert_int_equal(dtls_peer_alert(p.a.association), 40);
    pair_done(&p);
}

static void keep_datagram(void *owner, struct bytes datagram)
{
    struct pair_datagram *kept = owner;
    kept->len = datagram.len;
    memcpy(kept->data, datagram.data, datagram.len);
}

static struct bytes client_hello(struct pair_datagram *kept)
{
    struct dtls_association *other = dtls_association_new(&(struct dtls_association_config){
        .context = p.a.context, .send = keep_datagram, .owner = kept});
    assert_non_null(other);
    dtls_start(other, DTLS_ROLE_ACTIVE, p.now_ms);
    dtls_association_free(other);
    return bytes_of(kept->data, kept->len);
}

static void a_new_client_hello_leaves_a_verified_association_alone(void **state)
{
    (void)state;
    struct pair_datagram kept;
    connect_pair();
    struct bytes hello = client_hello(&kept);
    for (int released = 0; released < 2; released++) {
        size_t sent = p.a.sent + p.b.sent;
        dtls_receive(p.a.association, hello, p.now_ms);
        dtls_receive(p.b.association, hello, p.now_ms);
        assert_true(pair_agrees(&p));
        assert_int_equal(p.a.sent + p.b.sent, sent);
        dtls_release(p.a.association);
        dtls_release(p.b.association);
    }
    pair_done(&p);
}

static void a_client_ignores_a_client_hello(void **state)
{
    (void)state;
    struct pair_datagram kept;
    pair_init(&p, &(struct pair_config){0});
    struct bytes hello = client_hello(&kept);
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    assert_int_equal(dtls_receive(p.a.association, hello, p.now_ms), DTLS_HANDSHAKING);
    pair_run(&p, p.now_ms + 1000);
    assert_true(pair_agrees(&p));
    pair_done(&p);
}

static void only_a_client_hello_wakes_it(void **state)
{
    (void)state;
    struct pair_datagram kept;
    pair_init(&p, &(struct pair_config){0});
    struct bytes hello = client_hello(&kept);
    dtls_receive(p.b.association, bytes_of(fatal_alert, sizeof(fatal_alert)), p.now_ms);
    dtls_receive(p.b.association, bytes_of(NULL, 0), p.now_ms);
    for (size_t len = 0; len < hello.len; len++)
        assert_int_equal(
            dtls_receive(p.b.association, bytes_of(hello.data, len), p.now_ms), DTLS_IDLE);
    assert_int_equal(p.b.sent, 0);
    assert_int_equal(dtls_receive(p.b.association, hello, p.now_ms), DTLS_HANDSHAKING);
    pair_done(&p);
}

static void garbage_beside_a_handshake_does_no_harm(void **state)
{
    (void)state;
    struct gen gen = gen_start();
    for (unsigned round = 0; round < 30; round++) {
        pair_init(&p, &(struct pair_config){0});
        dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
        for (unsigned i = 0; i < 20; i++) {
            uint8_t junk[200];
            size_t len = gen_below(&gen, sizeof(junk));
            gen_fill(&gen, junk, len);
            if (len > 0)
                junk[0] = (uint8_t)(20 + junk[0] % 44); /* what the demultiplexer lets through */
            pair_inject(i % 2 == 0 ? &p.a : &p.b, bytes_of(junk, len));
            pair_run(&p, p.now_ms + 5);
        }
        pair_run(&p, p.now_ms + 1000);
        assert_true(pair_agrees(&p));
        pair_done(&p);
    }
}

/* A handshake whose every datagram is damaged may fail, but never verifies with unlike keys. */
static void damage_never_yields_wrong_keys(void **state)
{
    (void)state;
    struct gen gen = gen_start();
    for (unsigned round = 0; round < 40; round++) {
        pair_init(&p, &(struct pair_config){0});
        dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
        for (unsigned step = 0; step < 40; step++) {
            struct pair_end *end = step % 2 == 0 ? &p.a : &p.b;
            if (end->out_count > 0 && gen_below(&gen, 3) == 0) {
                struct pair_datagram *d = &end->out[gen_below(&gen, end->out_count)];
                d->data[gen_below(&gen, d->len)] ^= (uint8_t)(1 + gen_below(&gen, 255));
            }
            pair_run(&p, p.now_ms + 5);
        }
        struct dtls_srtp_keys keys;
        if (dtls_keys(p.a.association, &keys) && dtls_keys(p.b.association, &keys))
            assert_true(pair_agrees(&p));
        pair_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_alerts_leave_a_verified_association_alone),
        cmocka_unit_test(a_plain_fatal_alert_ends_a_handshake),
        cmocka_unit_test(a_new_client_hello_leaves_a_verified_association_alone),
        cmocka_unit_test(a_client_ignores_a_client_hello),
        cmocka_unit_test(only_a_client_hello_wakes_it),
        cmocka_unit_test(garbage_beside_a_handshake_does_no_harm),
        cmocka_unit_test(damage_never_yields_wrong_keys),
    };
    return cmocka_run_group_tests_name("dtls association hostile", tests, NULL, NULL);
}
