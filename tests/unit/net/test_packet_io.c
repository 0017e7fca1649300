/* SPDX-License-Identifier: Apache-2.0 */
/* Every back end through the same tests: those that do not work on this machine are left out. */
#include "net/packet_io.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/packet_control.h"
#include "net/packet_io_choose.h"
#include "net/udp_socket.h"

static struct pool pool;
static struct packet_io_counters counters;
static struct packet_io *io;
static struct packet_batch batch;
static int peer_fd;
static struct address peer;

static int open_udp(struct address *local)
{
    struct udp_socket_config config = {.receive_buffer = 1 << 20};
    int fd;
    assert_true(address_parse(TEXT("127.0.0.1"), &config.bind));
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    assert_int_equal(udp_socket_local(fd, local), 0);
    return fd;
}

static int set_up_with(packet_io_maker *make, size_t packets)
{
    packet_pool_init(&pool, packets);
    memset(&counters, 0, sizeof(counters));
    batch.count = 0;
    assert_int_equal(make(&pool, &counters, &io), 0);
    peer_fd = open_udp(&peer);
    return 0;
}

static int set_up(void **state)
{
    (void)set_up_with(((const struct packet_io_choice *)*state)->make, 1024);
    packet_io_start(io);
    return 0;
}

/* It is another thread that starts it. */
static int set_up_unstarted(void **state)
{
    return set_up_with(((const struct packet_io_choice *)*state)->make, 1024);
}

static int set_up_poor(void **state)
{
    (void)set_up_with(((const struct packet_io_choice *)*state)->make, 4);
    packet_io_start(io);
    return 0;
}

static void give_back(void)
{
    while (batch.count > 0)
        packet_give(&pool, batch.packets[--batch.count]);
}

static int tear_down(void **state)
{
    (void)state;
    give_back();
    packet_io_free(io);
    close(peer_fd);
    pool_done(&pool); /* asserts that no packet was lost */
    return 0;
}

static struct packet_socket *open_socket(void *user)
{
    struct packet_socket_config config = {.channel = PACKET_CHANNEL_RTP, .user = user};
    struct packet_socket *socket;
    config.fd = open_udp(&config.local);
    assert_int_equal(packet_io_open_socket(io, &config, &socket), 0);
    return socket;
}

static void send_to(const struct packet_socket *socket, const void *data, size_t len)
{
    assert_int_equal(udp_socket_send(peer_fd, bytes_of(data, len), NULL, &socket->local), 0);
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) == 1;
}

/* Receives until the batch is full or there is no more. */
static void receive(void)
{
    give_back();
    for (int looks = 0; batch.count < PACKET_BATCH_MAX && is_readable(packet_io_poll_fd(io), 0);
         looks++) {
        assert_true(looks < 1000);
        packet_io_receive(io, &batch);
    }
}

static void gathers_from_all_sockets(void **state)
{
    (void)state;
    int users[3];
    struct packet_socket *sockets[3];
    for (size_t i = 0; i < 3; i++)
        sockets[i] = open_socket(&users[i]);
    assert_int_equal(counter_get(&counters.sockets), 3);
    assert_false(is_readable(packet_io_poll_fd(io), 0));
    for (size_t i = 0; i < 3; i++)
        for (size_t n = 0; n <= i; n++)
            send_to(sockets[i], &i, 1);
    assert_true(is_readable(packet_io_poll_fd(io), 5000));
    receive();
    assert_int_equal(batch.count, 6);
    for (size_t i = 0; i < batch.count; i++) {
        struct packet *p = batch.packets[i];
        assert_int_equal(p->len, 1);
        assert_ptr_equal(p->socket->user, &users[p->data[0]]);
        assert_true(address_equal(&p->peer, &peer));
        assert_int_not_equal(p->arrival_ns, 0);
        assert_int_equal(packet_headroom(p), PACKET_HEADROOM);
    }
    receive();
    assert_int_equal(batch.count, 0);
    assert_int_equal(counter_get(&counters.received_packets), 6);
    assert_in_range(counter_get(&counters.batches), 1, 6);
}

/* A flood on one socket leaves room for the others in the same batch. */
static void a_flood_does_not_starve_the_others(void **state)
{
    (void)state;
    struct packet_socket *flooded = open_socket("flooded");
    struct packet_socket *quiet = open_socket("quiet");
    for (int i = 0; i < 600; i++)
        send_to(flooded, "x", 1);
    send_to(quiet, "y", 1);
    receive();
    assert_int_equal(batch.count, PACKET_BATCH_MAX);
    size_t of_quiet = 0;
    for (size_t i = 0; i < batch.count; i++)
        of_quiet += batch.packets[i]->socket == quiet;
    assert_int_equal(of_quiet, 1);
    receive();
    assert_int_equal(batch.count, PACKET_BATCH_MAX);
    receive();
    assert_int_equal(batch.count, 600 + 1 - 2 * PACKET_BATCH_MAX);
}

static void drops_what_does_not_fit(void **state)
{
    (void)state;
    static const uint8_t large[PACKET_DATA_MAX + 1];
    struct packet_socket *socket = open_socket("s");
    send_to(socket, large, PACKET_DATA_MAX);
    send_to(socket, large, PACKET_DATA_MAX + 1);
    send_to(socket, large, 0);
    receive();
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.packets[0]->len, PACKET_DATA_MAX);
    assert_int_equal(batch.packets[1]->len, 0);
    assert_int_equal(counter_get(&counters.drops.by_reason[DROP_TRUNCATED]), 1);
}

static void without_buffers_it_drops_and_goes_on(void **state)
{
    (void)state;
    struct packet_socket *socket = open_socket("s");
    for (int i = 0; i < 10; i++)
        send_to(socket, "x", 1);
    receive();
    assert_int_equal(batch.count, 4);
    assert_int_equal(counter_get(&counters.drops.by_reason[DROP_NO_MEMORY]), 6);
    assert_false(is_readable(packet_io_poll_fd(io), 0));
}

static void closing_within_a_batch_is_safe(void **state)
{
    (void)state;
    struct packet_socket *first = open_socket("first");
    struct packet_socket *second = open_socket("second");
    send_to(first, "a", 1);
    send_to(second, "b", 1);
    receive();
    assert_int_equal(batch.count, 2);
    packet_io_close_socket(io, first);
    packet_io_close_socket(io, first); /* harmless */
    packet_io_close_socket(io, NULL);
    assert_int_equal(counter_get(&counters.sockets), 1);

    for (size_t i = 0; i < 2; i++) {
        struct packet *p = batch.packets[i];
        assert_int_equal(p->socket->user == NULL, p->socket == first);
    }
    packet_io_send(io, &batch); /* back to where they came from */
    assert_int_equal(batch.count, 0);
    assert_int_equal(counter_get(&counters.sent_packets), 1);
    assert_int_equal(counter_get(&counters.drops.by_reason[DROP_SOCKET_CLOSED]), 1);

    send_to(second, "c", 1);
    receive();
    assert_int_equal(batch.count, 1);
}

static void sends_in_order_from_the_right_socket(void **state)
{
    (void)state;
    struct packet_socket *sockets[2] = {open_socket("0"), open_socket("1")};
    for (uint8_t i = 0; i < 100; i++) {
        struct packet *p = packet_take(&pool);
        assert_true(packet_set(p, bytes_of(&i, 1)));
        p->socket = sockets[i / 10 % 2];
        p->peer = peer;
        batch.packets[batch.count++] = p;
    }
    packet_io_send(io, &batch);
    assert_int_equal(counter_get(&counters.sent_packets), 100);
    assert_int_equal(counter_get(&counters.sent_bytes), 100);
    for (uint8_t i = 0; i < 100; i++) {
        struct udp_datagram datagram;
        uint8_t byte = 255;
        assert_true(is_readable(peer_fd, 5000));
        assert_int_equal(udp_socket_receive(peer_fd, &byte, 1, &datagram), 0);
        assert_int_equal(byte, i);
        assert_true(address_equal(&datagram.remote, &sockets[i / 10 % 2]->local));
    }
}

static void one_bad_packet_does_not_stop_the_run(void **state)
{
    (void)state;
    struct packet_socket *socket = open_socket("s");
    for (int i = 0; i < 5; i++) {
        struct packet *p = packet_take(&pool);
        assert_true(packet_set(p, bytes_of("x", 1)));
        p->socket = socket;
        p->peer = peer;
        if (i == 2)
            p->peer.port = 0; /* the kernel refuses it */
        batch.packets[batch.count++] = p;
    }
    packet_io_send(io, &batch);
    assert_int_equal(counter_get(&counters.sent_packets), 4);
    assert_int_equal(counter_get(&counters.drops.by_reason[DROP_SEND_FAILED]), 1);
}

/* Nobody listens at the peer's port: ICMP errors come back and must change nothing. */
static void a_dead_peer_is_no_error(void **state)
{
    (void)state;
    struct packet_socket *socket = open_socket("s");
    struct address dead;
    close(open_udp(&dead));
    for (int i = 0; i < 10; i++) {
        struct packet *p = packet_take(&pool);
        assert_true(packet_set(p, bytes_of("x", 1)));
        p->socket = socket;
        p->peer = i % 2 == 0 ? dead : peer;
        batch.packets[batch.count++] = p;
        packet_io_send(io, &batch);
        receive();
    }
    assert_int_equal(counter_get(&counters.sent_packets), 10);
    send_to(socket, "y", 1);
    receive();
    assert_int_equal(batch.count, 1);
}

/* --- that there is something to receive is told, however it is watched -------------------------
 */

/* As a loop does: the descriptor is watched from the beginning. */
static int watch(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = epoll_create1(EPOLL_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(epoll_ctl(fd, EPOLL_CTL_ADD, packet_io_poll_fd(io), &event), 0);
    return fd;
}

static void what_comes_later_wakes_the_loop(void **state)
{
    (void)state;
    struct epoll_event event;
    int fd = watch();
    struct packet_socket *sockets[3] = {open_socket("0"), open_socket("1"), open_socket("2")};
    for (int i = 0; i < 30; i++) {
        assert_int_equal(epoll_wait(fd, &event, 1, 0), 0);
        send_to(sockets[i % 3], "x", 1);
        assert_int_equal(epoll_wait(fd, &event, 1, 5000), 1);
        receive();
        assert_int_equal(batch.count, 1);
    }
    close(fd);
}

static void what_came_before_the_opening_wakes_it_too(void **state)
{
    (void)state;
    struct epoll_event event;
    struct packet_socket_config config = {.user = "user"};
    struct packet_socket *socket;
    int fd = watch();
    config.fd = open_udp(&config.local);
    assert_int_equal(udp_socket_send(peer_fd, bytes_of("x", 1), NULL, &config.local), 0);
    assert_int_equal(packet_io_open_socket(io, &config, &socket), 0);
    assert_int_equal(epoll_wait(fd, &event, 1, 5000), 1);
    receive();
    assert_int_equal(batch.count, 1);
    close(fd);
}

/* What a full batch left is found without anything new. */
static void what_is_left_keeps_it_awake(void **state)
{
    (void)state;
    struct epoll_event event;
    struct packet_socket *socket = open_socket("s");
    int fd = watch();
    size_t received = 0;
    for (int i = 0; i < 700; i++)
        send_to(socket, "x", 1);
    while (epoll_wait(fd, &event, 1, 100) == 1) {
        give_back();
        packet_io_receive(io, &batch);
        received += batch.count;
    }
    assert_int_equal(received, 700);
    close(fd);
}

/* Empty datagrams, too, one after the other. */
static void empty_datagrams_end_nothing(void **state)
{
    (void)state;
    struct packet_socket *socket = open_socket("s");
    for (int i = 0; i < 100; i++)
        send_to(socket, "x", (size_t)i % 2);
    receive();
    assert_int_equal(batch.count, 100);
    for (size_t i = 0; i < batch.count; i++)
        assert_int_equal(batch.packets[i]->len, i % 2);
}

/* --- closing -----------------------------------------------------------------------------------
 */

/* Whether the port of a socket that was closed can be had again at once. */
static bool is_free(const struct address *local)
{
    struct udp_socket_config config = {.bind = *local};
    int fd;
    if (udp_socket_open(&config, &fd) != 0)
        return false;
    close(fd);
    return true;
}

enum { BEFORE_ANYTHING, WITH_PACKETS_WAITING, WITH_PACKETS_IN_HAND, WITH_A_FLOOD_NEARBY, STATES };

static void closes_in_every_state(void **state)
{
    (void)state;
    struct packet_socket *other = open_socket("other");
    for (int round = 0; round < 10 * STATES; round++) {
        struct packet_socket *socket = open_socket("socket");
        struct address local = socket->local;
        int when = round % STATES;
        for (int i = 0; i < 300 && when == WITH_A_FLOOD_NEARBY; i++)
            send_to(other, "x", 1);
        for (int i = 0; i < 40 && when != BEFORE_ANYTHING; i++)
            send_to(socket, "x", 1);
        give_back();
        if (when == WITH_PACKETS_IN_HAND)
            packet_io_receive(io, &batch);
        packet_io_close_socket(io, socket);
        assert_true(is_free(&local));
        for (size_t i = 0; i < batch.count; i++)
            assert_null(batch.packets[i]->socket->user);
        receive();
        for (size_t i = 0; i < batch.count; i++)
            assert_ptr_equal(batch.packets[i]->socket, other);
        if (when == WITH_A_FLOOD_NEARBY)
            while (batch.count == PACKET_BATCH_MAX)
                receive();
    }
    give_back();
    send_to(other, "y", 1);
    receive();
    assert_int_equal(batch.count, 1);
    assert_int_equal(counter_get(&counters.sockets), 1);
}

enum { MANY = 4000 };

static bool may_have_descriptors(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur > MANY + 100;
}

static void many_sockets_have_a_packet_each(void **state)
{
    (void)state;
    static struct packet_socket *sockets[MANY];
    static unsigned heard[MANY];
    if (!may_have_descriptors())
        skip();
    for (size_t i = 0; i < MANY; i++)
        sockets[i] = open_socket(&heard[i]);
    memset(heard, 0, sizeof(heard));
    for (size_t i = 0; i < MANY; i++)
        send_to(sockets[i], "x", 1);
    size_t received = 0;
    do {
        receive();
        for (size_t i = 0; i < batch.count; i++)
            ++*(unsigned *)batch.packets[i]->socket->user;
        received += batch.count;
    } while (batch.count > 0);
    assert_int_equal(received, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(heard[i], 1);
    for (size_t i = 0; i < MANY; i += 2)
        packet_io_close_socket(io, sockets[i]);
    assert_int_equal(counter_get(&counters.sockets), MANY / 2);
}

/* A kernel that does its work in parts, some of them without any packet, must not put it to sleep.
 */
static void rounds_of_packets_all_arrive(void **state)
{
    (void)state;
    enum { SOCKETS = 200, ROUNDS = 100 };
    struct packet_socket *sockets[SOCKETS];
    struct epoll_event event;
    int fd = watch();
    for (size_t i = 0; i < SOCKETS; i++)
        sockets[i] = open_socket("s");
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < SOCKETS; i++)
            send_to(sockets[i], "x", 1);
        for (size_t received = 0; received < SOCKETS; received += batch.count) {
            assert_int_equal(epoll_wait(fd, &event, 1, 5000), 1);
            give_back();
            packet_io_receive(io, &batch);
        }
        send_to(sockets[SOCKETS - 1 - round], "x", 1);
        assert_int_equal(epoll_wait(fd, &event, 1, 5000), 1);
        receive();
        assert_int_equal(batch.count, 1);
    }
    close(fd);
}

/* --- memory, time, drops, threads --------------------------------------------------------------
 */

/* While others have all the packets, datagrams wait or are dropped; then it goes on. */
static void comes_back_when_there_are_buffers_again(void **state)
{
    (void)state;
    struct packet_socket *sockets[2] = {open_socket("0"), open_socket("1")};
    for (int round = 0; round < 3; round++) {
        struct packet *taken[4];
        for (size_t i = 0; i < COUNT_OF(taken); i++)
            taken[i] = packet_take(&pool);
        for (int i = 0; i < 100; i++)
            send_to(sockets[i % 2], "x", 1);
        receive();
        assert_true(batch.count < COUNT_OF(taken));
        assert_false(is_readable(packet_io_poll_fd(io), 0));
        for (size_t i = 0; i < COUNT_OF(taken); i++)
            packet_give(&pool, taken[i]);
        give_back();
        send_to(sockets[0], "y", 1);
        send_to(sockets[1], "y", 1);
        assert_true(is_readable(packet_io_poll_fd(io), 5000));
        receive();
        assert_int_equal(batch.count, 2);
        give_back();
    }
    uint64_t dropped = counter_get(&counters.drops.by_reason[DROP_NO_MEMORY]);
    assert_int_equal(dropped + counter_get(&counters.received_packets), 3 * 102);
}

static void the_kernel_knows_when_packets_arrived(void **state)
{
    (void)state;
    enum { SENDING_MS = 5, WAIT_MS = 40 };
    struct packet_socket *plain = open_socket("plain");
    struct packet_socket_config config = {.user = "stamped", .want_timestamp = true};
    struct packet_socket *stamped;
    config.fd = open_udp(&config.local);
    assert_int_equal(packet_io_open_socket(io, &config, &stamped), 0);
    send_to(stamped, "x", 1); /* the first stamps may be made when they are read */
    receive();
    usleep(20000);

    uint64_t sent_ns = packet_clock_now().now_ns;
    send_to(stamped, "x", 1);
    send_to(plain, "x", 1);
    usleep(1000 * WAIT_MS);
    uint64_t asked_ns = packet_clock_now().now_ns;
    receive();
    assert_int_equal(batch.count, 2);
    for (size_t i = 0; i < batch.count; i++) {
        const struct packet *p = batch.packets[i];
        if (p->socket == plain)
            assert_true(p->arrival_ns >= asked_ns);
        else /* the two clocks are read one after the other */
            assert_in_range(p->arrival_ns + 100000, sent_ns, asked_ns - 1000000 * SENDING_MS);
    }
}

static struct packet_socket *open_narrow(void)
{
    struct packet_socket_config config = {.user = "narrow"};
    struct packet_socket *socket;
    int size = 4096;
    config.fd = open_udp(&config.local);
    assert_int_equal(setsockopt(config.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    assert_int_equal(packet_io_open_socket(io, &config, &socket), 0);
    return socket;
}

static void counts_what_the_kernel_dropped(void **state)
{
    (void)state;
    static const uint8_t data[1000];
    struct packet_socket *narrow = open_narrow(), *closed = open_narrow();
    (void)open_socket("wide");
    for (int i = 0; i < 50; i++)
        send_to(narrow, data, sizeof(data));
    packet_io_sample(io, 1); /* a slice for each of the three sockets */
    packet_io_sample(io, 1);
    packet_io_sample(io, 1);
    uint64_t dropped = counter_get(&counters.kernel_drops);
    assert_in_range(dropped, 30, 49);
    packet_io_sample(io, 100);
    assert_int_equal(counter_get(&counters.kernel_drops), dropped);
    receive();
    assert_int_equal(batch.count + dropped, 50);

    for (int i = 0; i < 50; i++)
        send_to(closed, data, sizeof(data));
    packet_io_close_socket(io, closed);
    assert_true(counter_get(&counters.kernel_drops) > dropped);
}

static void *receive_in_thread(void *argument)
{
    struct packet_socket *more, *first = argument;
    packet_io_start(io);
    more = open_socket("more");
    send_to(first, "x", 1);
    send_to(more, "x", 1);
    for (size_t count = 0; count < 2; count += batch.count) {
        assert_true(is_readable(packet_io_poll_fd(io), 5000));
        receive();
    }
    for (size_t i = 0; i < batch.count; i++)
        batch.packets[i]->peer = peer;
    packet_io_send(io, &batch);
    packet_io_close_socket(io, first);
    return NULL;
}

/* Sockets are opened before, and closed after, the thread that uses them lives. */
static void may_belong_to_another_thread(void **state)
{
    (void)state;
    pthread_t thread;
    struct packet_socket *socket = open_socket("s");
    assert_int_equal(pthread_create(&thread, NULL, receive_in_thread, socket), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(is_readable(peer_fd, 5000));
    assert_int_equal(counter_get(&counters.sockets), 1);
}

/* Of both back ends, as far as they work here. */
static size_t find_back_ends(struct packet_io_choice out[2])
{
    size_t count = 0;
    assert_true(packet_io_choose(PACKET_IO_EPOLL, &out[count++]));
    if (packet_io_choose(PACKET_IO_URING, &out[count]))
        count++;
    else
        print_message("# without io_uring: %s\n", out[count].reason);
    return count;
}

static const struct {
    const char *name;
    CMUnitTestFunction run;
    CMFixtureFunction set_up;
} tests[] = {
#define TEST(test, set_up)                                                                         \
    {                                                                                              \
#test, test, set_up                                                                        \
    }
    TEST(gathers_from_all_sockets, set_up),
    TEST(a_flood_does_not_starve_the_others, set_up),
    TEST(drops_what_does_not_fit, set_up),
    TEST(without_buffers_it_drops_and_goes_on, set_up_poor),
    TEST(closing_within_a_batch_is_safe, set_up),
    TEST(sends_in_order_from_the_right_socket, set_up),
    TEST(one_bad_packet_does_not_stop_the_run, set_up),
    TEST(a_dead_peer_is_no_error, set_up),
    TEST(what_comes_later_wakes_the_loop, set_up),
    TEST(what_came_before_the_opening_wakes_it_too, set_up),
    TEST(what_is_left_keeps_it_awake, set_up),
    TEST(empty_datagrams_end_nothing, set_up),
    TEST(closes_in_every_state, set_up),
    TEST(many_sockets_have_a_packet_each, set_up),
    TEST(rounds_of_packets_all_arrive, set_up),
    TEST(comes_back_when_there_are_buffers_again, set_up_poor),
    TEST(the_kernel_knows_when_packets_arrived, set_up),
    TEST(counts_what_the_kernel_dropped, set_up),
    TEST(may_belong_to_another_thread, set_up_unstarted),
};

int main(void)
{
    static struct packet_io_choice back_ends[2];
    static char names[2 * COUNT_OF(tests)][80];
    struct CMUnitTest all[2 * COUNT_OF(tests)];
    size_t back_end_count = find_back_ends(back_ends), count = 0;
    for (size_t b = 0; b < back_end_count; b++) {
        for (size_t t = 0; t < COUNT_OF(tests); t++, count++) {
            snprintf(names[count], sizeof(names[0]), "%s (%s)", tests[t].name, back_ends[b].name);
            all[count] = (struct CMUnitTest){
                names[count], tests[t].run, tests[t].set_up, tear_down, &back_ends[b]};
        }
    }
    return _cmocka_run_group_tests("packet_io", all, count, NULL, NULL);
}
