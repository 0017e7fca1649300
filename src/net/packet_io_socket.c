/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet_io_socket.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <unistd.h>

#include "net/packet_control.h"
#include "net/sockaddr.h"

int io_socket_open(
    struct packet_io *io, const struct packet_socket_config *config, struct io_socket *socket)
{
    int error = packet_control_set_up(config);
    if (error != 0)
        return error;
    *socket = (struct io_socket){
        .base = {.local = config->local,
            .channel = config->channel,
            .module = config->module,
            .user = config->user,
            .tos = config->tos,
            .want_tos = config->want_tos},
        .fd = config->fd,
        .want_icmp = config->want_icmp,
        .want_df = config->want_df,
        .want_timestamp = config->want_timestamp,
    };
    list_push_back(&io->open, &socket->link);
    counter_add(&io->counters->sockets, 1);
    return 0;
}

/* The kernel's count is of 32 bits and wraps. */
static void count_kernel_drops(struct packet_io *io, struct io_socket *socket)
{
    uint32_t info[SK_MEMINFO_VARS];
    socklen_t len = sizeof(info);
    if (getsockopt(socket->fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0 ||
        len <= SK_MEMINFO_DROPS * sizeof(info[0]))
        return;
    uint32_t drops = info[SK_MEMINFO_DROPS];
    counter_add(&io->counters->kernel_drops, (uint32_t)(drops - socket->drops));
    socket->drops = drops;
}

void io_socket_close(struct packet_io *io, struct io_socket *socket)
{
    count_kernel_drops(io, socket);
    close(socket->fd);
    socket->fd = -1;
    socket->base.user = NULL;
    list_remove(&socket->link);
    counter_subtract(&io->counters->sockets, 1);
}

void io_socket_sample(struct packet_io *io, size_t max_sockets)
{
    uint64_t open = counter_get(&io->counters->sockets);
    for (size_t i = 0; i < max_sockets && i < open; i++) {
        struct list *at = list_pop_front(&io->open);
        count_kernel_drops(io, io_socket_of(at));
        list_push_back(&io->open, at);
    }
}

void io_socket_choose_df(struct io_socket *socket, bool dont_fragment)
{
    if (!socket->want_df || socket->dont_fragment == dont_fragment)
        return;
    packet_control_set_df(socket->fd, socket->base.local.family, dont_fragment);
    socket->dont_fragment = dont_fragment;
}

bool io_socket_receive_nothing(struct packet_io *io, struct io_socket *socket, int flags)
{
    char byte;
    if (recv(socket->fd, &byte, sizeof(byte), flags | MSG_DONTWAIT) < 0)
        return false;
    drop_count(&io->counters->drops, DROP_NO_MEMORY);
    return true;
}

/* Fills `p` with one entry of the error queue. Returns 0; -EAGAIN when there is none; -ENOMSG, and
 * nothing changed, when it was of no interest. */
static int receive_error(struct io_socket *socket, struct packet *p)
{
    struct sockaddr_storage from;
    union packet_control_error control;
    struct iovec data = {.iov_base = p->data, .iov_len = PACKET_DATA_MAX};
    struct msghdr message = {
        .msg_name = &from,
        .msg_namelen = sizeof(from),
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t len = recvmsg(socket->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (len < 0)
        return -EAGAIN;

    struct address peer;
    if (!address_from_sockaddr(&from, &peer) || !packet_control_error(&message, p))
        return -ENOMSG;
    /* The kernel does not tell the port of its own "too long" for IPv4. */
    if (peer.port == 0 && address_same_ip(&peer, &socket->too_long))
        peer.port = socket->too_long.port;
    p->peer = peer;
    p->len = (size_t)len;
    p->socket = &socket->base;
    return 0;
}

bool io_socket_receive_errors(
    struct packet_io *io, struct io_socket *socket, struct packet_batch *batch)
{
    uint64_t now_ns = packet_clock_now().now_ns;
    for (unsigned i = 0; i < IO_SOCKET_ERROR_RUN && batch->count < PACKET_BATCH_MAX; i++) {
        struct packet *p = packet_take(io->pool);
        if (p == NULL)
            return io_socket_receive_nothing(io, socket, MSG_ERRQUEUE);
        int error = receive_error(socket, p);
        if (error == 0) {
            p->arrival_ns = now_ns;
            batch->packets[batch->count++] = p;
        } else {
            packet_give(io->pool, p);
        }
        if (error == -EAGAIN)
            return false;
    }
    return true;
}
