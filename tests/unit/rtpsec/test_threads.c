/* SPDX-License-Identifier: Apache-2.0 */
/* Workers at once, each with contexts of its own; best run under TSan. */
#include "packets.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 40, ARRAY = 70 };

struct pair {
    struct rtpsec_session *tx, *rx;
};

static bool round_trip(const struct pair *pairs, uint16_t round)
{
    static const uint32_t SSRC = 7;
    struct test_packet packets[ARRAY];
    struct rtpsec_packet views[ARRAY];
    bool right = true;
    for (size_t i = 0; i < ARRAY; i++) {
        const struct pair *pair = &pairs[i % RTPSEC_SUITES];
        uint16_t seq = (uint16_t)(round * ARRAY + i);
        packets[i] = i % 10 == 9 ? rtcp_packet(SSRC, 28) : rtp_packet(SSRC, seq, 160);
        views[i] = (struct rtpsec_packet){.session = pair->tx,
            .data = packets[i].data,
            .len = packets[i].len,
            .capacity = PACKET_ROOM,
            .is_rtcp = packets[i].is_rtcp};
    }
    rtpsec_protect(views, ARRAY);
    for (size_t i = 0; i < ARRAY; i++) {
        right &= views[i].verdict == RTPSEC_OK;
        views[i].session = pairs[i % RTPSEC_SUITES].rx;
    }
    rtpsec_unprotect(views, ARRAY);
    for (size_t i = 0; i < ARRAY; i++)
        right &= views[i].verdict == RTPSEC_OK && views[i].len == packets[i].len;
    return right;
}

static struct rtpsec_session *session(unsigned id, enum rtpsec_direction direction)
{
    const struct rtpsec_suite *suite = rtpsec_suite((enum rtpsec_suite_id)id);
    return rtpsec_session_new(&(struct rtpsec_session_config){.engine = test_engine,
        .suite = suite,
        .direction = direction,
        .key = test_key(suite),
        .salt = test_salt(suite)});
}

/* Returns whether all went well; cmocka's assertions belong to the main thread. */
static void *work(void *argument)
{
    bool *right = argument;
    struct pair pairs[RTPSEC_SUITES];
    for (unsigned id = 0; id < RTPSEC_SUITES; id++)
        pairs[id] = (struct pair){session(id, RTPSEC_TX), session(id, RTPSEC_RX)};
    *right = true;
    for (uint16_t round = 0; round < ROUNDS; round++)
        *right &= round_trip(pairs, round);
    for (unsigned id = 0; id < RTPSEC_SUITES; id++) {
        rtpsec_session_free(pairs[id].tx);
        rtpsec_session_free(pairs[id].rx);
    }
    return NULL;
}

static void threads_do_not_meet(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    bool right[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &right[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(right[i]);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_meet),
    };
    return run_with_engine("rtpsec threads", tests, argc, argv);
}
