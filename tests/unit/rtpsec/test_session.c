/* SPDX-License-Identifier: Apache-2.0 */
/* What goes on the wire, byte for byte, against the witness; and back. */
#include "packets.h"
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

static const struct rtpsec_flags flag_sets[] = {
    {0},
    {.unencrypted_srtp = true},
    {.unencrypted_srtcp = true},
    {.unauthenticated_srtp = true},
    {.unencrypted_srtp = true, .unencrypted_srtcp = true, .unauthenticated_srtp = true},
};

static bool allowed(const struct rtpsec_suite *suite, struct rtpsec_flags flags)
{
    return !suite->is_aead || (!flags.unencrypted_srtp && !flags.unauthenticated_srtp);
}

/* Some lengths, an extension and contributing sources. */
static struct test_packet sample(size_t number, uint32_t ssrc)
{
    static const size_t payloads[] = {160, 1, 0, 15, 16, 17, 400, 40};
    struct test_packet p = rtp_packet(ssrc, (uint16_t)(1000 + number), payloads[number % 8]);
    if (number == 7) {
        p.data[0] = 0x92; /* two contributing sources, then an extension of 3 words */
        memcpy(p.data + 20, "\xbe\xde\x00\x03", 4);
    }
    return p;
}

static void both_ways(enum rtpsec_suite_id id, struct rtpsec_flags flags)
{
    const struct rtpsec_suite *suite = rtpsec_suite(id);
    struct reference witness;
    print_message("# %s, flags %d%d%d\n", suite->name, flags.unencrypted_srtp,
        flags.unencrypted_srtcp, flags.unauthenticated_srtp);
    reference_init(&witness, suite, test_key(suite), test_salt(suite), flags);
    struct rtpsec_session *tx = test_session(id, RTPSEC_TX, flags);
    struct rtpsec_session *rx = test_session(id, RTPSEC_RX, flags);

    for (size_t i = 0; i < 8; i++) {
        struct test_packet plain = sample(i, 0xcafebabe), ours = plain, theirs = plain;
        assert_int_equal(protect_one(tx, &ours), RTPSEC_OK);
        theirs.len = reference_protect_rtp(&witness, theirs.data, theirs.len, 1000 + i);
        assert_int_equal(ours.len, theirs.len);
        assert_memory_equal(ours.data, theirs.data, theirs.len);
        assert_int_equal(unprotect_one(rx, &theirs), RTPSEC_OK);
        assert_int_equal(theirs.len, plain.len);
        assert_memory_equal(theirs.data, plain.data, plain.len);
    }
    for (uint32_t index = 1; index < 5; index++) {
        struct test_packet plain = rtcp_packet(0xcafebabe, index == 3 ? 8 : 28 * index);
        struct test_packet ours = plain, theirs = plain;
        assert_int_equal(protect_one(tx, &ours), RTPSEC_OK);
        theirs.len = reference_protect_rtcp(&witness, theirs.data, theirs.len, index);
        assert_int_equal(ours.len, theirs.len);
        assert_memory_equal(ours.data, theirs.data, theirs.len);
        assert_int_equal(unprotect_one(rx, &theirs), RTPSEC_OK);
        assert_int_equal(theirs.len, plain.len);
        assert_memory_equal(theirs.data, plain.data, plain.len);
    }
    rtpsec_session_free(tx);
    rtpsec_session_free(rx);
}

static void agrees_with_the_witness(void **state)
{
    (void)state;
    for (unsigned id = 0; id < RTPSEC_SUITES; id++)
        for (size_t f = 0; f < COUNT_OF(flag_sets); f++)
            if (allowed(rtpsec_suite((enum rtpsec_suite_id)id), flag_sets[f]))
                both_ways((enum rtpsec_suite_id)id, flag_sets[f]);
}

/* The peer starts its SRTCP index where it likes, 0 included (RFC 3711, section 3.2.1). */
static void takes_any_first_rtcp_index(void **state)
{
    (void)state;
    static const uint32_t first[] = {0, 1, 77, 0x7ffffffe};
    const struct rtpsec_suite *suite = rtpsec_suite(RTPSEC_AES_128_CM_80);
    struct reference witness;
    reference_init(&witness, suite, test_key(suite), test_salt(suite), (struct rtpsec_flags){0});
    for (size_t i = 0; i < COUNT_OF(first); i++) {
        struct rtpsec_session *rx =
            test_session(RTPSEC_AES_128_CM_80, RTPSEC_RX, (struct rtpsec_flags){0});
        for (uint32_t n = 0; n < 2; n++) {
            struct test_packet p = rtcp_packet(7, 28);
            p.len = reference_protect_rtcp(&witness, p.data, p.len, first[i] + n);
            assert_int_equal(unprotect_one(rx, &p), RTPSEC_OK);
        }
        rtpsec_session_free(rx);
    }
}

static struct rtpsec_session *session_with_mki(
    enum rtpsec_suite_id id, enum rtpsec_direction direction, struct bytes mki)
{
    const struct rtpsec_suite *suite = rtpsec_suite(id);
    struct rtpsec_session *s =
        rtpsec_session_new(&(struct rtpsec_session_config){.engine = test_engine,
            .suite = suite,
            .direction = direction,
            .key = test_key(suite),
            .salt = test_salt(suite),
            .mki = mki});
    assert_non_null(s);
    return s;
}

/* Where the MKI sits (RFC 3711, sections 3.1 and 3.4; RFC 7714, sections 8.2 and 9.2). */
static void puts_the_mki_in_its_place(void **state)
{
    (void)state;
    struct bytes mki = bytes_of("\x01\x02\x03\x04\x05", 5);
    for (unsigned n = 0; n < RTPSEC_SUITES; n++) {
        enum rtpsec_suite_id id = (enum rtpsec_suite_id)n;
        const struct rtpsec_suite *suite = rtpsec_suite(id);
        struct rtpsec_session *bare = test_session(id, RTPSEC_TX, (struct rtpsec_flags){0});
        struct rtpsec_session *tx = session_with_mki(id, RTPSEC_TX, mki);
        struct rtpsec_session *rx = session_with_mki(id, RTPSEC_RX, bytes_of("?????", 5));
        for (int is_rtcp = 0; is_rtcp < 2; is_rtcp++) {
            struct test_packet plain = is_rtcp ? rtcp_packet(9, 28) : rtp_packet(9, 5, 20);
            struct test_packet without = plain, with = plain;
            assert_int_equal(protect_one(bare, &without), RTPSEC_OK);
            assert_int_equal(protect_one(tx, &with), RTPSEC_OK);
            size_t tag = suite->is_aead ? 0 : is_rtcp ? suite->rtcp_tag_len : suite->rtp_tag_len;
            size_t before = without.len - tag;
            assert_int_equal(with.len, without.len + mki.len);
            assert_memory_equal(with.data, without.data, before);
            assert_memory_equal(with.data + before, mki.data, mki.len);
            assert_memory_equal(with.data + before + mki.len, without.data + before, tag);
            assert_int_equal(unprotect_one(rx, &with), RTPSEC_OK);
            assert_int_equal(with.len, plain.len);
            assert_memory_equal(with.data, plain.data, plain.len);
        }
        rtpsec_session_free(bare);
        rtpsec_session_free(tx);
        rtpsec_session_free(rx);
    }
}

static void any_changed_bit_is_noticed(void **state)
{
    (void)state;
    for (unsigned id = 0; id < RTPSEC_SUITES; id++) {
        struct rtpsec_session *tx =
            test_session((enum rtpsec_suite_id)id, RTPSEC_TX, (struct rtpsec_flags){0});
        struct rtpsec_session *rx =
            test_session((enum rtpsec_suite_id)id, RTPSEC_RX, (struct rtpsec_flags){0});
        for (int is_rtcp = 0; is_rtcp < 2; is_rtcp++) {
            struct test_packet good = is_rtcp ? rtcp_packet(9, 28) : rtp_packet(9, 5, 20);
            assert_int_equal(protect_one(tx, &good), RTPSEC_OK);
            for (size_t i = 0; i < good.len; i++) {
                struct test_packet bad = good;
                bad.data[i] ^= (uint8_t)(1 << i % 8);
                assert_int_not_equal(unprotect_one(rx, &bad), RTPSEC_OK);
            }
            for (size_t len = 0; len < good.len; len++) {
                struct test_packet bad = good;
                bad.len = len;
                assert_int_not_equal(unprotect_one(rx, &bad), RTPSEC_OK);
            }
            /* And nothing of that has left a trace. */
            struct rtpsec_mark mark;
            if (!is_rtcp)
                assert_int_equal(rtpsec_session_save(rx, &mark, 1), 0);
            assert_int_equal(unprotect_one(rx, &good), RTPSEC_OK);
        }
        rtpsec_session_free(tx);
        rtpsec_session_free(rx);
    }
}

static void mixed_arrays_come_out_as_single_packets(void **state)
{
    (void)state;
    enum { MANY = 200 };
    static struct test_packet plain[MANY], turned[MANY];
    static struct rtpsec_packet views[MANY];
    struct rtpsec_session *tx[RTPSEC_SUITES], *rx[RTPSEC_SUITES];
    for (unsigned id = 0; id < RTPSEC_SUITES; id++) {
        tx[id] = test_session((enum rtpsec_suite_id)id, RTPSEC_TX, (struct rtpsec_flags){0});
        rx[id] = test_session((enum rtpsec_suite_id)id, RTPSEC_RX, (struct rtpsec_flags){0});
    }
    for (size_t i = 0; i < MANY; i++) {
        uint32_t ssrc = 1 + (uint32_t)(i / 8 % 3);
        /* 65530 and on: the sequence numbers turn over inside the array. */
        plain[i] =
            i % 10 == 9 ? rtcp_packet(ssrc, 28) : rtp_packet(ssrc, (uint16_t)(65500 + i), 30);
        turned[i] = plain[i];
        views[i] = (struct rtpsec_packet){.session = tx[i % RTPSEC_SUITES],
            .data = turned[i].data,
            .len = turned[i].len,
            .capacity = PACKET_ROOM,
            .is_rtcp = turned[i].is_rtcp};
    }
    rtpsec_protect(views, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(views[i].verdict, RTPSEC_OK);
        assert_true(views[i].len > plain[i].len);
        views[i].session = rx[i % RTPSEC_SUITES];
    }
    rtpsec_unprotect(views, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(views[i].verdict, RTPSEC_OK);
        assert_int_equal(views[i].len, plain[i].len);
        assert_memory_equal(turned[i].data, plain[i].data, plain[i].len);
    }
    for (unsigned id = 0; id < RTPSEC_SUITES; id++) {
        rtpsec_session_free(tx[id]);
        rtpsec_session_free(rx[id]);
    }
}

static void needs_a_session_of_the_right_direction(void **state)
{
    (void)state;
    struct rtpsec_session *tx =
        test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, (struct rtpsec_flags){0});
    struct rtpsec_session *rx =
        test_session(RTPSEC_AES_128_CM_80, RTPSEC_RX, (struct rtpsec_flags){0});
    struct test_packet p = rtp_packet(1, 1, 20);
    assert_int_equal(protect_one(rx, &p), RTPSEC_NO_KEY);
    assert_int_equal(protect_one(NULL, &p), RTPSEC_NO_KEY);
    assert_int_equal(protect_one(tx, &p), RTPSEC_OK);
    assert_int_equal(unprotect_one(tx, &p), RTPSEC_NO_KEY);
    assert_int_equal(unprotect_one(NULL, &p), RTPSEC_NO_KEY);
    assert_int_equal(unprotect_one(rx, &p), RTPSEC_OK);
    rtpsec_session_free(tx);
    rtpsec_session_free(rx);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    const struct rtpsec_suite *gcm = rtpsec_suite(RTPSEC_AEAD_AES_128_GCM);
    const struct rtpsec_suite *cm = rtpsec_suite(RTPSEC_AES_128_CM_80);
    struct rtpsec_session_config c = {.suite = gcm, .key = test_key(gcm), .salt = test_salt(cm)};
    assert_null(rtpsec_session_new(&c));
    c.salt = test_salt(gcm);
    c.key.len--;
    assert_null(rtpsec_session_new(&c));
    c.key.len++;
    c.flags.unauthenticated_srtp = true;
    assert_null(rtpsec_session_new(&c));
    c.flags = (struct rtpsec_flags){.unencrypted_srtp = true};
    assert_null(rtpsec_session_new(&c));
    c.flags = (struct rtpsec_flags){.unencrypted_srtcp = true};
    c.mki = bytes_of("", RTPSEC_MAX_MKI + 1);
    assert_null(rtpsec_session_new(&c));
    c.mki.len = 0;
    struct rtpsec_session *s = rtpsec_session_new(&c);
    assert_non_null(s);
    rtpsec_session_free(s);
    rtpsec_session_free(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_witness),
        cmocka_unit_test(takes_any_first_rtcp_index),
        cmocka_unit_test(puts_the_mki_in_its_place),
        cmocka_unit_test(any_changed_bit_is_noticed),
        cmocka_unit_test(mixed_arrays_come_out_as_single_packets),
        cmocka_unit_test(needs_a_session_of_the_right_direction),
        cmocka_unit_test(refuses_what_does_not_fit),
    };
    return run_with_engine("rtpsec session", tests, argc, argv);
}
