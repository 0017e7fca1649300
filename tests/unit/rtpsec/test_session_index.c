/* SPDX-License-Identifier: Apache-2.0 */
/* Indices: turns of the sequence number, reordering around them, replays, batches. */
#include "packets.h"
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const enum rtpsec_suite_id suites[] = {RTPSEC_AES_128_CM_80, RTPSEC_AEAD_AES_256_GCM};
static struct reference witness;
static struct rtpsec_session *tx, *rx;

static void open_both(enum rtpsec_suite_id id)
{
    const struct rtpsec_suite *suite = rtpsec_suite(id);
    reference_init(&witness, suite, test_key(suite), test_salt(suite), (struct rtpsec_flags){0});
    tx = test_session(id, RTPSEC_TX, (struct rtpsec_flags){0});
    rx = test_session(id, RTPSEC_RX, (struct rtpsec_flags){0});
}

static void close_both(void)
{
    rtpsec_session_free(tx);
    rtpsec_session_free(rx);
}

/* The packet of a 48-bit index, protected by the witness. */
static struct test_packet sealed(uint64_t index)
{
    struct test_packet p = rtp_packet(5, (uint16_t)index, 20);
    p.len = reference_protect_rtp(&witness, p.data, p.len, index);
    return p;
}

static void assert_receives(uint64_t index, enum rtpsec_verdict verdict)
{
    struct test_packet p = sealed(index);
    assert_int_equal(unprotect_one(rx, &p), verdict);
}

static void assert_sends(uint64_t index, enum rtpsec_verdict verdict)
{
    struct test_packet p = rtp_packet(5, (uint16_t)index, 20);
    struct test_packet expected = sealed(index);
    assert_int_equal(protect_one(tx, &p), verdict);
    if (verdict == RTPSEC_OK)
        assert_memory_equal(p.data, expected.data, expected.len);
}

static void keeps_the_roc_over_many_turns(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        open_both(suites[s]);
        for (uint64_t index = 60000; index < 5 * 65536; index += 501) {
            assert_sends(index, RTPSEC_OK);
            assert_receives(index, RTPSEC_OK);
        }
        close_both();
    }
}

/* Every order of some packets around 65535 -> 0. */
static void takes_reordered_packets_over_the_turn(void **state)
{
    (void)state;
    static const int orders[][4] = {
        {0, 1, 2, 3}, {1, 0, 3, 2}, {3, 2, 1, 0}, {2, 3, 0, 1}, {3, 0, 2, 1}, {1, 3, 0, 2}};
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        for (uint64_t turn = 65536; turn <= 3 * 65536; turn += 65536) {
            for (size_t o = 0; o < COUNT_OF(orders); o++) {
                open_both(suites[s]);
                for (uint64_t index = 50000; index < turn - 2; index += 15000) {
                    assert_sends(index, RTPSEC_OK);
                    assert_receives(index, RTPSEC_OK);
                }
                for (size_t i = 0; i < 4; i++) {
                    assert_sends(turn - 2 + (uint64_t)orders[o][i], RTPSEC_OK);
                    assert_receives(turn - 2 + (uint64_t)orders[o][i], RTPSEC_OK);
                }
                for (size_t i = 0; i < 4; i++) {
                    assert_sends(turn - 2 + (uint64_t)i, RTPSEC_REPLAYED);
                    assert_receives(turn - 2 + (uint64_t)i, RTPSEC_REPLAYED);
                }
                assert_receives(turn + 10, RTPSEC_OK);
                close_both();
            }
        }
    }
}

static void knows_replays_as_far_as_the_window_reaches(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        open_both(suites[s]);
        uint64_t top = 65536 + 500;
        assert_receives(60000, RTPSEC_OK);
        assert_receives(top - 1100, RTPSEC_OK);
        assert_receives(top, RTPSEC_OK);
        assert_receives(top, RTPSEC_REPLAYED);
        assert_receives(top - RTPSEC_WINDOW, RTPSEC_TOO_OLD);
        assert_receives(top - RTPSEC_WINDOW + 1, RTPSEC_OK);
        assert_receives(top - RTPSEC_WINDOW + 1, RTPSEC_REPLAYED);
        assert_receives(top - 1, RTPSEC_OK);
        assert_receives(top - 1, RTPSEC_REPLAYED);
        close_both();
    }
}

static void forged_packets_move_nothing(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        open_both(suites[s]);
        assert_receives(40000, RTPSEC_OK);
        for (uint64_t index = 40001; index < 40001 + 65536; index += 3000) {
            struct test_packet p = sealed(index);
            p.data[p.len - 1] ^= 1;
            assert_int_equal(
                unprotect_one(rx, &p), index - 40000 > 32768 ? RTPSEC_TOO_OLD : RTPSEC_AUTH_FAILED);
        }
        assert_receives(40001, RTPSEC_OK);
        close_both();
    }
}

/* A sender that jumps on within the first turn, as one whose source starts anew. */
static void follows_a_jump_before_the_first_turn(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        open_both(suites[s]);
        assert_receives(5, RTPSEC_OK);
        assert_receives(65000, RTPSEC_OK);
        assert_receives(65536 + 20, RTPSEC_OK);
        close_both();
    }
}

static void an_array_with_doubles_gives_each_once(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        open_both(suites[s]);
        assert_receives(65000, RTPSEC_OK);
        static const uint64_t indices[] = {65535, 65536, 65535, 65537, 65536, 65534, 63000};
        static const enum rtpsec_verdict expected[] = {RTPSEC_OK, RTPSEC_OK, RTPSEC_REPLAYED,
            RTPSEC_OK, RTPSEC_REPLAYED, RTPSEC_OK, RTPSEC_TOO_OLD};
        struct test_packet packets[COUNT_OF(indices)];
        struct rtpsec_packet views[COUNT_OF(indices)];
        for (size_t i = 0; i < COUNT_OF(indices); i++) {
            packets[i] = sealed(indices[i]);
            views[i] = (struct rtpsec_packet){
                .session = rx, .data = packets[i].data, .len = packets[i].len};
        }
        rtpsec_unprotect(views, COUNT_OF(views));
        for (size_t i = 0; i < COUNT_OF(indices); i++)
            assert_int_equal(views[i].verdict, expected[i]);
        close_both();
    }
}

/* The first packets of an SSRC, in one array and already turning over. */
static void an_array_may_begin_a_stream(void **state)
{
    (void)state;
    open_both(RTPSEC_AES_128_CM_80);
    struct test_packet packets[3];
    struct rtpsec_packet views[3];
    for (size_t i = 0; i < 3; i++) {
        packets[i] = sealed(65535 + i);
        views[i] =
            (struct rtpsec_packet){.session = rx, .data = packets[i].data, .len = packets[i].len};
    }
    rtpsec_unprotect(views, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(views[i].verdict, RTPSEC_OK);
    close_both();
}

/* Each number rests on the one before it, in the same array. */
static void an_array_may_leap(void **state)
{
    (void)state;
    static const uint64_t indices[] = {1, 0x7000, 0xd000, 0x11000, 0x11001, 0x10ff0, 0x18fff, 2};
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        struct test_packet packets[COUNT_OF(indices)];
        struct rtpsec_packet views[COUNT_OF(indices)];
        open_both(suites[s]);
        for (size_t i = 0; i < COUNT_OF(indices); i++) {
            packets[i] = sealed(indices[i]);
            views[i] = (struct rtpsec_packet){
                .session = rx, .data = packets[i].data, .len = packets[i].len};
        }
        rtpsec_unprotect(views, COUNT_OF(views));
        for (size_t i = 0; i + 1 < COUNT_OF(indices); i++)
            assert_int_equal(views[i].verdict, RTPSEC_OK);
        assert_int_not_equal(views[COUNT_OF(indices) - 1].verdict, RTPSEC_OK);
        close_both();
    }
}

static enum rtpsec_verdict receive_rtcp(uint32_t index)
{
    struct test_packet p = rtcp_packet(5, 28);
    p.len = reference_protect_rtcp(&witness, p.data, p.len, index);
    return unprotect_one(rx, &p);
}

static void rtcp_has_a_window_of_its_own(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(suites); s++) {
        open_both(suites[s]);
        assert_receives(1000, RTPSEC_OK);
        assert_int_equal(receive_rtcp(1000), RTPSEC_OK);
        assert_int_equal(receive_rtcp(1000), RTPSEC_REPLAYED);
        assert_int_equal(receive_rtcp(1000 - RTPSEC_RTCP_WINDOW), RTPSEC_TOO_OLD);
        assert_int_equal(receive_rtcp(1000 - RTPSEC_RTCP_WINDOW + 1), RTPSEC_OK);
        assert_int_equal(receive_rtcp(1000 - RTPSEC_RTCP_WINDOW + 1), RTPSEC_REPLAYED);
        assert_int_equal(receive_rtcp(999), RTPSEC_OK);
        assert_int_equal(receive_rtcp(70000), RTPSEC_OK);
        assert_int_equal(receive_rtcp(1001), RTPSEC_TOO_OLD);
        close_both();
    }
}

static void streams_do_not_mix(void **state)
{
    (void)state;
    open_both(RTPSEC_AEAD_AES_256_GCM);
    for (uint64_t index = 65000; index < 66000; index += 100) {
        assert_receives(index, RTPSEC_OK);
        struct test_packet other = rtp_packet(6, (uint16_t)(index - 65000), 10);
        other.len = reference_protect_rtp(&witness, other.data, other.len, index - 65000);
        assert_int_equal(unprotect_one(rx, &other), RTPSEC_OK);
    }
    close_both();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_roc_over_many_turns),
        cmocka_unit_test(takes_reordered_packets_over_the_turn),
        cmocka_unit_test(knows_replays_as_far_as_the_window_reaches),
        cmocka_unit_test(forged_packets_move_nothing),
        cmocka_unit_test(follows_a_jump_before_the_first_turn),
        cmocka_unit_test(an_array_with_doubles_gives_each_once),
        cmocka_unit_test(an_array_may_begin_a_stream),
        cmocka_unit_test(an_array_may_leap),
        cmocka_unit_test(rtcp_has_a_window_of_its_own),
        cmocka_unit_test(streams_do_not_mix),
    };
    return run_with_engine("rtpsec index", tests, argc, argv);
}
