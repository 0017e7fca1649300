/* SPDX-License-Identifier: Apache-2.0 */
/* What the options of TURN and of the administration must have in common. */
#include "daemon/config_turn.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/turn_build.h"

static struct host_address nics[] = {{.nic = "eth0"}, {.nic = "eth1"}, {.nic = "eth1"}};
static const struct host_addresses host = {.list = nics, .count = COUNT_OF(nics)};

static int make_host(void **state)
{
    static const char *const ips[] = {"192.0.2.7", "198.51.100.7", "2001:db8::7"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(nics); i++)
        if (!address_parse(text_from(ips[i]), &nics[i].ip))
            return -1;
    return 0;
}

/* Reads the text as a file named "f" and does what a start does with it. */
static int load(const char *text, struct daemon_config **out, struct str *why)
{
    struct daemon_config *config = config_new();
    assert_non_null(config);
    int error = config_read_text(config, text_from(text), "f", "", why);
    if (error == 0)
        error = config_check(config, why);
    if (error == 0)
        error = config_resolve(config, &host, 2, why);
    *out = config;
    return error;
}

#define NO_AUTHENTICATION                                                                          \
    "TURN has no authentication: set 'user', 'static-auth-secret', 'oauth' and 'oauth-key', or "   \
    "'redis-userdb'"
#define KEY_32 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static const struct {
    const char *file;
    const char *expected; /* "on", "off", or the complaint */
} cases[] = {
    {"[mediaferry]\ntos = 0\n", "off"},
    {"[turn]\nlistening-port = 3479\nsoftware-attribute\n", "off"},
    {"[turn]\nuser = a:b\n", "on"},
    {"[turn]\nUSER = a:b\nRealm=x\n", "on"},
    {"[mediaferry]\nturn-user = a:b\n", "on"},
    {"[turn]\nstatic-auth-secret = s\nuse-auth-secret\nlt-cred-mech\n", "on"},
    {"[turn]\nredis-userdb = \"ip=127.0.0.1 dbname=2\"\nlt-cred-mech\nuse-auth-secret\n", "on"},
    {"[turn]\noauth\noauth-key = k:A256GCM:" KEY_32 "\n", "on"},
    {"[turn]\nuser = a:b\nstun-only\n", "off"},
    {"[turn]\nrealm = x\nstun-only\n", "off"},

    {"[turn]\nrealm = example.org\n", "f:2: option 'turn-realm': " NO_AUTHENTICATION},
    {"[turn]\nmin-port = 50000\n", "f:2: option 'turn-min-port': " NO_AUTHENTICATION},
    {"[turn]\n\nuser-quota = 0\n", "f:3: option 'turn-user-quota': " NO_AUTHENTICATION},
    {"[turn]\nno-tcp-relay = false\n", "f:2: option 'turn-no-tcp-relay': " NO_AUTHENTICATION},
    {"[turn]\nuser = a:b\nuse-auth-secret\n",
        "f:3: option 'turn-use-auth-secret': there is no 'static-auth-secret' and no "
        "'redis-userdb'"},
    {"[turn]\nlt-cred-mech\n",
        "f:2: option 'turn-lt-cred-mech': there is no 'user', no 'static-auth-secret' and no "
        "'redis-userdb'"},
    {"[turn]\nuser = a:b\noauth\n", "f:3: option 'turn-oauth': there is no 'oauth-key'"},
    {"[turn]\noauth-key = k:A256GCM:" KEY_32 "\n",
        "f:2: option 'turn-oauth-key': 'oauth' is not set"},

    {"[turn]\nuser = a:b\nmin-port = 50001\nmax-port = 50000\n",
        "f:3: option 'turn-min-port': 50001 is above 'max-port' (50000)"},
    {"[turn]\ntls-listening-port = 3478\n",
        "f:2: option 'turn-tls-listening-port': 3478 is 'listening-port' too, where TLS and DTLS "
        "are served anyway: set 0"},
    {"[turn]\nlistening-port = 0\ntls-listening-port = 0\n", "off"},
    {"[turn]\nno-stun\n", "f:2: option 'turn-no-stun': without TURN nothing is left to serve"},
    {"[turn]\nno-stun\nuser = a:b\n", "on"},
    {"[turn]\nuser = a:b\nno-udp-relay\nno-tcp-relay\n",
        "f:3: option 'turn-no-udp-relay': with 'no-tcp-relay' nothing is left to relay"},
    {"[turn]\nuser = a:b\nrest-api-separator = ::\n",
        "f:3: option 'turn-rest-api-separator': '::' is not one character"},
    {"[turn]\nuser = a:b\nrealm =\n", "f:3: option 'turn-realm': there is no realm"},
    {"[turn]\nuser = a:b\nrealm = x\nrealm = x\n",
        "f:4: option 'turn-realm': who may use TURN is not clear: 'x': a name is given twice"},
    {"[turn]\nuser = a:b\nstateless-nonce-secret = 0123456789abcdef; short\n",
        "f:3: option 'turn-stateless-nonce-secret': one is shorter than 16 characters"},
    {"[turn]\nuser = a:b\nstateless-nonce-secret = 0123456789abcdef;123456789abcdef0;"
     "23456789abcdef01\n",
        "f:3: option 'turn-stateless-nonce-secret': there are more than two"},

    {"[turn]\nuser = a:b\nuser = c\n",
        "f:3: option 'turn-user': entry 2 is not NAME:PASSWORD or NAME:0xKEY"},
    {"[turn]\nuser = a:b\norigin = https://x=other\n",
        "f:3: option 'turn-origin': 'other' is not one of the realms"},
    {"[turn]\nredis-userdb = ip=127.0.0.1 h1dd3n\n", NULL},
    {"[turn]\nlistening-ip = eth7\n",
        "f:2: option 'turn-listening-ip': 'eth7' is no IP address, and no network interface that "
        "has one"},
    {"[turn]\nexternal-ip = 203.0.113.1/x\n",
        "f:2: option 'turn-external-ip': '203.0.113.1/x' has no IP address behind the '/'"},
    {"[turn]\nuser = a:b\nalternate-server = x\n",
        "f:3: option 'turn-alternate-server': 'x' is no IP address with or without a port"},
    {"[turn]\nproxy-protocol = x\n",
        "f:2: option 'turn-proxy-protocol': 'x' is no IP address, network or range of addresses"},
    {"[turn]\ncert = a.pem\n",
        "f:2: option 'turn-cert': there are 1 certificates and 0 private keys"},
    {"[turn]\nrfc5780\n",
        "f:2: option 'turn-rfc5780': there are no two listening addresses of one family"},
    {"[turn]\nrfc5780\nlistening-ip = eth1\n",
        "f:2: option 'turn-rfc5780': there are no two listening addresses of one family"},
    {"[turn]\nrfc5780\nlistening-ip = eth0;eth1\n", "off"},
    {"[turn]\nrfc5780\nno-udp\nlistening-ip = any\n",
        "f:2: option 'turn-rfc5780': no UDP port is open"},
    {"[turn]\nrfc5780\nlistening-ip = any\nalt-listening-port = 3478\n",
        "f:4: option 'turn-alt-listening-port': is 'listening-port' too"},

    {"[turn]\nmin-port\n", "f:2: neither [section] nor option = value"},
    {"[turn]\nbogus\n", "f:2: neither [section] nor option = value"},
    {"[mediaferry]\nsip-source\n", "f:2: neither [section] nor option = value"},
    {"stun-only\n[turn]\n", "f:1: neither [section] nor option = value"},

    {"[mediaferry]\nlisten-admin = 8080\n",
        "f:2: option 'listen-admin': needs 'admin-token' or 'admin-token-file'"},
    {"[mediaferry]\nlisten-admin = 8080\nadmin-token = 0123456789abcdef\n", "off"},
    {"[mediaferry]\nlisten-admin = 8080\nadmin-token = 0123456789abcde\n",
        "f:3: option 'admin-token': a token must have 16 to 256 characters: letters, digits and "
        "-._~+/="},
    {"[mediaferry]\nadmin-token = 0123456789abcdef\nadmin-token-file = x\n",
        "f:3: option 'admin-token-file': 'admin-token' is set too: one is enough"},
    {"[mediaferry]\nlisten-admin = 8080\nadmin-token-file = /no/such\n",
        "f:3: option 'admin-token-file': cannot read '/no/such': No such file or directory"},
    {"[mediaferry]\nlisten-admin = x\nadmin-token = 0123456789abcdef\n",
        "f:2: option 'listen-admin': no port number (1-65535) in 'x'"},
};

static void says_what_it_comes_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct daemon_config *config;
        struct str found = {0};
        int error = load(cases[i].file, &config, &found);
        if (error == 0)
            str_add_string(&found, config->turn_is_on ? "on" : "off");
        if (cases[i].expected != NULL)
            assert_string_equal(str_string(&found), cases[i].expected);
        assert_true(cases[i].expected != NULL || error == -EINVAL);
        assert_null(strstr(str_string(&found), "h1dd3n"));
        assert_int_equal(config->warning_count, 0);
        str_done(&found);
        config_free(config);
    }
}

static void lists_add_up_within_a_file(void **state)
{
    static const char text[] =
        "[turn]\nuser = \"a:1\"\nuser = b:2;c:3\nuser = d:4;;5\nrealm = x\nrealm = \"y z\"\n"
        "external-ip = 203.0.113.1/192.0.2.7\nmax-port = 50000\nmax-port = 60000\n";
    struct daemon_config *config;
    struct str why = {0};
    (void)state;
    assert_int_equal(load(text, &config, &why), 0);
    assert_string_equal(config->turn.user, "a:1\nb:2\nc:3\nd:4;5");
    assert_int_equal(config->turn_lists.users.count, 4);
    assert_true(text_is(config->turn_lists.users.list[3].stored, "4;5"));
    assert_string_equal(config->turn.realm, "x\ny z");
    assert_int_equal(config->turn.max_port, 60000);

    /* What comes later replaces them. */
    assert_int_equal(config_set(config, option_find(TEXT("turn-user")), OPTION_REPLACE, TEXT("e:6"),
                         COMMAND_LINE, &why),
        0);
    assert_string_equal(config->turn.user, "e:6");
    config_free(config);
}

static void listens_where_media_is_served(void **state)
{
    struct daemon_config *config;
    struct str why = {0};
    char text[ADDRESS_TEXT_SIZE];
    (void)state;
    assert_int_equal(load("[mediaferry]\ninterface = 192.0.2.7\n", &config, &why), 0);
    assert_int_equal(config->turn_lists.listening.count, 1);
    assert_string_equal(address_text(&config->turn_lists.listening.list[0], text), "192.0.2.7:0");
    assert_int_equal(config->listen_admin.count, 0);
    config_free(config);
}

static void a_port_of_the_administration_is_on_loopback(void **state)
{
    struct daemon_config *config;
    struct str why = {0};
    char text[ADDRESS_TEXT_SIZE];
    (void)state;
    assert_int_equal(load("[mediaferry]\nlisten-admin = 8080; 192.0.2.7:8081\n"
                          "admin-token = 0123456789abcdef;0123456789ABCDEF\n",
                         &config, &why),
        0);
    assert_int_equal(config->listen_admin.count, 2);
    assert_string_equal(
        address_text(&config->listen_admin.list[0].address, text), "127.0.0.1:8080");
    assert_string_equal(
        address_text(&config->listen_admin.list[1].address, text), "192.0.2.7:8081");
    assert_string_equal(config->admin_tokens, "0123456789abcdef\n0123456789ABCDEF");
    config_free(config);
}

static void tokens_are_read_from_a_file(void **state)
{
    char path[] = "/tmp/mediaferry-test-XXXXXX";
    struct daemon_config *config;
    struct str file = {0}, why = {0};
    int fd = mkstemp(path);
    static const char content[] = " 0123456789abcdef \r\n\nfedcba9876543210";
    (void)state;
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    str_addf(&file, "[mediaferry]\nlisten-admin = 8080\nadmin-token-file = %s\n", path);
    assert_int_equal(load(str_string(&file), &config, &why), 0);
    struct text rest = text_from(config->admin_tokens), token;
    assert_true(turn_list_next(&rest, &token) && text_is(token, "0123456789abcdef"));
    assert_true(turn_list_next(&rest, &token) && text_is(token, "fedcba9876543210"));
    assert_false(turn_list_next(&rest, &token));
    unlink(path);
    str_done(&file);
    config_free(config);
}

static const struct {
    const char *file;
    const char *warning; /* how the only one begins */
} warnings[] = {
    {"[turn]\nno-cli\n", "option 'no-cli' has no effect here because administration is"},
    {"[turn]\nuserdb = /var/db/turndb\n", "option 'userdb' has no effect here because users are"},
    {"[turn]\nverbose = 1\n", "option 'verbose' has no effect here because the log is"},
    {"[turn]\nbogus = 1\n", "f:2: unknown option 'bogus'"},
    {"[turn]\nport-min = 1\n", "f:2: unknown option 'port-min'"},
    {"[turn]\nuser = a:b\nno-multicast-peers = off\n",
        "option 'turn-no-multicast-peers' has no effect here because"},
    {"[turn]\nuser = a:b\nbps-capacity = 1000\n",
        "option 'turn-bps-capacity' has no effect without"},
    {"[turn]\nuser = a:b\nbps-capacity = 1000\nmax-bps = 10\n", NULL},
    {"[turn]\nuser = a:b\nmin-port = 35000\n",
        "the ports of TURN, 35000-65535, overlap those of media, 30000-39999"},
    {"[turn]\nstun-only\nmin-port = 35000\n", NULL},
};

static void warns_of_what_is_seldom_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(warnings); i++) {
        struct daemon_config *config;
        struct str why = {0};
        assert_int_equal(load(warnings[i].file, &config, &why), 0);
        config_warn_turn(config);
        assert_int_equal(config->warning_count, warnings[i].warning != NULL ? 1 : 0);
        if (warnings[i].warning != NULL)
            assert_true(text_starts_with(text_from(config->warnings[0]), warnings[i].warning));
        config_free(config);
    }
}

static void warns_of_a_secret_on_the_command_line(void **state)
{
    char *argv[] = {"mediaferry", "--config-file=none", "--turn-user=a:h1dd3n"};
    char *envp[] = {"MEDIAFERRY_TURN_STATIC_AUTH_SECRET=one;two", NULL};
    struct daemon_config *config = NULL;
    enum config_action action;
    struct str why = {0};
    (void)state;
    assert_int_equal(config_load(3, argv, envp, &action, &config, &why), 0);
    assert_string_equal(config->turn.static_auth_secret, "one\ntwo");
    assert_int_equal(config->warning_count, 1);
    assert_non_null(strstr(config->warnings[0], "'turn-user' is on the command line"));
    assert_null(strstr(config->warnings[0], "h1dd3n"));
    config_free(config);
}

static void a_coturn_file_needs_check_config(void **state)
{
    char *argv[] = {"mediaferry", "--config-file=none", "--turnserver-conf=x", "--check-config"};
    char *envp[] = {NULL};
    struct daemon_config *config = NULL;
    enum config_action action;
    struct str why = {0};
    (void)state;
    assert_int_equal(config_load(3, argv, envp, &action, &config, &why), -EINVAL);
    assert_string_equal(
        str_string(&why), "command line: option 'turnserver-conf': needs --check-config");
    str_done(&why);
    assert_int_equal(config_load(4, argv, envp, &action, &config, &why), 0);
    assert_int_equal(action, CONFIG_CHECK);
    config_free(config);
}

static void an_address_is_seen_as_it_is_mapped(void **state)
{
    static const struct {
        const char *local;
        const char *seen;
    } expected[] = {
        {"192.0.2.7", "203.0.113.1:9"},
        {"192.0.2.8", "203.0.113.2:9"},
        {"2001:db8::7", "[2001:db8::7]:9"},
    };
    struct daemon_config *config;
    struct str why = {0};
    char text[ADDRESS_TEXT_SIZE];
    (void)state;
    assert_int_equal(
        load("[turn]\nexternal-ip = 203.0.113.2; 203.0.113.1/192.0.2.7\n", &config, &why), 0);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct address local;
        assert_true(address_parse(text_from(expected[i].local), &local));
        local.port = 9;
        struct address seen = turn_external_address(&config->turn_lists, &local);
        assert_string_equal(address_text(&seen, text), expected[i].seen);
    }
    config_free(config);
}

/* Static users and secrets of every realm; a key belongs to the first. */
static void everybody_is_in_every_realm_but_keys(void **state)
{
    static const char file[] =
        "[turn]\nrealm = one;two\nuser = a:b;k:0x00112233445566778899aabbccddeeff\n"
        "static-auth-secret = s\n";
    const struct nonce_keys keys = {.has_previous = false};
    struct daemon_config *config;
    struct rest_credentials issued;
    struct auth *auth = NULL;
    struct str why = {0};
    (void)state;
    assert_int_equal(load(file, &config, &why), 0);
    assert_int_equal(turn_build_auth(config, &keys, NULL, &auth, &why), 0);
    assert_true(text_is(auth_default_realm(auth), "one"));
    assert_true(auth_issue(auth, TEXT("two"), TEXT("x"), 1700000000, &issued));
    assert_true(text_is(text_of(issued.username, issued.username_len), "1700000000:x"));
    auth_unref(auth);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_it_comes_to),
        cmocka_unit_test(lists_add_up_within_a_file),
        cmocka_unit_test(listens_where_media_is_served),
        cmocka_unit_test(a_port_of_the_administration_is_on_loopback),
        cmocka_unit_test(tokens_are_read_from_a_file),
        cmocka_unit_test(warns_of_what_is_seldom_meant),
        cmocka_unit_test(warns_of_a_secret_on_the_command_line),
        cmocka_unit_test(a_coturn_file_needs_check_config),
        cmocka_unit_test(an_address_is_seen_as_it_is_mapped),
        cmocka_unit_test(everybody_is_in_every_realm_but_keys),
    };
    return cmocka_run_group_tests_name("config_turn", tests, make_host, NULL);
}
