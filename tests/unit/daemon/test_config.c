/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/config_build.h"

static char path[] = "/tmp/mediaferry-test-XXXXXX";
static char path_argument[64];

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    snprintf(path_argument, sizeof(path_argument), "--config-file=%s", path);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Loads the file, with one more argument and one variable. */
static int load(char *argument, char *variable, struct daemon_config **out, struct str *why)
{
    char *argv[] = {"mediaferry", path_argument, argument, NULL};
    char *envp[] = {"PATH=/bin", variable, NULL};
    enum config_action action = CONFIG_HELP;
    int error = config_load(argument != NULL ? 3 : 2, argv, envp, &action, out, why);
    assert_true(error != 0 || action == CONFIG_RUN);
    return error;
}

static const struct {
    const char *file;
    char *argument;
    char *variable;
    const char *name;
    const char *expected;
} winners[] = {
    {"", NULL, NULL, "port-min", "30000"},
    {"[mediaferry]\nport-min = 1\n", NULL, NULL, "port-min", "1"},
    {"[mediaferry]\nport-min = 1\n", NULL, "MEDIAFERRY_PORT_MIN=2", "port-min", "2"},
    {"[mediaferry]\nport-min = 1\n", "--port-min=3", "MEDIAFERRY_PORT_MIN=2", "port-min", "3"},
    {"[rtpengine]\nport-min = 5\n", NULL, NULL, "port-min", "5"},
    {"[mediaferry]\nport-min = 1\n[rtpengine]\nport-min = 5\n", NULL, NULL, "port-min", "1"},
    {"[mediaferry]\nport-min = 1\n[x]\nport-min = 7\n", "--config-section=x", NULL, "port-min",
        "7"},
    {"[mediaferry]\nport-min = 1\n[x]\nport-min = 7\n", NULL, "MEDIAFERRY_CONFIG_SECTION=x",
        "port-min", "7"},
    {"[mediaferry]\nport-min = 1\nport-min = 2\n", NULL, NULL, "port-min", "2"},
    {"[mediaferry]\ninterface = a/1.2.3.4 ; b/5.6.7.8\n", NULL, NULL, "interface",
        "a/1.2.3.4 ; b/5.6.7.8"},
    {"[mediaferry]\ninterface = a/1.2.3.4\n", "--interface=b", NULL, "interface", "b"},
};

static void the_later_source_wins(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(winners); i++) {
        struct daemon_config *config = NULL;
        struct str why = {0}, value = {0};
        write_file(winners[i].file);
        assert_int_equal(load(winners[i].argument, winners[i].variable, &config, &why), 0);
        option_get(option_find(text_from(winners[i].name)), config, &value);
        assert_string_equal(str_string(&value), winners[i].expected);
        assert_int_equal(why.len, 0);
        str_done(&value);
        config_free(config);
    }
}

static const struct {
    const char *file;
    char *argument;
    char *variable;
    const char *expected; /* FILE stands for the path */
} errors[] = {
    {"[mediaferry]\n\nport-min = 70000\n", NULL, NULL,
        "FILE:3: option 'port-min': '70000' is not a port number (1-65535)"},
    {"[rtpengine]\nport-min = x\n", NULL, NULL,
        "FILE:2: option 'port-min': 'x' is not a port number (1-65535)"},
    {"[mediaferry]\n# a\nport-min = 50000\n", NULL, NULL,
        "FILE:3: option 'port-min': 50000 is above 'port-max' (39999)"},
    {"x=1\n", NULL, NULL, "FILE:1: a line before the first [section]"},
    {"[mediaferry]\nport-min 5\n", NULL, NULL, "FILE:2: neither [section] nor option = value"},
    {"", "--tos=256", NULL, "command line: option 'tos': '256' is not a number (0 to 255)"},
    {"", NULL, "MEDIAFERRY_TOS=-1",
        "MEDIAFERRY_TOS: option 'tos': '-1' is not a number (0 to 255)"},
    {"", "--config-file=/no/such/file", NULL,
        "command line: option 'config-file': cannot read '/no/such/file': No such file or "
        "directory"},
    {"[mediaferry]\nnum-threads = 3\n", "--webrtc-port=65534", NULL,
        "command line: option 'webrtc-port': 65534 leaves no ports for 3 workers"},
};

static void an_error_names_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        struct daemon_config *config = NULL;
        struct str why = {0}, expected = {0};
        struct text rest = text_from(errors[i].expected);
        if (text_starts_with(rest, "FILE")) {
            str_add_string(&expected, path);
            rest = text_skip(rest, strlen("FILE"));
        }
        str_add(&expected, rest);
        write_file(errors[i].file);
        assert_int_equal(load(errors[i].argument, errors[i].variable, &config, &why), -EINVAL);
        assert_null(config);
        assert_string_equal(str_string(&why), str_string(&expected));
        str_done(&why);
        str_done(&expected);
    }
}

static void warns_once_of_each_unknown_option(void **state)
{
    (void)state;
    struct daemon_config *config = NULL;
    struct str why = {0}, first = {0};
    write_file("[rtpengine]\ntable = 0\nlisten-http = 8080\nbogus = 1\ntable = 1\n"
               "foreground = false\nconfig-file = x\n[rtpengine-other]\nelse = 1\n");
    assert_int_equal(load(NULL, NULL, &config, &why), 0);
    assert_int_equal(config->warning_count, 5);
    assert_string_equal(config->warnings[0], "option 'table' has no effect here because media is "
                                             "forwarded in user space, there is no kernel module");
    assert_true(text_starts_with(text_from(config->warnings[1]), "option 'listen-http'"));
    str_addf(&first, "%s:4: unknown option 'bogus'", path);
    assert_string_equal(config->warnings[2], str_string(&first));
    str_reset(&first);
    str_addf(&first, "%s:7: option 'config-file' cannot be set in a file", path);
    assert_string_equal(config->warnings[3], str_string(&first));
    assert_true(text_starts_with(text_from(config->warnings[4]), "option 'foreground'"));
    str_done(&first);
    config_free(config);
}

static void a_file_without_our_section_is_noticed(void **state)
{
    (void)state;
    struct daemon_config *config = NULL;
    struct str why = {0};
    write_file("[mediafery]\nport-min = 1\n");
    assert_int_equal(load(NULL, NULL, &config, &why), 0);
    assert_int_equal(config->warning_count, 1);
    assert_int_equal(config->network.port_min, 30000);
    config_free(config);
}

static void none_reads_no_file(void **state)
{
    (void)state;
    struct daemon_config *config = NULL;
    struct str why = {0};
    write_file("[mediaferry]\nport-min = bad\n");
    assert_int_equal(load("--config-file=none", NULL, &config, &why), 0);
    config_free(config);
}

static struct host_address nics[] = {{.nic = "eth0"}, {.nic = "lo", .is_loopback = true}};
static const struct host_addresses host = {.list = nics, .count = COUNT_OF(nics)};

static void resolves_what_is_meant(void **state)
{
    (void)state;
    struct daemon_config *config = config_new();
    struct str why = {0};
    char text[ADDRESS_TEXT_SIZE];
    assert_true(address_parse(TEXT("192.0.2.7"), &nics[0].ip));
    assert_true(address_parse(TEXT("127.0.0.1"), &nics[1].ip));
    assert_int_equal(config_resolve(config, &host, 4, &why), 0);
    assert_int_equal(config->process.num_threads, 4);
    assert_true(config->interface_was_chosen);
    assert_string_equal(address_ip_text(&config->interfaces->binds[0], text), "192.0.2.7");
    assert_int_equal(config->listen_ng.count, 1);
    assert_string_equal(address_text(&config->listen_ng.list[0].address, text), "127.0.0.1:2223");
    config_free(config);
}

static const struct {
    const char *name;
    const char *value;
    const char *expected;
} unresolvable[] = {
    {"interface", "eth9",
        "here: option 'interface': no address of this host, network interface or "
        "host name in 'eth9'"},
    {"listen-ng", "1.2.3.4", "here: option 'listen-ng': no port number (1-65535) in '1.2.3.4'"},
    {"webrtc-port", "65535", "here: option 'webrtc-port': 65535 leaves no ports for 4 workers"},
    {"worker-affinity", "0,x",
        "here: option 'worker-affinity': 'x' is neither off, auto, a core nor "
        "a range of cores"},
};

static void what_cannot_be_resolved_names_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(unresolvable); i++) {
        struct daemon_config *config = config_new();
        struct str why = {0};
        assert_int_equal(config_set(config, option_find(text_from(unresolvable[i].name)),
                             OPTION_REPLACE, text_from(unresolvable[i].value), "here", &why),
            0);
        assert_int_equal(config_resolve(config, &host, 4, &why), -EINVAL);
        assert_string_equal(str_string(&why), unresolvable[i].expected);
        str_done(&why);
        config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_later_source_wins),
        cmocka_unit_test(an_error_names_its_place),
        cmocka_unit_test(warns_once_of_each_unknown_option),
        cmocka_unit_test(a_file_without_our_section_is_noticed),
        cmocka_unit_test(none_reads_no_file),
        cmocka_unit_test(resolves_what_is_meant),
        cmocka_unit_test(what_cannot_be_resolved_names_its_place),
    };
    return cmocka_run_group_tests_name("config", tests, make_file, remove_file);
}
