/* SPDX-License-Identifier: Apache-2.0 */
/* Saving and restoring: a session goes on in another process. */
#include "packets.h"
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct rtpsec_flags no_flags = {0};
static const enum rtpsec_suite_id suites[] = {RTPSEC_AES_128_CM_80, RTPSEC_AEAD_AES_128_GCM};

static struct rtpsec_session *reborn(
    struct rtpsec_session *old, enum rtpsec_suite_id id, enum rtpsec_direction direction)
{
    struct rtpsec_mark marks[8];
    size_t count = rtpsec_session_save(old, marks, COUNT_OF(marks));
    rtpsec_session_free(old);
    struct rtpsec_session *s = test_session(id, direction, no_flags);
    for (size_t i = 0; i < count; i++) {
        assert_true(rtpsec_session_restore(s, &marks[i]));
        assert_false(rtpsec_session_restore(s, &marks[i])); /* it is known now */
    }
    return s;
}

static void goes_on_where_it_stopped(void **state)
{
    (void)state;
    /* Where the takeover happens: within a turn, and on either side of one. */
    static const uint64_t stops[] = {100, 32768, 65535, 65536, 3 * 65536 - 1, 3 * 65536 + 40000};
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        for (size_t t = 0; t < COUNT_OF(stops); t++) {
            struct rtpsec_session *tx = test_session(suites[s], RTPSEC_TX, no_flags);
            struct rtpsec_session *rx = test_session(suites[s], RTPSEC_RX, no_flags);
            struct test_packet old = {0};
            uint64_t step = stops[t] > 20000 ? 20000 : 1;
            for (uint64_t index = stops[t] % step; index <= stops[t]; index += step) {
                struct test_packet p = rtp_packet(5, (uint16_t)index, 20);
                assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
                old = p;
                assert_int_equal(unprotect_one(rx, &p), RTPSEC_OK);
            }
            tx = reborn(tx, suites[s], RTPSEC_TX);
            rx = reborn(rx, suites[s], RTPSEC_RX);
            assert_int_equal(unprotect_one(rx, &old), RTPSEC_REPLAYED);
            struct test_packet used = rtp_packet(5, (uint16_t)stops[t], 20);
            assert_int_equal(protect_one(tx, &used), RTPSEC_REPLAYED);
            for (uint64_t index = stops[t] + 5; index > stops[t]; index--) {
                struct test_packet p = rtp_packet(5, (uint16_t)index, 20), plain = p;
                assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
                struct test_packet forged = p;
                forged.data[20] ^= 1;
                assert_int_equal(unprotect_one(rx, &forged), RTPSEC_AUTH_FAILED);
                assert_int_equal(unprotect_one(rx, &p), RTPSEC_OK);
                assert_memory_equal(p.data, plain.data, plain.len);
            }
            rtpsec_session_free(tx);
            rtpsec_session_free(rx);
        }
    }
}

static void saves_what_it_knows(void **state)
{
    (void)state;
    struct rtpsec_mark marks[4] = {0};
    struct rtpsec_session *tx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, no_flags);
    for (uint64_t index = 60000; index < 70000; index += 1000) {
        struct test_packet p = rtp_packet(5, (uint16_t)index, 20);
        assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
    }
    for (int i = 0; i < 3; i++) {
        struct test_packet p = rtcp_packet(6, 28);
        assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
    }
    assert_int_equal(rtpsec_session_save(tx, marks, 1), 1);
    assert_int_equal(rtpsec_session_save(tx, marks, 4), 2);
    assert_int_equal(marks[0].ssrc, 5);
    assert_true(marks[0].has_rtp && !marks[0].has_rtcp);
    assert_int_equal(marks[0].roc, 1);
    assert_int_equal(marks[0].seq, 69000 - 65536);
    assert_int_equal(marks[1].ssrc, 6);
    assert_true(!marks[1].has_rtp && marks[1].has_rtcp);
    assert_int_equal(marks[1].rtcp_index, 3);
    rtpsec_session_free(tx);
}

/* Sends RTCP until the engine has caught up; each that gets out has a new, right index. */
static size_t lost_while_catching_up(
    struct rtpsec_session *tx, enum rtpsec_suite_id id, uint32_t last)
{
    const struct rtpsec_suite *suite = rtpsec_suite(id);
    struct reference witness;
    reference_init(&witness, suite, test_key(suite), test_salt(suite), no_flags);
    size_t lost = 0, sent = 0;
    for (uint32_t index = last + 1; sent < 3; index++) {
        struct test_packet p = rtcp_packet(5, 28), expected = p;
        enum rtpsec_verdict verdict = protect_one(tx, &p);
        if (verdict == RTPSEC_NOT_READY) {
            assert_int_equal(sent, 0);
            lost++;
            continue;
        }
        assert_int_equal(verdict, RTPSEC_OK);
        expected.len = reference_protect_rtcp(&witness, expected.data, expected.len, index);
        assert_memory_equal(p.data, expected.data, expected.len);
        sent++;
    }
    return lost;
}

/* Only the reference has a counter that must be pushed on. */
static void rtcp_catches_up_with_its_index(void **state)
{
    (void)state;
    static const struct {
        uint32_t last;
        size_t lost;
    } cases[] = {{1, 1}, {500, 1}, {10000, 1}, {25000, 3}};
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct rtpsec_session *tx = test_session(suites[s], RTPSEC_TX, no_flags);
            assert_true(rtpsec_session_restore(tx,
                &(struct rtpsec_mark){.ssrc = 5, .has_rtcp = true, .rtcp_index = cases[i].last}));
            size_t lost = test_engine == &rtpsec_engine_libsrtp2 ? cases[i].lost : 0;
            assert_int_equal(lost_while_catching_up(tx, suites[s], cases[i].last), lost);
            rtpsec_session_free(tx);
        }
    }
}

static void a_spent_rtcp_index_is_the_end(void **state)
{
    (void)state;
    struct rtpsec_session *tx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, no_flags);
    assert_true(rtpsec_session_restore(
        tx, &(struct rtpsec_mark){.ssrc = 5, .has_rtcp = true, .rtcp_index = 0x7fffffff}));
    struct test_packet p = rtcp_packet(5, 28);
    assert_int_equal(protect_one(tx, &p), RTPSEC_KEY_EXPIRED);
    rtpsec_session_free(tx);
}

/* A ROC that has nowhere to go on to: the next turn would be the first one again. */
static void the_last_index_is_the_end(void **state)
{
    (void)state;
    const struct rtpsec_mark last = {.ssrc = 5, .has_rtp = true, .roc = UINT32_MAX, .seq = 65533};
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        struct rtpsec_session *tx = test_session(suites[s], RTPSEC_TX, no_flags);
        struct rtpsec_session *rx = test_session(suites[s], RTPSEC_RX, no_flags);
        struct rtpsec_session *young = test_session(suites[s], RTPSEC_TX, no_flags);
        assert_true(rtpsec_session_restore(tx, &last));
        assert_true(rtpsec_session_restore(rx, &last));
        struct test_packet p = rtp_packet(5, 65535, 20), first = rtp_packet(5, 0, 20);
        assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
        assert_int_equal(unprotect_one(rx, &p), RTPSEC_OK);
        p = first;
        assert_int_equal(protect_one(tx, &p), RTPSEC_KEY_EXPIRED);
        assert_memory_equal(p.data, first.data, first.len);
        p = first;
        assert_int_equal(protect_one(young, &p), RTPSEC_OK);
        assert_int_equal(unprotect_one(rx, &p), RTPSEC_KEY_EXPIRED); /* from the first turn */
        rtpsec_session_free(tx);
        rtpsec_session_free(rx);
        rtpsec_session_free(young);
    }
}

/* What a key has served before counts: the last three packets of it. */
static void what_is_spent_stays_spent(void **state)
{
    (void)state;
    const struct rtpsec_suite *suite = rtpsec_suite(RTPSEC_AES_128_CM_80);
    struct rtpsec_session_config config = {.engine = test_engine,
        .suite = suite,
        .direction = RTPSEC_TX,
        .key = test_key(suite),
        .salt = test_salt(suite),
        .rtp_lifetime = 1003,
        .rtcp_lifetime = 53};
    struct rtpsec_session *tx = rtpsec_session_new(&config);
    assert_non_null(tx);
    assert_true(rtpsec_session_restore(
        tx, &(struct rtpsec_mark){
                .ssrc = 5, .has_rtp = true, .seq = 999, .has_rtcp = true, .rtcp_index = 50}));
    for (uint16_t i = 0; i < 3; i++) {
        struct test_packet p = rtp_packet(i, 10, 20); /* of any SSRC */
        assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
    }
    struct test_packet p = rtp_packet(5, 1000, 20);
    assert_int_equal(protect_one(tx, &p), RTPSEC_KEY_EXPIRED);
    rtpsec_session_doubt(tx, 4);
    p = rtcp_packet(5, 28);
    assert_int_equal(protect_one(tx, &p), RTPSEC_KEY_EXPIRED);
    rtpsec_session_free(tx);
}

/* So that a receiver forgets the right one afterwards. */
static void saves_the_longest_idle_first(void **state)
{
    (void)state;
    static const uint32_t order[] = {7, 3, 9, 3, 8, 7};
    struct rtpsec_mark marks[8];
    struct rtpsec_session *tx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, no_flags);
    for (uint16_t i = 0; i < COUNT_OF(order); i++) {
        struct test_packet p = rtp_packet(order[i], i, 20);
        assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
    }
    for (int again = 0; again < 2; again++) {
        assert_int_equal(rtpsec_session_save(tx, marks, COUNT_OF(marks)), 4);
        assert_int_equal(marks[0].ssrc, 9);
        assert_int_equal(marks[1].ssrc, 3);
        assert_int_equal(marks[2].ssrc, 8);
        assert_int_equal(marks[3].ssrc, 7);
        tx = reborn(tx, RTPSEC_AES_128_CM_80, RTPSEC_TX);
    }
    assert_int_equal(rtpsec_session_save(tx, marks, 1), 1);
    assert_int_equal(marks[0].ssrc, 7);
    rtpsec_session_free(tx);
}

static void tells_its_key(void **state)
{
    (void)state;
    const struct rtpsec_suite *suite = rtpsec_suite(RTPSEC_AEAD_AES_256_GCM);
    struct rtpsec_session *tx = test_session(suite->id, RTPSEC_TX, no_flags);
    assert_true(bytes_equal(rtpsec_session_key(tx), test_key(suite)));
    assert_true(bytes_equal(rtpsec_session_salt(tx), test_salt(suite)));
    rtpsec_session_free(tx);
}

/* Another went on behind the mark: no index between it and the first packet is used again. */
static void doubts_what_lies_behind_an_old_mark(void **state)
{
    (void)state;
    static const uint64_t marks[] = {100, 65530, 3 * 65536 - 1};
    for (size_t i = 0; i < COUNT_OF(suites) * COUNT_OF(marks); i++) {
        enum rtpsec_suite_id id = suites[i % COUNT_OF(suites)];
        uint64_t mark = marks[i / COUNT_OF(suites)], first = mark + 300;
        struct rtpsec_session *both[] = {
            test_session(id, RTPSEC_TX, no_flags), test_session(id, RTPSEC_RX, no_flags)};
        struct rtpsec_session *sender = test_session(id, RTPSEC_TX, no_flags);
        const struct rtpsec_mark old = {
            .ssrc = 5, .has_rtp = true, .seq = (uint16_t)mark, .roc = (uint32_t)(mark >> 16)};
        assert_true(rtpsec_session_restore(both[0], &old));
        assert_true(rtpsec_session_restore(both[1], &old));
        assert_true(rtpsec_session_restore(sender, &old));
        rtpsec_session_doubt(both[0], 0);
        rtpsec_session_doubt(both[1], 0);

        struct test_packet late = rtp_packet(5, (uint16_t)(first - 1), 20), plain = late;
        struct test_packet p = rtp_packet(5, (uint16_t)first, 20), next = p;
        assert_int_equal(protect_one(sender, &late), RTPSEC_OK);
        assert_int_equal(protect_one(sender, &next), RTPSEC_OK);
        assert_int_equal(protect_one(both[0], &p), RTPSEC_OK);
        assert_memory_equal(p.data, next.data, next.len); /* with the right ROC */
        assert_int_equal(unprotect_one(both[1], &next), RTPSEC_OK);
        assert_int_equal(protect_one(both[0], &plain), RTPSEC_REPLAYED);
        assert_int_equal(unprotect_one(both[1], &late), RTPSEC_REPLAYED);

        /* Only there: later gaps are filled as ever. */
        for (uint64_t index = first + 5; index > first; index--) {
            p = rtp_packet(5, (uint16_t)index, 20);
            assert_int_equal(protect_one(both[0], &p), RTPSEC_OK);
            assert_int_equal(unprotect_one(both[1], &p), RTPSEC_OK);
        }
        rtpsec_session_free(both[0]);
        rtpsec_session_free(both[1]);
        rtpsec_session_free(sender);
    }
}

/* Also of those that had sent none, and of those that nobody knew. */
static void every_ssrc_skips_indices_of_rtcp(void **state)
{
    (void)state;
    static const struct rtpsec_mark known[] = {
        {.ssrc = 1, .has_rtcp = true, .rtcp_index = 7},
        {.ssrc = 2, .has_rtp = true, .seq = 9},
    };
    static const uint32_t first[] = {58, 51, 51};
    const struct rtpsec_suite *suite = rtpsec_suite(RTPSEC_AEAD_AES_128_GCM);
    struct rtpsec_session *tx = test_session(suite->id, RTPSEC_TX, no_flags);
    struct reference witness;
    reference_init(&witness, suite, test_key(suite), test_salt(suite), no_flags);
    for (size_t i = 0; i < COUNT_OF(known); i++)
        assert_true(rtpsec_session_restore(tx, &known[i]));
    rtpsec_session_doubt(tx, 50);
    for (uint32_t i = 0; i < COUNT_OF(first); i++) {
        struct test_packet p = rtcp_packet(i + 1, 28), expected = p;
        if (test_engine == &rtpsec_engine_libsrtp2) {
            assert_int_equal(protect_one(tx, &p), RTPSEC_NOT_READY);
            continue;
        }
        assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
        expected.len = reference_protect_rtcp(&witness, expected.data, expected.len, first[i]);
        assert_memory_equal(p.data, expected.data, expected.len);
    }
    rtpsec_session_free(tx);
}

/* Doubts, and where unknown SSRCs begin, go from one to the next; each that is in doubt adds to it.
 */
static void doubts_are_handed_on(void **state)
{
    (void)state;
    const struct rtpsec_mark old = {.ssrc = 1, .has_rtp = true, .seq = 9};
    const struct rtpsec_suite *suite = rtpsec_suite(RTPSEC_AEAD_AES_128_GCM);
    struct rtpsec_session *tx = test_session(suite->id, RTPSEC_TX, no_flags);
    struct rtpsec_session *rx = test_session(suite->id, RTPSEC_RX, no_flags);
    struct rtpsec_mark mark;
    rtpsec_session_begin_rtcp(tx, 1000);
    rtpsec_session_begin_rtcp(rx, 1000); /* not for a receiver */
    assert_true(rtpsec_session_restore(tx, &old) && rtpsec_session_restore(rx, &old));
    assert_false(rtpsec_session_is_unsure(tx) || rtpsec_session_is_unsure(rx));
    assert_int_equal(rtpsec_session_save(tx, &mark, 1), 1);
    assert_true(mark.has_rtcp);
    assert_int_equal(mark.rtcp_index, 1000);
    rtpsec_session_doubt(tx, 50);
    rtpsec_session_doubt(rx, 50);
    assert_true(rtpsec_session_is_unsure(tx) && rtpsec_session_is_unsure(rx));
    assert_int_equal(rtpsec_session_save(tx, &mark, 1), 1);
    assert_int_equal(mark.rtcp_index, 1050);
    assert_int_equal(rtpsec_session_save(rx, &mark, 1), 1);
    assert_false(mark.has_rtcp);
    assert_int_equal(rtpsec_session_rtcp_begin(tx), 1050);
    assert_int_equal(rtpsec_session_rtcp_begin(rx), 0);
    struct test_packet p = rtp_packet(1, 10, 20);
    assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
    assert_int_equal(unprotect_one(rx, &p), RTPSEC_OK);
    assert_true(rtpsec_session_is_unsure(tx)); /* of its RTCP */
    assert_false(rtpsec_session_is_unsure(rx));
    rtpsec_session_begin_rtcp(tx, UINT32_MAX);
    assert_int_equal(rtpsec_session_rtcp_begin(tx), 0x7fffffff);
    rtpsec_session_free(tx);
    rtpsec_session_free(rx);
}

static void no_index_of_rtcp_may_be_left(void **state)
{
    (void)state;
    struct rtpsec_session *tx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, no_flags);
    assert_true(rtpsec_session_restore(
        tx, &(struct rtpsec_mark){.ssrc = 5, .has_rtcp = true, .rtcp_index = 0x7fffffe0}));
    rtpsec_session_doubt(tx, 50);
    struct test_packet p = rtcp_packet(5, 28);
    assert_int_equal(protect_one(tx, &p), RTPSEC_KEY_EXPIRED);
    rtpsec_session_free(tx);
}

static void restores_no_more_than_there_is_room_for(void **state)
{
    (void)state;
    struct rtpsec_session *rx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_RX, no_flags);
    for (uint32_t i = 0; i <= RTPSEC_RX_SSRCS; i++)
        assert_int_equal(
            rtpsec_session_restore(rx, &(struct rtpsec_mark){.ssrc = i}), i < RTPSEC_RX_SSRCS);
    rtpsec_session_free(rx);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_where_it_stopped),
        cmocka_unit_test(saves_what_it_knows),
        cmocka_unit_test(rtcp_catches_up_with_its_index),
        cmocka_unit_test(a_spent_rtcp_index_is_the_end),
        cmocka_unit_test(the_last_index_is_the_end),
        cmocka_unit_test(what_is_spent_stays_spent),
        cmocka_unit_test(saves_the_longest_idle_first),
        cmocka_unit_test(tells_its_key),
        cmocka_unit_test(doubts_what_lies_behind_an_old_mark),
        cmocka_unit_test(every_ssrc_skips_indices_of_rtcp),
        cmocka_unit_test(doubts_are_handed_on),
        cmocka_unit_test(no_index_of_rtcp_may_be_left),
        cmocka_unit_test(restores_no_more_than_there_is_room_for),
    };
    return run_with_engine("rtpsec marks", tests, argc, argv);
}
