/* SPDX-License-Identifier: Apache-2.0 */
/* What packet back ends do, each of them. */
#include "net/packet_io.h"

#include <unistd.h>

#include "net/udp_socket.h"
#include "packet_io_world.h"

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
    assert_int_equal(batch.packets[0]->len + batch.packets[1]->len, PACKET_DATA_MAX);
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
    close(open_peer(&dead));
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

int main(void)
{
    static const struct packet_io_test tests[] = {
        {"gathers_from_all_sockets", gathers_from_all_sockets, set_up, false},
        {"a_flood_does_not_starve_the_others", a_flood_does_not_starve_the_others, set_up, true},
        {"drops_what_does_not_fit", drops_what_does_not_fit, set_up, false},
        {"without_buffers_it_drops_and_goes_on", without_buffers_it_drops_and_goes_on, set_up_poor,
            false},
        {"closing_within_a_batch_is_safe", closing_within_a_batch_is_safe, set_up, false},
        {"sends_in_order_from_the_right_socket", sends_in_order_from_the_right_socket, set_up,
            false},
        {"one_bad_packet_does_not_stop_the_run", one_bad_packet_does_not_stop_the_run, set_up,
            false},
        {"a_dead_peer_is_no_error", a_dead_peer_is_no_error, set_up, false},
    };
    return run_with_each("packet_io", tests, COUNT_OF(tests));
}
