/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_fleet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/store.h"

/* Sets options from "name=value" lines. */
static struct daemon_config *configured(const char *lines)
{
    struct daemon_config *config = config_new();
    struct text rest = text_from(lines);
    struct str why = {0};
    assert_non_null(config);
    while (rest.len > 0) {
        struct text line = text_cut(&rest, '\n'), name = text_cut(&line, '=');
        const struct option *option = option_find(name);
        assert_non_null(option);
        assert_int_equal(config_set(config, option, OPTION_REPLACE, line, "x", &why), 0);
    }
    return config;
}

static const struct {
    const char *lines;
    const char *wrong; /* part of the message; NULL: all is well */
} checks[] = {
    {"", NULL},
    {"node-name=a b", NULL}, /* means nothing without Redis */
    {"redis=10.0.0.1:6379/0", NULL},
    {"redis=pass@10.0.0.1:6379/5", NULL},
    {"redis=rediss://user:pass@redis.example.org", NULL},
    {"redis=redis+sentinel://10.0.0.1,10.0.0.2/calls/0", NULL},
    {"redis=redis+cluster://10.0.0.1:7000,10.0.0.2", NULL},
    {"redis=10.0.0.1:99999", "option 'redis'"},
    {"redis=http://10.0.0.1", "option 'redis'"},
    {"redis=10.0.0.1\nnode-name=a b", "option 'node-name'"},
    {"redis=10.0.0.1\nnode-name=a.b-c_9", NULL},
    {"redis=10.0.0.1\nredis-prefix={x}", "option 'redis-prefix'"},
    {"redis=10.0.0.1\nredis-prefix=", "option 'redis-prefix'"},
    {"redis=10.0.0.1\nredis-tls-key=/k", "belong together"},
    {"redis=10.0.0.1\nredis-tls-key=/k\nredis-tls-certificate=/c", "only rediss:// asks"},
    {"redis=rediss://10.0.0.1\nredis-tls-key=/k\nredis-tls-certificate=/c", "certificate in /c"},
    {"redis=rediss://10.0.0.1\nredis-tls-ca=/a", "certificates in /a"},
    {"redis-tls-ca=/a\nseal-key-file=/k", NULL},
    {"redis=10.0.0.1\nseal-key-file=/k", "option 'seal-key-file': /k: No such file"},
    {"redis=10.0.0.1\nseal-key-file=/dev/null", "there is no key in it"},
};

static void checks_what_the_options_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(checks); i++) {
        struct daemon_config *config = configured(checks[i].lines);
        struct str why = {0};
        int error = config_check_fleet(config, &why);
        assert_int_equal(error, checks[i].wrong != NULL ? -EINVAL : 0);
        if (checks[i].wrong != NULL)
            assert_non_null(strstr(str_string(&why), checks[i].wrong));
        assert_null(strstr(str_string(&why), "pass"));
        str_done(&why);
        config_free(config);
    }
}

static const struct {
    const char *node_address;
    const char *listen[2];
    const char *expected; /* empty: none; NULL: an error */
} addresses[] = {
    {"", {"127.0.0.1:2223"}, ""},
    {"", {"127.0.0.1:2223", "[::1]:2223"}, ""},
    {"", {"127.0.0.1:2223", "10.0.0.1:2224"}, "10.0.0.1:2224"},
    {"", {"10.0.0.2:2223", "10.0.0.1:2224"}, "10.0.0.2:2223"},
    {"", {"0.0.0.0:2223"}, "192.0.2.7:2223"}, /* the first of the host */
    {"192.0.2.9:5000", {"127.0.0.1:2223"}, "192.0.2.9:5000"},
    {"[2001:db8::1]:5000", {"127.0.0.1:2223"}, "[2001:db8::1]:5000"},
    {"5000", {"127.0.0.1:2223"}, NULL},
    {"nonsense:x", {"127.0.0.1:2223"}, NULL},
    {"10.0.0.1:1;10.0.0.2:1", {"127.0.0.1:2223"}, NULL},
};

static void finds_the_address_of_its_ng(void **state)
{
    struct host_address nic = {.nic = "eth0"};
    const struct host_addresses host = {.list = &nic, .count = 1};
    (void)state;
    assert_true(address_parse(TEXT("192.0.2.7"), &nic.ip));
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct daemon_config *config = configured("redis=10.0.0.1\nnode-name=a");
        struct str why = {0};
        char text[ADDRESS_TEXT_SIZE] = "";
        assert_int_equal(config_set(config, option_find(TEXT("node-address")), OPTION_REPLACE,
                             text_from(addresses[i].node_address), "x", &why),
            0);
        for (size_t k = 0; k < 2 && addresses[i].listen[k] != NULL; k++) {
            struct listen_address *at = &config->listen_ng.list[config->listen_ng.count++];
            assert_true(
                address_parse_with_port(text_from(addresses[i].listen[k]), 1, &at->address));
        }
        int error = config_resolve_fleet(config, &host, &why);
        assert_int_equal(error, addresses[i].expected != NULL ? 0 : -EINVAL);
        if (config->node_address.family != ADDRESS_NONE)
            address_text(&config->node_address, text);
        if (addresses[i].expected != NULL)
            assert_string_equal(text, addresses[i].expected);
        str_done(&why);
        config_free(config);
    }
}

static void a_node_has_the_name_of_its_host(void **state)
{
    const struct host_addresses host = {.list = NULL};
    struct daemon_config *config = configured("redis=10.0.0.1");
    struct str why = {0};
    char name[256] = "";
    (void)state;
    gethostname(name, sizeof(name) - 1);
    assert_int_equal(config_resolve_fleet(config, &host, &why), 0);
    assert_true(store_name_is_valid(text_from(config->fleet.node_name)));
    if (store_name_is_valid(text_from(name)))
        assert_string_equal(config->fleet.node_name, name);
    str_done(&why);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_what_the_options_say),
        cmocka_unit_test(finds_the_address_of_its_ng),
        cmocka_unit_test(a_node_has_the_name_of_its_host),
    };
    return cmocka_run_group_tests_name("config_fleet", tests, NULL, NULL);
}
