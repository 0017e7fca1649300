/* SPDX-License-Identifier: Apache-2.0 */
#include "net/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { POSTERS = 3, EACH = 500 };

struct numbered {
    struct message message;
    unsigned poster;
    unsigned number;
};

struct receiver {
    struct mailbox box;
    unsigned next[POSTERS];
    unsigned total;
    bool closed;
};

static void on_closed(struct mailbox *box)
{
    ((struct receiver *)box->owner)->closed = true;
}

static void receive(struct message *message, void *owner)
{
    struct numbered *m = (struct numbered *)message;
    struct receiver *r = owner;
    assert_int_equal(m->number, r->next[m->poster]++);
    if (++r->total == POSTERS * EACH)
        mailbox_close(&r->box, on_closed);
    free(m);
}

struct poster {
    uv_thread_t thread;
    struct mailbox *box;
    unsigned index;
};

static void post_all(void *argument)
{
    struct poster *p = argument;
    for (unsigned i = 0; i < EACH; i++) {
        struct numbered *m = calloc(1, sizeof(*m));
        assert_non_null(m);
        *m = (struct numbered){.message.deliver = receive, .poster = p->index, .number = i};
        mailbox_post(p->box, &m->message);
    }
}

static void delivers_all_in_the_order_of_each_poster(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct receiver receiver = {.total = 0};
    struct poster posters[POSTERS];
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(mailbox_open(&receiver.box, &loop, &receiver), 0);
    for (unsigned i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.box = &receiver.box, .index = i};
        assert_int_equal(uv_thread_create(&posters[i].thread, post_all, &posters[i]), 0);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < POSTERS; i++)
        uv_thread_join(&posters[i].thread);
    assert_int_equal(receiver.total, POSTERS * EACH);
    assert_true(receiver.closed);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void count(struct message *message, void *owner)
{
    (*(unsigned *)owner)++;
    free(message);
}

static void delivers_what_is_left_when_it_closes(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct mailbox box;
    unsigned delivered = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(mailbox_open(&box, &loop, &delivered), 0);
    for (int i = 0; i < 3; i++) {
        struct message *m = calloc(1, sizeof(*m));
        assert_non_null(m);
        m->deliver = count;
        mailbox_post(&box, m);
    }
    assert_int_equal(delivered, 0);
    mailbox_close(&box, NULL);
    assert_int_equal(delivered, 3);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* --- a receiver that asks ------------------------------------------------------------------------
 */

enum { WORK_NS = 2000000 };

struct held {
    uv_loop_t loop;
    struct mailbox box;
    unsigned next;
};

struct work {
    struct message message;
    unsigned number;
    uint64_t takes_ns;
    void (*then)(struct held *held);
};

static void do_work(struct message *message, void *owner)
{
    struct work *work = (struct work *)message;
    struct held *held = owner;
    assert_int_equal(work->number, held->next++);
    for (uint64_t began_ns = uv_hrtime(); uv_hrtime() - began_ns < work->takes_ns;)
        ;
    if (work->then != NULL)
        work->then(held);
    free(work);
}

static void post_work(
    struct held *held, unsigned number, uint64_t takes_ns, void (*then)(struct held *held))
{
    struct work *work = calloc(1, sizeof(*work));
    assert_non_null(work);
    *work = (struct work){
        .message.deliver = do_work, .number = number, .takes_ns = takes_ns, .then = then};
    mailbox_post(&held->box, &work->message);
}

static void open_held(struct held *held)
{
    held->next = 0;
    assert_int_equal(uv_loop_init(&held->loop), 0);
    assert_int_equal(mailbox_open(&held->box, &held->loop, held), 0);
    mailbox_hold(&held->box);
}

static void close_held(struct held *held)
{
    uv_run(&held->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&held->loop), 0);
}

static void a_held_one_only_wakes_the_loop(void **state)
{
    (void)state;
    struct held held;
    open_held(&held);
    post_work(&held, 0, 0, NULL);
    uv_run(&held.loop, UV_RUN_ONCE); /* does not block */
    assert_int_equal(held.next, 0);
    mailbox_deliver(&held.box);
    assert_int_equal(held.next, 1);
    assert_int_equal(mailbox_deliver_for(&held.box, 1000), 0); /* nothing to do takes no time */
    mailbox_close(&held.box, NULL);
    close_held(&held);
}

static void delivers_no_longer_than_it_is_let(void **state)
{
    (void)state;
    struct held held;
    open_held(&held);
    for (unsigned i = 0; i < 10; i++)
        post_work(&held, i, WORK_NS, NULL);

    assert_true(mailbox_deliver_for(&held.box, 2 * WORK_NS) >= 2 * WORK_NS);
    assert_in_range(held.next, 1, 2);
    unsigned before = held.next;
    assert_true(mailbox_has_left(&held.box));
    post_work(&held, 10, 0, NULL); /* behind those that are left */
    assert_true(mailbox_deliver_for(&held.box, 0) >= WORK_NS);
    assert_int_equal(held.next, before + 1); /* one at least */

    while (mailbox_has_left(&held.box))
        (void)mailbox_deliver_for(&held.box, UINT64_MAX);
    assert_int_equal(held.next, 10);
    mailbox_deliver(&held.box);
    assert_int_equal(held.next, 11);
    mailbox_close(&held.box, NULL);
    close_held(&held);
}

static void close_it(struct held *held)
{
    mailbox_close(&held->box, NULL);
}

/* The order holds, and none is left behind. */
static void a_message_may_close_the_mailbox(void **state)
{
    (void)state;
    struct held held;
    open_held(&held);
    post_work(&held, 0, WORK_NS, NULL);
    post_work(&held, 1, 0, close_it);
    post_work(&held, 2, 0, NULL);
    (void)mailbox_deliver_for(&held.box, 1);
    assert_int_equal(held.next, 1);
    post_work(&held, 3, 0, NULL);
    (void)mailbox_deliver_for(&held.box, 1);
    assert_int_equal(held.next, 4);
    assert_false(mailbox_has_left(&held.box));
    close_held(&held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_all_in_the_order_of_each_poster),
        cmocka_unit_test(delivers_what_is_left_when_it_closes),
        cmocka_unit_test(a_held_one_only_wakes_the_loop),
        cmocka_unit_test(delivers_no_longer_than_it_is_let),
        cmocka_unit_test(a_message_may_close_the_mailbox),
    };
    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
