/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

/* Sends each packet back, and one more 30 ms later. */
struct echo {
    struct worker *worker;
    struct packet_socket *socket;
    struct timer timer;
    struct address peer;
    unsigned ticks;
    unsigned messages;
};

static const struct address here = {.family = ADDRESS_IP4, .port = 5004, .ip = {127, 0, 0, 1}};
static const struct address there = {.family = ADDRESS_IP4, .port = 9, .ip = {192, 0, 2, 1}};

static void send_late(struct timer *timer, uint64_t now_ms)
{
    struct echo *e = CONTAINER_OF(timer, struct echo, timer);
    struct packet *p = worker_packet(e->worker);
    assert_int_equal(now_ms, timer->due_ms); /* the fake is never late */
    assert_true(packet_set(p, bytes_of("late", 4)));
    p->socket = e->socket;
    p->peer = e->peer;
    worker_send(e->worker, p);
}

static int on_start(void *state, struct worker *worker)
{
    struct echo *e = state;
    struct packet_socket_config config = {.fd = -1, .local = here, .user = e};
    e->worker = worker;
    timer_init(&e->timer, send_late);
    return packet_io_open_socket(worker_io(worker), &config, &e->socket);
}

static void on_tick(void *state, uint64_t now_ms)
{
    (void)now_ms;
    ((struct echo *)state)->ticks++;
}

static void packets(void *state, struct packet_batch *batch, uint64_t now_ms)
{
    struct echo *e = state;
    for (size_t i = 0; i < batch->count; i++) {
        e->peer = batch->packets[i]->peer;
        worker_send(e->worker, batch->packets[i]);
        timer_arm(worker_timers(e->worker), &e->timer, now_ms + 30);
    }
}

static void count(struct message *message, void *owner)
{
    (void)message;
    ((struct echo *)owner)->messages++;
}

static void nothing_happens_by_itself(void **state)
{
    (void)state;
    static const struct worker_hooks hooks = {
        .on_start = on_start, .on_tick = on_tick, .packets = packets};
    struct echo e = {.ticks = 0};
    struct worker_config config = {.hooks = &hooks, .state = &e};
    struct worker *w;
    struct fake_sent sent;
    assert_int_equal(worker_start(&config, &w), 0);
    assert_int_equal(fake_worker_sockets(w), 1);
    assert_false(fake_worker_arrive(w, &there, &here, bytes_of("x", 1)));
    assert_true(fake_worker_arrive(w, &here, &there, bytes_of("x", 1)));
    assert_false(fake_worker_take_sent(w, &sent));
    fake_worker_turn(w);
    assert_true(fake_worker_take_sent(w, &sent));
    assert_true(address_equal(&sent.from, &here));
    assert_true(address_equal(&sent.to, &there));
    assert_int_equal(sent.len, 1);

    fake_worker_advance(w, 29);
    assert_false(fake_worker_take_sent(w, &sent));
    fake_worker_advance(w, 1);
    assert_true(fake_worker_take_sent(w, &sent));
    assert_memory_equal(sent.data, "late", 4);

    fake_worker_advance(w, 10000);
    assert_int_equal(e.ticks, 10);
    assert_int_equal(worker_now_ms(w), FAKE_WORKER_START_MS + 10030);

    struct message message = {.deliver = count};
    worker_post(w, &message);
    assert_int_equal(e.messages, 0);
    fake_worker_turn(w);
    assert_int_equal(e.messages, 1);

    fake_worker_arrive(w, &here, &there, bytes_of("x", 1));
    packet_io_close_socket(worker_io(w), e.socket);
    fake_worker_turn(w);
    assert_false(fake_worker_take_sent(w, &sent));
    assert_int_equal(fake_worker_sockets(w), 0);
    worker_stop(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_happens_by_itself)};
    return cmocka_run_group_tests_name("fake_worker", tests, NULL, NULL);
}
