/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "daemon/config_build.h"

/* The file in the tree is what the program prints: after a change of the option table, print it
 * again (mediaferry --config-file=none --print-config, or --print-docs). */
static void assert_is_file(const struct str *printed, const char *path)
{
    static char content[1 << 16];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(content, 1, sizeof(content) - 1, file);
    fclose(file);
    content[len] = '\0';
    assert_string_equal(str_string(printed), content);
}

static void the_sample_in_the_tree_is_up_to_date(void **state)
{
    (void)state;
    struct daemon_config *config = config_new();
    struct str out = {0};
    config_print_sample(config, &out);
    assert_is_file(&out, SOURCE_ROOT "/config/mediaferry.conf");
    str_done(&out);
    config_free(config);
}

static void the_documentation_in_the_tree_is_up_to_date(void **state)
{
    (void)state;
    struct str out = {0};
    config_print_docs(&out);
    assert_is_file(&out, SOURCE_ROOT "/docs/configuration.md");
    str_done(&out);
}

static void a_printed_configuration_is_read_back(void **state)
{
    (void)state;
    static const char set[] = "[mediaferry]\nport-min = 20000\nplain-sdp = off\nmos = LQ\n"
                              "interface = a/1.2.3.4;b/5.6.7.8\nsoftware-id =\n";
    struct daemon_config *first = config_new(), *second = config_new();
    struct str out = {0}, again = {0}, why = {0};
    assert_int_equal(config_read_text(first, text_from(set), "x", "", &why), 0);
    config_print_sample(first, &out);
    assert_non_null(strstr(str_string(&out), "\nport-min = 20000\n"));
    assert_non_null(strstr(str_string(&out), "\n#port-max = 39999\n"));
    assert_int_equal(config_read_text(second, str_text(&out), "x", "", &why), 0);
    assert_int_equal(second->warning_count, 0);
    config_print_sample(second, &again);
    assert_string_equal(str_string(&out), str_string(&again));
    str_done(&out);
    str_done(&again);
    config_free(first);
    config_free(second);
}

static void a_section_turn_is_read_back_without_its_secrets(void **state)
{
    (void)state;
    static const char set[] = "[turn]\nuser = a:h1dd3n\nstatic-auth-secret = h1dd3n\nrealm = a;b\n"
                              "external-ip = 203.0.113.1\nno-tcp\n[mediaferry]\n"
                              "admin-token = h1dd3n\n";
    struct daemon_config *first = config_new(), *second = config_new();
    struct str out = {0}, why = {0};
    assert_int_equal(config_read_text(first, text_from(set), "x", "", &why), 0);
    config_print_sample(first, &out);
    assert_null(strstr(str_string(&out), "h1dd3n"));
    assert_non_null(strstr(str_string(&out), "\n#user = (set, and not shown)\n"));
    assert_non_null(strstr(str_string(&out), "\nrealm = a; b\n"));
    assert_non_null(strstr(str_string(&out), "\nno-tcp = true\n"));
    assert_int_equal(config_read_text(second, str_text(&out), "x", "", &why), 0);
    assert_string_equal(second->turn.realm, "a\nb");
    assert_string_equal(second->turn.external_ip, "203.0.113.1");
    assert_string_equal(second->turn.user, "");
    str_done(&out);
    config_free(first);
    config_free(second);
}

static struct host_address nics[] = {{.nic = "eth0"}};

static void the_summary_tells_all_but_secrets(void **state)
{
    (void)state;
    static const char set[] =
        "[turn]\nuser = a:h1dd3n;b:h1dd3n\nrealm = one;two\nexternal-ip = 203.0.113.1\n"
        "no-tcp\nbogus = 1\n[mediaferry]\nlisten-admin = 8080\nadmin-token = 0123456789h1dd3n\n";
    static const char *const said[] = {"  turn-user = (not shown) (x:2)\n",
        "  turn-realm = one; two (x:3)\n", "  interface default: 192.0.2.7",
        "  ng: 127.0.0.1:2223\n", "  administration: 127.0.0.1:8080\n", "\nSTUN and TURN\n",
        "  listening: 192.0.2.7\n", "  ports: UDP 3478 (", "is seen as 203.0.113.1\n",
        "  relayed ports: 49152-65535\n", "  realms: one two\n", "  users: 2, secrets: 0",
        "  x:6: unknown option 'bogus'\n"};
    const struct host_addresses host = {.list = nics, .count = COUNT_OF(nics)};
    struct daemon_config *config = config_new();
    struct str out = {0}, why = {0};
    assert_true(address_parse(TEXT("192.0.2.7"), &nics[0].ip));
    assert_int_equal(config_read_text(config, text_from(set), "x", "", &why), 0);
    assert_int_equal(config_resolve(config, &host, 2, &why), 0);
    config_print_summary(config, &out);
    for (size_t i = 0; i < COUNT_OF(said); i++)
        if (strstr(str_string(&out), said[i]) == NULL)
            fail_msg("no '%s' in\n%s", said[i], str_string(&out));
    assert_null(strstr(str_string(&out), "h1dd3n"));
    str_done(&out);
    config_free(config);
}

static void assert_narrow(const struct str *out, size_t columns)
{
    struct text rest = str_text(out);
    while (rest.len > 0)
        assert_in_range(text_cut(&rest, '\n').len, 0, columns);
}

static void help_and_manual_name_every_option(void **state)
{
    (void)state;
    struct str help = {0}, man = {0};
    config_print_help(&help);
    config_print_man(&man);
    assert_narrow(&help, 80);
    for (size_t i = 0; i < option_count; i++) {
        struct str plain = {0}, roff = {0};
        str_addf(&plain, "--%s%s", options[i].kind == OPTION_BOOL ? "[no-]" : "", options[i].name);
        for (const char *c = str_string(&plain); *c != '\0'; c++)
            str_addf(&roff, "%s%c", *c == '-' ? "\\" : "", *c);
        assert_non_null(strstr(str_string(&help), str_string(&plain)));
        assert_non_null(strstr(str_string(&man), str_string(&roff)));
        str_done(&plain);
        str_done(&roff);
    }
    str_done(&help);
    str_done(&man);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_in_the_tree_is_up_to_date),
        cmocka_unit_test(the_documentation_in_the_tree_is_up_to_date),
        cmocka_unit_test(a_printed_configuration_is_read_back),
        cmocka_unit_test(a_section_turn_is_read_back_without_its_secrets),
        cmocka_unit_test(the_summary_tells_all_but_secrets),
        cmocka_unit_test(help_and_manual_name_every_option),
    };
    return cmocka_run_group_tests_name("config_print", tests, NULL, NULL);
}
