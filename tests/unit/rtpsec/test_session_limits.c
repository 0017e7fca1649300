/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused: no room, no RTP, too many SSRCs, a spent key, a failing engine. */
#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct rtpsec_flags no_flags = {0};

static void needs_room_for_the_trailer(void **state)
{
    (void)state;
    for (unsigned n = 0; n < RTPSEC_SUITES; n++) {
        enum rtpsec_suite_id id = (enum rtpsec_suite_id)n;
        struct rtpsec_session *tx = test_session(id, RTPSEC_TX, no_flags);
        const struct rtpsec_suite *suite = rtpsec_suite(id);
        struct test_packet rtp = rtp_packet(1, 1, 20), rtcp = rtcp_packet(1, 28);
        assert_int_equal(protect_within(tx, &rtp, 0), RTPSEC_NO_ROOM);
        assert_int_equal(
            protect_within(tx, &rtp, rtp.len + suite->rtp_tag_len - 1), RTPSEC_NO_ROOM);
        assert_int_equal(protect_within(tx, &rtp, rtp.len + suite->rtp_tag_len), RTPSEC_OK);
        assert_int_equal(
            protect_within(tx, &rtcp, rtcp.len + suite->rtcp_tag_len + 3), RTPSEC_NO_ROOM);
        assert_int_equal(protect_within(tx, &rtcp, rtcp.len + suite->rtcp_tag_len + 4), RTPSEC_OK);
        rtpsec_session_free(tx);
    }
}

static const struct {
    const char *what;
    bool is_rtcp;
    uint8_t data[40];
    size_t len;
} malformed[] = {
    {"nothing", false, {0}, 0},
    {"RTP of 11 bytes", false, {0x80}, 11},
    {"RTP version 1", false, {0x40}, 40},
    {"RTP version 3", false, {0xc0}, 40},
    {"contributing sources overrun", false, {0x88}, 40},
    {"extension header cut", false, {0x90}, 14},
    {"extension overruns", false, {0x90, [14] = 0, [15] = 7}, 40},
    {"RTCP of 7 bytes", true, {0x80}, 7},
    {"RTCP version 0", true, {0x00}, 40},
};

static void refuses_malformed_packets(void **state)
{
    (void)state;
    struct rtpsec_session *tx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, no_flags);
    struct rtpsec_session *rx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_RX, no_flags);
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        struct test_packet p = {.len = malformed[i].len, .is_rtcp = malformed[i].is_rtcp};
        memset(p.data, PACKET_CANARY, sizeof(p.data));
        memcpy(p.data, malformed[i].data, p.len);
        assert_int_equal(protect_one(tx, &p), RTPSEC_MALFORMED);
        assert_int_equal(unprotect_one(rx, &p), RTPSEC_MALFORMED);
    }
    /* Sound as RTP and RTCP, but without a whole trailer. */
    struct test_packet rtp = rtp_packet(1, 1, 9), rtcp = rtcp_packet(1, 20);
    assert_int_equal(unprotect_one(rx, &rtp), RTPSEC_MALFORMED);
    assert_int_equal(unprotect_one(rx, &rtcp), RTPSEC_MALFORMED);
    rtpsec_session_free(tx);
    rtpsec_session_free(rx);
}

static void a_receiver_forgets_the_ssrc_idle_longest(void **state)
{
    (void)state;
    struct rtpsec_session *tx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, no_flags);
    struct rtpsec_session *rx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_RX, no_flags);
    struct rtpsec_mark marks[RTPSEC_RX_SSRCS + 1];
    struct test_packet first = rtp_packet(100, 50, 10), again, of_101 = {0};
    assert_int_equal(protect_one(tx, &first), RTPSEC_OK);
    for (uint32_t i = 0; i < RTPSEC_RX_SSRCS; i++) {
        struct test_packet p = rtp_packet(100 + i, 51, 10);
        assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
        if (i == 1)
            of_101 = p;
        assert_int_equal(unprotect_one(rx, &p), RTPSEC_OK);
    }
    again = first;
    assert_int_equal(unprotect_one(rx, &again), RTPSEC_OK); /* now 101 is idle longest */
    again = first;
    assert_int_equal(unprotect_one(rx, &again), RTPSEC_REPLAYED);

    struct test_packet forged = rtp_packet(999, 1, 40);
    assert_int_equal(unprotect_one(rx, &forged), RTPSEC_AUTH_FAILED);
    struct test_packet one_more = rtp_packet(998, 1, 10);
    assert_int_equal(protect_one(tx, &one_more), RTPSEC_OK);
    assert_int_equal(unprotect_one(rx, &one_more), RTPSEC_OK);

    size_t count = rtpsec_session_save(rx, marks, COUNT_OF(marks));
    assert_int_equal(count, RTPSEC_RX_SSRCS);
    for (size_t i = 0; i < count; i++)
        assert_true(marks[i].ssrc != 101 && marks[i].ssrc != 999);

    /* The forgotten one may come back, and starts anew in the engine as well. */
    again = of_101;
    assert_int_equal(unprotect_one(rx, &again), RTPSEC_OK);
    again = of_101;
    assert_int_equal(unprotect_one(rx, &again), RTPSEC_REPLAYED);
    rtpsec_session_free(tx);
    rtpsec_session_free(rx);
}

/* What waits in an array counts as heard before a newcomer behind it looks for a place. */
static void a_newcomer_waits_for_those_before_it(void **state)
{
    (void)state;
    struct rtpsec_session *tx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, no_flags);
    struct rtpsec_session *rx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_RX, no_flags);
    struct rtpsec_mark marks[RTPSEC_RX_SSRCS];
    for (uint32_t i = 0; i < RTPSEC_RX_SSRCS; i++) {
        struct test_packet p = rtp_packet(100 + i, 1, 10);
        assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
        assert_int_equal(unprotect_one(rx, &p), RTPSEC_OK);
    }
    struct test_packet of_100 = rtcp_packet(100, 28), newcomer = rtp_packet(500, 1, 10);
    assert_int_equal(protect_one(tx, &of_100), RTPSEC_OK);
    assert_int_equal(protect_one(tx, &newcomer), RTPSEC_OK);
    struct rtpsec_packet views[] = {
        {.session = rx, .data = of_100.data, .len = of_100.len, .is_rtcp = true},
        {.session = rx, .data = newcomer.data, .len = newcomer.len},
    };
    rtpsec_unprotect(views, COUNT_OF(views));
    assert_int_equal(views[0].verdict, RTPSEC_OK);
    assert_int_equal(views[1].verdict, RTPSEC_OK);
    assert_int_equal(rtpsec_session_save(rx, marks, COUNT_OF(marks)), RTPSEC_RX_SSRCS);
    bool has_100 = false;
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        has_100 |= marks[i].ssrc == 100;
        assert_int_not_equal(marks[i].ssrc, 101);
    }
    assert_true(has_100);
    rtpsec_session_free(tx);
    rtpsec_session_free(rx);
}

static void a_sender_forgets_nothing(void **state)
{
    (void)state;
    struct rtpsec_session *tx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, no_flags);
    for (uint32_t i = 0; i <= RTPSEC_TX_SSRCS; i++) {
        struct test_packet p = rtp_packet(i, 7, 10);
        assert_int_equal(
            protect_one(tx, &p), i < RTPSEC_TX_SSRCS ? RTPSEC_OK : RTPSEC_TOO_MANY_SSRC);
    }
    struct test_packet p = rtp_packet(0, 7, 10);
    assert_int_equal(protect_one(tx, &p), RTPSEC_REPLAYED);
    rtpsec_session_free(tx);
}

static void unauthenticated_packets_push_nobody_out(void **state)
{
    (void)state;
    struct rtpsec_flags flags = {.unauthenticated_srtp = true};
    struct rtpsec_session *rx = test_session(RTPSEC_AES_128_CM_80, RTPSEC_RX, flags);
    for (uint32_t i = 0; i <= RTPSEC_RX_SSRCS; i++) {
        struct test_packet p = rtp_packet(i, 7, 10);
        assert_int_equal(
            unprotect_one(rx, &p), i < RTPSEC_RX_SSRCS ? RTPSEC_OK : RTPSEC_TOO_MANY_SSRC);
    }
    rtpsec_session_free(rx);
}

static struct rtpsec_session *short_lived(enum rtpsec_direction direction)
{
    const struct rtpsec_suite *suite = rtpsec_suite(RTPSEC_AES_128_CM_80);
    return rtpsec_session_new(&(struct rtpsec_session_config){.engine = test_engine,
        .suite = suite,
        .direction = direction,
        .key = test_key(suite),
        .salt = test_salt(suite),
        .rtp_lifetime = 3,
        .rtcp_lifetime = 2});
}

static void a_key_is_spent_one_day(void **state)
{
    (void)state;
    struct rtpsec_session *endless = test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, no_flags);
    struct rtpsec_session *tx = short_lived(RTPSEC_TX), *rx = short_lived(RTPSEC_RX);
    struct test_packet packets[6];
    struct rtpsec_packet views[6];
    for (size_t i = 0; i < 6; i++) {
        struct test_packet p = rtp_packet(1, (uint16_t)i, 10);
        packets[i] = p;
        assert_int_equal(protect_one(tx, &p), i < 3 ? RTPSEC_OK : RTPSEC_KEY_EXPIRED);
        assert_int_equal(protect_one(endless, &packets[i]), RTPSEC_OK);
        views[i] =
            (struct rtpsec_packet){.session = rx, .data = packets[i].data, .len = packets[i].len};
    }
    rtpsec_unprotect(views, 6); /* in one array, past the end of the key */
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(views[i].verdict, i < 3 ? RTPSEC_OK : RTPSEC_KEY_EXPIRED);
    for (size_t i = 0; i < 4; i++) {
        struct test_packet p = rtcp_packet(1, 28);
        assert_int_equal(protect_one(tx, &p), i < 2 ? RTPSEC_OK : RTPSEC_KEY_EXPIRED);
    }
    rtpsec_session_free(endless);
    rtpsec_session_free(tx);
    rtpsec_session_free(rx);
}

/* An engine that answers what the test wants. */
static enum rtpsec_job_result scripted_result;
static bool opens;

static void *scripted_open(const struct rtpsec_engine_key *key)
{
    (void)key;
    return opens ? &opens : NULL;
}

static void scripted_close(void *context)
{
    assert_ptr_equal(context, &opens);
}

static void scripted_forget(void *context, uint32_t ssrc)
{
    (void)context;
    (void)ssrc;
}

static void scripted_turn(struct rtpsec_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        jobs[i].result = scripted_result;
}

static const struct rtpsec_engine scripted = {"scripted", scripted_open, scripted_close,
    scripted_forget, scripted_turn, scripted_turn, scripted_turn, scripted_turn};

static void says_what_the_engine_says(void **state)
{
    (void)state;
    static const struct {
        enum rtpsec_job_result result;
        enum rtpsec_verdict rx, tx;
    } cases[] = {
        {RTPSEC_JOB_OK, RTPSEC_OK, RTPSEC_OK},
        {RTPSEC_JOB_AUTH_FAILED, RTPSEC_AUTH_FAILED, RTPSEC_ENGINE_FAILED},
        {RTPSEC_JOB_REPLAYED, RTPSEC_REPLAYED, RTPSEC_REPLAYED},
        {RTPSEC_JOB_NOT_READY, RTPSEC_NOT_READY, RTPSEC_NOT_READY},
        {RTPSEC_JOB_FAILED, RTPSEC_ENGINE_FAILED, RTPSEC_ENGINE_FAILED},
    };
    const struct rtpsec_suite *suite = rtpsec_suite(RTPSEC_AES_128_CM_80);
    struct rtpsec_session_config c = {
        .engine = &scripted, .suite = suite, .key = test_key(suite), .salt = test_salt(suite)};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        c.direction = RTPSEC_RX;
        struct rtpsec_session *rx = rtpsec_session_new(&c);
        c.direction = RTPSEC_TX;
        struct rtpsec_session *tx = rtpsec_session_new(&c);
        struct test_packet p = rtp_packet(1, 1, 40);
        scripted_result = cases[i].result;
        opens = false; /* an engine without memory now may have some later */
        assert_int_equal(unprotect_one(rx, &p), RTPSEC_ENGINE_FAILED);
        opens = true;
        assert_int_equal(unprotect_one(rx, &p), cases[i].rx);
        assert_int_equal(protect_one(tx, &p), cases[i].tx);
        rtpsec_session_free(rx);
        rtpsec_session_free(tx);
    }
}

static void every_verdict_has_a_name(void **state)
{
    (void)state;
    for (unsigned v = 0; v < RTPSEC_VERDICTS; v++)
        assert_non_null(rtpsec_verdict_name((enum rtpsec_verdict)v));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_room_for_the_trailer),
        cmocka_unit_test(refuses_malformed_packets),
        cmocka_unit_test(a_receiver_forgets_the_ssrc_idle_longest),
        cmocka_unit_test(a_newcomer_waits_for_those_before_it),
        cmocka_unit_test(a_sender_forgets_nothing),
        cmocka_unit_test(unauthenticated_packets_push_nobody_out),
        cmocka_unit_test(a_key_is_spent_one_day),
        cmocka_unit_test(says_what_the_engine_says),
        cmocka_unit_test(every_verdict_has_a_name),
    };
    return run_with_engine("rtpsec limits", tests, argc, argv);
}
