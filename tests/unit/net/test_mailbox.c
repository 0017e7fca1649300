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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_all_in_the_order_of_each_poster),
        cmocka_unit_test(delivers_what_is_left_when_it_closes),
    };
    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
