/* SPDX-License-Identifier: Apache-2.0 */
/* Against a redis-server of its own. */
#include "redis/turn_users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/log.h"
#include "fake_redis.h"
#include "redis_process.h"

enum { REFRESH_MS = 50 };

struct bench {
    uv_loop_t loop;
    struct redis_process server;
    struct redis_endpoint endpoint;
    struct redis_turn *turn;
    unsigned refresh_ms;

    unsigned available, away;
    unsigned lists;
    char told[2048]; /* the lists of the last callback, as text */
    unsigned revoked;
    char revoked_user[128];
    unsigned found;
    char finding[1200]; /* what the last look-up found, as text */
};

static struct bench bench;

/* --- what it tells --- */

static void on_available(void *owner, bool is_available)
{
    struct bench *b = owner;
    *(is_available ? &b->available : &b->away) += 1;
}

static void print_names(struct str *out, const char *title, const struct redis_names *names)
{
    str_addf(out, "%s=", title);
    for (size_t i = 0; i < names->count; i++)
        str_addf(out, "%s%.*s", i > 0 ? "," : "", TEXT_ARG(names->list[i]));
    str_add_char(out, ' ');
}

static void on_lists(void *owner, const struct redis_realm_lists *lists)
{
    struct bench *b = owner;
    struct str text = {.data = NULL};
    b->lists++;
    str_addf(&text, "%.*s: ", TEXT_ARG(lists->realm));
    print_names(&text, "secrets", &lists->secrets);
    print_names(&text, "allowed", &lists->allowed_peers);
    print_names(&text, "denied", &lists->denied_peers);
    print_names(&text, "revoked", &lists->revoked);
    str_addf(&text, "%lld %lld %lld", (long long)lists->max_bps, (long long)lists->total_quota,
        (long long)lists->user_quota);
    snprintf(b->told, sizeof(b->told), "%s", str_string(&text));
    str_done(&text);
}

static void on_revoked(void *owner, struct text realm, struct text user)
{
    struct bench *b = owner;
    b->revoked++;
    snprintf(
        b->revoked_user, sizeof(b->revoked_user), "%.*s@%.*s", TEXT_ARG(user), TEXT_ARG(realm));
}

static const char *found_name(enum redis_found found)
{
    static const char *const names[] = {
        [REDIS_FOUND] = "found", [REDIS_ABSENT] = "absent", [REDIS_AWAY] = "away"};
    return names[found];
}

static void on_user(void *owner, const struct redis_user *user)
{
    struct bench *b = owner;
    b->found++;
    snprintf(b->finding, sizeof(b->finding), "%s %.*s@%.*s %.*s", found_name(user->found),
        TEXT_ARG(user->name), TEXT_ARG(user->realm), TEXT_ARG(user->stored));
}

/* --- the bench --- */

static int set_up(void **state)
{
    struct bench *b = &bench;
    *b = (struct bench){
        .server = {.port = free_port(), .password = "pass word"}, .refresh_ms = REFRESH_MS};
    *state = b;
    log_set_level(LOG_EMERG);
    if (uv_loop_init(&b->loop) != 0)
        return -1;
    b->endpoint = (struct redis_endpoint){.host = "127.0.0.1",
        .port = b->server.port,
        .password = "pass word",
        .connect_timeout_ms = 1000};
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    redis_turn_close(b->turn);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    redis_process_kill(&b->server);
    return uv_loop_close(&b->loop);
}

static void start_server(struct bench *b)
{
    if (!redis_process_start(&b->server))
        skip();
}

static void open_turn(struct bench *b)
{
    const struct text realms[] = {TEXT("example.org"), TEXT("other realm")};
    struct redis_turn_config config = {
        .endpoint = &b->endpoint,
        .realms = realms,
        .realm_count = COUNT_OF(realms),
        .refresh_ms = b->refresh_ms,
        .command_timeout_ms = 1000,
        .on_lists = on_lists,
        .on_revoked = on_revoked,
        .on_available = on_available,
        .owner = b,
    };
    assert_int_equal(redis_turn_open(&b->loop, &config, &b->turn), 0);
}

static void open_available(struct bench *b)
{
    open_turn(b);
    assert_true(run_until(&b->loop, &b->available, 1));
    /* The revocations' connection is not part of it. */
    while (counter_get(&redis_turn_subscriber_counters(b->turn)->is_ready) == 0)
        run_for(&b->loop, 5);
}

static const char *find_user(struct bench *b, struct text name)
{
    unsigned before = b->found;
    redis_turn_find_user(b->turn, TEXT("example.org"), name, on_user, b);
    assert_true(run_until(&b->loop, &b->found, before + 1));
    return b->finding;
}

/* --- tests --- */

static void finds_users(void **state)
{
    struct bench *b = *state;
    start_server(b);
    redis_process_do(&b->server,
        "MSET|turn/realm/example.org/user/anna/key|7da2270ccfa49786e0115366d3a3d14d|"
        "turn/realm/example.org/user/BOB/key|7DA2270CCFA49786E0115366D3A3D14D|"
        "turn/realm/example.org/user/carl/key|pass word %s|"
        "turn/realm/example.org/user/short/key|7da2270ccfa49786e0115366d3a3d14|"
        "turn/realm/other realm/user/dora/key|x");
    open_available(b);
    assert_string_equal(
        find_user(b, TEXT("anna")), "found anna@example.org 0x7da2270ccfa49786e0115366d3a3d14d");
    assert_string_equal(
        find_user(b, TEXT("BOB")), "found BOB@example.org 0x7DA2270CCFA49786E0115366D3A3D14D");
    assert_string_equal(find_user(b, TEXT("carl")), "found carl@example.org pass word %s");
    assert_string_equal(
        find_user(b, TEXT("short")), "found short@example.org 7da2270ccfa49786e0115366d3a3d14");
    assert_string_equal(find_user(b, TEXT("dora")), "absent dora@example.org ");
    assert_string_equal(find_user(b, TEXT("bob")), "absent bob@example.org ");
    assert_string_equal(find_user(b, TEXT("")), "absent @example.org ");
}

static void hostile_names_are_only_names(void **state)
{
    const struct text names[] = {TEXT("a b"), TEXT("%s%n"), TEXT("x\r\nFLUSHALL\r\n"), TEXT("*"),
        TEXT("a/b/../c"), TEXT("\xff\xfe"), TEXT("\"'\\")};
    struct bench *b = *state;
    start_server(b);
    open_available(b);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char key[128], expected[256];
        int len =
            snprintf(key, sizeof(key), "turn/realm/example.org/user/%.*s/key", TEXT_ARG(names[i]));
        snprintf(expected, sizeof(expected), "found %.*s@example.org p%zu", TEXT_ARG(names[i]), i);
        assert_true(text_starts_with(text_from(find_user(b, names[i])), "absent "));
        const struct text set[] = {
            TEXT("SET"), text_of(key, (size_t)len), text_of((char[]){'p', (char)('0' + i)}, 2)};
        redis_process_do_words(&b->server, set, COUNT_OF(set));
        assert_string_equal(find_user(b, names[i]), expected);
    }
    char huge[2000];
    memset(huge, 'n', sizeof(huge));
    redis_turn_find_user(b->turn, TEXT("example.org"), text_of(huge, sizeof(huge)), on_user, b);
    assert_true(text_starts_with(text_from(b->finding), "absent"));
}

static void values_that_cannot_be_used(void **state)
{
    static char huge[1 << 20];
    struct bench *b = *state;
    start_server(b);
    memset(huge, 'p', sizeof(huge));
    const struct text set[] = {
        TEXT("SET"), TEXT("turn/realm/example.org/user/huge/key"), text_of(huge, sizeof(huge))};
    redis_process_do_words(&b->server, set, COUNT_OF(set));
    redis_process_do(&b->server, "SADD|turn/realm/example.org/user/set/key|a");
    open_available(b);
    assert_string_equal(find_user(b, TEXT("huge")), "away huge@example.org ");
    assert_string_equal(find_user(b, TEXT("set")), "away set@example.org ");
    assert_int_equal(b->away, 0); /* the connection did not suffer */
}

static void tells_lists_when_they_change(void **state)
{
    struct bench *b = *state;
    start_server(b);
    redis_process_do(&b->server, "SADD|turn/realm/example.org/secret|zwei|eins|two words");
    redis_process_do(&b->server, "SADD|turn/realm/example.org/denied-peer-ip|192.0.2.0/24");
    redis_process_do(&b->server, "MSET|turn/realm/example.org/max-bps|125000|"
                                 "turn/realm/example.org/user-quota|12");
    open_available(b);
    assert_int_equal(b->lists, 1); /* nothing is known of the other realm */
    assert_string_equal(b->told, "example.org: secrets=eins,two words,zwei allowed= "
                                 "denied=192.0.2.0/24 revoked= 125000 -1 12");
    run_for(&b->loop, 4 * REFRESH_MS);
    assert_int_equal(b->lists, 1);
    assert_int_equal(b->available, 1);

    redis_process_do(&b->server, "SREM|turn/realm/example.org/secret|eins");
    assert_true(run_until(&b->loop, &b->lists, 2));
    assert_string_equal(b->told, "example.org: secrets=two words,zwei allowed= "
                                 "denied=192.0.2.0/24 revoked= 125000 -1 12");
    redis_process_do(&b->server, "MSET|turn/realm/other realm/total-quota|0");
    assert_true(run_until(&b->loop, &b->lists, 3));
    assert_string_equal(b->told, "other realm: secrets= allowed= denied= revoked= -1 0 -1");
    redis_process_do(&b->server, "DEL|turn/realm/example.org/secret");
    assert_true(run_until(&b->loop, &b->lists, 4));
    assert_string_equal(b->told, "example.org: secrets= allowed= denied=192.0.2.0/24 revoked= "
                                 "125000 -1 12");
}

static void a_bad_value_leaves_the_last_good_one(void **state)
{
    struct bench *b = *state;
    start_server(b);
    redis_process_do(&b->server, "SADD|turn/realm/example.org/denied-peer-ip|192.0.2.0/24");
    open_available(b);
    redis_process_do(&b->server, "SET|turn/realm/example.org/denied-peer-ip|everything");
    redis_process_do(&b->server, "SET|turn/realm/example.org/max-bps|many");
    redis_process_do(&b->server, "SADD|turn/realm/example.org/secret|s");
    assert_true(run_until(&b->loop, &b->lists, 2));
    run_for(&b->loop, 2 * REFRESH_MS);
    assert_int_equal(b->lists, 2);
    assert_string_equal(b->told, "example.org: secrets=s allowed= denied=192.0.2.0/24 revoked= "
                                 "-1 -1 -1");
    redis_process_do(&b->server, "DEL|turn/realm/example.org/denied-peer-ip");
    assert_true(run_until(&b->loop, &b->lists, 3));
    assert_string_equal(b->told, "example.org: secrets=s allowed= denied= revoked= -1 -1 -1");
}

static void tells_revocations_at_once(void **state)
{
    struct bench *b = *state;
    start_server(b);
    redis_process_do(&b->server, "SADD|turn/realm/example.org/revoked|before");
    open_available(b);
    assert_int_equal(b->revoked, 1);
    assert_string_equal(b->revoked_user, "before@example.org");
    redis_process_do(&b->server, "PUBLISH|turn/realm/other realm/revoke|an na");
    assert_true(run_until(&b->loop, &b->revoked, 2));
    assert_string_equal(b->revoked_user, "an na@other realm");
    redis_process_do(&b->server, "PUBLISH|turn/realm/unknown/revoke|anna");
    redis_process_do(&b->server, "SADD|turn/realm/example.org/revoked|carl");
    assert_true(run_until(&b->loop, &b->revoked, 3));
    run_for(&b->loop, 2 * REFRESH_MS);
    assert_int_equal(b->revoked, 3); /* `before` is not told again */
    assert_string_equal(b->revoked_user, "carl@example.org");
}

/* What was published while the subscription was broken is looked for in the set. */
static void a_broken_subscription_loses_no_revocation(void **state)
{
    struct bench *b = *state;
    start_server(b);
    b->refresh_ms = 3600 * 1000;
    open_available(b);
    redis_process_do(&b->server, "SADD|turn/realm/example.org/revoked|anna");
    redis_process_do(&b->server, "CLIENT|KILL|TYPE|pubsub");
    assert_true(run_until(&b->loop, &b->revoked, 1));
    assert_string_equal(b->revoked_user, "anna@example.org");
    assert_int_equal(b->away, 0);
}

static void survives_a_server_that_dies(void **state)
{
    struct bench *b = *state;
    start_server(b);
    redis_process_do(&b->server, "SET|turn/realm/example.org/user/anna/key|pw");
    redis_process_do(&b->server, "SADD|turn/realm/example.org/secret|s");
    open_available(b);
    redis_process_kill(&b->server);
    assert_true(run_until(&b->loop, &b->away, 1));
    assert_false(redis_turn_is_available(b->turn));
    redis_turn_find_user(b->turn, TEXT("example.org"), TEXT("anna"), on_user, b);
    assert_string_equal(b->finding, "away anna@example.org "); /* at once */
    assert_int_equal(b->lists, 1);                             /* the last known stay */

    start_server(b);
    redis_process_do(&b->server, "SADD|turn/realm/example.org/secret|s");
    redis_process_do(&b->server, "SADD|turn/realm/example.org/revoked|carl");
    redis_process_do(&b->server, "SET|turn/realm/example.org/user/anna/key|new");
    assert_true(run_until(&b->loop, &b->available, 2));
    assert_string_equal(find_user(b, TEXT("anna")), "found anna@example.org new");
    assert_true(run_until(&b->loop, &b->revoked, 1)); /* missed while away */
}

static void survives_a_server_that_hangs(void **state)
{
    struct bench *b = *state;
    start_server(b);
    redis_process_do(&b->server, "SET|turn/realm/example.org/user/anna/key|pw");
    open_available(b);
    redis_process_freeze(&b->server);
    redis_turn_find_user(b->turn, TEXT("example.org"), TEXT("anna"), on_user, b);
    assert_int_equal(b->found, 0);
    assert_true(run_until(&b->loop, &b->found, 1));
    assert_string_equal(b->finding, "away anna@example.org ");
    redis_process_thaw(&b->server);
    assert_true(run_until(&b->loop, &b->available, 2));
    assert_string_equal(find_user(b, TEXT("anna")), "found anna@example.org pw");
}

static void starts_before_the_server(void **state)
{
    struct bench *b = *state;
    open_turn(b);
    run_for(&b->loop, 100);
    assert_int_equal(b->available + b->away, 0);
    assert_string_equal(find_user(b, TEXT("anna")), "away anna@example.org ");
    start_server(b);
    assert_true(run_until(&b->loop, &b->available, 1));
}

static void closing_answers_what_is_open(void **state)
{
    struct bench *b = *state;
    start_server(b);
    open_available(b);
    redis_process_freeze(&b->server);
    redis_turn_find_user(b->turn, TEXT("example.org"), TEXT("anna"), on_user, b);
    redis_turn_find_user(b->turn, TEXT("other realm"), TEXT("dora"), on_user, b);
    run_for(&b->loop, 2 * REFRESH_MS); /* a round is under way as well */
    redis_turn_close(b->turn);
    b->turn = NULL;
    assert_int_equal(b->found, 2);
    assert_int_equal(b->away, 0);
}

static void nobody_need_ask_whether_it_is_there(void **state)
{
    const struct text realm = TEXT("example.org");
    struct bench *b = *state;
    struct redis_turn_config config = {
        .endpoint = &b->endpoint,
        .realms = &realm,
        .realm_count = 1,
        .on_lists = on_lists,
        .on_revoked = on_revoked,
        .owner = b,
    };
    start_server(b);
    redis_process_do(&b->server, "SADD|turn/realm/example.org/secret|s");
    assert_int_equal(redis_turn_open(&b->loop, &config, &b->turn), 0);
    assert_true(run_until(&b->loop, &b->lists, 1));
    redis_process_kill(&b->server);
    while (redis_turn_is_available(b->turn))
        run_for(&b->loop, 5);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(finds_users),
        BENCH_TEST(hostile_names_are_only_names),
        BENCH_TEST(values_that_cannot_be_used),
        BENCH_TEST(tells_lists_when_they_change),
        BENCH_TEST(a_bad_value_leaves_the_last_good_one),
        BENCH_TEST(tells_revocations_at_once),
        BENCH_TEST(a_broken_subscription_loses_no_revocation),
        BENCH_TEST(survives_a_server_that_dies),
        BENCH_TEST(survives_a_server_that_hangs),
        BENCH_TEST(starts_before_the_server),
        BENCH_TEST(closing_answers_what_is_open),
        BENCH_TEST(nobody_need_ask_whether_it_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
