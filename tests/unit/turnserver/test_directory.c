/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "four_threads.h"

static struct turn_path path(enum turn_transport transport, const char *client, const char *server)
{
    struct turn_path path = {.transport = transport};
    assert_true(address_parse_with_port(text_from(client), 0, &path.client));
    assert_true(address_parse_with_port(text_from(server), 0, &path.server));
    return path;
}

static void expect_worker(struct directory *d, const struct turn_path *path, unsigned expected)
{
    unsigned worker = 99;
    assert_true(directory_find(d, path, &worker));
    assert_int_equal(worker, expected);
}

static void expect_nobody(struct directory *d, const struct turn_path *path)
{
    unsigned worker = 99;
    assert_false(directory_find(d, path, &worker));
    assert_int_equal(worker, 99);
}

static void remembers_who_has_a_client(void **state)
{
    (void)state;
    struct directory *d = directory_new();
    struct turn_path a = path(TURN_UDP, "192.0.2.1:1000", "198.51.100.1:3478");
    expect_nobody(d, &a);
    assert_true(directory_put(d, &a, 3));
    expect_worker(d, &a, 3);
    /* What is not the 5-tuple plays no part. */
    a.link = d;
    a.link_id = 7;
    a.hop = a.server;
    expect_worker(d, &a, 3);
    directory_remove(d, &a, 3);
    expect_nobody(d, &a);
    directory_remove(d, &a, 3);
    directory_free(d);
}

static void every_part_of_the_path_counts(void **state)
{
    const struct turn_path paths[] = {
        path(TURN_UDP, "192.0.2.1:1000", "198.51.100.1:3478"),
        path(TURN_DTLS, "192.0.2.1:1000", "198.51.100.1:3478"),
        path(TURN_UDP, "192.0.2.1:1001", "198.51.100.1:3478"),
        path(TURN_UDP, "192.0.2.2:1000", "198.51.100.1:3478"),
        path(TURN_UDP, "192.0.2.1:1000", "198.51.100.1:3479"),
        path(TURN_UDP, "192.0.2.1:1000", "198.51.100.2:3478"),
        path(TURN_UDP, "[2001:db8::1]:1000", "[2001:db8::2]:3478"),
        path(TURN_UDP, "[2001:db8::1]:1000", "[2001:db8::3]:3478"),
    };
    (void)state;
    struct directory *d = directory_new();
    for (unsigned i = 0; i < COUNT_OF(paths); i++)
        assert_true(directory_put(d, &paths[i], i));
    for (unsigned i = 0; i < COUNT_OF(paths); i++)
        expect_worker(d, &paths[i], i);
    directory_remove(d, &paths[0], 0);
    expect_nobody(d, &paths[0]);
    for (unsigned i = 1; i < COUNT_OF(paths); i++)
        expect_worker(d, &paths[i], i);
    directory_free(d);
}

static void another_worker_takes_over(void **state)
{
    (void)state;
    struct directory *d = directory_new();
    struct turn_path a = path(TURN_UDP, "192.0.2.1:1000", "198.51.100.1:3478");
    assert_true(directory_put(d, &a, 1));
    assert_true(directory_put(d, &a, 2));
    expect_worker(d, &a, 2);
    directory_remove(d, &a, 1); /* the former one is late */
    expect_worker(d, &a, 2);
    directory_remove(d, &a, 2);
    expect_nobody(d, &a);
    directory_free(d);
}

enum { CLIENTS = 2000 };

/* Of all sixteen shards, as good as surely. */
static void keeps_thousands(void **state)
{
    (void)state;
    struct directory *d = directory_new();
    struct turn_path a = path(TURN_UDP, "192.0.2.1:1", "198.51.100.1:3478");
    for (uint16_t port = 1; port <= CLIENTS; port++) {
        a.client.port = port;
        assert_true(directory_put(d, &a, port % 7));
    }
    for (uint16_t port = 1; port <= CLIENTS; port += 2) {
        a.client.port = port;
        directory_remove(d, &a, port % 7);
    }
    for (uint16_t port = 1; port <= CLIENTS; port++) {
        a.client.port = port;
        if (port % 2 == 0)
            expect_worker(d, &a, port % 7);
        else
            expect_nobody(d, &a);
    }
    directory_free(d); /* with what is left in it */
}

static atomic_uint next_worker;

/* Each thread has clients of its own, and all fight for one. */
static void *put_and_remove(void *argument)
{
    struct directory *d = argument;
    unsigned self = atomic_fetch_add(&next_worker, 1), worker;
    struct turn_path own = path(TURN_UDP, "192.0.2.1:1", "198.51.100.1:3478");
    struct turn_path common = path(TURN_UDP, "192.0.2.2:1", "198.51.100.1:3478");
    for (unsigned i = 0; i < 2000; i++) {
        own.client.port = (uint16_t)(self * 100 + i % 100);
        expect(directory_put(d, &own, self));
        expect(directory_put(d, &common, self));
        expect(directory_find(d, &own, &worker) && worker == self);
        expect(!directory_find(d, &common, &worker) || worker < THREADS);
        directory_remove(d, &own, self);
        directory_remove(d, &common, self);
        expect(!directory_find(d, &own, &worker));
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct directory *d = directory_new();
    struct turn_path common = path(TURN_UDP, "192.0.2.2:1", "198.51.100.1:3478");
    atomic_store(&next_worker, 0);
    assert_int_equal(run_threads(put_and_remove, d), 0);
    expect_nobody(d, &common); /* the last to put it has removed it */
    directory_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembers_who_has_a_client),
        cmocka_unit_test(every_part_of_the_path_counts),
        cmocka_unit_test(another_worker_takes_over),
        cmocka_unit_test(keeps_thousands),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
