/* SPDX-License-Identifier: Apache-2.0 */
#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

const struct rtpsec_engine *test_engine = &rtpsec_engine_libsrtp2;
const struct rtpsec_engine *all_engines[4];

static struct test_packet filled(struct writer *w, struct test_packet *p, size_t body_len)
{
    for (size_t i = 0; i < body_len; i++)
        writer_u8(w, (uint8_t)(i * 7 + 1));
    assert_true(writer_ok(w));
    p->len = w->len;
    memset(p->data + p->len, PACKET_CANARY, sizeof(p->data) - p->len);
    return *p;
}

struct test_packet rtp_packet(uint32_t ssrc, uint16_t seq, size_t payload_len)
{
    struct test_packet p = {0};
    struct writer w = writer_over(p.data, PACKET_ROOM);
    writer_u16(&w, 0x8008);
    writer_u16(&w, seq);
    writer_u32(&w, (uint32_t)seq * 160);
    writer_u32(&w, ssrc);
    return filled(&w, &p, payload_len);
}

struct test_packet rtcp_packet(uint32_t ssrc, size_t len)
{
    struct test_packet p = {.is_rtcp = true};
    struct writer w = writer_over(p.data, PACKET_ROOM);
    writer_u16(&w, 0x80c8);
    writer_u16(&w, (uint16_t)(len / 4 - 1));
    writer_u32(&w, ssrc);
    return filled(&w, &p, len - 8);
}

struct bytes test_key(const struct rtpsec_suite *suite)
{
    static const uint8_t key[RTPSEC_MAX_KEY] = {0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0,
        0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde, 0x41, 0x39, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
        0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x01};
    return bytes_of(key, suite->key_len);
}

struct bytes test_salt(const struct rtpsec_suite *suite)
{
    static const uint8_t salt[RTPSEC_MAX_SALT] = {
        0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6};
    return bytes_of(salt, suite->salt_len);
}

struct rtpsec_session *test_session(
    enum rtpsec_suite_id id, enum rtpsec_direction direction, struct rtpsec_flags flags)
{
    const struct rtpsec_suite *suite = rtpsec_suite(id);
    struct rtpsec_session *s =
        rtpsec_session_new(&(struct rtpsec_session_config){.engine = test_engine,
            .suite = suite,
            .direction = direction,
            .key = test_key(suite),
            .salt = test_salt(suite),
            .flags = flags});
    assert_non_null(s);
    assert_ptr_equal(rtpsec_session_suite(s), suite);
    return s;
}

enum rtpsec_verdict protect_within(struct rtpsec_session *s, struct test_packet *p, size_t capacity)
{
    struct rtpsec_packet view = {
        .session = s, .data = p->data, .len = p->len, .capacity = capacity, .is_rtcp = p->is_rtcp};
    rtpsec_protect(&view, 1);
    p->len = view.len;
    assert_true(p->len <= capacity || view.verdict != RTPSEC_OK);
    /* A packet that failed on its way may have got a trailer all the same. */
    size_t written = view.verdict == RTPSEC_OK || p->len > capacity ? p->len : capacity;
    for (size_t i = written; i < sizeof(p->data); i++)
        assert_int_equal(p->data[i], PACKET_CANARY);
    return view.verdict;
}

enum rtpsec_verdict protect_one(struct rtpsec_session *s, struct test_packet *p)
{
    return protect_within(s, p, PACKET_ROOM);
}

enum rtpsec_verdict unprotect_one(struct rtpsec_session *s, struct test_packet *p)
{
    struct rtpsec_packet view = {
        .session = s, .data = p->data, .len = p->len, .capacity = p->len, .is_rtcp = p->is_rtcp};
    rtpsec_unprotect(&view, 1);
    p->len = view.len;
    return view.verdict;
}

bool choose_test_engine(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "libsrtp2";
    struct rtpsec_choice choice = rtpsec_engine_choose(name);
    if (choice.engine == NULL) {
        printf("1..0 # SKIP %s: %s\n", name, choice.why);
        return false;
    }
    test_engine = choice.engine;
    return true;
}

static void find_engines(void)
{
    static const char *const names[] = {"libsrtp2", "openssl", "ipsec-mb"};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct rtpsec_choice choice = rtpsec_engine_choose(names[i]);
        if (choice.engine != NULL)
            all_engines[count++] = choice.engine;
    }
}

int start_rtpsec(void **state)
{
    (void)state;
    find_engines();
    return rtpsec_init() ? 0 : 1;
}

int stop_rtpsec(void **state)
{
    (void)state;
    rtpsec_done();
    return 0;
}
