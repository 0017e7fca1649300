/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/classify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "mediaferry/rtp.h"

enum { ENOUGH = 64 };

/* RFC 7983, section 7, value by value. */
static enum packet_kind expected_for(unsigned first)
{
    return first <= 3                   ? PACKET_STUN
           : first < 16                 ? PACKET_UNKNOWN
           : first <= 19                ? PACKET_ZRTP
           : first <= 63                ? PACKET_DTLS
           : first <= 79                ? PACKET_CHANNEL_DATA
           : first < 128 || first > 191 ? PACKET_UNKNOWN
                                        : PACKET_RTP;
}

static void tells_all_first_bytes_apart(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        uint8_t datagram[ENOUGH] = {(uint8_t)first};
        assert_int_equal(
            packet_classify(bytes_of(datagram, sizeof(datagram))), expected_for(first));
    }
}

/* RFC 5761, section 4: payload types 64 to 95 with the marker bit are RTCP. */
static void tells_rtp_and_rtcp_apart(void **state)
{
    (void)state;
    for (unsigned second = 0; second < 256; second++) {
        uint8_t datagram[ENOUGH] = {0x80, (uint8_t)second};
        enum packet_kind expected = second >= 192 && second < 224 ? PACKET_RTCP : PACKET_RTP;
        assert_int_equal(packet_classify(bytes_of(datagram, sizeof(datagram))), expected);
        assert_int_equal(rtp_is_rtcp(bytes_of(datagram, 2)), expected == PACKET_RTCP);
    }
    assert_false(rtp_is_rtcp(bytes_of("\x80", 1)));
    assert_false(rtp_is_rtcp(bytes_of(NULL, 0)));
}

static void what_is_too_short_is_nothing(void **state)
{
    static const struct {
        uint8_t head[2];
        size_t min;
        enum packet_kind kind;
    } cases[] = {
        {{0x00, 0x01}, 20, PACKET_STUN},
        {{0x10, 0x00}, 16, PACKET_ZRTP},
        {{0x16, 0xfe}, 13, PACKET_DTLS},
        {{0x40, 0x00}, 4, PACKET_CHANNEL_DATA},
        {{0x80, 0x00}, 12, PACKET_RTP},
        {{0x80, 0xc9}, 8, PACKET_RTCP},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t len = 0; len < ENOUGH; len++) {
            uint8_t *exact = calloc(1, len > 0 ? len : 1);
            assert_non_null(exact);
            memcpy(exact, cases[i].head, len < 2 ? len : 2);
            assert_int_equal(packet_classify(bytes_of(exact, len)),
                len >= cases[i].min ? cases[i].kind : PACKET_UNKNOWN);
            free(exact);
        }
    }
}

static void names_differ(void **state)
{
    (void)state;
    for (unsigned a = PACKET_UNKNOWN; a <= PACKET_RTCP; a++)
        for (unsigned b = PACKET_UNKNOWN; b < a; b++)
            assert_string_not_equal(packet_kind_name(a), packet_kind_name(b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_all_first_bytes_apart),
        cmocka_unit_test(tells_rtp_and_rtcp_apart),
        cmocka_unit_test(what_is_too_short_is_nothing),
        cmocka_unit_test(names_differ),
    };
    return cmocka_run_group_tests_name("classify", tests, NULL, NULL);
}
