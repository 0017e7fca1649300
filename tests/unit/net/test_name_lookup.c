/* SPDX-License-Identifier: Apache-2.0 */
#include "net/name_lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* The name server is silent while this is so. */
static atomic_bool is_silent;
static atomic_uint asked, answered;

int __real_getaddrinfo(
    const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(
    const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out);

int __wrap_getaddrinfo(
    const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    atomic_fetch_add(&asked, 1);
    while (atomic_load(&is_silent))
        usleep(1000);
    int status = __real_getaddrinfo(host, service, hints, out);
    atomic_fetch_add(&answered, 1);
    return status;
}

struct bench {
    uv_loop_t loop;
    unsigned told;
    int status;
    unsigned count;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    assert_int_equal(uv_loop_init(&b->loop), 0);
    atomic_store(&is_silent, false);
    atomic_store(&asked, 0);
    atomic_store(&answered, 0);
    *state = b;
    return 0;
}

/* Nothing is left in the loop, whatever the threads do. */
static int teardown(void **state)
{
    struct bench *b = *state;
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    atomic_store(&is_silent, false);
    while (atomic_load(&answered) < atomic_load(&asked))
        usleep(1000);
    free(b);
    return 0;
}

static void on_found(void *owner, int status, struct addrinfo *found)
{
    struct bench *b = owner;
    b->told++;
    b->status = status;
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next)
        b->count++;
    if (found != NULL)
        freeaddrinfo(found);
}

static struct name_lookup *start(struct bench *b, const char *host)
{
    struct name_lookup *lookup = NULL;
    assert_int_equal(name_lookup_start(&b->loop, host, "6379", on_found, b, &lookup), 0);
    return lookup;
}

static void wait_for(const atomic_uint *counter, unsigned wanted)
{
    for (unsigned ms = 0; ms < 5000 && atomic_load(counter) < wanted; ms++)
        usleep(1000);
    assert_true(atomic_load(counter) >= wanted);
}

static void finds_an_address(void **state)
{
    struct bench *b = *state;
    (void)start(b, "127.0.0.1");
    assert_int_equal(b->told, 0);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(b->told, 1);
    assert_int_equal(b->status, 0);
    assert_int_equal(b->count, 1);
}

static void says_that_there_is_none(void **state)
{
    struct bench *b = *state;
    (void)start(b, "a b");
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(b->told, 1);
    assert_true(b->status < 0);
    assert_int_equal(b->count, 0);
}

static void nobody_waits_for_a_server_that_is_silent(void **state)
{
    struct bench *b = *state;
    atomic_store(&is_silent, true);
    name_lookup_cancel(start(b, "127.0.0.1"));
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(atomic_load(&answered), 0);
    atomic_store(&is_silent, false);
    wait_for(&answered, 1);
    assert_int_equal(b->told, 0);
}

static void an_answer_that_comes_with_the_end_is_not_told(void **state)
{
    struct bench *b = *state;
    struct name_lookup *lookup = start(b, "127.0.0.1");
    wait_for(&answered, 1);
    usleep(20000);
    name_lookup_cancel(lookup);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(b->told, 0);
    name_lookup_cancel(NULL);
}

static void not_too_many_wait_at_once(void **state)
{
    struct bench *b = *state;
    struct name_lookup *one_more = NULL;
    atomic_store(&is_silent, true);
    for (unsigned i = 0; i < NAME_LOOKUPS_MAX; i++)
        name_lookup_cancel(start(b, "127.0.0.1"));
    assert_int_equal(
        name_lookup_start(&b->loop, "127.0.0.1", NULL, on_found, b, &one_more), UV_EAI_AGAIN);
    assert_null(one_more);
    atomic_store(&is_silent, false);
    wait_for(&answered, NAME_LOOKUPS_MAX);
    usleep(20000);
    (void)start(b, "127.0.0.1");
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(b->told, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_an_address, setup, teardown),
        cmocka_unit_test_setup_teardown(says_that_there_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_waits_for_a_server_that_is_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_answer_that_comes_with_the_end_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(not_too_many_wait_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
