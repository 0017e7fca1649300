/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/cookie_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* What was sent, as "port:reply " one after the other. */
static char sent[512];

static void note(const struct ng_source *source, struct bytes message)
{
    size_t used = strlen(sent);
    snprintf(sent + used, sizeof(sent) - used, "%u:%.*s ", source->peer.remote.port,
        TEXT_ARG(text_from_bytes(message)));
}

static struct ng_source source_of(uint16_t port)
{
    struct ng_source source = {.send = note};
    source.peer.remote = address_from_ip(ADDRESS_IP4, "\x7f\x00\x00\x01", port);
    return source;
}

static struct bytes bytes_from(const char *string)
{
    return text_bytes(text_from(string));
}

static enum cookie_state begin(
    struct cookie_cache *cache, const char *cookie, uint16_t port, uint64_t now_ms)
{
    struct ng_source source = source_of(port);
    struct bytes reply;
    return cookie_cache_begin(cache, bytes_from(cookie), &source, now_ms, &reply);
}

static void carry_out(struct cookie_cache *cache, const char *cookie, uint64_t now_ms)
{
    assert_int_equal(begin(cache, cookie, 1, now_ms), COOKIE_NEW);
    cookie_cache_finish(cache, bytes_from(cookie), bytes_from("reply"), now_ms);
}

static void a_reply_is_given_again(void **state)
{
    (void)state;
    struct cookie_cache *cache = cookie_cache_new(1 << 20);
    struct ng_source source = source_of(2);
    struct bytes reply;
    carry_out(cache, "x", 0);
    assert_int_equal(
        cookie_cache_begin(cache, bytes_from("x"), &source, 29999, &reply), COOKIE_ANSWERED);
    assert_true(bytes_equal(reply, bytes_from("reply")));
    assert_int_equal(begin(cache, "y", 1, 0), COOKIE_NEW);
    cookie_cache_free(cache);
}

/* A reply lives for 30 to 60 s, depending on when in its generation it was made. */
static void replies_age_in_two_generations(void **state)
{
    (void)state;
    static const struct {
        uint64_t made_ms, asked_ms;
        enum cookie_state expected;
    } cases[] = {
        {90000, 149999, COOKIE_ANSWERED},
        {90000, 150000, COOKIE_NEW},
        {119999, 149999, COOKIE_ANSWERED},
        {119999, 150000, COOKIE_NEW},
        {120000, 179999, COOKIE_ANSWERED},
        {90000, 300000, COOKIE_NEW},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cookie_cache *cache = cookie_cache_new(1 << 20);
        carry_out(cache, "x", cases[i].made_ms);
        carry_out(cache, "between", cases[i].made_ms + 5000);
        assert_int_equal(begin(cache, "x", 1, cases[i].asked_ms), cases[i].expected);
        cookie_cache_free(cache);
    }
}

static void a_running_request_collects_who_asks(void **state)
{
    (void)state;
    struct cookie_cache *cache = cookie_cache_new(1 << 20);
    sent[0] = '\0';
    assert_int_equal(begin(cache, "x", 1, 0), COOKIE_NEW);
    assert_int_equal(begin(cache, "x", 2, 1000), COOKIE_IN_PROGRESS);
    assert_int_equal(begin(cache, "x", 1, 2000), COOKIE_IN_PROGRESS);
    assert_int_equal(begin(cache, "x", 2, 200000), COOKIE_IN_PROGRESS); /* never ages away */
    cookie_cache_finish(cache, bytes_from("x"), bytes_from("r"), 200001);
    assert_string_equal(sent, "1:r 2:r ");

    assert_int_equal(begin(cache, "x", 1, 200002), COOKIE_ANSWERED);

    assert_int_equal(begin(cache, "many", 1, 0), COOKIE_NEW);
    for (uint16_t port = 2; port < 100; port++)
        assert_int_equal(begin(cache, "many", port, 0), COOKIE_IN_PROGRESS);
    sent[0] = '\0';
    cookie_cache_finish(cache, bytes_from("many"), bytes_from("r"), 0);
    assert_string_equal(sent, "1:r 2:r 3:r 4:r 5:r 6:r 7:r 8:r ");
    cookie_cache_free(cache);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    enum { LIMIT = 20000 };
    struct cookie_cache *cache = cookie_cache_new(LIMIT);
    char cookie[16];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(cookie, sizeof(cookie), "c%u", i);
        carry_out(cache, cookie, i * 100);
        assert_true(cookie_cache_bytes(cache) <= LIMIT);
    }
    assert_int_equal(begin(cache, "c999", 1, 99900), COOKIE_ANSWERED); /* the youngest is there */
    assert_int_equal(begin(cache, "c0", 1, 99900), COOKIE_NEW);

    /* Running requests are never pushed out: more of them are refused. */
    enum cookie_state last = COOKIE_NEW;
    for (unsigned i = 0; i < 100 && last == COOKIE_NEW; i++) {
        snprintf(cookie, sizeof(cookie), "r%u", i);
        last = begin(cache, cookie, 1, 99900);
    }
    assert_int_equal(last, COOKIE_REFUSED);
    assert_int_equal(begin(cache, "r0", 1, 99900), COOKIE_IN_PROGRESS);

    /* A reply too large to keep is sent all the same. */
    static char large[LIMIT];
    sent[0] = '\0';
    cookie_cache_finish(cache, bytes_from("r0"), bytes_of(large, sizeof(large)), 99900);
    assert_string_equal(sent, "1: ");
    assert_int_equal(begin(cache, "r0", 1, 99900), COOKIE_NEW);
    cookie_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_given_again),
        cmocka_unit_test(replies_age_in_two_generations),
        cmocka_unit_test(a_running_request_collects_who_asks),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
