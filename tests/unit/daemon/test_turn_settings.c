/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/turn_settings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/config_build.h"
#include "net/own_sockets.h"
#include "../net/pem.h"

static struct host_address nics[] = {{.nic = "eth0"}, {.nic = "eth1"}, {.nic = "eth1"}};
static const struct host_addresses host = {.list = nics, .count = COUNT_OF(nics)};

static int make_host(void **state)
{
    static const char *const ips[] = {"192.0.2.7", "198.51.100.7", "2001:db8::7"};
    (void)state;
    pem_init();
    pem_make("c", "DNS:turn.example");
    for (size_t i = 0; i < COUNT_OF(nics); i++)
        if (!address_parse(text_from(ips[i]), &nics[i].ip))
            return -1;
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    pem_done();
    return 0;
}

static struct address address(const char *text)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(text), 0, &a));
    return a;
}

#define CERTIFICATE "# with a certificate\n"

/* A configuration as a start resolves it, what else there is to know, and what comes of both. */
struct world {
    struct daemon_config *config;
    struct turn_circumstances circumstances;
    struct turnserver_settings *settings;
    const struct turn_settings *turn;
};

static void start(struct world *w, const char *file)
{
    struct str why = {0}, text = {0};
    *w = (struct world){.config = config_new()};
    str_add_string(&text, file);
    if (strstr(file, CERTIFICATE) != NULL)
        str_addf(&text, "[turn]\ncert = %s\npkey = %s\n", pem_path("c.pem"), pem_path("c.key"));
    int error = config_read_text(w->config, str_text(&text), "f", "", &why);
    if (error == 0)
        error = config_check(w->config, &why);
    if (error == 0)
        error = config_resolve(w->config, &host, 2, &why);
    if (error != 0)
        fail_msg("%s", str_string(&why));
    str_done(&text);
    turn_circumstances_init(&w->circumstances);
    w->circumstances.host = &host;
    w->circumstances.cache = user_cache_new(16);
}

static void make(struct world *w)
{
    struct str why = {0};
    turnserver_settings_unref(w->settings);
    w->settings = NULL;
    if (turn_settings_make(w->config, &w->circumstances, NULL, &w->settings, &why) != 0)
        fail_msg("%s", str_string(&why));
    w->turn = w->settings->turn;
    str_done(&why);
}

static void start_and_make(struct world *w, const char *file)
{
    start(w, file);
    make(w);
}

static void stop(struct world *w)
{
    turnserver_settings_unref(w->settings);
    user_cache_unref(w->circumstances.cache);
    turn_circumstances_done(&w->circumstances);
    config_free(w->config);
}

/* --- addresses --- */

#define ON "[turn]\nuser = a:b\n"

static const struct {
    const char *file;
    const char *expected;
} endpoints[] = {
    {ON "listening-ip = 192.0.2.7\n", "192.0.2.7:3478 "},
    {ON "listening-ip = 192.0.2.7\nlistening-port = 99\n", "192.0.2.7:99 "},
    {ON "listening-ip = eth1\n", "198.51.100.7:3478 [2001:db8::7]:3478 "},
    {ON CERTIFICATE "listening-ip = eth1\n",
        "198.51.100.7:3478 198.51.100.7:5349 [2001:db8::7]:3478 [2001:db8::7]:5349 "},
    {ON CERTIFICATE "listening-ip = eth0\nlistening-port = 0\n", "192.0.2.7:5349 "},
    {ON CERTIFICATE "listening-ip = eth0\ntls-listening-port = 0\n", "192.0.2.7:3478 "},
    {ON CERTIFICATE "listening-ip = eth0\nno-tls\n", "192.0.2.7:3478 192.0.2.7:5349 "},
    {ON CERTIFICATE "listening-ip = eth0\nno-tls\nno-dtls\n", "192.0.2.7:3478 "},
    {ON "listening-ip = any\nrfc5780\n",
        "192.0.2.7:3478 192.0.2.7:3479 198.51.100.7:3478 198.51.100.7:3479 "
        "[2001:db8::7]:3478 [2001:db8::7]:3479 "},
    {ON "listening-ip = eth0;198.51.100.7\nrfc5780\nalt-listening-port = 88\n",
        "192.0.2.7:3478 192.0.2.7:88 198.51.100.7:3478 198.51.100.7:88 "},
    {"[turn]\nlistening-ip = eth0\n", "192.0.2.7:3478 "},
};

static void clients_come_to_each_port_of_each_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(endpoints); i++) {
        struct world w;
        struct address found[TURN_ENDPOINTS_MAX];
        struct str text = {0};
        char one[ADDRESS_TEXT_SIZE];
        start(&w, endpoints[i].file);
        size_t count = turn_endpoints(w.config, found);
        for (size_t n = 0; n < count; n++)
            str_addf(&text, "%s ", address_text(&found[n], one));
        assert_string_equal(str_string(&text), endpoints[i].expected);
        str_done(&text);
        stop(&w);
    }
}

static const struct {
    const char *file;
    const char *relays; /* bound>seen */
    const char *doors;
} relays[] = {
    {ON "listening-ip = eth0\n", "192.0.2.7>192.0.2.7 ", "192.0.2.7>192.0.2.7 "},
    {ON "listening-ip = eth0\nrelay-ip = eth1\n",
        "198.51.100.7>198.51.100.7 2001:db8::7>2001:db8::7 ", "192.0.2.7>192.0.2.7 "},
    {ON "listening-ip = any\nexternal-ip = 203.0.113.1/192.0.2.7\n",
        "192.0.2.7>203.0.113.1 198.51.100.7>198.51.100.7 2001:db8::7>2001:db8::7 ",
        "192.0.2.7>203.0.113.1 198.51.100.7>198.51.100.7 2001:db8::7>2001:db8::7 "},
    {ON "listening-ip = any\nexternal-ip = 203.0.113.2; 203.0.113.1/192.0.2.7\n",
        "192.0.2.7>203.0.113.1 198.51.100.7>203.0.113.2 2001:db8::7>2001:db8::7 ",
        "192.0.2.7>203.0.113.1 198.51.100.7>203.0.113.2 2001:db8::7>2001:db8::7 "},
    /* What media is advertised by serves TURN too, unless it says otherwise. */
    {"[mediaferry]\ninterface = 192.0.2.7!203.0.113.9\n" ON, "192.0.2.7>203.0.113.9 ",
        "192.0.2.7>203.0.113.9 "},
    {"[mediaferry]\ninterface = 192.0.2.7!203.0.113.9\n" ON "external-ip = 203.0.113.1\n",
        "192.0.2.7>203.0.113.1 ", "192.0.2.7>203.0.113.1 "},
};

static void add_seen(struct str *text, const struct turnserver_relay *list, size_t count)
{
    char bound[ADDRESS_TEXT_SIZE], seen[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < count; i++) {
        assert_true(list[i].bind.port == 0);
        str_addf(text, "%s>%s ", address_ip_text(&list[i].bind, bound),
            address_ip_text(&list[i].external, seen));
    }
}

static void addresses_are_seen_as_mapped(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(relays); i++) {
        struct world w;
        struct turnserver_relay list[8];
        struct str text = {0}, doors = {0};
        start(&w, relays[i].file);
        add_seen(&text, list, turn_relays(w.config, list, COUNT_OF(list)));
        add_seen(&doors, list, turn_seen_addresses(w.config, list, COUNT_OF(list)));
        assert_string_equal(str_string(&text), relays[i].relays);
        assert_string_equal(str_string(&doors), relays[i].doors);
        assert_int_equal(turn_relays(w.config, list, 1), 1);
        str_done(&text);
        str_done(&doors);
        stop(&w);
    }
}

static void families_are_those_of_the_relays(void **state)
{
    static const struct {
        const char *file;
        bool ip4, ip6;
    } cases[] = {
        {ON "listening-ip = any\n", true, true},
        {ON "listening-ip = eth0\n", true, false},
        {ON "listening-ip = eth0\nrelay-ip = 2001:db8::7\n", false, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world w;
        start_and_make(&w, cases[i].file);
        assert_int_equal(w.turn->relay_ip4, cases[i].ip4);
        assert_int_equal(w.turn->relay_ip6, cases[i].ip6);
        stop(&w);
    }
}

/* RFC 5780, section 7.2: two addresses, two ports, and what they are seen as. */
static void discovery_needs_two_addresses_of_a_family(void **state)
{
    static const char *const seen[2][2] = {
        {"203.0.113.1:3478", "203.0.113.1:99"}, {"198.51.100.7:3478", "198.51.100.7:99"}};
    static const char *const bound[2][2] = {
        {"192.0.2.7:3478", "192.0.2.7:99"}, {"198.51.100.7:3478", "198.51.100.7:99"}};
    struct world w;
    char text[ADDRESS_TEXT_SIZE];
    (void)state;

    start_and_make(&w, ON "listening-ip = any\n");
    assert_false(w.turn->discovery.is_on);
    stop(&w);

    start_and_make(&w, ON "listening-ip = 192.0.2.7; 2001:db8::7; 198.51.100.7\nrfc5780\n"
                          "alt-listening-port = 99\nexternal-ip = 203.0.113.1/192.0.2.7\n");
    assert_true(w.turn->discovery.is_on);
    for (size_t i = 0; i < 2; i++)
        for (size_t n = 0; n < 2; n++) {
            assert_string_equal(address_text(&w.turn->discovery.at[i][n], text), bound[i][n]);
            assert_string_equal(address_text(&w.turn->discovery.seen[i][n], text), seen[i][n]);
        }
    stop(&w);
}

/* --- peers --- */

struct peer_case {
    const char *peer;
    enum peer_verdict verdict;
    bool port; /* when the IP is not denied */
};

static void expect_peers(const struct world *w, const struct peer_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct address peer = address(cases[i].peer);
        enum peer_verdict verdict = policy_peer(w->turn->policy, &peer, NULL);
        bool port = policy_peer_port(w->turn->policy, &peer, NULL);
        if (verdict != cases[i].verdict || (verdict != PEER_DENIED && port != cases[i].port))
            fail_msg("%s: verdict %d, port %d", cases[i].peer, verdict, port);
    }
}

/* Nothing but our own media is reached on our own addresses, and only the Internet beside them. */
static void own_addresses_are_for_own_media(void **state)
{
    static const struct peer_case cases[] = {
        {"192.0.2.7:40000", PEER_ALLOWED_CHECK_PORT, true},
        {"192.0.2.7:40001", PEER_ALLOWED_CHECK_PORT, false},
        {"198.51.100.7:40000", PEER_ALLOWED_CHECK_PORT, false},
        {"203.0.113.1:40000", PEER_ALLOWED_CHECK_PORT, true}, /* as others see it */
        {"203.0.113.9:5000", PEER_ALLOWED_CHECK_PORT, false}, /* of an interface for media */
        {"203.0.113.2:5000", PEER_DENIED, false},             /* documentation */
        {"8.8.8.8:53", PEER_ALLOWED, true},
        {"10.0.0.1:5000", PEER_DENIED, false},
        {"127.0.0.1:5000", PEER_DENIED, false},
    };
    struct own_sockets *own = own_sockets_new(1);
    struct own_socket media = {
        .bound = address("192.0.2.7:40000"), .advertised = address("203.0.113.1:40000")};
    struct world w;
    (void)state;
    own_sockets_add(own, 0, &media);
    start(&w, "[mediaferry]\ninterface = 198.51.100.7!203.0.113.9\n" ON
              "listening-ip = 192.0.2.7\nexternal-ip = 203.0.113.1/192.0.2.7\n");
    w.circumstances.own_sockets = own;
    make(&w);
    expect_peers(&w, cases, COUNT_OF(cases));
    stop(&w);
    own_sockets_remove(own, &media);
    own_sockets_free(own);
}

/* Whatever is allowed. */
static void what_steers_us_is_nobodys_peer(void **state)
{
    static const struct peer_case cases[] = {
        {"192.0.2.7:9999", PEER_ALLOWED_CHECK_PORT, true},
        {"192.0.2.7:3478", PEER_ALLOWED_CHECK_PORT, false},   /* our doors */
        {"192.0.2.7:3479", PEER_ALLOWED_CHECK_PORT, false},   /* of RFC 5780 */
        {"192.0.2.7:5349", PEER_ALLOWED_CHECK_PORT, false},   /* of TLS */
        {"203.0.113.1:3478", PEER_ALLOWED_CHECK_PORT, false}, /* as others see them */
        {"203.0.113.1:5349", PEER_ALLOWED_CHECK_PORT, false},
        {"203.0.113.1:9999", PEER_ALLOWED_CHECK_PORT, true},
        {"127.0.0.1:22222", PEER_ALLOWED_CHECK_PORT, false}, /* ng */
        {"127.0.0.1:8080", PEER_ALLOWED_CHECK_PORT, false},  /* HTTP */
        {"127.0.0.1:9999", PEER_ALLOWED_CHECK_PORT, true},
        {"10.0.0.5:6379", PEER_ALLOWED_CHECK_PORT, false}, /* Redis */
        {"10.0.0.5:6380", PEER_ALLOWED_CHECK_PORT, true},
    };
    struct world w;
    (void)state;
    start(&w, "[mediaferry]\nlisten-ng = 127.0.0.1:22222\nlisten-admin = 8080\n"
              "admin-token = 0123456789abcdef\n" ON CERTIFICATE
              "listening-ip = any\nrfc5780\nexternal-ip = 203.0.113.1/192.0.2.7\n"
              "allowed-peer-ip = 192.0.2.7;203.0.113.1;127.0.0.1;10.0.0.0/8\n");
    w.circumstances.redis[0] = address("10.0.0.5:6379");
    w.circumstances.redis_count = 1;
    make(&w);
    expect_peers(&w, cases, COUNT_OF(cases));
    stop(&w);
}

static void add_range(struct address_ranges *ranges, const char *text)
{
    struct address_range range;
    assert_null(address_range_parse(text_from(text), &range));
    assert_int_equal(address_ranges_add(ranges, &range), 0);
    address_ranges_seal(ranges);
}

static void lists_of_redis_add_to_the_configured(void **state)
{
    static const struct peer_case configured[] = {
        {"10.1.0.1:1", PEER_ALLOWED, true},
        {"10.2.0.1:1", PEER_DENIED, false},
        {"8.8.8.8:1", PEER_DENIED, false},
        {"9.9.9.9:1", PEER_ALLOWED, true},
    };
    static const struct peer_case both[] = {
        {"10.1.0.1:1", PEER_ALLOWED, true},
        {"10.2.0.1:1", PEER_ALLOWED, true},
        {"8.8.8.8:1", PEER_DENIED, false},
        {"9.9.9.9:1", PEER_DENIED, false},
    };
    struct world w;
    (void)state;
    start_and_make(&w, ON "allowed-peer-ip = 10.1.0.0/16\ndenied-peer-ip = 8.8.8.8\n");
    expect_peers(&w, configured, COUNT_OF(configured));
    add_range(&w.circumstances.allowed, "10.2.0.0/16");
    add_range(&w.circumstances.denied, "9.9.9.9");
    make(&w);
    expect_peers(&w, both, COUNT_OF(both));
    stop(&w);
}

/* --- limits --- */

static void redis_overrides_limits(void **state)
{
    struct world w;
    (void)state;
    start_and_make(&w, ON "max-bps = 1000\nuser-quota = 5\ntotal-quota = 50\n"
                          "bps-capacity = 7000\n");
    assert_int_equal(w.turn->max_bytes_per_s, 1000);
    assert_int_equal(w.settings->user_quota, 5);
    assert_int_equal(w.settings->total_quota, 50);
    assert_int_equal(w.settings->capacity_bytes_per_s, 7000);

    w.circumstances.max_bps = 0; /* it says: no limit */
    w.circumstances.user_quota = 2;
    w.circumstances.total_quota = 9;
    make(&w);
    assert_int_equal(w.turn->max_bytes_per_s, 0);
    assert_int_equal(w.settings->user_quota, 2);
    assert_int_equal(w.settings->total_quota, 9);
    stop(&w);
}

static void options_become_settings(void **state)
{
    struct world w;
    (void)state;
    start_and_make(&w,
        ON "max-allocate-lifetime = 300\nchannel-lifetime = 301\npermission-lifetime = 302\n"
           "max-pps = 303\nmax-new-peers = 304\nmax-permissions = 305\n"
           "unauthorized-ratelimit-rps = 306\nbinding-ratelimit-rps = 307\n"
           "max-connections = 308\nmax-connections-per-ip = 309\nmax-half-open = 310\n"
           "tcp-idle-timeout = 311\nproxy-protocol = 10.9.0.0/16\nstrict-expiry\nmobility\n"
           "no-tcp-relay\nrfc5766-channel-numbers\nallocation-default-address-family = keep\n");
    const struct turn_settings *t = w.turn;
    const struct turnserver_settings *s = w.settings;
    struct address proxy = address("10.9.1.1:1"), other = address("10.8.1.1:1");
    assert_int_equal(t->allocation_max_s, 300);
    assert_int_equal(t->allocation_default_s, 300); /* not above the maximum */
    assert_int_equal(t->channel_s, 301);
    assert_int_equal(t->permission_s, 302);
    assert_int_equal(t->max_packets_per_s, 303);
    assert_int_equal(t->max_new_peers_per_s, 304);
    assert_int_equal(t->max_permissions, 305);
    assert_int_equal(t->unauthorized_per_s, 306);
    assert_int_equal(t->binding_per_s, 307);
    assert_int_equal(s->max_connections, 308);
    assert_int_equal(s->max_connections_per_ip, 309);
    assert_int_equal(s->max_half_open, 310);
    assert_int_equal(s->idle_timeout_s, 311);
    assert_true(address_ranges_contain(&s->proxies, &proxy));
    assert_false(address_ranges_contain(&s->proxies, &other));
    assert_true(t->strict_expiry && t->mobility && t->rfc5766_channels && t->stun);
    assert_true(t->udp_relay && !t->tcp_relay);
    assert_int_equal(t->default_family, ADDRESS_NONE);
    assert_null(t->software);
    assert_non_null(t->auth);
    stop(&w);
}

static void stun_alone_has_no_users(void **state)
{
    struct world w;
    (void)state;
    start_and_make(&w, "[turn]\nsoftware-attribute\n");
    assert_null(w.turn->auth);
    assert_true(w.turn->stun);
    assert_string_equal(w.turn->software, w.config->network.software_id);
    stop(&w);
}

/* Those of the circumstances: a client keeps its ticket when settings change. */
static void keys_stay_over_changes(void **state)
{
    struct world w;
    uint8_t key[32];
    (void)state;
    start_and_make(&w, ON);
    memcpy(key, w.turn->ticket_key, sizeof(key));
    make(&w);
    assert_memory_equal(w.turn->ticket_key, key, sizeof(key));
    stop(&w);
    start_and_make(&w, ON);
    assert_memory_not_equal(w.turn->ticket_key, key, sizeof(key));
    stop(&w);
}

/* --- other servers --- */

static void expect_alternates(const struct world *w, const char *plain, const char *tls)
{
    struct str text = {0}, tls_text = {0};
    char one[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < w->turn->alternate_count; i++)
        str_addf(&text, "%s ", address_text(&w->turn->alternates[i], one));
    for (size_t i = 0; i < w->turn->tls_alternate_count; i++)
        str_addf(&tls_text, "%s ", address_text(&w->turn->tls_alternates[i], one));
    assert_string_equal(str_string(&text), plain);
    assert_string_equal(str_string(&tls_text), tls);
    str_done(&text);
    str_done(&tls_text);
}

static void alternates_are_configured_or_the_operators(void **state)
{
    struct world w;
    (void)state;
    start_and_make(&w, ON);
    assert_false(w.turn->redirect_always || w.turn->draining);
    expect_alternates(&w, "", "");
    w.circumstances.draining = true;
    make(&w);
    assert_true(w.turn->draining && !w.turn->redirect_always);
    w.circumstances.alternates[0] = address("203.0.113.8:3478");
    w.circumstances.alternate_count = 1;
    make(&w);
    expect_alternates(&w, "203.0.113.8:3478 ", "");
    stop(&w);

    start_and_make(&w, ON "alternate-server = 203.0.113.1; [2001:db8::1]:99\n"
                          "tls-alternate-server = 203.0.113.1\n");
    assert_true(w.turn->redirect_always && !w.turn->draining);
    expect_alternates(&w, "203.0.113.1:3478 [2001:db8::1]:99 ", "203.0.113.1:5349 ");
    w.circumstances.draining = true;
    w.circumstances.alternates[0] = address("203.0.113.8:3478");
    w.circumstances.alternate_count = 1;
    make(&w);
    expect_alternates(&w, "203.0.113.8:3478 ", "203.0.113.1:5349 ");
    w.circumstances.draining = false; /* what he named is forgotten with it */
    make(&w);
    expect_alternates(&w, "203.0.113.1:3478 [2001:db8::1]:99 ", "203.0.113.1:5349 ");
    stop(&w);
}

static void more_alternates_than_fit_are_left_out(void **state)
{
    struct world w;
    (void)state;
    start_and_make(&w, ON "alternate-server = 203.0.113.1;203.0.113.2;203.0.113.3;203.0.113.4;"
                          "203.0.113.5;203.0.113.6;203.0.113.7;203.0.113.8;203.0.113.9\n");
    assert_int_equal(w.turn->alternate_count, TURN_MAX_ALTERNATES);
    stop(&w);
}

/* --- certificates --- */

static void certificates_are_read_when_they_are_used(void **state)
{
    struct world w;
    struct tls_context *tls;
    struct str why = {0};
    (void)state;
    start(&w, ON);
    assert_int_equal(turn_tls_make(w.config, &tls, &why), 0);
    assert_null(tls);
    stop(&w);
    start(&w, ON CERTIFICATE "no-tls\nno-dtls\n");
    assert_int_equal(turn_tls_make(w.config, &tls, &why), 0);
    assert_null(tls);
    stop(&w);
    start(&w, ON CERTIFICATE);
    assert_int_equal(turn_tls_make(w.config, &tls, &why), 0);
    assert_non_null(tls);
    tls_context_unref(tls);
    pem_put("c.pem", NULL); /* between two reloads */
    assert_int_equal(turn_tls_make(w.config, &tls, &why), -EINVAL);
    assert_null(tls);
    assert_non_null(strstr(str_string(&why), "c.pem"));
    str_done(&why);
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_come_to_each_port_of_each_address),
        cmocka_unit_test(addresses_are_seen_as_mapped),
        cmocka_unit_test(families_are_those_of_the_relays),
        cmocka_unit_test(discovery_needs_two_addresses_of_a_family),
        cmocka_unit_test(own_addresses_are_for_own_media),
        cmocka_unit_test(what_steers_us_is_nobodys_peer),
        cmocka_unit_test(lists_of_redis_add_to_the_configured),
        cmocka_unit_test(redis_overrides_limits),
        cmocka_unit_test(options_become_settings),
        cmocka_unit_test(stun_alone_has_no_users),
        cmocka_unit_test(keys_stay_over_changes),
        cmocka_unit_test(alternates_are_configured_or_the_operators),
        cmocka_unit_test(more_alternates_than_fit_are_left_out),
        cmocka_unit_test(certificates_are_read_when_they_are_used),
    };
    return cmocka_run_group_tests(tests, make_host, remove_files);
}
