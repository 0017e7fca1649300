/* SPDX-License-Identifier: Apache-2.0 */
/* What connections hold: the blocks of our own code, of libuv and of OpenSSL are counted. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/crypto.h>

#include "pem.h"
#include "stream_world.h"

static size_t bytes_held;

/* The linker's --wrap leads the calls of our own code here. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static void *counted(void *block)
{
    bytes_held += malloc_usable_size(block);
    return block;
}

void *__wrap_malloc(size_t size)
{
    return counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    bytes_held -= malloc_usable_size(block);
    return counted(__real_realloc(block, size));
}

void __wrap_free(void *block)
{
    bytes_held -= malloc_usable_size(block);
    __real_free(block);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return size > 0 ? __wrap_malloc(size) : NULL;
}

static void *openssl_realloc(void *block, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return __wrap_realloc(block, size);
}

static void openssl_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    __wrap_free(block);
}

enum { CONNECTIONS = 50 };

static int make_files(void **state)
{
    (void)state;
    pem_init();
    pem_make("server", "DNS:turn.example");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    pem_done();
    return 0;
}

/* Lets each connection say something, and hears the echo. */
static void talk(struct stream_world *w, struct side *side, struct peer *peer)
{
    peer_say(peer, "hello");
    run_until(w, peer, side->heard_len > 0);
    side_write(side, "welcome");
    run_until(w, peer, peer->heard_len > 0);
    free(side->heard);
    side->heard = NULL;
    side->heard_len = 0;
}

/* The bytes per connection when all are idle, those of its peer not counted. */
static size_t measure(bool uses_tls)
{
    struct stream_world w;
    struct side sides[CONNECTIONS] = {{.stream = NULL}};
    struct peer peers[CONNECTIONS];
    stream_world_init(&w);
    size_t held = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        size_t before = bytes_held;
        accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &sides[i], &peers[i]);
        if (uses_tls) {
            peer_start_tls(&w, &peers[i]);
            run_until(&w, &peers[i], sides[i].opened == 1 && SSL_is_init_finished(peers[i].ssl));
        }
        talk(&w, &sides[i], &peers[i]);
        SSL_free(peers[i].ssl); /* says nothing */
        free(peers[i].heard);
        peers[i].ssl = NULL;
        peers[i].heard = NULL;
        if (i >= CONNECTIONS / 2) /* the first set up what is for all */
            held += bytes_held - before;
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        assert_int_equal(sides[i].ends, 0);
        side_done(&sides[i]);
        peer_close(&peers[i]);
    }
    stream_world_done(&w);
    return held / (CONNECTIONS - CONNECTIONS / 2);
}

static void an_idle_plain_connection_is_small(void **state)
{
    (void)state;
    size_t bytes = measure(false);
    printf("# %zu bytes per plain connection\n", bytes);
    assert_in_range(bytes, 200, 1024);
}

static void a_slow_handshake_is_small(void **state)
{
    (void)state;
    struct stream_world w;
    struct side sides[CONNECTIONS] = {{.stream = NULL}};
    struct peer peers[CONNECTIONS];
    stream_world_init(&w);
    world_turns(&w, NULL);
    size_t before = bytes_held;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        accept_side(&w, &(struct stream_accept_config){.tls = w.tls}, &sides[i], &peers[i]);
        peer_write(&peers[i], "\x16\x03\x01\x02\x00\x01\x00\x01", i % 8 + 1);
    }
    world_turns(&w, NULL);
    size_t held = (bytes_held - before) / CONNECTIONS;
    printf("# %zu bytes per slow handshake\n", held);
    assert_in_range(held, 200, 1024);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        assert_int_equal(sides[i].ends, 0);
        side_done(&sides[i]);
        peer_close(&peers[i]);
    }
    stream_world_done(&w);
}

static void tls_costs_what_openssl_needs(void **state)
{
    (void)state;
    size_t bytes = measure(true);
    printf("# %zu bytes per TLS connection\n", bytes);
    assert_in_range(bytes, 2000, 24 * 1024);
}

int main(void)
{
    CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);
    uv_replace_allocator(__wrap_malloc, __wrap_realloc, __wrap_calloc, __wrap_free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_plain_connection_is_small),
        cmocka_unit_test(a_slow_handshake_is_small),
        cmocka_unit_test(tls_costs_what_openssl_needs),
    };
    return cmocka_run_group_tests_name("stream_memory", tests, make_files, remove_files);
}
