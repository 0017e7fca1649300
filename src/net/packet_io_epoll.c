/* SPDX-License-Identifier: Apache-2.0 */
/* The epoll back end: recvmmsg from each readable socket in turn, sendmmsg by runs of one socket.
 */
#include "net/packet_io.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "net/sockaddr.h"

/* A busy socket gets no more than RECEIVE_RUN packets before the others had their turn. */
enum { RECEIVE_RUN = 8, SEND_RUN = 64, EVENTS = 32 };

struct epoll_socket {
    struct packet_socket base;
    int fd; /* -1 once closed */
    struct list link;
};

struct epoll_io {
    struct packet_io base;
    int fd;
    struct list open;
    struct list closed; /* freed by the next receive() */
    /* Packets laid out for receiving, kept between calls. */
    struct packet *spare[RECEIVE_RUN];
    struct mmsghdr in[RECEIVE_RUN];
    struct iovec in_data[RECEIVE_RUN];
    struct sockaddr_storage in_from[RECEIVE_RUN];
    struct mmsghdr out[SEND_RUN];
    struct iovec out_data[SEND_RUN];
    struct sockaddr_storage out_to[SEND_RUN];
};

static void free_closed(struct epoll_io *io)
{
    for (struct list *at; (at = list_pop_front(&io->closed)) != NULL;)
        free(CONTAINER_OF(at, struct epoll_socket, link));
}

static int open_socket(
    struct packet_io *base, const struct packet_socket_config *config, struct packet_socket **out)
{
    struct epoll_io *io = (struct epoll_io *)base;
    struct epoll_socket *socket = calloc(1, sizeof(*socket));
    if (socket == NULL)
        return -ENOMEM;

    struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket};
    if (epoll_ctl(io->fd, EPOLL_CTL_ADD, config->fd, &event) != 0) {
        int error = -errno;
        free(socket);
        return error;
    }
    socket->base = (struct packet_socket){.local = config->local,
        .channel = config->channel,
        .module = config->module,
        .user = config->user};
    socket->fd = config->fd;
    list_push_back(&io->open, &socket->link);
    counter_add(&base->counters->sockets, 1);
    *out = &socket->base;
    return 0;
}

static void close_socket(struct packet_io *base, struct packet_socket *packet_socket)
{
    struct epoll_io *io = (struct epoll_io *)base;
    struct epoll_socket *socket = (struct epoll_socket *)packet_socket;
    if (socket->fd < 0)
        return;

    /* Told explicitly: a duplicate of the descriptor would keep it in the set. */
    epoll_ctl(io->fd, EPOLL_CTL_DEL, socket->fd, NULL);
    close(socket->fd);
    socket->fd = -1;
    socket->base.user = NULL;
    list_remove(&socket->link);
    list_push_back(&io->closed, &socket->link);
    counter_subtract(&base->counters->sockets, 1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Lays out up to `wanted` packets to receive into; returns how many there are. */
static unsigned lay_out(struct epoll_io *io, size_t wanted)
{
    unsigned count = 0;
    for (; count < wanted && count < RECEIVE_RUN; count++) {
        if (io->spare[count] == NULL)
            io->spare[count] = packet_take(io->base.pool);
        if (io->spare[count] == NULL)
            break;
        io->in_data[count] =
            (struct iovec){.iov_base = io->spare[count]->data, .iov_len = PACKET_DATA_MAX};
        io->in[count].msg_hdr = (struct msghdr){
            .msg_name = &io->in_from[count],
            .msg_namelen = sizeof(io->in_from[count]),
            .msg_iov = &io->in_data[count],
            .msg_iovlen = 1,
        };
    }
    return count;
}

/* Moves a received packet from its spare place into the batch. */
static void accept_packet(struct epoll_io *io, unsigned i, struct epoll_socket *socket,
    uint64_t arrival_ns, struct packet_batch *batch)
{
    struct packet *p = io->spare[i];
    p->len = io->in[i].msg_len;
    counter_add(&io->base.counters->received_packets, 1);
    counter_add(&io->base.counters->received_bytes, p->len);
    if ((io->in[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 ||
        !address_from_sockaddr(&io->in_from[i], &p->peer)) {
        drop_count(&io->base.counters->drops, DROP_TRUNCATED);
        return; /* the spare is used again */
    }
    p->socket = &socket->base;
    p->arrival_ns = arrival_ns;
    batch->packets[batch->count++] = p;
    io->spare[i] = NULL;
}

/* With every buffer in use the datagram must go, or its socket would stay readable for ever. */
static void receive_nothing(struct epoll_io *io, struct epoll_socket *socket)
{
    char byte;
    if (recv(socket->fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
        drop_count(&io->base.counters->drops, DROP_NO_MEMORY);
}

/* Returns whether the socket may have more. */
static bool receive_run(
    struct epoll_io *io, struct epoll_socket *socket, struct packet_batch *batch)
{
    unsigned wanted = lay_out(io, PACKET_BATCH_MAX - batch->count);
    if (wanted == 0) {
        receive_nothing(io, socket);
        return true;
    }
    /* An error here is an ICMP message about an earlier packet, reported once: not ours to act
     * on, the timeouts of media and ICE are. */
    int got = recvmmsg(socket->fd, io->in, wanted, MSG_DONTWAIT, NULL);
    uint64_t arrival_ns = now_ns();
    for (int i = 0; i < got; i++)
        accept_packet(io, (unsigned)i, socket, arrival_ns, batch);
    return got == (int)wanted;
}

static void receive(struct packet_io *base, struct packet_batch *batch)
{
    struct epoll_io *io = (struct epoll_io *)base;
    struct epoll_event events[EVENTS];
    bool more = true;

    free_closed(io);
    /* The kernel hands out ready sockets in turn, so several short looks serve all of them. The
     * bound keeps sockets that only yield errors or truncated packets from holding the loop. */
    for (unsigned looks = 0; more && looks < PACKET_BATCH_MAX; looks++) {
        int ready = epoll_wait(io->fd, events, EVENTS, 0);
        more = ready == EVENTS;
        for (int i = 0; i < ready && batch->count < PACKET_BATCH_MAX; i++)
            more |= receive_run(io, events[i].data.ptr, batch);
        more = more && batch->count < PACKET_BATCH_MAX;
    }
    if (batch->count > 0)
        counter_add(&base->counters->batches, 1);
}

static void drop(struct epoll_io *io, enum drop_reason reason)
{
    drop_count(&io->base.counters->drops, reason);
}

/* Sends `count` laid out messages of one socket. */
static void send_run(struct epoll_io *io, int fd, unsigned count)
{
    unsigned at = 0;
    bool was_refused = false;
    while (at < count) {
        int sent = sendmmsg(fd, io->out + at, count - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            for (int i = 0; i < sent; i++)
                counter_add(&io->base.counters->sent_bytes, io->out_data[at + (unsigned)i].iov_len);
            counter_add(&io->base.counters->sent_packets, (uint64_t)sent);
            at += (unsigned)sent;
            was_refused = false;
        } else if (errno == ECONNREFUSED && !was_refused) {
            was_refused = true; /* an ICMP error of an earlier packet; this one was not tried */
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            while (at++ < count)
                drop(io, DROP_SEND_QUEUE_FULL); /* late media is worthless: no queue of our own */
        } else if (errno != EINTR) {
            drop(io, DROP_SEND_FAILED);
            at++;
            was_refused = false;
        }
    }
}

static void lay_out_message(struct epoll_io *io, unsigned i, const struct packet *p)
{
    io->out_data[i] = (struct iovec){.iov_base = p->data, .iov_len = p->len};
    io->out[i] =
        (struct mmsghdr){.msg_hdr = {
                             .msg_name = &io->out_to[i],
                             .msg_namelen = sockaddr_from_address(&p->peer, &io->out_to[i]),
                             .msg_iov = &io->out_data[i],
                             .msg_iovlen = 1,
                         }};
}

static void send_batch(struct packet_io *base, struct packet_batch *batch)
{
    struct epoll_io *io = (struct epoll_io *)base;
    for (size_t i = 0; i < batch->count;) {
        const struct packet_socket *socket = batch->packets[i]->socket;
        int fd = ((const struct epoll_socket *)socket)->fd;
        unsigned count = 0;
        while (i < batch->count && count < SEND_RUN && batch->packets[i]->socket == socket)
            lay_out_message(io, count++, batch->packets[i++]);
        if (fd >= 0)
            send_run(io, fd, count);
        else
            while (count-- > 0)
                drop(io, DROP_SOCKET_CLOSED);
    }
    while (batch->count > 0)
        packet_give(base->pool, batch->packets[--batch->count]);
}

static int poll_fd(const struct packet_io *base)
{
    return ((const struct epoll_io *)base)->fd;
}

static void free_io(struct packet_io *base)
{
    struct epoll_io *io = (struct epoll_io *)base;
    list_for_each_safe (at, &io->open)
        close_socket(base, &CONTAINER_OF(at, struct epoll_socket, link)->base);
    free_closed(io);
    for (size_t i = 0; i < RECEIVE_RUN; i++)
        packet_give(base->pool, io->spare[i]);
    close(io->fd);
    free(io);
}

static const struct packet_io_ops ops = {
    .name = "epoll",
    .open_socket = open_socket,
    .close_socket = close_socket,
    .receive = receive,
    .send = send_batch,
    .poll_fd = poll_fd,
    .free = free_io,
};

int packet_io_new_epoll(
    struct pool *pool, struct packet_io_counters *counters, struct packet_io **out)
{
    struct epoll_io *io = calloc(1, sizeof(*io));
    if (io == NULL)
        return -ENOMEM;
    io->base = (struct packet_io){.ops = &ops, .pool = pool, .counters = counters};
    list_init(&io->open);
    list_init(&io->closed);
    io->fd = epoll_create1(EPOLL_CLOEXEC);
    if (io->fd < 0) {
        int error = -errno;
        free(io);
        return error;
    }
    *out = &io->base;
    return 0;
}
