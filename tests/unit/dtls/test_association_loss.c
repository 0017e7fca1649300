/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes over a link that loses, delays, reorders and doubles; and a lost last flight. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct pair p;

static void survives_a_bad_link(void **state)
{
    (void)state;
    struct gen gen = gen_start();
    for (unsigned round = 0; round < 40; round++) {
        pair_init(&p, &(struct pair_config){.mtu = round % 2 == 0 ? 0 : 300});
        p.chaos = &gen;
        p.loss_percent = round % 4 * 10;
        dtls_start(round % 3 == 0 ? p.b.association : p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
        pair_run(&p, p.now_ms + DTLS_HANDSHAKE_MS);
        assert_true(pair_agrees(&p));
        pair_done(&p);
    }
}

/* Every single datagram of the handshake lost once, on each side. */
static void survives_the_loss_of_any_datagram(void **state)
{
    (void)state;
    for (unsigned lost = 0; lost < 20; lost++) {
        for (int side = 0; side < 2; side++) {
            pair_init(&p, &(struct pair_config){.mtu = 300});
            (side == 0 ? &p.a : &p.b)->drop_mask = UINT64_C(1) << lost;
            dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
            pair_run(&p, p.now_ms + 1000);
            assert_true(pair_agrees(&p));
            pair_done(&p);
        }
    }
}

/* The server is done, and the client has not heard of it. */
static void lose_the_last_flight(void)
{
    pair_init(&p, &(struct pair_config){0});
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    while (dtls_association_state(p.b.association) != DTLS_VERIFIED)
        pair_run(&p, p.now_ms + 1);
    assert_int_equal(dtls_association_state(p.a.association), DTLS_HANDSHAKING);
    p.b.out_count = 0;
}

static void the_server_answers_a_repeated_finished(void **state)
{
    (void)state;
    for (int released = 0; released < 2; released++) {
        lose_the_last_flight();
        if (released)
            dtls_release(p.b.association);
        pair_run(&p, p.now_ms + 200);
        assert_true(pair_agrees(&p));
        pair_done(&p);
    }
}

static void a_released_server_answers_only_so_often(void **state)
{
    (void)state;
    lose_the_last_flight();
    dtls_release(p.b.association);
    size_t before = p.b.sent;
    p.b.drop_mask = UINT64_MAX;
    pair_run(&p, DTLS_NEVER);
    assert_int_equal(dtls_association_state(p.a.association), DTLS_FAILED);
    assert_in_range(p.b.sent - before, 8, 16);
    assert_int_equal(dtls_association_state(p.b.association), DTLS_VERIFIED);
    pair_done(&p);
}

/* OpenSSL gives up after a dozen repeated flights; the keys are good all the same. */
static void a_server_outlives_a_client_that_repeats_for_ever(void **state)
{
    (void)state;
    lose_the_last_flight();
    p.b.drop_mask = UINT64_MAX;
    pair_run(&p, DTLS_NEVER);
    assert_int_equal(dtls_association_state(p.a.association), DTLS_FAILED);
    assert_int_equal(dtls_association_state(p.b.association), DTLS_VERIFIED);
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_a_bad_link),
        cmocka_unit_test(survives_the_loss_of_any_datagram),
        cmocka_unit_test(the_server_answers_a_repeated_finished),
        cmocka_unit_test(a_released_server_answers_only_so_often),
        cmocka_unit_test(a_server_outlives_a_client_that_repeats_for_ever),
    };
    return cmocka_run_group_tests_name("dtls association loss", tests, NULL, NULL);
}
