/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet_out.h"

#include <errno.h>

#include "net/sockaddr.h"

void packet_out_lay(struct packet_out *out, size_t at, const struct packet *p)
{
    out->data[at] = (struct iovec){.iov_base = p->data, .iov_len = p->len};
    struct msghdr *message = &out->messages[at].msg_hdr;
    *message = (struct msghdr){
        .msg_name = &out->to[at],
        .msg_namelen = sockaddr_from_address(&p->peer, &out->to[at]),
        .msg_iov = &out->data[at],
        .msg_iovlen = 1,
    };
    if (p->socket->want_tos && p->tos != p->socket->tos)
        packet_control_put_tos(message, &out->tos[at], p->socket->local.family, p->tos);
}

static void drop(struct packet_out *out, enum drop_reason reason)
{
    drop_count(&out->io->counters->drops, reason);
}

static void count_sent(struct packet_out *out, size_t at, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = at; i < at + count; i++)
        bytes += out->data[i].iov_len;
    counter_add(&out->io->counters->sent_bytes, bytes);
    counter_add(&out->io->counters->sent_packets, count);
}

/*
 * Whether the error may be about an earlier packet, which a socket reports once in place of trying
 * the one in hand. A "too long" for a packet that must not be fragmented is most likely its own,
 * and trying again would report it twice.
 */
static bool may_be_of_earlier(const struct io_socket *socket, int error)
{
    if (error == ECONNREFUSED)
        return true;
    return socket->want_icmp && !(error == EMSGSIZE && socket->dont_fragment);
}

/* Takes note of a packet that was not sent, and why. Late media is worthless: there is no queue of
 * our own behind that of the socket. */
static void give_up(struct packet_out *out, struct io_socket *socket, size_t at, int error)
{
    struct address to;
    if (error == EMSGSIZE && address_from_sockaddr(&out->to[at], &to))
        socket->too_long = to;
    drop(out, error == EAGAIN || error == ENOBUFS ? DROP_SEND_QUEUE_FULL : DROP_SEND_FAILED);
}

/* Like sendmmsg(): most relayed packets leave alone, and sendto() has less to copy and to check. */
static int send_some(struct packet_out *out, int fd, size_t at, size_t count)
{
    const struct msghdr *message = &out->messages[at].msg_hdr;
    if (count > 1)
        return sendmmsg(fd, out->messages + at, (unsigned)count, PACKET_OUT_FLAGS);
    ssize_t sent = message->msg_control != NULL
                       ? sendmsg(fd, message, PACKET_OUT_FLAGS)
                       : sendto(fd, out->data[at].iov_base, out->data[at].iov_len, PACKET_OUT_FLAGS,
                             message->msg_name, message->msg_namelen);
    return sent < 0 ? -1 : 1;
}

/* Sends `count` laid out messages of one socket. */
static void send_run(struct packet_out *out, struct io_socket *socket, size_t at, size_t count)
{
    size_t end = at + count;
    while (at < end) {
        int sent = send_some(out, socket->fd, at, end - at);
        if (sent > 0) {
            count_sent(out, at, (size_t)sent);
            at += (size_t)sent;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            while (at < end)
                give_up(out, socket, at++, EAGAIN);
        } else if (errno != EINTR) {
            packet_out_failed(out, socket, at, errno);
            at++;
        }
    }
}

void packet_out_failed(struct packet_out *out, struct io_socket *socket, size_t at, int error)
{
    if (error != EAGAIN && error != ENOBUFS && may_be_of_earlier(socket, error)) {
        if (send_some(out, socket->fd, at, 1) > 0) {
            count_sent(out, at, 1);
            return;
        }
        error = errno;
    }
    give_up(out, socket, at, error);
}

/* Lays out the packets from number `first` on that may be sent together; returns how many. One that
 * must not be fragmented goes alone: sendmmsg() keeps to itself that a later one was too long, and
 * trying it again would report it twice. */
static size_t lay_run(struct packet_out *out, const struct packet_batch *batch, size_t first,
    const struct io_socket *socket)
{
    size_t i = first;
    do {
        packet_out_lay(out, i, batch->packets[i]);
        i++;
    } while (i < batch->count && batch->packets[i]->socket == &socket->base &&
             !(socket->want_df &&
                 (batch->packets[i]->dont_fragment || batch->packets[first]->dont_fragment)));
    return i - first;
}

void packet_out_send(struct packet_out *out, struct packet_batch *batch)
{
    for (size_t i = 0; i < batch->count;) {
        struct io_socket *socket = (struct io_socket *)batch->packets[i]->socket;
        if (socket->fd < 0) {
            drop(out, DROP_SOCKET_CLOSED);
            i++;
            continue;
        }
        size_t count = lay_run(out, batch, i, socket);
        io_socket_choose_df(socket, batch->packets[i]->dont_fragment);
        send_run(out, socket, i, count);
        i += count;
    }
    while (batch->count > 0)
        packet_give(out->io->pool, batch->packets[--batch->count]);
}
