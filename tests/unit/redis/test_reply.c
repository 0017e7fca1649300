/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

/* A tree as one line of text. */
static size_t print(const struct redis_reply *r, char *out, size_t room)
{
    static const char kinds[] = {[REDIS_NIL] = 'n',
        [REDIS_STRING] = '$',
        [REDIS_STATUS] = '+',
        [REDIS_ERROR] = '-',
        [REDIS_INTEGER] = ':',
        [REDIS_ARRAY] = '*',
        [REDIS_OVERSIZED] = '!'};
    size_t len = (size_t)snprintf(out, room, "%c", kinds[r->kind]);
    if (r->kind == REDIS_INTEGER)
        return len + (size_t)snprintf(out + len, room - len, "%lld", (long long)r->integer);
    if (r->kind != REDIS_ARRAY)
        return len + (size_t)snprintf(out + len, room - len, "%.*s", TEXT_ARG(r->text));
    for (size_t i = 0; i < r->count; i++) {
        len += (size_t)snprintf(out + len, room - len, i == 0 ? "(" : " ");
        len += print(r->items[i], out + len, room - len);
    }
    return len + (size_t)snprintf(out + len, room - len, r->count == 0 ? "()" : ")");
}

static const char *const streams[][2] = {
    {"+OK\r\n", "+OK"},
    {"-ERR no\r\n", "-ERR no"},
    {":-12\r\n", ":-12"},
    {"$-1\r\n", "n"},
    {"$0\r\n\r\n", "$"},
    {"$4\r\na\r\nb\r\n", "$a\r\nb"},
    {"*0\r\n", "*()"},
    {"*-1\r\n", "n"},
    {"*3\r\n$1\r\na\r\n$-1\r\n*2\r\n:1\r\n+x\r\n", "*($a n *(:1 +x))"},
    {"+a\r\n+b\r\n", "+a|+b"},
};

/* Whole, and cut at each place, by the byte. */
static void reads_replies_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(streams); i++)
        for (size_t step = 1; step <= strlen(streams[i][0]); step++) {
            struct redis_stream *stream = redis_stream_new((struct redis_reply_limits){0});
            const char *at = streams[i][0], *end = at + strlen(at);
            char printed[256] = "";
            size_t len = 0;
            bool broken;
            for (; at < end; at += step) {
                size_t part = (size_t)(end - at) < step ? (size_t)(end - at) : step;
                struct redis_reply *reply;
                assert_true(redis_stream_feed(stream, bytes_of(at, part)));
                while ((reply = redis_stream_next(stream, &broken)) != NULL) {
                    if (len > 0)
                        printed[len++] = '|';
                    len += print(reply, printed + len, sizeof(printed) - len);
                    redis_reply_free(reply);
                }
                assert_false(broken);
            }
            assert_string_equal(printed, streams[i][1]);
            redis_stream_free(stream);
        }
}

static void ends_at_what_is_no_reply(void **state)
{
    static const char *const wrong[] = {"HTTP/1.1 400 Bad Request\r\n", "\x16\x03\x01\x02",
        "*x\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "$-2\r\n",
        "*99999999999\r\n"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct redis_stream *stream = redis_stream_new((struct redis_reply_limits){0});
        bool broken = false;
        assert_true(redis_stream_feed(stream, bytes_of(wrong[i], strlen(wrong[i]))));
        assert_null(redis_stream_next(stream, &broken));
        if (!broken)
            fail_msg("%s", wrong[i]);
        assert_false(redis_stream_feed(stream, bytes_of("+OK\r\n", 5)));
        redis_stream_free(stream);
    }
}

/* Feeds `unit` up to `times` times; returns how often until the stream broke. */
static size_t feed_many(struct redis_stream *stream, const char *unit, size_t times, bool *broken)
{
    size_t fed = 0;
    *broken = false;
    while (fed < times && !*broken) {
        struct redis_reply *reply = NULL;
        fed++;
        *broken = !redis_stream_feed(stream, bytes_of(unit, strlen(unit)));
        if (!*broken)
            reply = redis_stream_next(stream, broken);
        redis_reply_free(reply);
    }
    return fed;
}

static void a_string_has_a_limit(void **state)
{
    char unit[1025], header[32];
    bool broken;
    (void)state;
    memset(unit, 'x', sizeof(unit) - 1);
    unit[1024] = '\0';
    /* A promise of a gigabyte, a line without an end, and one byte too many, which stops early. */
    const char *starts[] = {"$1000000000\r\n", "+", header};
    snprintf(header, sizeof(header), "$%d\r\n", REDIS_MAX_STRING + 1);
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        struct redis_stream *stream = redis_stream_new((struct redis_reply_limits){0});
        assert_int_equal(feed_many(stream, starts[i], 1, &broken), 1);
        assert_in_range(feed_many(stream, unit, 1000, &broken), 63, 66);
        assert_true(i == 2 || broken);
        if (i == 2)
            feed_many(stream, "x\r\n", 1, &broken);
        assert_true(broken);
        redis_stream_free(stream);
    }
}

static void the_longest_string_is_read(void **state)
{
    struct redis_stream *stream = redis_stream_new((struct redis_reply_limits){0});
    char header[32], *data = malloc(REDIS_MAX_STRING + 2);
    bool broken;
    (void)state;
    assert_non_null(data);
    memset(data, 'x', REDIS_MAX_STRING);
    memcpy(data + REDIS_MAX_STRING, "\r\n", 2);
    snprintf(header, sizeof(header), "$%d\r\n", REDIS_MAX_STRING);
    feed_many(stream, header, 1, &broken);
    assert_true(redis_stream_feed(stream, bytes_of(data, REDIS_MAX_STRING + 1)));
    assert_null(redis_stream_next(stream, &broken));
    assert_false(broken);
    assert_true(redis_stream_feed(stream, bytes_of("\n", 1)));
    struct redis_reply *reply = redis_stream_next(stream, &broken);
    assert_non_null(reply);
    assert_int_equal(reply->text.len, REDIS_MAX_STRING);
    redis_reply_free(reply);
    redis_stream_free(stream);
    free(data);
}

/* The stream goes on behind it, and the items took no memory. */
static void an_array_too_long_is_thrown_away(void **state)
{
    struct redis_stream *stream = redis_stream_new((struct redis_reply_limits){0});
    char header[64];
    bool broken;
    (void)state;
    snprintf(header, sizeof(header), "*2\r\n+a\r\n*%d\r\n", REDIS_MAX_ITEMS + 4);
    feed_many(stream, header, 1, &broken);
    feed_many(stream, "*2\r\n$-1\r\n:1\r\n", 1, &broken);
    feed_many(stream, "$-1\r\n", 1, &broken);
    feed_many(stream, ":1\r\n", 1, &broken);
    assert_int_equal(
        feed_many(stream, "$5\r\nabcde\r\n", REDIS_MAX_ITEMS, &broken), REDIS_MAX_ITEMS);
    assert_false(broken);
    assert_true(redis_stream_feed(stream, bytes_of("+x\r\n", 4)));
    struct redis_reply *reply = redis_stream_next(stream, &broken);
    assert_non_null(reply);
    assert_int_equal(reply->count, 2);
    assert_int_equal(reply->items[0]->kind, REDIS_STATUS);
    assert_int_equal(reply->items[1]->kind, REDIS_OVERSIZED);
    redis_reply_free(reply);
    redis_stream_free(stream);
}

static void a_reply_has_a_limit(void **state)
{
    struct redis_stream *stream = redis_stream_new((struct redis_reply_limits){0});
    char header[32], *unit = malloc(2048);
    bool broken;
    (void)state;
    assert_non_null(unit);
    snprintf(unit, 2048, "$1024\r\n%01024d\r\n", 0);
    snprintf(header, sizeof(header), "*%d\r\n", REDIS_MAX_ITEMS);
    feed_many(stream, header, 1, &broken);
    assert_in_range(feed_many(stream, unit, 10000, &broken), 2000, REDIS_MAX_REPLY / 1024);
    assert_true(broken);
    redis_stream_free(stream);
    free(unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_replies_however_they_are_cut),
        cmocka_unit_test(ends_at_what_is_no_reply),
        cmocka_unit_test(a_string_has_a_limit),
        cmocka_unit_test(the_longest_string_is_read),
        cmocka_unit_test(an_array_too_long_is_thrown_away),
        cmocka_unit_test(a_reply_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
