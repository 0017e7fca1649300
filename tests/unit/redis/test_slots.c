/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* As redis-server answers to CLUSTER KEYSLOT. */
static const struct {
    const char *key;
    uint16_t slot;
} keys[] = {
    {"123456789", 0x31c3},
    {"foo", 12182},
    {"mediaferry:call:{abc}", 7638},
    {"abc", 7638},
    {"{abc}{def}", 7638},
    {"x{abc}y", 7638},
    {"", 0},
    {"foo{}{bar}", 8363},
    {"foo{{bar}}zap", 4015},
    {"{bar", 4015},
    {"foo{bar", 15278},
    {"foo}bar{", 11073},
    {"\xff\x80\x01", 1242},
};

static void finds_the_slot_of_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (redis_slot_of(text_from(keys[i].key)) != keys[i].slot)
            fail_msg("%s: %u", keys[i].key, redis_slot_of(text_from(keys[i].key)));
}

static const struct {
    const char *error;
    enum redis_redirect_kind kind;
    unsigned slot;
    const char *host;
    unsigned port;
} redirects[] = {
    {"MOVED 3999 127.0.0.1:6381", REDIS_MOVED, 3999, "127.0.0.1", 6381},
    {"MOVED 0 ::1:6381", REDIS_MOVED, 0, "::1", 6381},
    {"ASK 16383 redis-2.example:1", REDIS_ASK, 16383, "redis-2.example", 1},
    {"MOVED 1 :6381", REDIS_MOVED, 1, "", 6381},
    {"MOVED 1 ?:6381", REDIS_MOVED, 1, "", 6381},
    {"TRYAGAIN Multiple keys request during rehashing of slot", REDIS_TRY_AGAIN, 0, "", 0},
    {"LOADING Redis is loading the dataset in memory", REDIS_TRY_AGAIN, 0, "", 0},
    {"MASTERDOWN Link with MASTER is down", REDIS_TRY_AGAIN, 0, "", 0},
    {"CLUSTERDOWN The cluster is down", REDIS_DOWN, 0, "", 0},
    {"CLUSTERDOWN", REDIS_DOWN, 0, "", 0},
    {"ERR no", REDIS_STAYS, 0, "", 0},
    {"", REDIS_STAYS, 0, "", 0},
    {"MOVED", REDIS_STAYS, 0, "", 0},
    {"MOVED 1", REDIS_STAYS, 0, "", 0},
    {"MOVED 16384 h:1", REDIS_STAYS, 0, "", 0},
    {"MOVED -1 h:1", REDIS_STAYS, 0, "", 0},
    {"MOVED 1 h", REDIS_STAYS, 0, "", 0},
    {"MOVED 1 h:", REDIS_STAYS, 0, "", 0},
    {"MOVED 1 h:0", REDIS_STAYS, 0, "", 0},
    {"MOVED 1 h:65536", REDIS_STAYS, 0, "", 0},
    {"MOVED 1 h:1 x", REDIS_STAYS, 0, "", 0},
    {"moved 1 h:1", REDIS_STAYS, 0, "", 0},
};

static void reads_redirects(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(redirects); i++) {
        struct redis_redirect read = redis_redirect_read(text_from(redirects[i].error));
        if (read.kind != redirects[i].kind)
            fail_msg("%s: %d", redirects[i].error, (int)read.kind);
        if (read.kind != REDIS_MOVED && read.kind != REDIS_ASK)
            continue;
        assert_int_equal(read.slot, redirects[i].slot);
        assert_true(text_is(read.host, redirects[i].host));
        assert_int_equal(read.port, redirects[i].port);
    }
}

static struct redis_reply *reply_of(struct redis_stream *stream, const char *resp)
{
    bool broken;
    assert_true(redis_stream_feed(stream, bytes_of(resp, strlen(resp))));
    struct redis_reply *reply = redis_stream_next(stream, &broken);
    assert_non_null(reply);
    return reply;
}

static void reads_ranges(void **state)
{
    static const char said[] =
        "*2\r\n*4\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.0.1\r\n:7000\r\n$2\r\nid\r\n*0\r\n"
        "*2\r\n$1\r\nh\r\n:1\r\n*3\r\n:8192\r\n:16383\r\n*2\r\n$-1\r\n:7001\r\n";
    struct redis_stream *stream = redis_stream_new((struct redis_reply_limits){0});
    struct redis_reply *reply = reply_of(stream, said);
    struct redis_slot_range range;
    (void)state;
    assert_true(redis_slots_range(reply, 0, &range));
    assert_int_equal(range.first, 0);
    assert_int_equal(range.last, 8191);
    assert_true(text_is(range.host, "127.0.0.1"));
    assert_int_equal(range.port, 7000);
    assert_true(redis_slots_range(reply, 1, &range));
    assert_int_equal(range.last, 16383);
    assert_int_equal(range.host.len, 0);
    assert_false(redis_slots_range(reply, 2, &range));
    redis_reply_free(reply);
    redis_stream_free(stream);
}

static void refuses_what_is_no_range(void **state)
{
    static const char *const bad[] = {"*0\r\n", "+OK\r\n", "*1\r\n:1\r\n", "*1\r\n*0\r\n",
        "*1\r\n*2\r\n:1\r\n:2\r\n", "*1\r\n*3\r\n:1\r\n:2\r\n:3\r\n",
        "*1\r\n*3\r\n:2\r\n:1\r\n*2\r\n+h\r\n:1\r\n", "*1\r\n*3\r\n:-1\r\n:1\r\n*2\r\n+h\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n+h\r\n:1\r\n", "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n+h\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n+h\r\n:0\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n+h\r\n:65536\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n+h\r\n$1\r\n1\r\n",
        "*1\r\n*3\r\n+0\r\n:1\r\n*2\r\n+h\r\n:1\r\n", "*1\r\n*-1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*-1\r\n"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct redis_stream *stream = redis_stream_new((struct redis_reply_limits){0});
        struct redis_reply *reply = reply_of(stream, bad[i]);
        struct redis_slot_range range;
        if (redis_slots_range(reply, 0, &range))
            fail_msg("accepted: %s", bad[i]);
        redis_reply_free(reply);
        redis_stream_free(stream);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_slot_of_a_key),
        cmocka_unit_test(reads_redirects),
        cmocka_unit_test(reads_ranges),
        cmocka_unit_test(refuses_what_is_no_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
