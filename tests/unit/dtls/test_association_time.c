/* SPDX-License-Identifier: Apache-2.0 */
/* The retransmission schedule and the limits in time and size of a handshake. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct pair p;

static void retransmits_on_schedule_and_gives_up(void **state)
{
    (void)state;
    static const uint64_t sends_ms[] = {
        0, 50, 150, 350, 750, 1550, 3150, 6350, 10350, 14350, 18350, 22350, 26350};
    pair_init(&p, &(struct pair_config){0});
    p.a.drop_mask = UINT64_MAX;
    uint64_t start_ms = p.now_ms;
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, start_ms);
    assert_int_equal(dtls_due_ms(p.a.association), start_ms + 50);
    pair_run(&p, DTLS_NEVER);

    assert_int_equal(p.a.sent, COUNT_OF(sends_ms));
    for (size_t i = 0; i < COUNT_OF(sends_ms); i++)
        assert_int_equal(p.a.sent_ms[i] - start_ms, sends_ms[i]);
    assert_int_equal(dtls_association_state(p.a.association), DTLS_FAILED);
    assert_int_equal(dtls_association_failure(p.a.association), DTLS_FAILURE_TIMEOUT);
    assert_int_equal(p.now_ms, start_ms + DTLS_HANDSHAKE_MS);
    pair_done(&p);
}

static void the_server_retransmits_too(void **state)
{
    (void)state;
    pair_init(&p, &(struct pair_config){0});
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    uint64_t arrives_ms = p.now_ms + PAIR_LATENCY_MS;
    pair_run(&p, arrives_ms); /* the ClientHello is there */
    assert_true(p.b.sent > 0);
    p.a.drop_mask = p.b.drop_mask = UINT64_MAX;
    p.b.out_count = 0;
    pair_run(&p, arrives_ms + 400);

    /* OpenSSL puts each message of a repeated flight into a datagram of its own. */
    static const uint64_t waits_ms[] = {0, 50, 150, 350};
    size_t flights = 0;
    for (size_t i = 0; i < p.b.sent; i++) {
        if (flights > 0 && p.b.sent_ms[i] == arrives_ms + waits_ms[flights - 1])
            continue;
        assert_true(flights < COUNT_OF(waits_ms));
        assert_int_equal(p.b.sent_ms[i], arrives_ms + waits_ms[flights]);
        flights++;
    }
    assert_int_equal(flights, COUNT_OF(waits_ms));
    pair_done(&p);
}

static void waits_for_the_peer_without_a_timer(void **state)
{
    (void)state;
    pair_init(&p, &(struct pair_config){0});
    dtls_start(p.a.association, DTLS_ROLE_PASSIVE, p.now_ms);
    assert_true(dtls_due_ms(p.a.association) == DTLS_NEVER);
    assert_int_equal(dtls_tick(p.a.association, p.now_ms + 1000000), DTLS_IDLE);
    pair_done(&p);
}

static void a_lost_flight_costs_one_wait(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        for (unsigned lost = 0; lost < 3; lost++) {
            pair_init(&p, &(struct pair_config){0});
            (side == 0 ? &p.a : &p.b)->drop_mask = UINT64_C(1) << lost;
            uint64_t start_ms = p.now_ms;
            dtls_start(p.a.association, DTLS_ROLE_ACTIVE, start_ms);
            pair_run(&p, start_ms + 200);
            assert_true(pair_agrees(&p));
            pair_done(&p);
        }
    }
}

/* A slow wall clock must only delay: OpenSSL says "not yet", and is asked again. */
static void ends_at_the_deadline_even_without_retransmissions(void **state)
{
    (void)state;
    pair_init(&p, &(struct pair_config){0});
    p.a.drop_mask = UINT64_MAX;
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    uint64_t sampled_ms = p.now_ms + 50; /* ours has moved, the one OpenSSL reads has not */
    assert_int_equal(dtls_tick(p.a.association, sampled_ms), DTLS_HANDSHAKING);
    assert_int_equal(p.a.sent, 1);
    assert_int_equal(dtls_due_ms(p.a.association), sampled_ms + 5);
    assert_int_equal(dtls_tick(p.a.association, p.now_ms + DTLS_HANDSHAKE_MS), DTLS_FAILED);
    pair_done(&p);
}

static void an_endless_handshake_fails(void **state)
{
    (void)state;
    static const uint8_t junk[600] = {22, 0xfe, 0xfd};
    pair_init(&p, &(struct pair_config){0});
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    size_t taken = 0;
    while (
        dtls_receive(p.a.association, bytes_of(junk, sizeof(junk)), p.now_ms) == DTLS_HANDSHAKING)
        taken++;
    assert_int_equal(dtls_association_failure(p.a.association), DTLS_FAILURE_FLOOD);
    assert_int_equal(taken, DTLS_HANDSHAKE_BYTES / sizeof(junk));
    pair_done(&p);

    pair_init(&p, &(struct pair_config){0});
    dtls_start(p.a.association, DTLS_ROLE_ACTIVE, p.now_ms);
    for (taken = 0;
         dtls_receive(p.a.association, bytes_of(junk, 20), p.now_ms) == DTLS_HANDSHAKING;)
        taken++;
    assert_int_equal(taken, DTLS_HANDSHAKE_DATAGRAMS);
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retransmits_on_schedule_and_gives_up),
        cmocka_unit_test(the_server_retransmits_too),
        cmocka_unit_test(waits_for_the_peer_without_a_timer),
        cmocka_unit_test(a_lost_flight_costs_one_wait),
        cmocka_unit_test(ends_at_the_deadline_even_without_retransmissions),
        cmocka_unit_test(an_endless_handshake_fails),
    };
    return cmocka_run_group_tests_name("dtls association time", tests, NULL, NULL);
}
