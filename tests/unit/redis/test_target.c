/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/target.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct good {
    const char *spec;
    enum redis_topology topology;
    const char *written;
    unsigned db;
    const char *user, *password, *sentinel_user, *sentinel_password;
    bool tls;
    enum redis_verify verify;
};

static const struct good good[] = {
    {"h", REDIS_SINGLE, "h:6379", 0, NULL, NULL, NULL, NULL, false, REDIS_VERIFY_HOST},
    {"pw@10.0.0.1:7/3", REDIS_SINGLE, "10.0.0.1:7/3", 3, NULL, "pw", NULL, NULL, false,
        REDIS_VERIFY_HOST},
    {" rediss://u:p@[::1]/1?verify=ca ", REDIS_SINGLE, "[::1]:6379/1", 1, "u", "p", NULL, NULL,
        true, REDIS_VERIFY_CA},
    {"ip=h dbname=2 password=x connect_timeout=7", REDIS_SINGLE, "h:6379/2", 2, NULL, "x", NULL,
        NULL, false, REDIS_VERIFY_HOST},
    {"redis+sentinel://h/mymaster", REDIS_SENTINEL, "mymaster of h:26379", 0, NULL, NULL, NULL,
        NULL, false, REDIS_VERIFY_HOST},
    {"redis+sentinel://u:p%40%3f@a:1,[::1],c:3/the-one/5"
     "?sentinel-user=s&sentinel-password=t%26%40",
        REDIS_SENTINEL, "the-one of a:1, [::1]:26379, c:3", 5, "u", "p@?", "s", "t&@", false,
        REDIS_VERIFY_HOST},
    {"rediss+sentinel://:p@a/s/?verify=none", REDIS_SENTINEL, "s of a:26379", 0, NULL, "p", NULL,
        NULL, true, REDIS_VERIFY_NONE},
    {"redis+cluster://a:1,b", REDIS_CLUSTER, "cluster of a:1, b:6379", 0, NULL, NULL, NULL, NULL,
        false, REDIS_VERIFY_HOST},
    {"rediss+cluster://u:p@a:1,2001:db8::1,c/0?ca=/x", REDIS_CLUSTER,
        "cluster of a:1, [2001:db8::1]:6379, c:6379", 0, "u", "p", NULL, NULL, true,
        REDIS_VERIFY_HOST},
};

static void same(const char *a, const char *b)
{
    assert_true(text_equal(text_from(a), text_from(b)));
}

static void reads_what_is_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        const struct good *g = &good[i];
        struct redis_target t = {.service = NULL}, copy = {.service = NULL};
        struct str why = {.data = NULL}, written = {.data = NULL};
        if (redis_target_parse(text_from(g->spec), &t, &why) != 0)
            fail_msg("%s: %s", g->spec, str_string(&why));
        assert_int_equal(redis_target_copy(&t, &copy), 0);
        redis_target_done(&t);
        assert_null(t.password);
        redis_target_write(&copy, &written);
        assert_string_equal(str_string(&written), g->written);
        assert_int_equal(copy.topology, g->topology);
        assert_int_equal(copy.db, g->db);
        same(copy.user, g->user);
        same(copy.password, g->password);
        same(copy.sentinel_user, g->sentinel_user);
        same(copy.sentinel_password, g->sentinel_password);
        assert_int_equal(copy.tls.is_wanted, g->tls);
        assert_int_equal(copy.tls.verify, g->verify);
        redis_target_done(&copy);
        str_done(&why);
        str_done(&written);
    }
}

static const char too_many[] =
    "redis+cluster://1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,"
    "30,31,32,33";

/* `Geheim` stands where a password may be: no sentence shows it. */
static const char *const bad[] = {"", "redis+sentinel://", "redis+sentinel:///s",
    "redis+sentinel://h", "redis+sentinel://h/", "redis+sentinel://h//1", "redis+sentinel://h/s/x",
    "redis+sentinel://h,/s", "redis+sentinel://,h/s", "redis+sentinel://a:0/s",
    "redis+sentinel://a:70000/s", "redis+sentinel://a b/s", "redis+sentinel://a/s t",
    "redis+sentinel://a/s?x=Geheim", "redis+sentinel://a/s?sentinel-password=%xGeheim",
    "redis+sentinel://a/s?sentinel-user=Geheim", "redis+sentinel://u@a/s",
    "redis+sentinel://a/s?sentinel-password=Geheim%00", "redis+sentinel://a/s?verify=Geheim",
    "redis+sentinel://u:Geheim@a/s?sentinel-password=x@Geheim", "redis+cluster://",
    "redis+cluster://h/1", "redis+cluster://h/s/1", "redis+cluster://h?sentinel-password=Geheim",
    "redis+cluster://[::1", "redis+cluster://u:Geheim%@h", "rediss+cluster://h?certificate=/x",
    too_many};

static void refuses_the_rest_and_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct redis_target t = {.db = 99};
        struct str why = {.data = NULL};
        if (redis_target_parse(text_from(bad[i]), &t, &why) != -EINVAL)
            fail_msg("accepted: %s", bad[i]);
        assert_true(why.len > 10);
        assert_null(strstr(str_string(&why), "Geheim"));
        assert_int_equal(t.db, 99);
        str_done(&why);
    }
}

static void takes_a_login_from_elsewhere(void **state)
{
    struct redis_target t = {.service = NULL};
    struct str why = {.data = NULL};
    (void)state;
    assert_int_equal(redis_target_parse(TEXT("redis+cluster://u:p@h"), &t, &why), 0);
    assert_int_equal(redis_target_set_login(&t, TEXT(""), TEXT("other")), 0);
    same(t.user, "u");
    same(t.password, "other");
    assert_int_equal(redis_target_set_login(&t, TEXT("v"), TEXT("")), 0);
    same(t.user, "v");
    same(t.password, "other");
    redis_target_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_well_formed),
        cmocka_unit_test(refuses_the_rest_and_says_why),
        cmocka_unit_test(takes_a_login_from_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
