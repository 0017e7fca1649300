/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reload.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char path[] = "/tmp/mediaferry-test-XXXXXX";
static char path_argument[64];
static char *argv[] = {"mediaferry", path_argument, "--turn-user-quota=7"};
static char *envp[] = {"MEDIAFERRY_TURN_TOTAL_QUOTA=70", NULL};
static struct host_address nics[] = {{.nic = "eth0"}};
static const struct host_addresses host = {.list = nics, .count = COUNT_OF(nics)};
static const struct reload_source source = {
    .argc = COUNT_OF(argv), .argv = argv, .envp = envp, .cores = 2};

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    if (fd < 0 || !address_parse(TEXT("192.0.2.7"), &nics[0].ip))
        return -1;
    close(fd);
    snprintf(path_argument, sizeof(path_argument), "--config-file=%s", path);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static struct daemon_config *read_file(const char *text)
{
    struct daemon_config *config = NULL;
    struct str why = {0};
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    if (reload_read(&source, &host, &config, &why) != 0)
        fail_msg("%s", str_string(&why));
    return config;
}

static void add_name(void *owner, const struct option *option)
{
    str_addf(owner, "%s%s ", option->name, option->reloadable ? "" : "!");
}

static const struct {
    const char *before, *after;
    const char *changes; /* '!' behind those that need a restart */
} diffs[] = {
    {"[turn]\nuser = a:b\n", "[turn]\nuser = a:b\n", ""},
    {"[turn]\nuser = a:b\n", "[turn]\n# the same\nuser = \"a:b\"\n", ""},
    {"[turn]\nuser = a:b\n", "[turn]\nuser = a:c\nmax-bps = 1000\n", "turn-user turn-max-bps "},
    {"[turn]\nuser = a:b\n", "[turn]\nuser = a:b\nlistening-port = 1\n[mediaferry]\ntos = 8\n",
        "tos! turn-listening-port! "},
    /* The command line and the environment win as they did at the start. */
    {"[turn]\nuser = a:b\n", "[turn]\nuser = a:b\nuser-quota = 1\ntotal-quota = 1\n", ""},
    {"[turn]\nuser = a:b\n", "[turn]\nuser = a:b\n[mediaferry]\nnum-threads = 2\n", ""},
    {"[turn]\nuser = a:b\n", "[turn]\nuser = a:b\n[mediaferry]\nlog-level = 3\n", "log-level "},
};

static void tells_what_has_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(diffs); i++) {
        struct daemon_config *before = read_file(diffs[i].before);
        struct daemon_config *after = read_file(diffs[i].after);
        struct str found = {0};
        reload_changes(before, after, add_name, &found);
        assert_string_equal(str_string(&found), diffs[i].changes);
        str_done(&found);
        config_free(before);
        config_free(after);
    }
}

static void an_impossible_file_changes_nothing(void **state)
{
    static const char *const bad[] = {"[turn]\nuser = a\n", "[turn]\nmin-port = x\n", "[turn\n",
        "[turn]\nuser = a:b\ncert = /no/such\n"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct daemon_config *config = NULL;
        struct str why = {0};
        FILE *file = fopen(path, "w");
        fputs(bad[i], file);
        fclose(file);
        assert_int_equal(reload_read(&source, &host, &config, &why), -EINVAL);
        assert_null(config);
        assert_true(text_starts_with(str_text(&why), path));
        str_done(&why);
    }
}

static void takes_over_what_needs_no_restart(void **state)
{
    (void)state;
    struct daemon_config *current = read_file("[turn]\nuser = a:b\nrealm = one\nmax-pps = 5\n");
    struct daemon_config *fresh =
        read_file("[turn]\nuser = a:c;d:e\nrealm = two\nmin-port = 50000\nlistening-ip = 1.2.3.4\n"
                  "denied-peer-ip = 192.0.2.0/24\n[mediaferry]\nlog-level = 4\n");
    reload_adopt(current, fresh);
    assert_string_equal(current->turn.user, "a:c\nd:e");
    assert_int_equal(current->turn_lists.users.count, 2);
    assert_true(text_is(current->turn_lists.users.list[1].name, "d"));
    assert_true(text_is(current->turn_lists.realms.list[0], "two"));
    assert_int_equal(current->turn_lists.denied.count, 1);
    assert_int_equal(current->turn.max_pps, 0);
    assert_int_equal(current->process.log_level, 4);
    /* Not these, which sockets depend on. */
    assert_int_equal(current->turn.min_port, 49152);
    assert_string_equal(current->turn.listening_ip, "");
    assert_string_equal(fresh->turn.user, "a:b");
    /* And back, when the server cannot use it. */
    reload_adopt(current, fresh);
    assert_string_equal(current->turn.user, "a:b");
    assert_int_equal(current->turn_lists.users.count, 1);
    assert_int_equal(current->turn.max_pps, 5);
    config_free(fresh);
    assert_true(text_is(current->turn_lists.users.list[0].stored, "b"));
    config_free(current);
}

struct application {
    const struct daemon_config *config;
    bool fails;
    int64_t seen; /* max-pps when it was applied */
};

static int apply(void *owner, struct str *why)
{
    struct application *application = owner;
    application->seen = application->config->turn.max_pps;
    if (application->fails)
        str_add_string(why, "the server cannot use it");
    return application->fails ? -EINVAL : 0;
}

static void what_cannot_be_applied_is_taken_back(void **state)
{
    static const struct {
        const char *file;
        bool fails;
        int64_t seen, expected; /* max-pps */
    } reloads[] = {
        {"[turn]\nuser = a:b\nmax-pps = 6\n", false, 6, 6},
        {"[turn]\nuser = a:b\nmax-pps = 7\n", true, 7, 6},
        {"[turn]\nuser = a:b\nmax-pps = x\n", false, -1, 6},
        {"[turn]\nuser = a:b\n", false, 0, 0},
    };
    struct daemon_config *config = read_file("[turn]\nuser = a:b\nmax-pps = 5\n");
    struct host_addresses own = {.list = NULL};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reloads); i++) {
        struct application application = {config, reloads[i].fails, -1};
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(reloads[i].file, file);
        fclose(file);
        reload_now(&source, config, &own, apply, &application);
        assert_int_equal(application.seen, reloads[i].seen);
        assert_int_equal(config->turn.max_pps, reloads[i].expected);
    }
    assert_true(own.count > 0);
    host_addresses_done(&own);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_has_changed),
        cmocka_unit_test(an_impossible_file_changes_nothing),
        cmocka_unit_test(takes_over_what_needs_no_restart),
        cmocka_unit_test(what_cannot_be_applied_is_taken_back),
    };
    return cmocka_run_group_tests_name("reload", tests, make_file, remove_file);
}
