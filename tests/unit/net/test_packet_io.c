/* SPDX-License-Identifier: Apache-2.0 */
/* Every back end through the same tests: those that do not work on this machine are left out. */
#include "net/packet_io.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

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
    packet_io_start(io);
    peer_fd = open_udp(&peer);
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(((const struct packet_io_choice *)*state)->make, 1024);
}

static int set_up_poor(void **state)
{
    return set_up_with(((const struct packet_io_choice *)*state)->make, 4);
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
