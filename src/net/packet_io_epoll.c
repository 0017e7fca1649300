/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The epoll back end: what is readable is found by one call for all sockets; each of them is asked
 * for as many packets as it had the last time.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cache_line.h"
#include "net/packet_out.h"
#include "net/sockaddr.h"

/* A busy socket gets no more than RECEIVE_RUN packets before the others had their turn. */
enum { RECEIVE_RUN = 64, EVENTS = PACKET_BATCH_MAX };

struct epoll_socket {
    struct io_socket base;
    unsigned expected; /* packets, the next time */
};

struct epoll_io {
    struct packet_io base;
    int fd;
    struct list closed; /* freed by the next receive() */
    struct packet_clock clock;
    /* Packets laid out for receiving, kept between calls. */
    struct packet *spare[RECEIVE_RUN];
    struct mmsghdr in[RECEIVE_RUN];
    struct iovec in_data[RECEIVE_RUN];
    struct sockaddr_storage in_from[RECEIVE_RUN];
    union packet_control in_control[RECEIVE_RUN];
    struct packet_out out;
};

static void free_closed(struct epoll_io *io)
{
    for (struct list *at; (at = list_pop_front(&io->closed)) != NULL;)
        free(io_socket_of(at));
}

static int open_socket(
    struct packet_io *base, const struct packet_socket_config *config, struct packet_socket **out)
{
    struct epoll_io *io = (struct epoll_io *)base;
    struct epoll_socket *socket = calloc(1, sizeof(*socket));
    if (socket == NULL)
        return -ENOMEM;

    struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket};
    int error = epoll_ctl(io->fd, EPOLL_CTL_ADD, config->fd, &event) == 0 ? 0 : -errno;
    if (error == 0) {
        error = io_socket_open(base, config, &socket->base);
        if (error != 0)
            epoll_ctl(io->fd, EPOLL_CTL_DEL, config->fd, NULL);
    }
    if (error != 0) {
        free(socket);
        return error;
    }
    socket->expected = 1;
    *out = &socket->base.base;
    return 0;
}

static void close_socket(struct packet_io *base, struct packet_socket *packet_socket)
{
    struct epoll_io *io = (struct epoll_io *)base;
    struct io_socket *socket = (struct io_socket *)packet_socket;
    if (socket->fd < 0)
        return;

    /* Told explicitly: a duplicate of the descriptor would keep it in the set. */
    epoll_ctl(io->fd, EPOLL_CTL_DEL, socket->fd, NULL);
    io_socket_close(base, socket);
    list_push_back(&io->closed, &socket->link);
}

static void lay_out(struct epoll_io *io, unsigned i, bool has_control)
{
    io->in_data[i] = (struct iovec){.iov_base = io->spare[i]->data, .iov_len = PACKET_DATA_MAX};
    io->in[i].msg_hdr = (struct msghdr){
        .msg_name = &io->in_from[i],
        .msg_namelen = sizeof(io->in_from[i]),
        .msg_iov = &io->in_data[i],
        .msg_iovlen = 1,
        .msg_control = has_control ? &io->in_control[i] : NULL,
        .msg_controllen = has_control ? sizeof(io->in_control[i]) : 0,
    };
}

/* Lays out up to `wanted` packets to receive into; returns how many there are. */
static unsigned lay_out_run(struct epoll_io *io, size_t wanted, bool has_control)
{
    unsigned count = 0;
    for (; count < wanted && count < RECEIVE_RUN; count++) {
        if (io->spare[count] == NULL)
            io->spare[count] = packet_take(io->base.pool);
        if (io->spare[count] == NULL)
            break;
        lay_out(io, count, has_control);
    }
    return count;
}

/* Moves a received packet from its spare place into the batch. */
static void accept_packet(
    struct epoll_io *io, unsigned i, struct io_socket *socket, struct packet_batch *batch)
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
    p->arrival_ns = io->clock.now_ns;
    if (io_socket_has_control(socket))
        packet_control_received(&io->in[i].msg_hdr, &io->clock, p);
    p->socket = &socket->base;
    batch->packets[batch->count++] = p;
    io->spare[i] = NULL;
}

/* recvmmsg() and, for one packet, what has less to copy and to check. An error here is an ICMP
 * message about an earlier packet, reported once: not ours to act on, the timeouts of media and ICE
 * are. Who wants to know reads it from the error queue. */
static int receive_some(struct epoll_io *io, int fd, unsigned count, bool has_control)
{
    struct msghdr *message = &io->in[0].msg_hdr;
    ssize_t len;
    if (count > 1)
        return recvmmsg(fd, io->in, count, MSG_DONTWAIT, NULL);
    if (has_control) {
        len = recvmsg(fd, message, MSG_DONTWAIT);
    } else {
        len = recvfrom(fd, io->in_data[0].iov_base, PACKET_DATA_MAX, MSG_DONTWAIT | MSG_TRUNC,
            message->msg_name, &message->msg_namelen);
        message->msg_flags = len > PACKET_DATA_MAX ? MSG_TRUNC : 0;
    }
    if (len < 0)
        return -1;
    io->in[0].msg_len = (unsigned)len;
    return 1;
}

/* What a socket had the last time is what it is asked for, so a packet each on a thousand sockets
 * costs one call for each. One packet that was there says nothing of a second one; what there is
 * is found by the next receive(). Returns whether the socket is likely to have more. */
static bool receive_run(
    struct epoll_io *io, struct epoll_socket *socket, struct packet_batch *batch)
{
    bool has_control = io_socket_has_control(&socket->base);
    size_t room = PACKET_BATCH_MAX - batch->count;
    unsigned wanted = socket->expected < room ? socket->expected : (unsigned)room;
    wanted = lay_out_run(io, wanted, has_control);
    if (wanted == 0) {
        (void)io_socket_receive_nothing(&io->base, &socket->base, 0);
        return true;
    }
    int got = receive_some(io, socket->base.fd, wanted, has_control);
    for (int i = 0; i < got; i++)
        accept_packet(io, (unsigned)i, &socket->base, batch);

    bool has_more = got == (int)wanted;
    unsigned expected = has_more ? 2 * wanted : got > 0 ? (unsigned)got : 1;
    socket->expected = expected < RECEIVE_RUN ? expected : RECEIVE_RUN;
    return has_more && wanted > 1;
}

static bool receive_all(
    struct epoll_io *io, const struct epoll_event *event, struct packet_batch *batch)
{
    struct epoll_socket *socket = event->data.ptr;
    if ((event->events & EPOLLERR) != 0 && socket->base.want_icmp)
        (void)io_socket_receive_errors(&io->base, &socket->base, batch);
    return batch->count < PACKET_BATCH_MAX && receive_run(io, socket, batch);
}

static void receive(struct packet_io *base, struct packet_batch *batch)
{
    struct epoll_io *io = (struct epoll_io *)base;
    struct epoll_event events[EVENTS];
    size_t before = batch->count;
    bool more = true;

    free_closed(io);
    io->clock = packet_clock_now();
    /* The bound keeps sockets that only yield errors or truncated packets from holding the loop. */
    for (unsigned looks = 0; more && looks < PACKET_BATCH_MAX; looks++) {
        int ready = epoll_wait(io->fd, events, EVENTS, 0);
        more = ready == EVENTS;
        for (int i = 0; i < ready && batch->count < PACKET_BATCH_MAX; i++)
            more |= receive_all(io, &events[i], batch);
        more = more && batch->count < PACKET_BATCH_MAX;
    }
    if (batch->count > before)
        counter_add(&base->counters->batches, 1);
}

static void send_batch(struct packet_io *base, struct packet_batch *batch)
{
    packet_out_send(&((struct epoll_io *)base)->out, batch);
}

static int poll_fd(const struct packet_io *base)
{
    return ((const struct epoll_io *)base)->fd;
}

static void free_io(struct packet_io *base)
{
    struct epoll_io *io = (struct epoll_io *)base;
    list_for_each_safe (at, &base->open)
        close_socket(base, &io_socket_of(at)->base);
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
    .sample = io_socket_sample,
    .free = free_io,
};

int packet_io_new_epoll(
    void *context, struct pool *pool, struct packet_io_counters *counters, struct packet_io **out)
{
    (void)context;
    struct epoll_io *io = cache_line_calloc(1, sizeof(*io));
    if (io == NULL)
        return -ENOMEM;
    io->base = (struct packet_io){.ops = &ops, .pool = pool, .counters = counters};
    io->out.io = &io->base;
    list_init(&io->base.open);
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
