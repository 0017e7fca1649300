/* SPDX-License-Identifier: Apache-2.0 */
/* unit/rtpsec/packets.h - packets to protect, and sessions with fixed keys. */
#ifndef UNIT_RTPSEC_PACKETS_H
#define UNIT_RTPSEC_PACKETS_H

#include "rtpsec/session.h"

enum { PACKET_ROOM = 512, PACKET_CANARY = 0xa5 };

/* A packet with its memory; what lies behind `room` bytes must not be written. */
struct test_packet {
    _Alignas(4) uint8_t data[PACKET_ROOM + 64];
    size_t len;
    bool is_rtcp;
};

struct test_packet rtp_packet(uint32_t ssrc, uint16_t seq, size_t payload_len);
struct test_packet rtcp_packet(uint32_t ssrc, size_t len);

/* The fixed master key and salt of a suite. */
struct bytes test_key(const struct rtpsec_suite *suite);
struct bytes test_salt(const struct rtpsec_suite *suite);

/* A session with the fixed key; the caller frees it. */
struct rtpsec_session *test_session(
    enum rtpsec_suite_id suite, enum rtpsec_direction direction, struct rtpsec_flags flags);

/* Turns one packet in place, giving it `capacity` bytes at most, and checks the canary. */
enum rtpsec_verdict protect_within(
    struct rtpsec_session *s, struct test_packet *p, size_t capacity);
enum rtpsec_verdict protect_one(struct rtpsec_session *s, struct test_packet *p);
enum rtpsec_verdict unprotect_one(struct rtpsec_session *s, struct test_packet *p);

/* Which engine test_session() takes. */
extern const struct rtpsec_engine *test_engine;

/* All that there are here, the reference first; NULL ends them. */
extern const struct rtpsec_engine *all_engines[4];

/* Runs a group of tests between rtpsec_init() and rtpsec_done(), with the engine that the program's
 * argument names. Without such an engine here the group is skipped. */
#define run_with_engine(name, tests, argc, argv)                                                   \
    (choose_test_engine(argc, argv)                                                                \
            ? cmocka_run_group_tests_name(name, tests, start_rtpsec, stop_rtpsec)                  \
            : 0)
bool choose_test_engine(int argc, char **argv);
int start_rtpsec(void **state);
int stop_rtpsec(void **state);

#endif
