/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

#define ID "0102030405060708090a0b0c"
#define COOKIE_AND_ID "2112a442" ID

static const struct {
    const char *hex;
    enum stun_status expected;
} parse_cases[] = {
    {"", STUN_TRUNCATED}, {"00", STUN_TRUNCATED},
    {"0001 0000 2112a442 0102030405060708090a0b", STUN_TRUNCATED}, /* one byte short */
    {"0001 0000" COOKIE_AND_ID, STUN_OK}, {"0001 0004" COOKIE_AND_ID, STUN_TRUNCATED},
    {"0001 0008" COOKIE_AND_ID "8022 0003 616263", STUN_TRUNCATED}, /* the padding is missing */
    {"0001 0008" COOKIE_AND_ID "8022 0003 616263 00", STUN_OK},
    {"0001 0008" COOKIE_AND_ID "8022 0003 616263 ff", STUN_OK}, /* padding may hold anything */
    {"0001 0004" COOKIE_AND_ID "8022 0000", STUN_OK},
    {"0001 0004" COOKIE_AND_ID "8022 0001", STUN_BAD_ATTRIBUTE},
    {"0001 0008" COOKIE_AND_ID "8022 0005 61626364", STUN_BAD_ATTRIBUTE},
    {"0001 0008" COOKIE_AND_ID "8022 ffff 61626364", STUN_BAD_ATTRIBUTE},
    {"0001 0008" COOKIE_AND_ID "8022 0000 0006 fffd", STUN_BAD_ATTRIBUTE},
    {"0001 0002" COOKIE_AND_ID "8022", STUN_NOT_STUN}, /* not a multiple of four */
    {"0001 0000" COOKIE_AND_ID "00", STUN_TRAILING},
    {"0001 0000" COOKIE_AND_ID "00000000", STUN_TRAILING}, {"0001 0000 2112a443" ID, STUN_NOT_STUN},
    {"0001 0000 00000000" ID, STUN_NOT_STUN}, /* RFC 3489 had no cookie */
    {"4001 0000" COOKIE_AND_ID, STUN_NOT_STUN},
    {"8060 0000 00000000 000000000000000000000000", STUN_NOT_STUN},
    {"3fff 0000" COOKIE_AND_ID, STUN_OK}, /* unknown methods are messages too */
};

static void parses_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(parse_cases); i++) {
        struct bytes datagram = from_hex(parse_cases[i].hex);
        struct stun_message m = {.type = 0x7777};
        enum stun_status status = stun_parse(datagram, &m);
        if (status != parse_cases[i].expected)
            print_message("# case %zu\n", i);
        assert_int_equal(status, parse_cases[i].expected);
        if (status != STUN_OK)
            assert_int_equal(m.type, 0x7777);
        free((void *)datagram.data);
    }
}

static void types_hold_method_and_class(void **state)
{
    static const struct {
        unsigned method;
        enum stun_class kind;
        uint16_t type;
    } cases[] = {
        {STUN_BINDING, STUN_REQUEST, 0x0001},
        {STUN_BINDING, STUN_INDICATION, 0x0011},
        {STUN_BINDING, STUN_SUCCESS, 0x0101},
        {STUN_BINDING, STUN_ERROR, 0x0111},
        {STUN_ALLOCATE, STUN_REQUEST, 0x0003},
        {STUN_DATA, STUN_INDICATION, 0x0017},
        {STUN_CHANNEL_BIND, STUN_ERROR, 0x0119},
        {0xfff, STUN_ERROR, 0x3fff},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(stun_type(cases[i].method, cases[i].kind), cases[i].type);
        assert_int_equal(stun_method_of(cases[i].type), cases[i].method);
        assert_int_equal(stun_class_of(cases[i].type), cases[i].kind);
    }
    for (unsigned type = 0; type < 0x4000; type++)
        assert_int_equal(
            stun_type(stun_method_of((uint16_t)type), stun_class_of((uint16_t)type)), type);
}

/* USERNAME "a", then what follows; each row asks for one attribute. */
static const struct {
    const char *attrs;
    uint16_t type;
    const char *expected; /* hex, NULL: does not count */
} find_cases[] = {
    {"0006 0001 61000000", STUN_USERNAME, "61"},
    {"0006 0001 61000000", STUN_REALM, NULL},
    {"0006 0001 61000000 0006 0001 62000000", STUN_USERNAME, "61"}, /* the first one counts */
    {"0008 0004 01020304 0006 0001 61000000", STUN_USERNAME, NULL}, /* not protected */
    {"0008 0004 01020304 0008 0004 05060708", STUN_MESSAGE_INTEGRITY, "01020304"},
    {"0008 0004 01020304 001c 0004 05060708", STUN_MESSAGE_INTEGRITY_SHA256, "05060708"},
    {"0008 0004 01020304 8028 0004 05060708", STUN_FINGERPRINT, "05060708"},
    {"0008 0004 01020304 0025 0000 8028 0004 05060708", STUN_USE_CANDIDATE, NULL},
    {"0008 0004 01020304 0025 0000 8028 0004 05060708", STUN_FINGERPRINT, "05060708"},
    {"001c 0004 01020304 0008 0004 05060708", STUN_MESSAGE_INTEGRITY, NULL},
    {"8028 0004 01020304 0006 0001 61000000", STUN_USERNAME, NULL},
};

static struct bytes message_with(const char *attrs_hex)
{
    struct bytes attrs = from_hex(attrs_hex);
    static uint8_t memory[512];
    struct writer w = writer_over(memory, sizeof(memory));
    writer_u16(&w, stun_type(STUN_BINDING, STUN_REQUEST));
    writer_u16(&w, (uint16_t)attrs.len);
    writer_u32(&w, STUN_COOKIE);
    writer_put(&w, bytes_of("0123456789ab", 12));
    writer_put(&w, attrs);
    free((void *)attrs.data);
    return exact_copy(writer_bytes(&w));
}

static void finds_only_what_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(find_cases); i++) {
        struct bytes datagram = message_with(find_cases[i].attrs);
        struct stun_message m;
        struct bytes value = bytes_of(NULL, 0);
        assert_int_equal(stun_parse(datagram, &m), STUN_OK);
        bool found = stun_find(&m, find_cases[i].type, &value);
        if (found != (find_cases[i].expected != NULL))
            print_message("# case %zu\n", i);
        assert_int_equal(found, find_cases[i].expected != NULL);
        assert_int_equal(stun_has(&m, find_cases[i].type), found);
        if (found) {
            struct bytes expected = from_hex(find_cases[i].expected);
            assert_true(bytes_equal(value, expected));
            free((void *)expected.data);
        }
        free((void *)datagram.data);
    }
}

static void collects_unknown_required_types(void **state)
{
    static const uint16_t known[] = {STUN_USERNAME};
    uint16_t out[3];
    struct stun_message m;
    (void)state;

    /* 0x7001 twice, an optional one, a known one, 0x7002, and one that is not protected */
    struct bytes datagram =
        message_with("7001 0000 8abc 0000 0006 0001 61000000 7001 0000 7002 0000"
                     "0008 0004 01020304 7003 0000");
    assert_int_equal(stun_parse(datagram, &m), STUN_OK);
    assert_int_equal(stun_unknown_required(&m, known, 1, out, 3), 3);
    assert_int_equal(out[0], 0x7001);
    assert_int_equal(out[1], 0x7002);
    assert_int_equal(out[2], STUN_MESSAGE_INTEGRITY);
    assert_int_equal(stun_unknown_required(&m, known, 1, out, 1), 1);
    free((void *)datagram.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_as_expected),
        cmocka_unit_test(types_hold_method_and_class),
        cmocka_unit_test(finds_only_what_counts),
        cmocka_unit_test(collects_unknown_required_types),
    };
    return cmocka_run_group_tests_name("stun message", tests, NULL, NULL);
}
