/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/option_value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "daemon/config_build.h"

static const struct {
    const char *option;
    const char *value;
    const char *expected; /* the value read back, or the complaint */
    bool ok;
} cases[] = {
    {"port-min", "1", "1", true},
    {"port-min", "65535", "65535", true},
    {"port-min", "0", "'0' is not a port number (1-65535)", false},
    {"port-min", "70000", "'70000' is not a port number (1-65535)", false},
    {"port-min", "", "'' is not a port number (1-65535)", false},
    {"port-min", "30000 ; why", "'30000 ; why' is not a port number (1-65535)", false},
    {"port-min", "99999999999999999999", "'99999999999999999999' is not a port number (1-65535)",
        false},
    {"max-sessions", "-1", "-1", true},
    {"max-sessions", "-2", "'-2' is not a number (-1 to 2147483647)", false},
    {"max-sessions", "--1", "'--1' is not a number (-1 to 2147483647)", false},
    {"max-sessions", "-", "'-' is not a number (-1 to 2147483647)", false},
    {"max-sessions", "-9223372036854775809",
        "'-9223372036854775809' is not a number (-1 to 2147483647)", false},
    {"timeout", "0", "0", true},
    {"timeout", "60s", "'60s' is not a number of seconds (0 to 31622400)", false},
    {"plain-sdp", "off", "false", true},
    {"plain-sdp", "Yes", "true", true},
    {"plain-sdp", "maybe", "'maybe' is not true or false", false},
    {"endpoint-learning", "DELAYED", "delayed", true},
    {"endpoint-learning", "late", "'late' is not one of off, immediate, delayed, heuristic", false},
    {"mos", "lq", "LQ", true},
    {"srtp-engine", "libsrtp2", "libsrtp2", true},
    {"srtp-engine", "OpenSSL", "openssl", true},
    {"srtp-engine", "rot13", "'rot13' is not one of auto, ipsec-mb, openssl, libsrtp2", false},
    {"interface", "a/1.2.3.4;b/5.6.7.8", "a/1.2.3.4;b/5.6.7.8", true},
    {"turn-user-quota", "-1", "'-1' is not a number (0 to 2147483647)", false},
    {"turn-allocation-default-address-family", "IPv6", "ipv6", true},
    {"turn-realm", "a; b ;; c;;;d;", "a; b ;; c;;; d", true},
    {"turn-realm", ";;a;;;;b", ";;a;;;;b", true},
    {"turn-realm", "a\nb; c", "a; b; c", true},
    {"turn-realm", " ; ;", "", true},
    {"turn-user", "a:b\t", "the value, which is secret, is not a list, separated by ';'", false},
    {"turn-pkey-pwd", "\x7f", "the value, which is secret, is not a text", false},
    {"software-id", "", "", true},
    {"software-id", "a\tb", "'a\tb' is not a text", false},
};

static void reads_values_and_says_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct option *option = option_find(text_from(cases[i].option));
        struct daemon_config *config = config_new();
        struct str found = {0}, after = {0};
        int error = option_set(option, OPTION_REPLACE, text_from(cases[i].value), config, &found);
        assert_int_equal(error, cases[i].ok ? 0 : -EINVAL);
        option_get(option, config, cases[i].ok ? &found : &after);
        assert_string_equal(str_string(&found), cases[i].expected);
        if (!cases[i].ok)
            assert_string_equal(str_string(&after), option->fallback); /* untouched */
        str_done(&found);
        str_done(&after);
        config_free(config);
    }
}

static void appends_to_lists_only(void **state)
{
    (void)state;
    struct daemon_config *config = config_new();
    struct str why = {0};
    const struct option *list = option_find(TEXT("interface"));
    const struct option *text = option_find(TEXT("software-id"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(option_set(list, OPTION_APPEND, TEXT("a"), config, &why), 0);
        assert_int_equal(option_set(text, OPTION_APPEND, TEXT("a"), config, &why), 0);
    }
    assert_string_equal(config->network.interface, "a;a");
    assert_string_equal(config->network.software_id, "a");
    assert_int_equal(option_set(list, OPTION_REPLACE, TEXT("b"), config, &why), 0);
    assert_string_equal(config->network.interface, "b");
    config_free(config);
}

static void keeps_an_entry_on_each_line(void **state)
{
    (void)state;
    struct daemon_config *config = config_new();
    struct str why = {0};
    const struct option *list = option_find(TEXT("turn-user"));
    assert_int_equal(option_set(list, OPTION_REPLACE, TEXT("a:1;b:2;;3"), config, &why), 0);
    assert_int_equal(option_set(list, OPTION_APPEND, TEXT(";;c:4"), config, &why), 0);
    assert_string_equal(config->turn.user, "a:1\nb:2;3\n;c:4");
    assert_int_equal(option_set(list, OPTION_REPLACE, TEXT(""), config, &why), 0);
    assert_string_equal(config->turn.user, "");
    config_free(config);
}

static void swaps_fields_of_every_kind(void **state)
{
    (void)state;
    static const struct {
        const char *option, *value;
    } changes[] = {{"plain-sdp", "false"}, {"tos", "8"}, {"mos", "LQ"}, {"software-id", "x"},
        {"interface", "a"}, {"turn-realm", "r"}};
    struct daemon_config *a = config_new(), *b = config_new();
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        const struct option *option = option_find(text_from(changes[i].option));
        struct str why = {0}, in_a = {0}, in_b = {0};
        struct text value = text_from(changes[i].value);
        assert_int_equal(option_set(option, OPTION_REPLACE, value, a, &why), 0);
        option_swap(option, a, b);
        option_get(option, a, &in_a);
        option_get(option, b, &in_b);
        assert_string_equal(str_string(&in_a), option->fallback);
        assert_string_equal(str_string(&in_b), changes[i].value);
        str_done(&in_a);
        str_done(&in_b);
    }
    config_free(a);
    config_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values_and_says_what_is_wrong),
        cmocka_unit_test(appends_to_lists_only),
        cmocka_unit_test(keeps_an_entry_on_each_line),
        cmocka_unit_test(swaps_fields_of_every_kind),
    };
    return cmocka_run_group_tests_name("option_value", tests, NULL, NULL);
}
