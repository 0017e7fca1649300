/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet_io_probe.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "net/udp_socket.h"

enum { PACKETS = 16, LOOKS = 10, LOOK_MS = 100, TOS = 8 };

static const char payload[] = "mediaferry tries what it sends with";

static int open_socket(struct packet_io *io, struct packet_socket **out)
{
    struct packet_socket_config config = {
        .channel = PACKET_CHANNEL_RTP, .want_tos = true, .want_timestamp = true};
    struct udp_socket_config udp = {
        .bind = address_from_ip(ADDRESS_IP4, (const uint8_t[]){127, 0, 0, 1}, 0)};
    int error = udp_socket_open(&udp, &config.fd);
    if (error != 0)
        return error;
    error = udp_socket_local(config.fd, &config.local);
    if (error == 0)
        error = packet_io_open_socket(io, &config, out);
    if (error != 0)
        close(config.fd);
    return error;
}

static int send_to_itself(struct packet_io *io, struct packet_socket *socket)
{
    struct packet_batch batch = {.count = 0};
    struct packet *p = packet_take(io->pool);
    if (p == NULL || !packet_set(p, bytes_of(payload, sizeof(payload))))
        return -ENOMEM;
    p->socket = socket;
    p->peer = socket->local;
    p->tos = TOS;
    batch.packets[batch.count++] = p;
    packet_io_send(io, &batch);
    return 0;
}

static int receive_it(struct packet_io *io, const struct packet_socket *socket)
{
    struct packet_batch batch = {.count = 0};
    struct pollfd wait = {.fd = packet_io_poll_fd(io), .events = POLLIN};
    for (int i = 0; i < LOOKS && batch.count == 0; i++)
        if (poll(&wait, 1, LOOK_MS) == 1)
            packet_io_receive(io, &batch);

    const struct packet *p = batch.count == 1 ? batch.packets[0] : NULL;
    bool is_it = p != NULL && p->tos == TOS && address_equal(&p->peer, &socket->local) &&
                 bytes_equal(packet_bytes(p), bytes_of(payload, sizeof(payload)));
    while (batch.count > 0)
        packet_give(io->pool, batch.packets[--batch.count]);
    return is_it ? 0 : -ENOTSUP;
}

int packet_io_probe(packet_io_maker *make)
{
    struct pool pool;
    struct packet_io_counters counters = {0};
    struct packet_socket *socket;
    struct packet_io *io;

    packet_pool_init(&pool, PACKETS);
    int error = make(NULL, &pool, &counters, &io);
    if (error != 0)
        return error;
    packet_io_start(io);
    error = open_socket(io, &socket);
    if (error == 0)
        error = send_to_itself(io, socket);
    if (error == 0)
        error = receive_it(io, socket);
    packet_io_free(io);
    pool_done(&pool);
    return error;
}
