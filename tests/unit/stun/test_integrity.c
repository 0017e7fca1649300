/* SPDX-License-Identifier: Apache-2.0 */
#include "stun/integrity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "rfc5769.h"
#include "stun/hmac.h"

#define HEADER(len) "0001" len "2112a442 0102030405060708090a0b0c"

static struct bytes password(void)
{
    return text_bytes(TEXT(RFC5769_PASSWORD));
}

static enum stun_check check_integrity(struct bytes datagram, struct bytes key)
{
    struct stun_message m;
    assert_int_equal(stun_parse(datagram, &m), STUN_OK);
    return stun_check_integrity(&m, key);
}

static enum stun_check check_fingerprint(struct bytes datagram)
{
    struct stun_message m;
    assert_int_equal(stun_parse(datagram, &m), STUN_OK);
    return stun_check_fingerprint(&m);
}

static void every_flipped_bit_is_seen(void **state)
{
    struct bytes datagram = from_hex(RFC5769_REQUEST);
    uint8_t *data = (uint8_t *)datagram.data;
    size_t fingerprint_at = datagram.len - 8;
    (void)state;

    for (size_t bit = 0; bit < datagram.len * 8; bit++) {
        struct stun_message m;
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (stun_parse(datagram, &m) == STUN_OK) {
            assert_int_not_equal(stun_check_fingerprint(&m), STUN_CHECK_RIGHT);
            if (bit / 8 < fingerprint_at)
                assert_int_not_equal(stun_check_integrity(&m, password()), STUN_CHECK_RIGHT);
        }
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free((void *)datagram.data);
}

static void wrong_keys_fail(void **state)
{
    struct bytes datagram = from_hex(RFC5769_REQUEST);
    (void)state;
    assert_int_equal(
        check_integrity(datagram, text_bytes(TEXT("VOkJxbRl1RmTxUk/WvJxBT"))), STUN_CHECK_WRONG);
    assert_int_equal(
        check_integrity(datagram, text_bytes(TEXT("VOkJxbRl1RmTxUk/WvJxB"))), STUN_CHECK_WRONG);
    assert_int_equal(check_integrity(datagram, bytes_of(NULL, 0)), STUN_CHECK_WRONG);
    free((void *)datagram.data);
}

/* Signed with the empty key, by somebody who hopes that a password is not set yet. */
static void an_empty_key_opens_nothing(void **state)
{
    struct bytes datagram = from_hex(HEADER("0018") "00080014"
                                                    "c304e320026d1976c3c76710283fc40ab4d6976d");
    (void)state;
    assert_int_equal(check_integrity(datagram, bytes_of("", 0)), STUN_CHECK_WRONG);
    assert_int_equal(check_integrity(datagram, bytes_of(NULL, 0)), STUN_CHECK_WRONG);
    free((void *)datagram.data);
}

static void odd_check_values_are_wrong_or_absent(void **state)
{
    static const struct {
        const char *hex;
        enum stun_check integrity, fingerprint;
    } cases[] = {
        {HEADER("0000"), STUN_CHECK_ABSENT, STUN_CHECK_ABSENT},
        {HEADER("0004") "00080000", STUN_CHECK_WRONG, STUN_CHECK_ABSENT},
        {HEADER("0008") "0008000401020304", STUN_CHECK_WRONG, STUN_CHECK_ABSENT},
        {HEADER("0004") "80280000", STUN_CHECK_ABSENT, STUN_CHECK_WRONG},
        {HEADER("000c") "802800050102030405000000", STUN_CHECK_ABSENT, STUN_CHECK_WRONG},
        {HEADER("0008") "8028000301020304", STUN_CHECK_ABSENT, STUN_CHECK_WRONG},
        /* the right sum of what stands before the last eight bytes, in the wrong place */
        {HEADER("000c") "802800046e3905e7"
                        "00250000",
            STUN_CHECK_ABSENT, STUN_CHECK_WRONG},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes datagram = from_hex(cases[i].hex);
        assert_int_equal(check_integrity(datagram, password()), cases[i].integrity);
        assert_int_equal(check_fingerprint(datagram), cases[i].fingerprint);
        free((void *)datagram.data);
    }
}

/* A fingerprint counts only as the last attribute. */
static void nothing_may_follow_a_fingerprint(void **state)
{
    uint8_t memory[64];
    struct writer w = writer_over(memory, sizeof(memory));
    (void)state;
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("0123456789ab", 12));
    stun_write_fingerprint(&w);
    assert_int_equal(check_fingerprint(writer_bytes(&w)), STUN_CHECK_RIGHT);
    stun_write_u32(&w, STUN_PRIORITY, 1);
    assert_int_equal(check_fingerprint(writer_bytes(&w)), STUN_CHECK_WRONG);
}

static void integrity_holds_whatever_follows(void **state)
{
    uint8_t memory[128];
    struct writer w = writer_over(memory, sizeof(memory));
    (void)state;
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("0123456789ab", 12));
    stun_write_attr(&w, STUN_USERNAME, text_bytes(TEXT("a:b")));
    stun_write_integrity(&w, password());
    assert_int_equal(check_integrity(writer_bytes(&w), password()), STUN_CHECK_RIGHT);
    stun_write_u32(&w, STUN_PRIORITY, 1);
    stun_write_fingerprint(&w);
    assert_int_equal(check_integrity(writer_bytes(&w), password()), STUN_CHECK_RIGHT);
    assert_int_equal(check_fingerprint(writer_bytes(&w)), STUN_CHECK_RIGHT);
}

/* A request that ends with the first `size` bytes of its MESSAGE-INTEGRITY-SHA256. */
static struct bytes signed_and_cut(size_t size, uint8_t memory[128])
{
    uint8_t whole[128];
    struct writer w = writer_over(whole, sizeof(whole));
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("0123456789ab", 12));
    stun_write_attr(&w, STUN_USERNAME, text_bytes(TEXT("a:b")));

    /* The length field that the hash sees counts the value as long as it is sent. */
    whole[3] = (uint8_t)(w.len - STUN_HEADER_SIZE + STUN_ATTR_HEADER_SIZE + size);
    uint8_t hash[HMAC_SHA256_SIZE];
    const struct bytes covered = writer_bytes(&w);
    assert_true(hmac_compute(HMAC_SHA256, password(), &covered, 1, hash));
    struct writer out = writer_over(memory, 128);
    writer_put(&out, covered);
    stun_write_attr(&out, STUN_MESSAGE_INTEGRITY_SHA256, bytes_of(hash, size));
    return writer_bytes(&out);
}

static void sha256_may_be_cut_as_far_as_allowed(void **state)
{
    static const struct {
        size_t size, min_size;
        enum stun_check expected;
    } cases[] = {
        {32, 32, STUN_CHECK_RIGHT}, {32, 16, STUN_CHECK_RIGHT}, {28, 16, STUN_CHECK_RIGHT},
        {28, 28, STUN_CHECK_RIGHT}, {28, 32, STUN_CHECK_WRONG}, {16, 16, STUN_CHECK_RIGHT},
        {12, 12, STUN_CHECK_WRONG}, /* shorter than the RFC lets anybody allow */
        {4, 0, STUN_CHECK_WRONG}, {0, 0, STUN_CHECK_WRONG},
        {18, 16, STUN_CHECK_WRONG}, /* no multiple of four */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t memory[128];
        struct bytes datagram = exact_copy(signed_and_cut(cases[i].size, memory));
        struct stun_message m;
        assert_int_equal(stun_parse(datagram, &m), STUN_OK);
        assert_int_equal(
            stun_check_integrity_sha256(&m, password(), cases[i].min_size), cases[i].expected);
        free((void *)datagram.data);
    }
}

static void both_hashes_stand_in_one_message(void **state)
{
    uint8_t memory[160];
    struct writer w = writer_over(memory, sizeof(memory));
    struct stun_message m;
    (void)state;
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("0123456789ab", 12));
    stun_write_integrity(&w, password());
    stun_write_integrity_sha256(&w, password());
    stun_write_fingerprint(&w);

    assert_int_equal(stun_parse(writer_bytes(&w), &m), STUN_OK);
    assert_int_equal(stun_check_integrity(&m, password()), STUN_CHECK_RIGHT);
    assert_int_equal(stun_check_integrity_sha256(&m, password(), 32), STUN_CHECK_RIGHT);
    assert_int_equal(stun_check_fingerprint(&m), STUN_CHECK_RIGHT);
    for (size_t bit = 0; bit < (writer_bytes(&w).len - 8) * 8; bit++) {
        memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (stun_parse(writer_bytes(&w), &m) == STUN_OK)
            assert_int_not_equal(stun_check_integrity_sha256(&m, password(), 32), STUN_CHECK_RIGHT);
        memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void sha256_that_is_absent_is_not_wrong(void **state)
{
    struct bytes datagram = from_hex(RFC5769_REQUEST);
    struct stun_message m;
    (void)state;
    assert_int_equal(stun_parse(datagram, &m), STUN_OK);
    assert_int_equal(stun_check_integrity_sha256(&m, password(), 16), STUN_CHECK_ABSENT);
    free((void *)datagram.data);
}

static void failures_stay_in_the_writer(void **state)
{
    uint8_t memory[40];
    (void)state;
    for (size_t room = 0; room < sizeof(memory); room++) {
        struct writer w = writer_over(memory, room);
        stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("0123456789ab", 12));
        stun_write_integrity(&w, password());
        stun_write_fingerprint(&w);
        assert_false(writer_ok(&w));

        w = writer_over(memory, room);
        stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("0123456789ab", 12));
        stun_write_integrity_sha256(&w, password());
        assert_false(writer_ok(&w));
    }
    struct writer w = writer_over(memory, sizeof(memory));
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of("0123456789ab", 12));
    stun_write_integrity(&w, bytes_of("", 0)); /* no message is signed with nothing */
    assert_false(writer_ok(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(wrong_keys_fail),
        cmocka_unit_test(an_empty_key_opens_nothing),
        cmocka_unit_test(odd_check_values_are_wrong_or_absent),
        cmocka_unit_test(nothing_may_follow_a_fingerprint),
        cmocka_unit_test(integrity_holds_whatever_follows),
        cmocka_unit_test(sha256_may_be_cut_as_far_as_allowed),
        cmocka_unit_test(both_hashes_stand_in_one_message),
        cmocka_unit_test(sha256_that_is_absent_is_not_wrong),
        cmocka_unit_test(failures_stay_in_the_writer),
    };
    return cmocka_run_group_tests_name("stun integrity", tests, NULL, NULL);
}
