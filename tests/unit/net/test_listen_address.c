/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listen_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    const char *spec;
    const char *expected; /* with '?' behind those that are optional; or the complaint */
    bool ok;
} cases[] = {
    {"2223", "0.0.0.0:2223 [::]:2223? ", true},
    {"127.0.0.1:2223", "127.0.0.1:2223 ", true},
    {"[::1]:2223", "[::1]:2223 ", true},
    {" 127.0.0.1:2223 ; 192.0.2.1:5;", "127.0.0.1:2223 192.0.2.1:5 ", true},
    {"", "no address to listen on", false},
    {" ; ", "no address to listen on", false},
    {"127.0.0.1", "no port number (1-65535) in '127.0.0.1'", false},
    {"127.0.0.1:0", "no port number (1-65535) in '127.0.0.1:0'", false},
    {"70000", "no port number (1-65535) in '70000'", false},
    {"127.0.0.1:65536", "no port number (1-65535) in '127.0.0.1:65536'", false},
    {"[::1]", "no port number (1-65535) in '[::1]'", false},
    {"no.such.host.invalid:1", "unknown host in 'no.such.host.invalid:1'", false},
    {"1;2;3;4;5;6;7;8;9", "too many addresses in '9'", false},
};

static void reads_the_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct listen_addresses set = {.count = 99};
        struct str text = {0};
        int error = listen_addresses_parse(text_from(cases[i].spec), &set, &text);
        assert_int_equal(error == 0, cases[i].ok);
        for (size_t k = 0; error == 0 && k < set.count; k++) {
            char address[ADDRESS_TEXT_SIZE];
            str_addf(&text, "%s%s ", address_text(&set.list[k].address, address),
                set.list[k].is_optional ? "?" : "");
        }
        assert_string_equal(str_string(&text), cases[i].expected);
        str_done(&text);
    }
}

static void knows_localhost(void **state)
{
    (void)state;
    struct listen_addresses set;
    struct str why = {0};
    bool has_ip4 = false;
    assert_int_equal(listen_addresses_parse(TEXT("localhost:2223"), &set, &why), 0);
    for (size_t i = 0; i < set.count; i++) {
        assert_int_equal(set.list[i].address.port, 2223);
        has_ip4 |= set.list[i].address.family == ADDRESS_IP4 && set.list[i].address.ip[0] == 127;
    }
    assert_true(has_ip4);
    str_done(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_forms),
        cmocka_unit_test(knows_localhost),
    };
    return cmocka_run_group_tests_name("listen_address", tests, NULL, NULL);
}
