/* SPDX-License-Identifier: Apache-2.0 */
#include "net/own_sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <cmocka.h>

#include "net/mailbox.h"

enum { WORKERS = 3 };

static struct own_sockets *own;

static int set_up(void **state)
{
    (void)state;
    own = own_sockets_new(WORKERS);
    assert_non_null(own);
    assert_int_equal(own_sockets_workers(own), WORKERS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    own_sockets_free(own);
    own_sockets_free(NULL);
    return 0;
}

static struct address at(const char *text)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(text), 0, &a));
    return a;
}

static struct own_socket socket_at(const char *bound, const char *advertised)
{
    return (struct own_socket){.bound = at(bound), .advertised = at(advertised)};
}

static bool have(const char *text)
{
    struct address a = at(text);
    return own_sockets_have(own, &a);
}

static void finds_both_forms(void **state)
{
    (void)state;
    struct own_socket plain = socket_at("192.0.2.1:4000", "192.0.2.1:4000");
    struct own_socket mapped = socket_at("10.0.0.1:4000", "198.51.100.1:4000");
    struct own_socket ip6 = socket_at("[2001:db8::1]:4064", "[2001:db8::2]:4064");
    own_sockets_add(own, 0, &plain);
    own_sockets_add(own, 1, &mapped);
    own_sockets_add(own, 2, &ip6); /* in the same shard */

    static const struct {
        const char *address;
        bool found, by_advertised;
        unsigned worker;
    } cases[] = {
        {"192.0.2.1:4000", true, false, 0},
        {"10.0.0.1:4000", true, false, 1},
        {"198.51.100.1:4000", true, true, 1},
        {"[2001:db8::1]:4064", true, false, 2},
        {"[2001:db8::2]:4064", true, true, 2},
        {"192.0.2.1:4064", false, false, 0},
        {"192.0.2.1:4001", false, false, 0},
        {"192.0.2.1:0", false, false, 0},
        {"192.0.2.2:4000", false, false, 0},
        {"[::ffff:192.0.2.1]:4000", false, false, 0},
        {"[2001:db8::1]:4000", false, false, 0},
    };
    struct own_socket *sockets[] = {&plain, &mapped, &ip6};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address a = at(cases[i].address);
        struct own_match match = {.worker = 99};
        assert_int_equal(own_sockets_find(own, &a, &match), cases[i].found);
        assert_int_equal(own_sockets_have(own, &a), cases[i].found);
        assert_int_equal(match.worker, cases[i].found ? cases[i].worker : 99);
        if (!cases[i].found)
            continue;
        assert_ptr_equal(match.socket, sockets[match.worker]);
        assert_int_equal(match.by_advertised, cases[i].by_advertised);
    }
}

static void forgets_what_is_removed(void **state)
{
    (void)state;
    struct own_socket sockets[4];
    static const char *const bound[] = {"10.0.0.1:9", "10.0.0.2:9", "10.0.0.3:9", "10.0.0.1:73"};
    for (size_t i = 0; i < COUNT_OF(sockets); i++) {
        sockets[i] = socket_at(bound[i], bound[i]);
        own_sockets_add(own, 0, &sockets[i]);
    }
    static const size_t order[] = {1, 2, 0, 3};
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        own_sockets_remove(own, &sockets[order[i]]);
        own_sockets_remove(own, &sockets[order[i]]); /* harmless */
        for (size_t n = 0; n < COUNT_OF(order); n++)
            assert_int_equal(have(bound[order[n]]), n > i);
    }
    own_sockets_add(own, 1, &sockets[1]);
    assert_true(have(bound[1]));
}

/* Two networks behind one advertised address: only their router knows whom it means. */
static void an_address_of_two_is_nobodys(void **state)
{
    (void)state;
    struct own_socket one = socket_at("10.0.0.1:4000", "198.51.100.1:4000");
    struct own_socket two = socket_at("10.0.1.1:4000", "198.51.100.1:4000");
    own_sockets_add(own, 0, &one);
    own_sockets_add(own, 1, &two);
    assert_false(have("198.51.100.1:4000"));
    assert_true(have("10.0.0.1:4000"));
    assert_true(have("10.0.1.1:4000"));
    own_sockets_remove(own, &one);
    assert_true(have("198.51.100.1:4000"));
}

static void leaving_takes_all_out(void **state)
{
    (void)state;
    struct own_socket gone[] = {socket_at("10.0.0.1:1", "10.0.0.1:1"),
        socket_at("10.0.0.1:4000", "198.51.100.1:4000"),
        socket_at("10.0.0.2:4000", "198.51.100.2:4000"),
        socket_at("10.0.0.1:65535", "10.0.0.1:65535")};
    struct own_socket stays = socket_at("10.0.0.3:4000", "10.0.0.3:4000");
    for (size_t i = 0; i < COUNT_OF(gone); i++)
        own_sockets_add(own, 2, &gone[i]);
    own_sockets_add(own, 1, &stays);
    own_sockets_leave(own, 2);
    for (size_t i = 0; i < COUNT_OF(gone); i++) {
        assert_false(own_sockets_have(own, &gone[i].bound));
        assert_false(own_sockets_have(own, &gone[i].advertised));
        assert_false(gone[i].is_listed);
    }
    assert_true(have("10.0.0.3:4000"));
}

static unsigned delivered;

static void deliver(struct message *message, void *owner)
{
    assert_ptr_equal(owner, &delivered);
    delivered++;
    free(message);
}

static bool post(unsigned worker, unsigned count)
{
    struct message *message = calloc(1, sizeof(*message));
    assert_non_null(message);
    message->deliver = deliver;
    bool is_taken = own_sockets_post(own, worker, message, count);
    if (!is_taken)
        free(message);
    return is_taken;
}

static void what_waits_is_bounded(void **state)
{
    (void)state;
    struct mailbox box;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(mailbox_open(&box, &loop, &delivered), 0);
    assert_false(post(1, 1)); /* it is not there yet */
    own_sockets_join(own, 1, &box);
    assert_false(post(0, 1));
    assert_false(post(1, OWN_SOCKETS_WAITING + 1));
    assert_true(post(1, OWN_SOCKETS_WAITING - 1));
    assert_false(post(1, 2));
    assert_true(post(1, 1));
    assert_false(post(1, 1));
    own_sockets_taken(own, 1, 3);
    assert_true(post(1, 3));
    assert_false(post(1, 1));
    own_sockets_leave(own, 1);
    own_sockets_taken(own, 1, OWN_SOCKETS_WAITING);
    assert_false(post(1, 1));
    mailbox_close(&box, NULL);
    assert_int_equal(delivered, 3);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* --- threads -----------------------------------------------------------------------------------
 */

enum { ROUNDS = 20000, PORTS = 8 };

static atomic_bool is_over;

static struct address nth(unsigned worker, unsigned n)
{
    struct address a = at("10.0.0.0");
    a.ip[3] = (uint8_t)worker;
    a.port = (uint16_t)(4000 + 64 * (n % 2) + n);
    return a;
}

static void come_and_go(void *argument)
{
    unsigned worker = (unsigned)(uintptr_t)argument;
    struct own_socket sockets[PORTS] = {0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct own_socket *s = &sockets[i * 7 % PORTS];
        if (s->is_listed) {
            own_sockets_remove(own, s);
        } else {
            *s = (struct own_socket){.bound = nth(worker, i * 7 % PORTS)};
            s->advertised = s->bound;
            own_sockets_add(own, worker, s);
        }
    }
    own_sockets_leave(own, worker);
}

static void look(void *argument)
{
    unsigned *wrong = argument;
    for (unsigned i = 0; !is_over; i++) {
        unsigned worker = i % 2;
        struct address a = nth(worker, i / 2 % PORTS);
        struct own_match match;
        if (own_sockets_find(own, &a, &match) && match.worker != worker)
            ++*wrong;
    }
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    uv_thread_t writers[2], reader;
    unsigned wrong = 0;
    is_over = false;
    assert_int_equal(uv_thread_create(&reader, look, &wrong), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(uv_thread_create(&writers[i], come_and_go, (void *)(uintptr_t)i), 0);
    for (unsigned i = 0; i < 2; i++)
        uv_thread_join(&writers[i]);
    is_over = true;
    uv_thread_join(&reader);
    assert_int_equal(wrong, 0);
    for (unsigned i = 0; i < 2 * PORTS; i++) {
        struct address a = nth(i % 2, i / 2);
        assert_false(own_sockets_have(own, &a));
    }
}

#define OWN_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWN_TEST(finds_both_forms),
        OWN_TEST(forgets_what_is_removed),
        OWN_TEST(an_address_of_two_is_nobodys),
        OWN_TEST(leaving_takes_all_out),
        OWN_TEST(what_waits_is_bounded),
        OWN_TEST(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests_name("own_sockets", tests, NULL, NULL);
}
