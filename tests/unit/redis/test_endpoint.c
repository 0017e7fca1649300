/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/endpoint.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct good {
    const char *spec;
    const char *host;
    unsigned port, db;
    const char *user, *password;
    unsigned timeout_ms;
};

static const struct good good[] = {
    {"ip=127.0.0.1", "127.0.0.1", 6379, 0, NULL, NULL, 0},
    {"ip=10.0.0.1 dbname=2 user=turn password=secret port=7000 connect_timeout=30", "10.0.0.1",
        7000, 2, "turn", "secret", 30000},
    {"  host=::1   password=a=b%20;c  ", "::1", 6379, 0, NULL, "a=b%20;c", 0},
    {"IP=redis DB=7 PWD=x tls=0 ca=", "redis", 6379, 7, NULL, "x", 0},
    {"user= ip=r password=", "r", 6379, 0, NULL, NULL, 0},
    {"redis.example.org", "redis.example.org", 6379, 0, NULL, NULL, 0},
    {"redis.example.org:7000", "redis.example.org", 7000, 0, NULL, NULL, 0},
    {"127.0.0.1:7000/3", "127.0.0.1", 7000, 3, NULL, NULL, 0},
    {"127.0.0.1/3", "127.0.0.1", 6379, 3, NULL, NULL, 0},
    {"127.0.0.1/", "127.0.0.1", 6379, 0, NULL, NULL, 0},
    {"::1", "::1", 6379, 0, NULL, NULL, 0},
    {"::1/4", "::1", 6379, 4, NULL, NULL, 0},
    {"[::1]", "::1", 6379, 0, NULL, NULL, 0},
    {"[2001:db8::1]:65535/1048576", "2001:db8::1", 65535, 1048576, NULL, NULL, 0},
    {"redis://h", "h", 6379, 0, NULL, NULL, 0},
    {"redis://turn:p%40ss%2Fw:rd@h:1/2", "h", 1, 2, "turn", "p@ss/w:rd", 0},
    {"redis://:secret@[::1]:1/2", "::1", 1, 2, NULL, "secret", 0},
    {"redis://:a@b@h", "h", 6379, 0, NULL, "a@b", 0},
    {"redis://:a=b@h/1", "h", 6379, 1, NULL, "a=b", 0},
    {"redis://:a?b@h/1", "h", 6379, 1, NULL, "a?b", 0},
    {"s3@127.0.0.1:7000/3", "127.0.0.1", 7000, 3, NULL, "s3", 0},
    {"a=b@c%20:/d@[::1]/3", "::1", 6379, 3, NULL, "a=b@c%20:/d", 0},
};

static void reads_what_is_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        const struct good *g = &good[i];
        struct redis_endpoint e = {.host = NULL}, copy = {.host = NULL};
        struct str why = {.data = NULL};
        if (redis_endpoint_parse(text_from(g->spec), &e, &why) != 0)
            fail_msg("%s: %s", g->spec, str_string(&why));
        assert_int_equal(redis_endpoint_copy(&e, &copy), 0);
        redis_endpoint_done(&e);
        assert_null(e.password);
        assert_string_equal(copy.host, g->host);
        assert_int_equal(copy.port, g->port);
        assert_int_equal(copy.db, g->db);
        assert_int_equal(copy.connect_timeout_ms, g->timeout_ms);
        assert_true(text_equal(text_from(copy.user), text_from(g->user)));
        assert_true(text_equal(text_from(copy.password), text_from(g->password)));
        redis_endpoint_done(&copy);
        str_done(&why);
    }
}

/* `Geheim` stands where a password may be: no sentence shows it. */
static const char *const bad[] = {"", " ", "dbname=1", "ip=", "ip=h port=0", "ip=h port=65536",
    "ip=h port=-1", "ip=h dbname=x", "ip=h dbname=1048577", "ip=h connect_timeout=601",
    "ip=h password=two Geheim", "ip=h password=two Gehe=im Geheim=1", "ip=h tls=maybe",
    "ip=h verify=maybe", "ip=h capath=/x", "ip=h tls=1 cert=/x", "ip=h user=u", "h:", "h:x", "h:0",
    "h/x", "[::1", "[]", "[::1]7000", "[::1]:", ":1", "/1", "redis://", "redis://@",
    "redis://u:%zzGeheim@h", "redis://u:Geheim%@h", "redis://u:Geheim%4@h", "redis://u@h",
    "redis://u:Geheim%00@h", "a b", "redis://a b", "rediss://h?Geheim=1",
    "rediss://h?verify=Geheim", "rediss://h?ca=%zz", "rediss://h?key=/x",
    "redis://h?sentinel-user=u", "redis://h?sentinel-password=Geheim",
    "redis+sentinel://:Geheim@h/s", "redis+cluster://h", "Geheim@", "Geheim@h:x", "a=Geheim@",
    "a=Geheim", "redis://a&b", "ip=a,b", "valkey://u:Geheim@h", "REDISS://u:Geheim@h",
    "redis+tls://Geheim@h"};

static void refuses_the_rest_and_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct redis_endpoint e = {.port = 99};
        struct str why = {.data = NULL};
        if (redis_endpoint_parse(text_from(bad[i]), &e, &why) != -EINVAL)
            fail_msg("accepted: %s", bad[i]);
        assert_true(why.len > 10);
        assert_null(strstr(str_string(&why), "Geheim"));
        assert_int_equal(e.port, 99);
        str_done(&why);
    }
}

static const struct {
    const char *spec;
    bool is_wanted;
    enum redis_verify verify;
    const char *ca, *certificate, *key;
} secured[] = {
    {"redis://h", false, REDIS_VERIFY_HOST, NULL, NULL, NULL},
    {"rediss://h", true, REDIS_VERIFY_HOST, NULL, NULL, NULL},
    {"rediss://u:p@h:1/2?ca=/etc/ca.pem&verify=ca", true, REDIS_VERIFY_CA, "/etc/ca.pem", NULL,
        NULL},
    {"rediss://h?certificate=%2fc&key=/k%20k&verify=none&verify=host", true, REDIS_VERIFY_HOST,
        NULL, "/c", "/k k"},
    {"ip=h tls=yes ca=/ca cert=/c clientkey=/k", true, REDIS_VERIFY_HOST, "/ca", "/c", "/k"},
    {"ip=h tls=1 verify=no capath= sni=", true, REDIS_VERIFY_NONE, NULL, NULL, NULL},
    {"ip=h tls=no verify=ca", false, REDIS_VERIFY_CA, NULL, NULL, NULL},
};

static void reads_what_is_said_of_tls(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(secured); i++) {
        struct redis_endpoint e = {.host = NULL}, copy = {.host = NULL};
        struct str why = {.data = NULL};
        if (redis_endpoint_parse(text_from(secured[i].spec), &e, &why) != 0)
            fail_msg("%s: %s", secured[i].spec, str_string(&why));
        assert_int_equal(redis_endpoint_copy(&e, &copy), 0);
        redis_endpoint_done(&e);
        assert_int_equal(copy.tls.is_wanted, secured[i].is_wanted);
        assert_int_equal(copy.tls.verify, secured[i].verify);
        assert_true(text_equal(text_from(copy.tls.ca), text_from(secured[i].ca)));
        assert_true(text_equal(text_from(copy.tls.certificate), text_from(secured[i].certificate)));
        assert_true(text_equal(text_from(copy.tls.key), text_from(secured[i].key)));
        redis_endpoint_done(&copy);
        str_done(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_well_formed),
        cmocka_unit_test(refuses_the_rest_and_says_why),
        cmocka_unit_test(reads_what_is_said_of_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
