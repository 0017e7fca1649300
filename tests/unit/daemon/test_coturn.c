/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files of coturn: how they are read, and what becomes of them. */
#include "daemon/coturn_conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/config_build.h"
#include "daemon/coturn_convert.h"
#include "hex.h"

static const struct {
    const char *text;
    const char *expected; /* "LINE NAME=VALUE|" */
} files[] = {
    {"", ""},
    {"# comment\n\n  # comment\n", ""},
    {"lt-cred-mech\nrealm=x", "1 lt-cred-mech=|2 realm=x|"},
    {"realm = x\r\nrealm x\nrealm\tx\nrealm = = x\n  realm=x  \n",
        "1 realm=x|2 realm=x|3 realm=x|4 realm=x|5 realm=x|"},
    {"user=a:b=c # d\n", "1 user=a:b=c # d|"}, /* no comments inside a line */
    {"realm=\"north gov\"\nrealm \"x\nrealm=x\"\nrealm=\"\"\nrealm=\"\n",
        "1 realm=north gov|2 realm=x|3 realm=x\"|4 realm=|5 realm=|"},
    {"-v\n=x\n", "1 -v=|2 =x|"},
};

static void reads_the_dialect(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct bytes exact = exact_copy(text_bytes(text_from(files[i].text)));
        struct coturn_conf conf = coturn_conf_over(text_from_bytes(exact));
        struct coturn_line line;
        struct str found = {0};
        while (coturn_conf_next(&conf, &line))
            str_addf(
                &found, "%u %.*s=%.*s|", line.number, TEXT_ARG(line.name), TEXT_ARG(line.value));
        assert_string_equal(str_string(&found), files[i].expected);
        str_done(&found);
        free((void *)exact.data);
    }
}

static const struct {
    const char *line;
    const char *expected; /* the lines it becomes */
    unsigned carried, dropped;
} lines[] = {
    {"listening-port=3479", "listening-port = 3479\n", 1, 0},
    {"min-port 50000", "min-port = 50000\n", 1, 0},
    {"lt-cred-mech", "lt-cred-mech = true\n", 1, 0},
    {"no-tcp=off", "no-tcp = false\n", 1, 0},
    {"mobility=t", "mobility = true\n", 1, 0},
    {"mobility=perhaps", "# line 1, mobility: 'perhaps' is not true or false\n", 0, 1},
    {"stale-nonce", "stale-nonce = 600\n", 1, 0},
    {"stale-nonce=0", "stale-nonce = 0\n", 1, 0},
    {"keep-address-family", "allocation-default-address-family = keep\n", 1, 0},
    {"CA-file=/etc/ca.pem", "ca-file = /etc/ca.pem\n", 1, 0},
    {"cipher-list=\"HIGH\"", "cipher-list = HIGH\n", 1, 0},
    {"cert=turn.pem",
        "# The next is looked for in the working directory of the daemon: write the whole path.\n"
        "cert = turn.pem\n",
        1, 0},
    {"user=a:b;c", "user = a:b;;c\n", 1, 0},
    {"user=\"\"quoted\":b", "user = \"\"quoted\":b\"\n", 1, 0},
    {"static-auth-secret=logen", "static-auth-secret = logen\n", 1, 0},
    {"redis-userdb=\"ip=127.0.0.1 dbname=2 password=turn\"",
        "redis-userdb = ip=127.0.0.1 dbname=2 password=turn\n", 1, 0},
    {"external-ip=60.70.80.91/172.17.19.101", "external-ip = 60.70.80.91/172.17.19.101\n", 1, 0},
    {"denied-peer-ip=83.166.64.0-83.166.95.255", "denied-peer-ip = 83.166.64.0-83.166.95.255\n", 1,
        0},
    {"alternate-server=[2001:db8:85a3:8d3:1319:8a2e:370:7348]:3478",
        "alternate-server = [2001:db8:85a3:8d3:1319:8a2e:370:7348]:3478\n", 1, 0},
    {"realm=a\nrealm=b", "# line 1, realm: replaced by a later line\nrealm = b\n", 1, 1},

    {"min-port=99999", "# line 1, min-port: '99999' is not a port number (1024-65535)\n", 0, 1},
    {"user=h1dd3n", "# line 1, user: entry 1 is not NAME:PASSWORD or NAME:0xKEY\n", 0, 1},
    {"listening-ip=eth0", "# line 1, listening-ip: 'eth0' is no IP address\n", 0, 1},
    {"external-ip=example.org", "# line 1, external-ip: 'example.org' is no IP address\n", 0, 1},
    {"denied-peer-ip=10.0.0.9-10.0.0.1", NULL, 0, 1},
    {"rest-api-separator=::", "# line 1, rest-api-separator: is not one character\n", 0, 1},
    {"realm=", "# line 1, realm: has no value\n", 0, 1},
    {"no-cli",
        "# line 1, no-cli: not carried over because administration is the HTTP service of "
        "listen-admin in [mediaferry]\n",
        0, 1},
    {"mysql-userdb=\"host=x password=h1dd3n\"",
        "# line 1, mysql-userdb: not carried over because users are kept in this file or in Redis: "
        "list them as user = NAME:PASSWORD, or fill Redis and set redis-userdb\n",
        0, 1},
    {"no-auth",
        "# line 1, no-auth: not carried over because TURN without authentication is not offered: "
        "set user, static-auth-secret or redis-userdb\n",
        0, 1},
    {"multiplex-peer-port=3480",
        "# line 1, multiplex-peer-port: not carried over because each allocation has a port of its "
        "own\n",
        0, 1},
    {"--verbose", "# line 1, --verbose: not an option of coturn that is known here\n", 0, 1},
};

/* The lines between the section and the remarks at the end. */
static struct text converted_lines(const struct str *out)
{
    const char *start = strstr(str_string(out), "\n[turn]\n");
    const char *end = strstr(str_string(out), "\n\n# Peers with private addresses");
    assert_non_null(start);
    assert_non_null(end);
    start += strlen("\n[turn]\n");
    return text_of(start, (size_t)(end + 1 - start));
}

static void carries_over_what_it_can(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct coturn_report report;
        struct str out = {0}, found = {0};
        assert_int_equal(coturn_convert(text_from(lines[i].line), "f", &out, &report), 0);
        str_add(&found, converted_lines(&out));
        if (lines[i].expected != NULL)
            assert_string_equal(str_string(&found), lines[i].expected);
        assert_int_equal(report.carried, lines[i].carried);
        assert_int_equal(report.dropped, lines[i].dropped);
        assert_null(strstr(str_string(&out), "h1dd3n"));
        str_done(&out);
        str_done(&found);
    }
}

/* What comes out is read back, without a word. */
static struct daemon_config *convert_and_read(struct text text, struct coturn_report *report)
{
    struct daemon_config *config = config_new();
    struct str out = {0}, why = {0};
    assert_non_null(config);
    assert_int_equal(coturn_convert(text, "f", &out, report), 0);
    if (config_read_text(config, str_text(&out), "converted", "turn", &why) != 0)
        fail_msg("%s\n%s", str_string(&why), str_string(&out));
    str_done(&out);
    return config;
}

static void what_comes_out_is_ours(void **state)
{
    static const char text[] = "fingerprint\nlt-cred-mech\nuse-auth-secret\n"
                               "static-auth-secret=\"north;west\"\nstatic-auth-secret=south\n"
                               "realm=example.org\nuser=a:\"b\nuser=\"c:d e\"\ntotal-quota=100\n"
                               "stale-nonce=600\nno-multicast-peers\nno-cli\nlog-file stdout\n";
    struct coturn_report report;
    (void)state;
    struct daemon_config *config = convert_and_read(text_from(text), &report);
    assert_int_equal(config->warning_count, 0);
    assert_string_equal(config->turn.static_auth_secret, "north;west\nsouth");
    assert_string_equal(config->turn.user, "a:\"b\nc:d e");
    assert_string_equal(config->turn.realm, "example.org");
    assert_int_equal(config->turn.total_quota, 100);
    assert_true(config->turn.lt_cred_mech);
    assert_true(report.has_users);
    assert_int_equal(report.dropped, 3);
    config_free(config);
}

/* The file that Debian installs has comments for all options and sets four. */
static void a_file_without_users_is_told(void **state)
{
    struct coturn_report report;
    (void)state;
    struct daemon_config *config =
        convert_and_read(TEXT("# realm=x\nsyslog\nno-rfc5780\nno-stun-backward-compatibility\n"
                              "response-origin-only-with-rfc5780\n"),
            &report);
    assert_false(report.has_users);
    assert_int_equal(report.carried, 0);
    assert_int_equal(report.dropped, 4);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_dialect),
        cmocka_unit_test(carries_over_what_it_can),
        cmocka_unit_test(what_comes_out_is_ours),
        cmocka_unit_test(a_file_without_users_is_told),
    };
    return cmocka_run_group_tests_name("coturn", tests, NULL, NULL);
}
