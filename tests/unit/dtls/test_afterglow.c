/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/afterglow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

#define CHANGE "14 fefd 0000 000000000004 0001 01 "
#define FINISHED "16 fefd 0001 000000000000 0004 deadbeef "
#define PLAIN "16 fefd 0000 000000000003 0002 0e00 "
#define DATA "17 fefd 0001 000000000001 0002 0000 "

static void watch(struct dtls_afterglow *g, const char *hex)
{
    struct bytes datagram = from_hex(hex);
    dtls_afterglow_watch(g, datagram);
    free((void *)datagram.data);
}

static struct bytes answer(struct dtls_afterglow *g, const char *hex, uint64_t now_ms)
{
    struct bytes datagram = from_hex(hex);
    struct bytes result = dtls_afterglow_answer(g, datagram, now_ms);
    free((void *)datagram.data);
    return result;
}

static void assert_bytes(struct bytes actual, const char *hex)
{
    struct bytes expected = from_hex(hex);
    assert_true(bytes_equal(actual, expected));
    free((void *)expected.data);
}

static void repeats_the_last_flight(void **state)
{
    (void)state;
    struct dtls_afterglow g = {0};
    watch(&g, PLAIN);
    watch(&g, PLAIN CHANGE);
    watch(&g, FINISHED);
    assert_bytes(answer(&g, FINISHED, 0), CHANGE FINISHED);
    /* A retransmission takes its place. */
    watch(&g, CHANGE "16 fefd 0001 000000000005 0002 cafe");
    watch(&g, DATA);
    assert_bytes(answer(&g, PLAIN FINISHED, 100), CHANGE "16 fefd 0001 000000000005 0002 cafe");
}

static void answers_only_to_a_finished(void **state)
{
    (void)state;
    struct dtls_afterglow g = {0};
    watch(&g, CHANGE FINISHED);
    assert_int_equal(answer(&g, PLAIN, 0).len, 0);
    assert_int_equal(answer(&g, DATA, 0).len, 0);
    assert_int_equal(answer(&g, "", 0).len, 0);
    assert_true(answer(&g, DATA FINISHED, 0).len > 0);
}

static void answers_seldom(void **state)
{
    (void)state;
    struct dtls_afterglow g = {0};
    watch(&g, CHANGE FINISHED);
    unsigned answers = 0;
    for (uint64_t now_ms = 0; now_ms < 500; now_ms++)
        answers += answer(&g, FINISHED, now_ms).len > 0;
    assert_int_equal(answers, 10);
    for (uint64_t now_ms = 500; now_ms < 5000; now_ms++)
        answers += answer(&g, FINISHED, now_ms).len > 0;
    assert_int_equal(answers, DTLS_REPEATS_MAX);
}

static void keeps_within_its_room(void **state)
{
    (void)state;
    struct dtls_afterglow g = {0};
    uint8_t datagram[13 + 300] = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 1, 44};
    watch(&g, CHANGE FINISHED);
    dtls_afterglow_watch(&g, bytes_of(datagram, sizeof(datagram)));
    assert_bytes(answer(&g, FINISHED, 0), CHANGE FINISHED);
    dtls_afterglow_keep_farewell(&g, bytes_of(datagram, sizeof(datagram)));
    assert_int_equal(g.farewell_len, 0);
    dtls_afterglow_keep_farewell(&g, bytes_of(datagram, 40));
    assert_int_equal(g.farewell_len, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_the_last_flight),
        cmocka_unit_test(answers_only_to_a_finished),
        cmocka_unit_test(answers_seldom),
        cmocka_unit_test(keeps_within_its_room),
    };
    return cmocka_run_group_tests_name("dtls afterglow", tests, NULL, NULL);
}
