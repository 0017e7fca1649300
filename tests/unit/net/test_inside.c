/* SPDX-License-Identifier: Apache-2.0 */
/* Packets from socket to socket of one process. Advertised addresses exist nowhere else, so what
 * is sent to them and arrives has stayed inside. */
#include "net/inside.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/container.h"
#include "net/udp_socket.h"
#include "net/worker.h"

enum { HEARD_MAX = 2048, MAX_SOCKETS = 3, WORKERS = 2 };

struct heard {
    struct packet_socket *socket;
    struct address peer;
    uint8_t tos;
    size_t len, headroom, tailroom;
    uint8_t data[PACKET_DATA_MAX];
};

/* A worker that writes down what it hears, and may send it back. */
struct node {
    struct worker *worker;
    struct worker_module *module;
    struct packet_socket *sockets[MAX_SOCKETS];
    uv_mutex_t lock; /* of the rest */
    unsigned count;
    size_t largest_batch;
    bool echoes;
    struct heard heard[HEARD_MAX];
};

static struct own_sockets *own;
static struct node *nodes[WORKERS];
static int client_fd;
static struct address client;

static void write_down(struct node *node, const struct packet *p)
{
    struct heard *h = &node->heard[node->count++ % HEARD_MAX];
    *h = (struct heard){.socket = p->socket,
        .peer = p->peer,
        .tos = p->tos,
        .len = p->len,
        .headroom = packet_headroom(p),
        .tailroom = packet_tailroom(p)};
    memcpy(h->data, p->data, p->len);
}

static void packets(void *state, struct packet_batch *batch, uint64_t now_ms)
{
    struct node *node = state;
    (void)now_ms;
    uv_mutex_lock(&node->lock);
    if (batch->count > node->largest_batch)
        node->largest_batch = batch->count;
    for (size_t i = 0; i < batch->count; i++) {
        write_down(node, batch->packets[i]);
        if (node->echoes)
            worker_send(node->worker, batch->packets[i]);
    }
    uv_mutex_unlock(&node->lock);
}

static const struct worker_hooks hooks = {.packets = packets};

/* --- work in a worker's thread -----------------------------------------------------------------
 */

struct task {
    struct message message;
    void (*run)(struct node *node, void *argument);
    void *argument;
    uv_sem_t done;
};

static void run_task(struct message *message, void *owner)
{
    struct task *task = (struct task *)message;
    task->run(owner, task->argument);
    uv_sem_post(&task->done);
}

static void start_task(
    struct task *task, struct node *node, void (*run)(struct node *node, void *), void *argument)
{
    *task = (struct task){.message.deliver = run_task, .run = run, .argument = argument};
    assert_int_equal(uv_sem_init(&task->done, 0), 0);
    worker_post(node->module, &task->message);
}

static void wait_for(struct task *task)
{
    uv_sem_wait(&task->done);
    uv_sem_destroy(&task->done);
}

static void run_in(struct node *node, void (*run)(struct node *node, void *), void *argument)
{
    struct task task;
    start_task(&task, node, run, argument);
    wait_for(&task);
}

/* --- the scene ---------------------------------------------------------------------------------
 */

static int open_udp(struct address *local)
{
    struct udp_socket_config config = {.receive_buffer = 1 << 20};
    int fd;
    assert_true(address_parse(TEXT("127.0.0.1"), &config.bind));
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    assert_int_equal(udp_socket_local(fd, local), 0);
    return fd;
}

/* Socket 0 and 1 are reachable, the second under an address of its own; 2 is not. */
static void open_sockets(struct node *node, bool want_tos)
{
    for (unsigned i = 0; i < MAX_SOCKETS; i++) {
        struct packet_socket_config config = {
            .user = node, .want_tos = want_tos, .tos = 8, .reachable = i < 2};
        config.fd = open_udp(&config.local);
        if (i > 0)
            assert_true(address_parse(TEXT("198.51.100.1"), &config.advertised));
        assert_int_equal(worker_open_socket(node->module, &config, &node->sockets[i]), 0);
    }
}

static void make_nodes(unsigned batch_wait_us, bool want_tos)
{
    own = own_sockets_new(WORKERS);
    assert_non_null(own);
    client_fd = open_udp(&client);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct worker_config config = {.index = i, .batch_wait_us = batch_wait_us, .own = own};
        struct node *node = nodes[i] = calloc(1, sizeof(*node));
        assert_non_null(node);
        assert_int_equal(uv_mutex_init(&node->lock), 0);
        assert_int_equal(worker_new(&config, &node->worker), 0);
        node->module = worker_add(node->worker, &hooks, node);
        open_sockets(node, want_tos);
    }
}

static void start_nodes(void)
{
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(worker_start(nodes[i]->worker), 0);
}

static int set_up(void **state)
{
    (void)state;
    make_nodes(0, true);
    start_nodes();
    return 0;
}

static int set_up_slow(void **state)
{
    (void)state;
    make_nodes(10 * 1000, true);
    start_nodes();
    return 0;
}

static int set_up_plain(void **state)
{
    (void)state;
    make_nodes(0, false);
    start_nodes();
    return 0;
}

static void stop_node(unsigned i)
{
    if (nodes[i]->worker != NULL)
        worker_stop(nodes[i]->worker);
    nodes[i]->worker = NULL;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        stop_node(i);
        uv_mutex_destroy(&nodes[i]->lock);
        free(nodes[i]);
    }
    close(client_fd);
    own_sockets_free(own);
    return 0;
}

static void do_nothing(struct node *node, void *argument)
{
    (void)node, (void)argument;
}

/* Until what the worker is at, counting too, is done. */
static void settle(struct node *node)
{
    run_in(node, do_nothing, NULL);
}

static unsigned heard_count(struct node *node)
{
    uv_mutex_lock(&node->lock);
    unsigned count = node->count;
    uv_mutex_unlock(&node->lock);
    return count;
}

static void wait_until_heard(struct node *node, unsigned count)
{
    for (unsigned i = 0; i < 5000 && heard_count(node) < count; i++)
        usleep(1000);
    assert_true(heard_count(node) >= count);
}

static const struct packet_io_counters *counters(const struct node *node)
{
    return worker_counters(node->worker);
}

static uint64_t dropped(const struct node *node, enum drop_reason reason)
{
    return counter_get(&counters(node)->drops.by_reason[reason]);
}

static void wait_until_dropped(const struct node *node, enum drop_reason reason, uint64_t count)
{
    for (unsigned i = 0; i < 5000 && dropped(node, reason) < count; i++)
        usleep(1000);
    assert_int_equal(dropped(node, reason), count);
}

struct sending {
    unsigned from; /* index of the socket */
    struct address to;
    uint8_t tos;
    unsigned count;
    size_t skip; /* bytes cut off in front, as of a header */
    size_t len;
};

static void do_send(struct node *node, void *argument)
{
    const struct sending *s = argument;
    static uint8_t data[PACKET_DATA_MAX];
    for (unsigned i = 0; i < s->count; i++) {
        struct packet *p = worker_packet(node->worker);
        data[0] = data[s->skip] = (uint8_t)i;
        if (p == NULL || !packet_set(p, bytes_of(data, s->skip)))
            abort();
        p->data += s->skip;
        p->len = s->len;
        p->data[0] = (uint8_t)i;
        p->socket = node->sockets[s->from];
        p->peer = s->to;
        p->tos = s->tos;
        p->dont_fragment = true;
        worker_send(node->worker, p);
    }
}

static struct address bound(const struct node *node, unsigned socket)
{
    return node->sockets[socket]->local;
}

static struct address advertised(const struct node *node, unsigned socket)
{
    return node->sockets[socket]->own.advertised;
}

/* --- tests -------------------------------------------------------------------------------------
 */

static void hears_who_spoke_to_it(unsigned from_node, uint8_t expected_tos)
{
    struct node *sender = nodes[from_node], *receiver = nodes[1];
    /* Sockets 0 have one address, 1 two; 2 cannot be reached, but has two as well. */
    const struct {
        unsigned from, to;
        bool to_advertised, from_advertised;
    } cases[] = {
        {1, 1, true, true},
        {1, 1, false, false},
        {0, 1, true, false},
        {0, 1, false, false},
        {1, 0, false, false},
        {2, 1, true, true},
        {2, 1, false, false},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct sending s = {.from = cases[i].from, .count = 3, .len = 100 + i, .tos = 0xb9};
        s.to = cases[i].to_advertised ? advertised(receiver, cases[i].to)
                                      : bound(receiver, cases[i].to);
        struct address expected =
            cases[i].from_advertised ? advertised(sender, s.from) : bound(sender, s.from);
        run_in(sender, do_send, &s);
        wait_until_heard(receiver, 3 * (i + 1));
        for (unsigned n = 0; n < 3; n++) {
            const struct heard *h = &receiver->heard[3 * i + n];
            assert_ptr_equal(h->socket, receiver->sockets[cases[i].to]);
            assert_true(address_equal(&h->peer, &expected));
            assert_int_equal(h->tos, expected_tos);
            assert_int_equal(h->len, s.len);
            assert_int_equal(h->data[0], n); /* in order */
            assert_int_equal(h->headroom, PACKET_HEADROOM);
        }
    }
    settle(sender);
    const struct packet_io_counters *out = counters(sender), *in = counters(receiver);
    assert_int_equal(counter_get(&out->sent_packets), 3 * COUNT_OF(cases));
    assert_int_equal(counter_get(&out->delivered_inside), 3 * COUNT_OF(cases));
    assert_int_equal(counter_get(&out->sent_bytes), 3 * (7 * 100 + 21));
    assert_int_equal(counter_get(&in->received_packets), 3 * COUNT_OF(cases));
    assert_int_equal(counter_get(&in->received_bytes), 3 * (7 * 100 + 21));
}

static void goes_to_the_same_worker(void **state)
{
    (void)state;
    hears_who_spoke_to_it(1, 0xb9);
}

static void goes_to_another_worker(void **state)
{
    (void)state;
    hears_who_spoke_to_it(0, 0xb9);
}

/* Sockets that do not ask for classes send with their own, and are not told any. */
static void classes_are_for_who_asks(void **state)
{
    (void)state;
    hears_who_spoke_to_it(0, 0);
}

static void have_own_class(struct node *node, void *argument)
{
    (void)argument;
    node->sockets[0]->want_tos = true;
}

static void the_class_of_the_socket_is_told(void **state)
{
    (void)state;
    struct sending s = {.from = 0, .to = bound(nodes[1], 0), .count = 1, .len = 1, .tos = 0xb9};
    run_in(nodes[1], have_own_class, NULL);
    run_in(nodes[0], do_send, &s);
    wait_until_heard(nodes[1], 1);
    assert_int_equal(nodes[1]->heard[0].tos, 8);
}

/* Who is not in the directory is reached as ever. */
static void others_are_for_the_kernel(void **state)
{
    (void)state;
    struct pollfd wait = {.fd = client_fd, .events = POLLIN};
    struct udp_datagram datagram;
    uint8_t data[16];
    struct sending s = {.from = 1, .to = client, .count = 1, .len = 4};
    run_in(nodes[0], do_send, &s);
    assert_int_equal(poll(&wait, 1, 5000), 1);
    assert_int_equal(udp_socket_receive(client_fd, data, sizeof(data), &datagram), 0);
    assert_true(address_equal(&datagram.remote, &nodes[0]->sockets[1]->local));

    s.to = bound(nodes[1], 2);
    run_in(nodes[0], do_send, &s);
    wait_until_heard(nodes[1], 1);
    struct address from = bound(nodes[0], 1);
    assert_true(address_equal(&nodes[1]->heard[0].peer, &from));
    settle(nodes[0]);
    assert_int_equal(counter_get(&counters(nodes[0])->sent_packets), 2);
    assert_int_equal(counter_get(&counters(nodes[0])->delivered_inside), 0);
}

static void has_the_room_of_a_received_one(void **state)
{
    (void)state;
    /* Cut, grown to the limit, grown beyond. */
    static const struct {
        size_t skip, len;
        bool arrives;
    } cases[] = {{4, 100, true}, {36, PACKET_DATA_MAX, true}, {0, PACKET_DATA_MAX, true},
        {0, PACKET_DATA_MAX + 1, false}};
    unsigned arrived[WORKERS] = {0};
    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        for (unsigned to = 0; to < WORKERS; to++) {
            struct sending s = {.from = 1,
                .to = advertised(nodes[to], 1),
                .count = 1,
                .skip = cases[i].skip,
                .len = cases[i].len};
            run_in(nodes[0], do_send, &s);
            if (!cases[i].arrives)
                continue;
            wait_until_heard(nodes[to], ++arrived[to]);
            const struct heard *h = &nodes[to]->heard[arrived[to] - 1];
            assert_int_equal(h->len, s.len);
            assert_true(h->headroom >= PACKET_HEADROOM);
            assert_true(h->tailroom >= PACKET_TAILROOM);
        }
    for (unsigned to = 0; to < WORKERS; to++)
        wait_until_dropped(nodes[to], DROP_TRUNCATED, 1);
}

static void set_echo(struct node *node, void *argument)
{
    node->echoes = argument != NULL;
}

/* Two sockets that answer each other for ever hold neither their loop nor the processor: after
 * three hops at once they wait. */
static void an_echo_waits_its_turn(void **state)
{
    (void)state;
    struct sending s = {.from = 0, .to = advertised(nodes[0], 1), .count = 1, .len = 4};
    run_in(nodes[0], set_echo, nodes[0]);
    uint64_t began_ns = uv_hrtime();
    run_in(nodes[0], do_send, &s);
    wait_until_heard(nodes[0], 60);
    unsigned heard = heard_count(nodes[0]);
    uint64_t turns = (uv_hrtime() - began_ns) / (10 * 1000 * 1000);
    assert_in_range(heard, 60, 24 + (turns + 2) * 4);
    assert_true(turns < 200); /* nor do they wait for the tick */
}

static void take_long(struct node *node, void *argument)
{
    (void)node, (void)argument;
    for (uint64_t began_ns = uv_hrtime(); uv_hrtime() - began_ns < 2000000;)
        ;
}

/* Packets from another worker do not wait behind a fifth of a second of messages. */
static void packets_overtake_messages(void **state)
{
    (void)state;
    static struct task tasks[100];
    for (unsigned i = 0; i < COUNT_OF(tasks); i++)
        start_task(&tasks[i], nodes[1], take_long, NULL);
    struct sending s = {.from = 0, .to = advertised(nodes[1], 1), .count = 1, .len = 4};
    run_in(nodes[0], do_send, &s);
    wait_until_heard(nodes[1], 1);
    assert_int_not_equal(uv_sem_trywait(&tasks[COUNT_OF(tasks) - 1].done), 0);
    for (unsigned i = 0; i < COUNT_OF(tasks); i++)
        wait_for(&tasks[i]);
}

static void echoes_do_not_hold_the_loop(void **state)
{
    (void)state;
    struct sending s = {.from = 0, .to = advertised(nodes[0], 1), .count = 500, .len = 4};
    struct sending across = {.from = 0, .to = advertised(nodes[1], 1), .count = 100, .len = 4};
    struct udp_datagram datagram;
    struct pollfd wait = {.fd = client_fd, .events = POLLIN};
    run_in(nodes[0], set_echo, nodes[0]);
    run_in(nodes[1], set_echo, nodes[1]);
    run_in(nodes[0], do_send, &s);
    run_in(nodes[0], do_send, &across);
    for (int i = 0; i < 20; i++) {
        struct address to = bound(nodes[0], 2);
        uint8_t data[16];
        assert_int_equal(udp_socket_send(client_fd, bytes_of("ping", 4), NULL, &to), 0);
        assert_int_equal(poll(&wait, 1, 5000), 1);
        assert_int_equal(udp_socket_receive(client_fd, data, sizeof(data), &datagram), 0);
        assert_true(address_equal(&datagram.remote, &to));
        wait_until_heard(nodes[1], heard_count(nodes[1]) + 1);
    }
    run_in(nodes[0], set_echo, NULL);
    run_in(nodes[1], set_echo, NULL);
    assert_in_range(nodes[0]->largest_batch, 2, PACKET_BATCH_MAX / 2 + 20);
    assert_int_equal(dropped(nodes[0], DROP_INSIDE_FULL), 0);
}

static void send_and_close(struct node *node, void *argument)
{
    struct packet_socket *socket = node->sockets[1];
    do_send(node, argument);
    ((struct sending *)argument)->to = node->sockets[0]->local;
    do_send(node, argument);
    worker_flush(node->worker);
    worker_close_socket(node->worker, socket);
    worker_close_socket(node->worker, socket); /* harmless */
}

static void what_waits_for_a_closed_socket_is_dropped(void **state)
{
    (void)state;
    struct sending s = {.from = 2, .to = advertised(nodes[0], 1), .count = 5, .len = 4};
    struct address gone = advertised(nodes[0], 1);
    run_in(nodes[0], send_and_close, &s);
    wait_until_heard(nodes[0], 5);
    assert_int_equal(dropped(nodes[0], DROP_SOCKET_CLOSED), 5);
    assert_false(own_sockets_have(own, &gone));
    struct sending again = {.from = 2, .to = bound(nodes[0], 0), .count = 5, .len = 4};
    run_in(nodes[0], do_send, &again); /* the queue is in order */
    wait_until_heard(nodes[0], 10);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(nodes[0]->heard[i].data[0], i % 5);
}

enum end { STAYS, CLOSES, MOVES };

struct pause {
    uv_sem_t reached, go_on;
    enum end end; /* of the socket that is sent to */
};

/* Opens a socket at an address that was another worker's. */
static void do_take_over(struct node *node, void *argument)
{
    struct packet_socket_config config = {
        .user = node, .local = *(struct address *)argument, .reachable = true};
    struct udp_socket_config udp = {.bind = config.local};
    struct packet_socket *socket;
    config.advertised = node->sockets[1]->own.advertised;
    if (udp_socket_open(&udp, &config.fd) != 0 ||
        worker_open_socket(node->module, &config, &socket) != 0)
        abort();
}

static void do_pause(struct node *node, void *argument)
{
    struct pause *pause = argument;
    uv_sem_post(&pause->reached);
    uv_sem_wait(&pause->go_on);
    struct address address = node->sockets[1]->local;
    if (pause->end != STAYS)
        worker_close_socket(node->worker, node->sockets[1]);
    if (pause->end == MOVES)
        run_in(nodes[0], do_take_over, &address);
}

/* Sends from node 0 while node 1 does nothing. */
static void send_into_pause(struct sending *s, enum end end)
{
    struct pause pause = {.end = end};
    struct task task;
    assert_int_equal(uv_sem_init(&pause.reached, 0), 0);
    assert_int_equal(uv_sem_init(&pause.go_on, 0), 0);
    start_task(&task, nodes[1], do_pause, &pause);
    uv_sem_wait(&pause.reached);
    uint64_t passed = 0;
    run_in(nodes[0], do_send, s);
    for (unsigned i = 0; i < 5000 && passed < s->count; i++) {
        usleep(1000);
        passed = counter_get(&counters(nodes[0])->delivered_inside) +
                 dropped(nodes[0], DROP_INSIDE_FULL);
    }
    assert_int_equal(passed, s->count);
    uv_sem_post(&pause.go_on);
    wait_for(&task);
    uv_sem_destroy(&pause.reached);
    uv_sem_destroy(&pause.go_on);
}

static void a_parcel_for_a_closed_socket_is_dropped(void **state)
{
    (void)state;
    struct sending s = {.from = 1, .to = advertised(nodes[1], 1), .count = 5, .len = 4};
    send_into_pause(&s, CLOSES);
    wait_until_dropped(nodes[1], DROP_SOCKET_CLOSED, 5);
    assert_int_equal(heard_count(nodes[1]), 0);
}

static void a_parcel_does_not_follow_to_another_worker(void **state)
{
    (void)state;
    struct sending s = {.from = 1, .to = advertised(nodes[1], 1), .count = 5, .len = 4};
    send_into_pause(&s, MOVES);
    wait_until_dropped(nodes[1], DROP_SOCKET_CLOSED, 5);
    run_in(nodes[0], do_send, &s); /* from now on it is the other one's */
    wait_until_heard(nodes[0], 5);
    assert_int_equal(heard_count(nodes[0]), 5);
}

static void a_worker_that_is_behind_gets_no_more(void **state)
{
    (void)state;
    struct sending s = {.from = 1, .to = advertised(nodes[1], 1), .count = 3000, .len = 4};
    send_into_pause(&s, STAYS);
    settle(nodes[0]);
    uint64_t delivered = counter_get(&counters(nodes[0])->delivered_inside);
    assert_in_range(delivered, OWN_SOCKETS_WAITING / 2, OWN_SOCKETS_WAITING);
    wait_until_heard(nodes[1], (unsigned)delivered);
    assert_in_range(nodes[1]->largest_batch, 1, PACKET_BATCH_MAX / 2);

    s.count = 100; /* and when it has caught up, all is well again */
    run_in(nodes[0], do_send, &s);
    wait_until_heard(nodes[1], (unsigned)delivered + 100);
    assert_int_equal(heard_count(nodes[1]), delivered + 100);
}

static void what_waits_in_one_worker_is_bounded(void **state)
{
    (void)state;
    struct sending s = {.from = 1, .to = advertised(nodes[0], 1), .count = 3000, .len = 4};
    run_in(nodes[0], do_send, &s);
    wait_until_heard(nodes[0], INSIDE_WAITING);
    assert_int_equal(dropped(nodes[0], DROP_INSIDE_FULL), 3000 - INSIDE_WAITING);
    assert_int_equal(heard_count(nodes[0]), INSIDE_WAITING);
}

/* Workers stop one after the other, with packets on their way. */
static void a_worker_may_stop_at_any_time(void **state)
{
    (void)state;
    struct sending s = {.from = 1, .to = advertised(nodes[1], 1), .count = 500, .len = 4};
    struct sending back = {.from = 1, .to = advertised(nodes[0], 1), .count = 500, .len = 4};
    struct sending self = {.from = 0, .to = bound(nodes[1], 1), .count = 500, .len = 4};
    run_in(nodes[0], set_echo, nodes[0]);
    run_in(nodes[1], set_echo, nodes[1]);
    run_in(nodes[0], do_send, &s);
    run_in(nodes[1], do_send, &self);
    run_in(nodes[1], do_send, &back);
    stop_node(1);
    run_in(nodes[0], do_send, &s); /* now for the kernel, which knows no such address */
    assert_false(own_sockets_have(own, &s.to));
}

#define EACH(test, set_up_it) cmocka_unit_test_setup_teardown(test, set_up_it, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(goes_to_the_same_worker, set_up),
        EACH(goes_to_another_worker, set_up),
        EACH(classes_are_for_who_asks, set_up_plain),
        EACH(the_class_of_the_socket_is_told, set_up_plain),
        EACH(others_are_for_the_kernel, set_up),
        EACH(has_the_room_of_a_received_one, set_up),
        EACH(an_echo_waits_its_turn, set_up_slow),
        EACH(echoes_do_not_hold_the_loop, set_up),
        EACH(packets_overtake_messages, set_up),
        EACH(what_waits_for_a_closed_socket_is_dropped, set_up),
        EACH(a_parcel_for_a_closed_socket_is_dropped, set_up),
        EACH(a_parcel_does_not_follow_to_another_worker, set_up),
        EACH(a_worker_that_is_behind_gets_no_more, set_up),
        EACH(what_waits_in_one_worker_is_bounded, set_up),
        EACH(a_worker_may_stop_at_any_time, set_up),
    };
    return cmocka_run_group_tests_name("inside", tests, NULL, NULL);
}
