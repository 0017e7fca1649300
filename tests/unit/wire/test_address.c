/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    const char *literal;
    const char *expected; /* NULL: refused */
} cases[] = {
    {"192.0.2.1", "192.0.2.1:7"},
    {"192.0.2.1:5004", "192.0.2.1:5004"},
    {"2001:db8::1", "[2001:db8::1]:7"},
    {"[2001:db8::1]", "[2001:db8::1]:7"},
    {"[2001:db8::1]:5004", "[2001:db8::1]:5004"},
    {"", NULL},
    {"192.0.2", NULL},
    {"192.0.2.1:65536", NULL},
    {"192.0.2.1:x", NULL},
    {"[2001:db8::1]x", NULL},
    {"example.org", NULL},
    {"4f1c9b7e-0000.local", NULL},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", NULL},
};

static void reads_literals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address a = {.port = 1};
        char text[ADDRESS_TEXT_SIZE];
        bool ok = address_parse_with_port(text_from(cases[i].literal), 7, &a);
        assert_int_equal(ok, cases[i].expected != NULL);
        if (ok)
            assert_string_equal(address_text(&a, text), cases[i].expected);
        else
            assert_int_equal(a.port, 1); /* untouched on failure */
    }
}

static void a_nul_byte_is_no_address(void **state)
{
    (void)state;
    struct address a;
    assert_false(address_parse(text_of("192.0.2.1\0x", 11), &a));
}

static void tells_addresses_apart(void **state)
{
    (void)state;
    struct address a, b, v6;
    assert_true(address_parse_with_port(TEXT("192.0.2.1:5"), 0, &a));
    assert_true(address_parse_with_port(TEXT("192.0.2.1:6"), 0, &b));
    assert_true(address_parse_with_port(TEXT("[c000:201::]:5"), 0, &v6));
    assert_true(address_same_ip(&a, &b));
    assert_false(address_equal(&a, &b));
    assert_false(address_same_ip(&a, &v6)); /* the same leading bytes, another family */
    assert_true(address_hash(&a, 1) != address_hash(&b, 1));
    assert_true(address_hash(&a, 1) != address_hash(&a, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_literals),
        cmocka_unit_test(a_nul_byte_is_no_address),
        cmocka_unit_test(tells_addresses_apart),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
