/* SPDX-License-Identifier: Apache-2.0 */
#include "net/worker.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/packet_io_choose.h"
#include "net/udp_socket.h"

/* A pipeline that sends every packet back `copies` times. Touched by the test only before the
 * worker starts and after it stopped. */
struct echo {
    struct worker *worker;
    struct worker_module *module;
    struct packet_socket *socket;
    struct timer timer;
    unsigned timer_takes_us;
    struct address client;
    unsigned copies;
    int receive_buffer; /* 0: a large one */
    unsigned delivered;
    unsigned ticks;
    uint64_t last_tick_ms;
    unsigned again_left; /* asks for so many more turns */
    unsigned again_calls;
    bool asks_with_packets;
    cpu_set_t cores;
    bool stopped;
};

static int client_fd;
static struct packet_io_choice back_end; /* of the test at hand */
static struct address server;

static int open_udp_with(struct address *local, int receive_buffer)
{
    struct udp_socket_config config = {.receive_buffer = receive_buffer};
    int fd;
    assert_true(address_parse(TEXT("127.0.0.1"), &config.bind));
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    assert_int_equal(udp_socket_local(fd, local), 0);
    return fd;
}

static int open_udp(struct address *local)
{
    return open_udp_with(local, 4 << 20);
}

static void send_note(struct echo *e, const char *note)
{
    struct packet *p = worker_packet(e->worker);
    assert_non_null(p);
    assert_true(packet_set(p, text_bytes(text_from(note))));
    p->socket = e->socket;
    p->peer = e->client;
    worker_send(e->worker, p);
}

static void on_timer(struct timer *timer, uint64_t now_ms)
{
    struct echo *e = CONTAINER_OF(timer, struct echo, timer);
    assert_true(now_ms >= timer->due_ms);
    usleep(e->timer_takes_us);
    send_note(e, "timer");
}

static void open_server(struct echo *e)
{
    struct packet_socket_config config = {.channel = PACKET_CHANNEL_RTP, .user = e};
    config.fd = open_udp_with(&config.local, e->receive_buffer > 0 ? e->receive_buffer : 4 << 20);
    server = config.local;
    assert_int_equal(worker_open_socket(e->module, &config, &e->socket), 0);
    timer_init(&e->timer, on_timer);
}

static void on_stop(void *state)
{
    struct echo *e = state;
    timer_cancel(worker_timers(e->worker), &e->timer);
    if (e->socket != NULL)
        send_note(e, "bye");
    e->stopped = true;
}

static void on_tick(void *state, uint64_t now_ms)
{
    struct echo *e = state;
    e->ticks++;
    e->last_tick_ms = now_ms;
}

static void packets(void *state, struct packet_batch *batch, uint64_t now_ms)
{
    struct echo *e = state;
    assert_int_equal(now_ms, worker_now_ms(e->worker));
    for (size_t i = 0; i < batch->count; i++) {
        struct packet *p = batch->packets[i];
        if (p->socket->user == NULL)
            continue;
        if (p->len == 0) {
            p->drop = DROP_SEND_FAILED; /* any reason: it is counted by the worker */
            continue;
        }
        for (unsigned n = 1; n < e->copies; n++)
            worker_send(e->worker, worker_packet_copy(e->worker, p));
        worker_send(e->worker, p);
    }
    if (e->asks_with_packets)
        worker_stay_awake(e->module);
}

static void on_again(void *state, uint64_t now_ms)
{
    struct echo *e = state;
    assert_int_equal(now_ms, worker_now_ms(e->worker));
    e->again_calls++;
    if (e->again_left > 0 && --e->again_left > 0)
        worker_stay_awake(e->module);
    else
        send_note(e, "again");
}

static const struct worker_hooks hooks = {
    .on_stop = on_stop, .on_tick = on_tick, .packets = packets, .on_again = on_again};

static void make_as(struct echo *e, const struct worker_config *config)
{
    assert_int_equal(worker_new(config, &e->worker), 0);
    e->module = worker_add(e->worker, &hooks, e);
    assert_ptr_equal(worker_of(e->module), e->worker);
    open_server(e);
}

static void make(struct echo *e, unsigned batch_wait_us)
{
    struct worker_config config = {
        .index = 3, .make_io = back_end.make, .batch_wait_us = batch_wait_us};
    make_as(e, &config);
}

static void start(struct echo *e, unsigned batch_wait_us)
{
    client_fd = open_udp(&e->client);
    make(e, batch_wait_us);
    assert_int_equal(worker_start(e->worker), 0);
}

static void send_bytes(const void *data, size_t len)
{
    assert_int_equal(udp_socket_send(client_fd, bytes_of(data, len), NULL, &server), 0);
}

static void hear(char *text, size_t size)
{
    struct udp_datagram datagram;
    struct pollfd wait = {.fd = client_fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 5000), 1);
    assert_int_equal(udp_socket_receive(client_fd, text, size - 1, &datagram), 0);
    assert_true(address_equal(&datagram.remote, &server));
    text[datagram.bytes.len] = '\0';
}

static void expect(const char *text)
{
    char heard[64];
    hear(heard, sizeof(heard));
    assert_string_equal(heard, text);
}

static void finish(struct echo *e)
{
    worker_stop(e->worker);
    assert_true(e->stopped);
    if (e->socket != NULL)
        expect("bye"); /* the stop lets the last packets out */
    close(client_fd);
}

static void sends_packets_back_in_order(void **state)
{
    (void)state;
    struct echo e = {.copies = 2};
    start(&e, 0);
    send_bytes("one", 3);
    send_bytes("two", 3);
    expect("one");
    expect("one");
    expect("two");
    expect("two");
    finish(&e);
}

/* More copies than fit into one batch. */
static void a_batch_may_grow_on_its_way(void **state)
{
    (void)state;
    struct echo e = {.copies = 5};
    enum { SENT = 300 };
    start(&e, 2000);
    for (int i = 0; i < SENT; i++)
        send_bytes("x", 1);
    for (int i = 0; i < SENT * 5; i++)
        expect("x");
    const struct packet_io_counters *counters = worker_counters(e.worker);
    assert_int_equal(counter_get(&counters->received_packets), SENT);
    /* A batch is counted once it has left, and the last may have arrived before that. */
    while (counter_get(&counters->sent_packets) < SENT * 5)
        usleep(1000);
    assert_int_equal(counter_get(&counters->sent_packets), SENT * 5);
    /* Gathering made batches of them: they came in a burst. */
    assert_true(counter_get(&counters->batches) < SENT / 4);
    finish(&e);
}

struct command {
    struct message message;
    unsigned number;
    void (*run)(struct echo *e);
};

static void run_command(struct message *message, void *owner)
{
    struct command *c = (struct command *)message;
    struct echo *e = owner;
    assert_int_equal(c->number, e->delivered++);
    if (c->run != NULL)
        c->run(e);
    free(c);
}

static void post(struct echo *e, unsigned number, void (*run)(struct echo *e))
{
    struct command *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    *c = (struct command){.message.deliver = run_command, .number = number, .run = run};
    worker_post(e->module, &c->message);
}

static void say_hello(struct echo *e)
{
    send_note(e, "hello");
}

static void arm_timer(struct echo *e)
{
    timer_arm(worker_timers(e->worker), &e->timer, worker_now_ms(e->worker) + 20);
}

static void messages_reach_the_state_and_may_send(void **state)
{
    (void)state;
    struct echo e = {.copies = 1};
    start(&e, 0);
    post(&e, 0, say_hello);
    post(&e, 1, arm_timer);
    expect("hello");
    expect("timer");
    for (unsigned i = 2; i < 100; i++)
        post(&e, i, NULL);
    finish(&e);
    assert_int_equal(e.delivered, 100); /* also those posted just before the stop */
}

/* The message was posted before the second packet was sent: it is there first, also when both came
 * while the worker gathered. */
static void messages_come_before_packets_sent_after_them(void **state)
{
    (void)state;
    struct echo e = {.copies = 1};
    start(&e, 50 * 1000);
    send_bytes("wakes it up", 11);
    usleep(5000);
    post(&e, 0, say_hello);
    send_bytes("x", 1);
    char heard[3][16];
    unsigned hello = 3, x = 0;
    for (unsigned i = 0; i < 3; i++) {
        hear(heard[i], sizeof(heard[i]));
        hello = strcmp(heard[i], "hello") == 0 ? i : hello;
        x = strcmp(heard[i], "x") == 0 ? i : x;
    }
    assert_true(hello < x);
    finish(&e);
}

static void close_it(struct echo *e)
{
    worker_close_socket(e->worker, e->socket);
    e->socket = NULL;
}

static void say_hello_and_close(struct echo *e)
{
    send_note(e, "hello");
    close_it(e);
}

static uv_sem_t is_open;

static void open_late(struct echo *e)
{
    open_server(e);
    uv_sem_post(&is_open);
}

/* In a thread that sleeps, and without any packet before. */
static void a_socket_may_be_opened_at_any_time(void **state)
{
    (void)state;
    struct echo e = {.copies = 1};
    struct worker_config config = {.make_io = back_end.make, .batch_wait_us = 500};
    client_fd = open_udp(&e.client);
    assert_int_equal(worker_new(&config, &e.worker), 0);
    e.module = worker_add(e.worker, &hooks, &e);
    timer_init(&e.timer, on_timer);
    assert_int_equal(uv_sem_init(&is_open, 0), 0);
    assert_int_equal(worker_start(e.worker), 0);
    usleep(20 * 1000);
    post(&e, 0, open_late);
    uv_sem_wait(&is_open);
    uv_sem_destroy(&is_open);
    usleep(20 * 1000);
    send_bytes("x", 1);
    expect("x");
    finish(&e);
}

static void a_socket_may_be_closed_at_any_time(void **state)
{
    (void)state;
    struct echo e = {.copies = 1};
    start(&e, 0);
    for (int i = 0; i < 50; i++)
        send_bytes("x", 1);
    post(&e, 0, say_hello_and_close); /* with packets on their way in and out */
    for (int i = 0; i < 50; i++)
        send_bytes("x", 1);
    const struct packet_io_counters *counters = worker_counters(e.worker);
    while (counter_get(&counters->drops.by_reason[DROP_SOCKET_CLOSED]) == 0)
        usleep(1000);
    assert_int_equal(counter_get(&counters->sockets), 0);
    finish(&e);
}

static void counts_verdicts(void **state)
{
    (void)state;
    struct echo e = {.copies = 1};
    start(&e, 0);
    send_bytes("", 0);
    send_bytes("x", 1);
    expect("x");
    const struct packet_io_counters *counters = worker_counters(e.worker);
    assert_int_equal(counter_get(&counters->drops.by_reason[DROP_SEND_FAILED]), 1);
    finish(&e);
}

static void ticks_once_a_second(void **state)
{
    (void)state;
    struct echo e = {.copies = 1};
    uint64_t started_ms = uv_hrtime() / 1000000;
    start(&e, 0);
    usleep(2200 * 1000);
    finish(&e);
    uint64_t stopped_ms = uv_hrtime() / 1000000;
    /* A busy machine may sleep for longer, and be late. */
    assert_in_range(e.ticks, 1, (stopped_ms - started_ms) / 1000);
    assert_true(e.last_tick_ms <= stopped_ms);
}

static void a_worker_may_end_before_it_starts(void **state)
{
    (void)state;
    struct echo e = {.copies = 1}, gone = {.copies = 1};
    client_fd = open_udp(&e.client);
    make(&e, 0);
    worker_remove(worker_add(e.worker, &hooks, &gone));
    post(&e, 0, say_hello);
    worker_stop(e.worker);
    expect("hello");
    expect("bye");
    assert_true(e.stopped);
    assert_false(gone.stopped);
    close(client_fd);
    worker_stop(NULL);
}

/* Each module has its own sockets, ticks and messages. */
static void modules_do_not_see_each_others_packets(void **state)
{
    (void)state;
    struct echo one = {.copies = 1}, two = {.copies = 2};
    struct address first;
    client_fd = open_udp(&one.client);
    two.client = one.client;
    make(&one, 50 * 1000);
    first = server;
    two.worker = one.worker;
    two.module = worker_add(one.worker, &hooks, &two);
    open_server(&two);
    assert_int_equal(worker_start(one.worker), 0);
    post(&two, 0, NULL);
    for (int i = 0; i < 4; i++) { /* all in one batch */
        send_bytes("two", 3);
        assert_int_equal(udp_socket_send(client_fd, bytes_of("one", 3), NULL, &first), 0);
    }
    unsigned heard_one = 0, heard_two = 0;
    for (int i = 0; i < 12; i++) {
        struct udp_datagram datagram;
        struct pollfd wait = {.fd = client_fd, .events = POLLIN};
        char text[8] = "";
        assert_int_equal(poll(&wait, 1, 5000), 1);
        assert_int_equal(udp_socket_receive(client_fd, text, sizeof(text) - 1, &datagram), 0);
        bool is_one = strcmp(text, "one") == 0;
        assert_true(address_equal(&datagram.remote, is_one ? &first : &server));
        heard_one += is_one;
        heard_two += !is_one;
    }
    assert_int_equal(heard_one, 4);
    assert_int_equal(heard_two, 8);
    worker_stop(one.worker);
    assert_true(one.stopped && two.stopped);
    assert_int_equal(one.delivered, 0);
    assert_int_equal(two.delivered, 1);
    close(client_fd);
}

/* --- turns without packets ----------------------------------------------------------------------
 */

static void ask_again(struct echo *e)
{
    worker_stay_awake(e->module);
}

/* So many turns would take a minute if each waited for the tick or the wait. */
static void asked_for_turns_come_at_once(void **state)
{
    (void)state;
    struct echo e = {.copies = 1, .again_left = 5000};
    start(&e, 10 * 1000);
    uint64_t began_ms = uv_hrtime() / 1000000;
    post(&e, 0, ask_again);
    expect("again");
    assert_true(uv_hrtime() / 1000000 - began_ms < 5000);
    usleep(20 * 1000);
    finish(&e);
    assert_int_equal(e.again_calls, 5000);
}

/* What came with them leaves first. */
static void asked_for_turns_come_after_the_packets(void **state)
{
    (void)state;
    struct echo e = {.copies = 3, .asks_with_packets = true};
    start(&e, 0);
    for (unsigned i = 0; i < 3; i++) {
        send_bytes("x", 1);
        expect("x");
        expect("x");
        expect("x");
        expect("again");
    }
    finish(&e);
    assert_int_equal(e.again_calls, 3);
}

static void media_goes_on_meanwhile(void **state)
{
    (void)state;
    struct echo e = {.copies = 1, .again_left = UINT_MAX};
    start(&e, 500);
    post(&e, 0, ask_again);
    for (unsigned i = 0; i < 100; i++) {
        send_bytes("x", 1);
        expect("x");
    }
    finish(&e);
    assert_true(e.again_calls >= 100 / 4); /* a turn takes four batches at most */
}

/* --- load ---------------------------------------------------------------------------------------
 */

static void echo_steadily(unsigned packets, unsigned each_us)
{
    uint64_t began_ns = uv_hrtime();
    for (unsigned i = 0; i < packets; i++) {
        send_bytes("x", 1);
        while (uv_hrtime() - began_ns < (i + 1) * UINT64_C(1000) * each_us)
            ;
    }
    for (unsigned i = 0; i < packets; i++)
        expect("x");
}

/* Under load a wake-up for each wait; none of it is left when the load is gone. */
static void gathers_under_load_only(void **state)
{
    (void)state;
    struct echo e = {.copies = 1};
    start(&e, 5000);
    const struct packet_io_counters *counters = worker_counters(e.worker);
    for (unsigned i = 0; i < 20; i++) { /* a packet in two waits */
        send_bytes("x", 1);
        expect("x");
        usleep(10 * 1000);
    }
    assert_int_equal(counter_get(&counters->gather_waits), 0);

    uint64_t batches = counter_get(&counters->batches);
    echo_steadily(2000, 100); /* 50 in a wait, for 40 of them */
    assert_in_range(counter_get(&counters->gather_waits), 5, 80);
    assert_in_range(counter_get(&counters->batches) - batches, 5, 200);

    usleep(400 * 1000);
    uint64_t waits = counter_get(&counters->gather_waits);
    send_bytes("x", 1);
    expect("x");
    usleep(50 * 1000);
    assert_int_equal(counter_get(&counters->gather_waits), waits);
    finish(&e);
}

static void take_long(struct echo *e)
{
    (void)e;
    for (uint64_t began_ns = uv_hrtime(); uv_hrtime() - began_ns < 2000000;)
        ;
}

/* A fifth of a second of plans; the packets of one turn wait for one of them at most. */
static void many_messages_do_not_hold_media(void **state)
{
    (void)state;
    struct echo e = {.copies = 1};
    start(&e, 500);
    for (unsigned i = 0; i < 100; i++)
        post(&e, i, take_long);
    post(&e, 100, say_hello);
    for (unsigned i = 0; i < 3; i++) {
        send_bytes("x", 1);
        expect("x"); /* before the hello */
    }
    expect("hello");
    for (unsigned i = 101; i < 150; i++)
        post(&e, i, take_long);
    finish(&e);
    assert_int_equal(e.delivered, 150);
}

/* Takes all the time that messages have in a turn, and has another one posted by then. */
static void take_long_and_post(struct echo *e)
{
    post(e, e->delivered, say_hello);
    take_long(e);
}

/* A packet is there before the message: this is delivered before the loop looks why it was woken.
 * What is posted until then must not wait for something else to happen. */
static void a_message_for_which_no_time_is_left_comes_next(void **state)
{
    (void)state;
    struct echo e = {.copies = 1, .timer_takes_us = 60 * 1000};
    start(&e, 0);
    uint64_t began_ms = uv_hrtime() / 1000000;
    for (unsigned i = 0; i < 3; i++) {
        post(&e, 3 * i, arm_timer);
        usleep(40 * 1000);
        send_bytes("x", 1);
        usleep(5000);
        post(&e, 3 * i + 1, take_long_and_post);
        expect("timer");
        expect("x");
        expect("hello");
    }
    assert_true(uv_hrtime() / 1000000 - began_ms < 1500); /* not a tick each */
    finish(&e);
}

static void sleep_long(struct echo *e)
{
    (void)e;
    usleep(300 * 1000);
}

/* What did not fit into the socket while the worker was elsewhere is known by its next ticks. */
static void knows_what_the_kernel_dropped(void **state)
{
    (void)state;
    struct echo e = {.copies = 1, .receive_buffer = 4096};
    static const char block[1000];
    start(&e, 0);
    post(&e, 0, sleep_long);
    usleep(50 * 1000);
    for (unsigned i = 0; i < 200; i++)
        send_bytes(block, sizeof(block));
    const struct packet_io_counters *counters = worker_counters(e.worker);
    for (unsigned i = 0; i < 5000 && counter_get(&counters->kernel_drops) == 0; i++)
        usleep(1000);
    uint64_t received = counter_get(&counters->received_packets);
    assert_in_range(received, 1, 199);
    assert_int_equal(counter_get(&counters->kernel_drops), 200 - received);
    for (uint64_t i = 0; i < received; i++) {
        char heard[sizeof(block) + 1];
        hear(heard, sizeof(heard));
    }
    finish(&e);
}

static void tell_cores(struct echo *e)
{
    assert_int_equal(sched_getaffinity(0, sizeof(e->cores), &e->cores), 0);
    send_note(e, "cores");
}

static void stays_on_its_core(void **state)
{
    (void)state;
    struct echo e = {.copies = 1};
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
    struct worker_config config = {.make_io = back_end.make, .is_pinned = true};
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed))
            config.cpu = cpu; /* the last */
    client_fd = open_udp(&e.client);
    make_as(&e, &config);
    assert_int_equal(worker_start(e.worker), 0);
    post(&e, 0, tell_cores);
    expect("cores");
    finish(&e);
    assert_int_equal(CPU_COUNT(&e.cores), 1);
    assert_true(CPU_ISSET(config.cpu, &e.cores));
}

/* --- with each back end --------------------------------------------------------------------------
 */

#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

static const struct {
    const char *name;
    CMUnitTestFunction run;
} tests[] = {
    TEST(sends_packets_back_in_order),
    TEST(a_batch_may_grow_on_its_way),
    TEST(messages_reach_the_state_and_may_send),
    TEST(messages_come_before_packets_sent_after_them),
    TEST(a_socket_may_be_opened_at_any_time),
    TEST(a_socket_may_be_closed_at_any_time),
    TEST(counts_verdicts),
    TEST(ticks_once_a_second),
    TEST(a_worker_may_end_before_it_starts),
    TEST(modules_do_not_see_each_others_packets),
    TEST(asked_for_turns_come_at_once),
    TEST(asked_for_turns_come_after_the_packets),
    TEST(media_goes_on_meanwhile),
    TEST(gathers_under_load_only),
    TEST(many_messages_do_not_hold_media),
    TEST(a_message_for_which_no_time_is_left_comes_next),
    TEST(knows_what_the_kernel_dropped),
    TEST(stays_on_its_core),
};

static int choose(void **state)
{
    back_end = *(const struct packet_io_choice *)*state;
    return 0;
}

static size_t find_back_ends(struct packet_io_choice out[2])
{
    size_t count = 0;
    count += packet_io_choose(PACKET_IO_EPOLL, &out[count]);
    count += packet_io_choose(PACKET_IO_URING, &out[count]);
    return count;
}

int main(void)
{
    static struct packet_io_choice back_ends[2];
    static char names[2 * COUNT_OF(tests)][80];
    struct CMUnitTest all[2 * COUNT_OF(tests)];
    size_t back_end_count = find_back_ends(back_ends), count = 0;
    for (size_t b = 0; b < back_end_count; b++)
        for (size_t t = 0; t < COUNT_OF(tests); t++, count++) {
            snprintf(names[count], sizeof(names[0]), "%s (%s)", tests[t].name, back_ends[b].name);
            all[count] =
                (struct CMUnitTest){names[count], tests[t].run, choose, NULL, &back_ends[b]};
        }
    return _cmocka_run_group_tests("worker", all, count, NULL, NULL);
}
