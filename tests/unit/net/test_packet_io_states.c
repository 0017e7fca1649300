/* SPDX-License-Identifier: Apache-2.0 */
/* Packet back ends in every state: asleep, closing, crowded, without buffers, in another thread. */
#include "net/packet_io.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net/packet_control.h"
#include "net/udp_socket.h"
#include "packet_io_world.h"

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

int main(void)
{
    static const struct packet_io_test tests[] = {
        {"what_comes_later_wakes_the_loop", what_comes_later_wakes_the_loop, set_up, false},
        {"what_came_before_the_opening_wakes_it_too", what_came_before_the_opening_wakes_it_too,
            set_up, false},
        {"what_is_left_keeps_it_awake", what_is_left_keeps_it_awake, set_up, false},
        {"empty_datagrams_end_nothing", empty_datagrams_end_nothing, set_up, false},
        {"closes_in_every_state", closes_in_every_state, set_up, false},
        {"many_sockets_have_a_packet_each", many_sockets_have_a_packet_each, set_up, false},
        {"rounds_of_packets_all_arrive", rounds_of_packets_all_arrive, set_up, false},
        {"comes_back_when_there_are_buffers_again", comes_back_when_there_are_buffers_again,
            set_up_poor, false},
        {"the_kernel_knows_when_packets_arrived", the_kernel_knows_when_packets_arrived, set_up,
            false},
        {"counts_what_the_kernel_dropped", counts_what_the_kernel_dropped, set_up, true},
        {"may_belong_to_another_thread", may_belong_to_another_thread, set_up_unstarted, false},
    };
    return run_with_each("packet_io_states", tests, COUNT_OF(tests));
}
