/* SPDX-License-Identifier: Apache-2.0 */
/* What a session costs in memory with the fast engines, and that packets allocate nothing. */
#include "packets.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/crypto.h>

enum { MOST = 1024, HEAP_HEADER = 8 };

static struct {
    size_t bytes; /* in use, with what the heap needs itself */
    size_t calls;
} heap;

/* The linker puts these in place of the heap's (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *memory);

static void *counted(void *memory)
{
    heap.bytes += memory == NULL ? 0 : malloc_usable_size(memory) + HEAP_HEADER;
    heap.calls++;
    return memory;
}

static void uncounted(void *memory)
{
    heap.bytes -= memory == NULL ? 0 : malloc_usable_size(memory) + HEAP_HEADER;
}

void *__wrap_malloc(size_t size)
{
    return counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return counted(__real_calloc(count, size));
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    uncounted(memory);
    return counted(__real_reallocarray(memory, count, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return counted(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *memory)
{
    uncounted(memory);
    __real_free(memory);
}

/* OpenSSL's own go the same way. */
static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return __wrap_malloc(size);
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return __wrap_reallocarray(memory, 1, size);
}

static void openssl_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    __wrap_free(memory);
}

static void one_of_each(
    struct rtpsec_session *tx, struct rtpsec_session *rx, uint32_t ssrc, uint16_t seq)
{
    struct test_packet rtp = rtp_packet(ssrc, seq, 160), rtcp = rtcp_packet(ssrc, 28);
    assert_int_equal(protect_one(tx, &rtp), RTPSEC_OK);
    assert_int_equal(protect_one(tx, &rtcp), RTPSEC_OK);
    assert_int_equal(unprotect_one(rx, &rtp), RTPSEC_OK);
    assert_int_equal(unprotect_one(rx, &rtcp), RTPSEC_OK);
}

static void stays_small(enum rtpsec_suite_id id)
{
    size_t before = heap.bytes;
    struct rtpsec_session *tx = test_session(id, RTPSEC_TX, (struct rtpsec_flags){0});
    struct rtpsec_session *rx = test_session(id, RTPSEC_RX, (struct rtpsec_flags){0});
    one_of_each(tx, rx, 1, 1);
    size_t size = (heap.bytes - before) / 2;
    print_message(
        "# %s %s: %zu bytes a direction\n", test_engine->name, rtpsec_suite(id)->name, size);
    assert_true(size <= MOST);

    size_t calls = heap.calls;
    for (uint16_t seq = 2; seq < 100; seq++)
        one_of_each(tx, rx, 1, seq);
    assert_int_equal(heap.calls, calls);

    one_of_each(tx, rx, 2, 1);
    assert_true((heap.bytes - before) / 2 - size <= MOST / 2);
    rtpsec_session_free(tx);
    rtpsec_session_free(rx);
    assert_int_equal(heap.bytes, before);
}

static void sessions_stay_small(void **state)
{
    (void)state;
    struct rtpsec_session *first =
        test_session(RTPSEC_AES_128_CM_80, RTPSEC_TX, (struct rtpsec_flags){0});
    struct test_packet p = rtp_packet(1, 1, 10);
    assert_int_equal(protect_one(first, &p), RTPSEC_OK); /* makes what the thread has once */
    rtpsec_session_free(first);
    for (unsigned id = 0; id < RTPSEC_SUITES; id++)
        stays_small((enum rtpsec_suite_id)id);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_stay_small),
    };
    if (!CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free))
        return 1;
    return run_with_engine("rtpsec memory", tests, argc, argv);
}
