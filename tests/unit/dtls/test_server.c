/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "server_world.h"

/* Blocks that are held: by OpenSSL, and by our own code through the linker's --wrap. */
static long blocks_held;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *block);

void *__wrap_malloc(size_t size)
{
    blocks_held++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    blocks_held++;
    return __real_calloc(count, size);
}

void __wrap_free(void *block)
{
    blocks_held -= block != NULL;
    __real_free(block);
}

static void *count_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return size > 0 ? __wrap_malloc(size) : NULL;
}

static void *count_realloc(void *block, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    blocks_held += block == NULL;
    return realloc(block, size);
}

static void count_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    __wrap_free(block);
}

/* The fields of a ClientHello up to its cookie, and nothing more: what the parser needs. */
#define HELLO_BODY "fefd 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 00"
#define RECORD(len) "16 fefd 0000 000000000007 " len " "

struct drop_case {
    const char *name;
    const char *hex;
    enum dtls_first expected;
};

static const struct drop_case drop_cases[] = {
    {"nothing", "", DTLS_FIRST_DROP},
    {"shortest hello", RECORD("0030") "01 000024 0000 000000 000024" HELLO_BODY "00",
        DTLS_FIRST_ANSWER},
    {"first fragment", RECORD("0030") "01 000200 0000 000000 000024" HELLO_BODY "00",
        DTLS_FIRST_ANSWER},
    {"one byte short", RECORD("002f") "01 000024 0000 000000 000024" HELLO_BODY, DTLS_FIRST_DROP},
    {"cookie overruns", RECORD("0030") "01 000024 0000 000000 000024" HELLO_BODY "01",
        DTLS_FIRST_DROP},
    {"cookie beyond its fragment", RECORD("0031") "01 000025 0000 000000 000024" HELLO_BODY "01aa",
        DTLS_FIRST_DROP},
    {"second fragment", RECORD("0030") "01 000200 0000 000001 000024" HELLO_BODY "00",
        DTLS_FIRST_DROP},
    {"fragment longer than the message",
        RECORD("0030") "01 000023 0000 000000 000024" HELLO_BODY "00", DTLS_FIRST_DROP},
    {"encrypted", "16 fefd 0001 000000000007 0030 01 000024 0000 000000 000024" HELLO_BODY "00",
        DTLS_FIRST_DROP},
    {"ServerHello", RECORD("0030") "02 000024 0000 000000 000024" HELLO_BODY "00", DTLS_FIRST_DROP},
    {"an alert", "15 fefd 0000 000000000007 0002 0228", DTLS_FIRST_DROP},
    {"TLS", "16 0301 0030 01 000024" HELLO_BODY "00", DTLS_FIRST_DROP},
    {"STUN", "0001 0000 2112a442 000102030405060708090a0b", DTLS_FIRST_DROP},
};

static void first_words(void **state)
{
    const struct drop_case *c = *state;
    struct world w;
    struct dtls_answer answer = {.len = 0};
    struct bytes datagram = from_hex(c->hex);

    world_init(&w);
    assert_int_equal(
        dtls_server_first(w.server, &w.address, datagram, w.now_ms, &answer), c->expected);
    if (c->expected == DTLS_FIRST_ANSWER) {
        assert_true(answer.len > 0);
        assert_true(answer.len <= datagram.len);
    }
    free((void *)datagram.data);
    world_done(&w);
}

static void the_answer_is_as_the_rfc_says(void **state)
{
    (void)state;
    struct world w;
    struct dtls_answer answer;
    struct bytes hello = from_hex(RECORD("0030") "01 000024 0000 000000 000024" HELLO_BODY "00");

    world_init(&w);
    assert_int_equal(dtls_server_first(w.server, &w.address, hello, 0, &answer), DTLS_FIRST_ANSWER);
    /* Version 1.0, the epoch and number of the hello; message number 0; the cookie. */
    struct bytes expected =
        from_hex("16 feff 0000 000000000007 001f  03 000013 0000 000000 000013  feff 10");
    assert_int_equal(answer.len, expected.len + 16);
    assert_memory_equal(answer.data, expected.data, expected.len);
    free((void *)expected.data);
    free((void *)hello.data);
    world_done(&w);
}

/* Gets the hello of a client that has had its cookie. */
static struct world_datagram hello_with_cookie(struct world *w)
{
    world_start_client(w);
    world_run(w, w->now_ms + 2 * WORLD_LATENCY_MS); /* there and back; the next is on its way */
    assert_int_equal(w->to_server.count, 1);
    assert_int_equal(w->sessions, 0);
    w->to_server.count = 0;
    return w->to_server.queue[0];
}

static enum dtls_first first_of(
    struct world *w, const char *address, const struct world_datagram *d, uint64_t now_ms)
{
    struct address from;
    struct dtls_answer answer;
    assert_true(address_parse_with_port(text_from(address), 0, &from));
    return dtls_server_first(w->server, &from, bytes_of(d->data, d->len), now_ms, &answer);
}

static void a_cookie_is_for_one_address(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    struct world_datagram hello = hello_with_cookie(&w);

    assert_int_equal(first_of(&w, "192.0.2.1:4000", &hello, w.now_ms), DTLS_FIRST_PROVEN);
    assert_int_equal(first_of(&w, "192.0.2.1:4001", &hello, w.now_ms), DTLS_FIRST_ANSWER);
    assert_int_equal(first_of(&w, "192.0.2.2:4000", &hello, w.now_ms), DTLS_FIRST_ANSWER);
    assert_int_equal(first_of(&w, "[2001:db8::1]:4000", &hello, w.now_ms), DTLS_FIRST_ANSWER);

    /* Each bit of it counts. */
    struct dtls_answer answer;
    size_t at = 13 + 12 + 2 + 32;
    at += 1 + (size_t)hello.data[at];
    assert_int_equal(hello.data[at], 16);
    for (size_t bit = 0; bit < 16 * 8; bit++) {
        hello.data[at + 1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(dtls_server_first(w.server, &w.address, bytes_of(hello.data, hello.len),
                             w.now_ms, &answer),
            DTLS_FIRST_ANSWER);
        hello.data[at + 1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }

    struct world other;
    world_init(&other);
    assert_int_equal(first_of(&other, "192.0.2.1:4000", &hello, 0), DTLS_FIRST_ANSWER);
    world_done(&other);
    world_done(&w);
}

static void a_session_needs_the_cookie(void **state)
{
    (void)state;
    struct world w;
    static const struct dtls_session_hooks hooks;
    world_init(&w);
    struct world_datagram hello = world_take_hello(&w);
    assert_int_equal(first_of(&w, "192.0.2.1:4000", &hello, w.now_ms), DTLS_FIRST_ANSWER);
    assert_null(dtls_session_new(
        w.server, &hooks, NULL, &w.address, bytes_of(hello.data, hello.len), w.now_ms));
    assert_null(dtls_session_new(w.server, &hooks, NULL, &w.address, bytes_of("x", 1), w.now_ms));

    hello = hello_with_cookie(&w);
    struct address other = w.address;
    other.port++;
    assert_null(dtls_session_new(
        w.server, &hooks, NULL, &other, bytes_of(hello.data, hello.len), w.now_ms));
    world_done(&w);
}

static void a_cookie_lives_for_a_minute_at_least(void **state)
{
    (void)state;
    static const struct {
        uint64_t visits_ms[2]; /* of others, which renew the secret */
        uint64_t back_ms;
        enum dtls_first expected;
    } cases[] = {
        {{0, 0}, 59000, DTLS_FIRST_PROVEN},
        {{0, 0}, 61000, DTLS_FIRST_PROVEN},
        {{0, 0}, 119000, DTLS_FIRST_PROVEN},
        {{0, 0}, 121000, DTLS_FIRST_ANSWER},
        {{61000, 0}, 119000, DTLS_FIRST_PROVEN},
        {{61000, 122000}, 123000, DTLS_FIRST_ANSWER},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world w;
        world_init(&w);
        struct world_datagram hello = hello_with_cookie(&w);
        for (size_t v = 0; v < 2; v++)
            if (cases[i].visits_ms[v] != 0)
                assert_int_equal(
                    first_of(&w, "192.0.2.7:7", &hello, w.now_ms + cases[i].visits_ms[v]),
                    DTLS_FIRST_ANSWER);
        assert_int_equal(
            first_of(&w, "192.0.2.1:4000", &hello, w.now_ms + cases[i].back_ms), cases[i].expected);
        world_done(&w);
    }
}

static void a_flood_is_not_remembered(void **state)
{
    (void)state;
    struct world w;
    struct dtls_answer answer;
    world_init(&w);
    struct world_datagram hello = world_take_hello(&w);
    struct address from = w.address;

    /* The first one may set up things that are for all. */
    assert_int_equal(
        dtls_server_first(w.server, &from, bytes_of(hello.data, hello.len), 0, &answer),
        DTLS_FIRST_ANSWER);
    long before = blocks_held;
    for (uint32_t i = 0; i < 100000; i++) {
        memcpy(from.ip, &i, sizeof(i));
        enum dtls_first first =
            dtls_server_first(w.server, &from, bytes_of(hello.data, hello.len), i, &answer);
        assert_int_equal(first, DTLS_FIRST_ANSWER);
    }
    assert_int_equal(blocks_held, before);

    world_start_client(&w); /* and a good one is served */
    world_run(&w, w.now_ms + 1000);
    assert_true(w.client.is_open);
    assert_true(blocks_held > before); /* it does count */
    world_done(&w);
}

int main(void)
{
    CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free);
    const struct CMUnitTest others[] = {
        cmocka_unit_test(the_answer_is_as_the_rfc_says),
        cmocka_unit_test(a_cookie_is_for_one_address),
        cmocka_unit_test(a_session_needs_the_cookie),
        cmocka_unit_test(a_cookie_lives_for_a_minute_at_least),
        cmocka_unit_test(a_flood_is_not_remembered),
    };
    struct CMUnitTest tests[COUNT_OF(drop_cases) + COUNT_OF(others)];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(drop_cases); i++)
        tests[count++] = (struct CMUnitTest){.name = drop_cases[i].name,
            .test_func = first_words,
            .initial_state = (void *)(uintptr_t)&drop_cases[i]};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        tests[count++] = others[i];
    return _cmocka_run_group_tests("server", tests, count, NULL, NULL);
}
