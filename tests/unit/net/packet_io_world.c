/* SPDX-License-Identifier: Apache-2.0 */
#include "packet_io_world.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "net/udp_socket.h"

struct pool pool;
struct packet_io_counters counters;
struct packet_io *io;
struct packet_batch batch;
int peer_fd;
struct address peer;

int open_udp(struct address *local)
{
    return open_near_udp(ADDRESS_IP4, local);
}

int open_peer(struct address *local)
{
    return open_far_udp(ADDRESS_IP4, local);
}

static int set_up_with(const struct back_end *back_end, size_t packets)
{
    packet_pool_init(&pool, packets);
    memset(&counters, 0, sizeof(counters));
    batch.count = 0;
    assert_int_equal(back_end->make(back_end->context, &pool, &counters, &io), 0);
    peer_fd = open_peer(&peer);
    return 0;
}

int set_up(void **state)
{
    (void)set_up_with(*state, 1024);
    packet_io_start(io);
    return 0;
}

/* It is another thread that starts it. */
int set_up_unstarted(void **state)
{
    return set_up_with(*state, 1024);
}

int set_up_poor(void **state)
{
    (void)set_up_with(*state, 4);
    packet_io_start(io);
    return 0;
}

void give_back(void)
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

struct packet_socket *open_socket(void *user)
{
    struct packet_socket_config config = {.channel = PACKET_CHANNEL_RTP, .user = user};
    struct packet_socket *socket;
    config.fd = open_udp(&config.local);
    assert_int_equal(packet_io_open_socket(io, &config, &socket), 0);
    return socket;
}

void send_to(const struct packet_socket *socket, const void *data, size_t len)
{
    assert_int_equal(udp_socket_send(peer_fd, bytes_of(data, len), NULL, &socket->local), 0);
}

bool is_readable(int fd, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) == 1;
}

/* Receives until the batch is full or there is no more. */
void receive(void)
{
    give_back();
    for (int looks = 0;
         batch.count < PACKET_BATCH_MAX && is_readable(packet_io_poll_fd(io), network_ms);
         looks++) {
        assert_true(looks < 1000);
        packet_io_receive(io, &batch);
    }
}

int run_with_each(const char *group, const struct packet_io_test *tests, size_t test_count)
{
    static struct back_end back_ends[BACK_ENDS_MAX];
    static char names[BACK_ENDS_MAX * PACKET_IO_TESTS_MAX][80];
    struct CMUnitTest all[BACK_ENDS_MAX * PACKET_IO_TESTS_MAX];
    size_t back_end_count = back_ends_find(back_ends), count = 0;
    assert_true(test_count <= PACKET_IO_TESTS_MAX);
    for (size_t b = 0; b < back_end_count; b++) {
        for (size_t t = 0; t < test_count; t++) {
            if (tests[t].needs_sockets_apart && !back_ends[b].keeps_sockets_apart)
                continue;
            snprintf(names[count], sizeof(names[0]), "%s (%s)", tests[t].name, back_ends[b].name);
            all[count] = (struct CMUnitTest){
                names[count], tests[t].run, tests[t].set_up, tear_down, &back_ends[b]};
            count++;
        }
    }
    return _cmocka_run_group_tests(group, all, count, NULL, NULL);
}
