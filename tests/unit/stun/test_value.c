/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "mediaferry/stun.h"

static void numbers_have_their_exact_size(void **state)
{
    static const struct {
        const char *hex;
        bool is_u32, is_u64;
    } cases[] = {
        {"", false, false},
        {"010203", false, false},
        {"01020304", true, false},
        {"0102030405", false, false},
        {"0102030405060708", false, true},
        {"010203040506070809", false, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes value = from_hex(cases[i].hex);
        uint32_t small = 7;
        uint64_t large = 7;
        assert_int_equal(stun_read_u32(value, &small), cases[i].is_u32);
        assert_int_equal(stun_read_u64(value, &large), cases[i].is_u64);
        assert_int_equal(small, cases[i].is_u32 ? 0x01020304 : 7);
        assert_true(large == (cases[i].is_u64 ? 0x0102030405060708u : 7u));
        free((void *)value.data);
    }
}

static void addresses_are_read_or_refused(void **state)
{
    static const struct {
        const char *hex;
        const char *expected; /* NULL: refused */
    } cases[] = {
        {"0001 1f90 c0000201", "192.0.2.1:8080"},
        {"ff01 1f90 c0000201", "192.0.2.1:8080"}, /* the first byte is ignored */
        {"0002 1f90 20010db8000000000000000000000001", "[2001:db8::1]:8080"},
        {"", NULL},
        {"0001 1f90 c00002", NULL},
        {"0001 1f90 c000020100", NULL},
        {"0002 1f90 c0000201", NULL},
        {"0002 1f90 20010db80000000000000000000000", NULL},
        {"0001 1f90 20010db8000000000000000000000001", NULL},
        {"0000 1f90 c0000201", NULL},
        {"0003 1f90 c0000201", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes value = from_hex(cases[i].hex);
        struct address a = {.port = 7};
        char text[ADDRESS_TEXT_SIZE];
        bool ok = stun_read_address(value, &a);
        assert_int_equal(ok, cases[i].expected != NULL);
        if (ok)
            assert_string_equal(address_text(&a, text), cases[i].expected);
        else
            assert_int_equal(a.port, 7);
        free((void *)value.data);
    }
}

static void errors_are_read_or_refused(void **state)
{
    static const struct {
        const char *hex;
        unsigned code; /* 0: refused */
        const char *reason;
    } cases[] = {
        {"0000 04 01 556e", 401, "Un"},
        {"0000 04 57", 487, ""},
        {"ffff fc 14", 420, ""}, /* reserved bits are ignored */
        {"0000 02 00", 0, ""},
        {"0000 07 00", 0, ""},
        {"0000 04 64", 0, ""},
        {"0000 04", 0, ""},
        {"", 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes value = from_hex(cases[i].hex);
        unsigned code = 0;
        struct text reason = text_of(NULL, 0);
        assert_int_equal(stun_read_error(value, &code, &reason), cases[i].code != 0);
        assert_int_equal(code, cases[i].code);
        assert_true(text_is(reason, cases[i].reason));
        free((void *)value.data);
    }
}

static void icmp_errors_are_read_or_refused(void **state)
{
    static const struct {
        const char *hex;
        bool ok;
        struct stun_icmp expected;
    } cases[] = {
        {"0000 0603 00000000", true, {3, 3, 0}},    /* IPv4: port unreachable */
        {"ffff 0400 000005dc", true, {2, 0, 1500}}, /* IPv6: packet too big; reserved is ignored */
        {"0000 ffff ffffffff", true, {127, 511, 0xffffffff}},
        {"0000 0603 000000", false, {0}},
        {"0000 0603 0000000000", false, {0}},
        {"", false, {0}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes value = from_hex(cases[i].hex);
        struct stun_icmp icmp = {0};
        assert_int_equal(stun_read_icmp(value, &icmp), cases[i].ok);
        assert_int_equal(icmp.type, cases[i].expected.type);
        assert_int_equal(icmp.code, cases[i].expected.code);
        assert_int_equal(icmp.data, cases[i].expected.data);
        free((void *)value.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_their_exact_size),
        cmocka_unit_test(addresses_are_read_or_refused),
        cmocka_unit_test(errors_are_read_or_refused),
        cmocka_unit_test(icmp_errors_are_read_or_refused),
    };
    return cmocka_run_group_tests_name("stun values", tests, NULL, NULL);
}
