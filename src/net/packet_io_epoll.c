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
#include "net/packet_control.h"
#include "net/sockaddr.h"

/* A busy socket gets no more than RECEIVE_RUN packets, and as many errors as ERROR_RUN, before the
 * others had their turn. */
enum { RECEIVE_RUN = 64, ERROR_RUN = 4, SEND_RUN = 64, EVENTS = 32 };

struct epoll_socket {
    struct packet_socket base;
    int fd; /* -1 once closed */
    struct list link;
    uint64_t receive; /* number of the receive() that had packets of it last */
    unsigned taken;   /* how many it had */
    bool want_icmp, want_df;
    bool dont_fragment;      /* how the descriptor is set now; of `want_df` */
    struct address too_long; /* where the last datagram went that was too long for the first hop */
};

struct epoll_io {
    struct packet_io base;
    int fd;
    uint64_t receives;
    struct list open;
    struct list closed; /* freed by the next receive() */
    /* Packets laid out for receiving, kept between calls. */
    struct packet *spare[RECEIVE_RUN];
    struct mmsghdr in[RECEIVE_RUN];
    struct iovec in_data[RECEIVE_RUN];
    struct sockaddr_storage in_from[RECEIVE_RUN];
    union packet_control_tos in_tos[RECEIVE_RUN];
    struct mmsghdr out[SEND_RUN];
    struct iovec out_data[SEND_RUN];
    struct sockaddr_storage out_to[SEND_RUN];
    union packet_control_tos out_tos[SEND_RUN];
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
    int error = packet_control_set_up(config);
    if (error == 0 && epoll_ctl(io->fd, EPOLL_CTL_ADD, config->fd, &event) != 0)
        error = -errno;
    if (error != 0) {
        free(socket);
        return error;
    }
    socket->base = (struct packet_socket){.local = config->local,
        .channel = config->channel,
        .module = config->module,
        .user = config->user,
        .tos = config->tos,
        .want_tos = config->want_tos};
    socket->fd = config->fd;
    socket->want_icmp = config->want_icmp;
    socket->want_df = config->want_df;
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

/* The same for a socket whose packets tell their class. */
static void lay_out_tos(struct epoll_io *io, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        io->in[i].msg_hdr.msg_control = &io->in_tos[i];
        io->in[i].msg_hdr.msg_controllen = sizeof(io->in_tos[i]);
    }
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
    if (socket->base.want_tos)
        p->tos = packet_control_tos(&io->in[i].msg_hdr);
    p->socket = &socket->base;
    p->arrival_ns = arrival_ns;
    batch->packets[batch->count++] = p;
    io->spare[i] = NULL;
}

/* With every buffer in use the datagram must go, or its socket would stay readable for ever. */
static void receive_nothing(struct epoll_io *io, struct epoll_socket *socket, int flags)
{
    char byte;
    if (recv(socket->fd, &byte, sizeof(byte), flags | MSG_DONTWAIT) >= 0)
        drop_count(&io->base.counters->drops, DROP_NO_MEMORY);
}

/* How many to ask a socket for: what it had the last time, then twice as many. To ask for more than
 * there is costs a look for each, which a thousand relayed addresses with a packet each would pay
 * for. */
static unsigned run_of(struct epoll_io *io, struct epoll_socket *socket)
{
    unsigned run = socket->taken;
    if (socket->receive != io->receives)
        socket->taken = 0;
    socket->receive = io->receives;
    return run == 0 ? 1 : run < RECEIVE_RUN ? run : RECEIVE_RUN;
}

/* Returns whether the socket is likely to have more. */
static bool receive_run(
    struct epoll_io *io, struct epoll_socket *socket, struct packet_batch *batch)
{
    unsigned run = run_of(io, socket);
    size_t room = PACKET_BATCH_MAX - batch->count;
    unsigned wanted = lay_out(io, run < room ? run : room);
    if (wanted == 0) {
        receive_nothing(io, socket, 0);
        return true;
    }
    if (socket->base.want_tos)
        lay_out_tos(io, wanted);
    /* An error here is an ICMP message about an earlier packet, reported once: not ours to act
     * on, the timeouts of media and ICE are. Who wants to know reads it from the error queue. */
    int got = recvmmsg(socket->fd, io->in, wanted, MSG_DONTWAIT, NULL);
    uint64_t arrival_ns = now_ns();
    for (int i = 0; i < got; i++)
        accept_packet(io, (unsigned)i, socket, arrival_ns, batch);
    socket->taken += got > 0 ? (unsigned)got : 0;
    return got == (int)wanted;
}

/* Moves an entry of the error queue from its spare place into the batch. */
static void accept_error(
    struct epoll_io *io, struct epoll_socket *socket, size_t len, struct packet_batch *batch)
{
    struct packet *p = io->spare[0];
    struct address peer;
    if (!address_from_sockaddr(&io->in_from[0], &peer) ||
        !packet_control_error(&io->in[0].msg_hdr, p))
        return; /* the spare is used again */

    /* The kernel does not tell the port of its own "too long" for IPv4. */
    if (peer.port == 0 && address_same_ip(&peer, &socket->too_long))
        peer.port = socket->too_long.port;
    p->peer = peer;
    p->len = len;
    p->socket = &socket->base;
    p->arrival_ns = now_ns();
    batch->packets[batch->count++] = p;
    io->spare[0] = NULL;
}

static void receive_errors(
    struct epoll_io *io, struct epoll_socket *socket, struct packet_batch *batch)
{
    union packet_control_error control;
    for (unsigned i = 0; i < ERROR_RUN && batch->count < PACKET_BATCH_MAX; i++) {
        if (lay_out(io, 1) == 0) {
            receive_nothing(io, socket, MSG_ERRQUEUE);
            return;
        }
        struct msghdr *message = &io->in[0].msg_hdr;
        message->msg_control = &control;
        message->msg_controllen = sizeof(control);
        ssize_t len = recvmsg(socket->fd, message, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (len < 0)
            return;
        accept_error(io, socket, (size_t)len, batch);
    }
}

static bool receive_all(
    struct epoll_io *io, const struct epoll_event *event, struct packet_batch *batch)
{
    struct epoll_socket *socket = event->data.ptr;
    if ((event->events & EPOLLERR) != 0 && socket->want_icmp)
        receive_errors(io, socket, batch);
    return batch->count < PACKET_BATCH_MAX && receive_run(io, socket, batch);
}

static void receive(struct packet_io *base, struct packet_batch *batch)
{
    struct epoll_io *io = (struct epoll_io *)base;
    struct epoll_event events[EVENTS];
    bool more = true;

    free_closed(io);
    io->receives++;
    /* The kernel hands out ready sockets in turn, so several short looks serve all of them. The
     * bound keeps sockets that only yield errors or truncated packets from holding the loop. */
    for (unsigned looks = 0; more && looks < PACKET_BATCH_MAX; looks++) {
        int ready = epoll_wait(io->fd, events, EVENTS, 0);
        more = ready == EVENTS;
        for (int i = 0; i < ready && batch->count < PACKET_BATCH_MAX; i++)
            more |= receive_all(io, &events[i], batch);
        more = more && batch->count < PACKET_BATCH_MAX;
    }
    if (batch->count > 0)
        counter_add(&base->counters->batches, 1);
}

static void drop(struct epoll_io *io, enum drop_reason reason)
{
    drop_count(&io->base.counters->drops, reason);
}

/*
 * Whether the error may be about an earlier packet, which a socket reports once in place of trying
 * the one in hand. A "too long" for a packet that must not be fragmented is most likely its own,
 * and trying again would report it twice.
 */
static bool may_be_of_earlier(const struct epoll_socket *socket, int error)
{
    if (error == ECONNREFUSED)
        return true;
    return socket->want_icmp && !(error == EMSGSIZE && socket->dont_fragment);
}

/* Takes note of a packet that was not sent, and why. */
static void give_up(struct epoll_io *io, struct epoll_socket *socket, unsigned at, int error)
{
    struct address to;
    if (error == EMSGSIZE && address_from_sockaddr(&io->out_to[at], &to))
        socket->too_long = to;
    drop(io, DROP_SEND_FAILED);
}

/* Like sendmmsg(): most relayed packets leave alone, and sendto() has less to copy and to check. */
static int send_some(struct epoll_io *io, int fd, unsigned at, unsigned count)
{
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const struct msghdr *message = &io->out[at].msg_hdr;
    if (count > 1 || message->msg_control != NULL)
        return sendmmsg(fd, io->out + at, count, flags);
    return sendto(fd, io->out_data[at].iov_base, io->out_data[at].iov_len, flags, message->msg_name,
               message->msg_namelen) < 0
               ? -1
               : 1;
}

/* Sends `count` laid out messages of one socket. */
static void send_run(struct epoll_io *io, struct epoll_socket *socket, unsigned count)
{
    unsigned at = 0;
    bool was_tried = false;
    while (at < count) {
        int sent = send_some(io, socket->fd, at, count - at);
        if (sent > 0) {
            for (int i = 0; i < sent; i++)
                counter_add(&io->base.counters->sent_bytes, io->out_data[at + (unsigned)i].iov_len);
            counter_add(&io->base.counters->sent_packets, (uint64_t)sent);
            at += (unsigned)sent;
            was_tried = false;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            while (at++ < count)
                drop(io, DROP_SEND_QUEUE_FULL); /* late media is worthless: no queue of our own */
        } else if (errno == EINTR) {
            continue;
        } else if (!was_tried && may_be_of_earlier(socket, errno)) {
            was_tried = true;
        } else {
            give_up(io, socket, at++, errno);
            was_tried = false;
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
    if (p->socket->want_tos && p->tos != p->socket->tos)
        packet_control_put_tos(
            &io->out[i].msg_hdr, &io->out_tos[i], p->socket->local.family, p->tos);
}

static void choose_df(struct epoll_socket *socket, bool dont_fragment)
{
    if (!socket->want_df || socket->dont_fragment == dont_fragment)
        return;
    packet_control_set_df(socket->fd, socket->base.local.family, dont_fragment);
    socket->dont_fragment = dont_fragment;
}

/* Lays out the packets from number `first` on that may be sent together; returns how many. One that
 * must not be fragmented goes alone: sendmmsg() keeps to itself that a later one was too long, and
 * trying it again would report it twice. */
static unsigned lay_out_run(struct epoll_io *io, const struct packet_batch *batch, size_t first,
    const struct epoll_socket *socket)
{
    size_t end = batch->count - first < SEND_RUN ? batch->count : first + SEND_RUN;
    size_t i = first;
    do {
        lay_out_message(io, (unsigned)(i - first), batch->packets[i]);
        i++;
    } while (i < end && batch->packets[i]->socket == &socket->base &&
             !(socket->want_df &&
                 (batch->packets[i]->dont_fragment || batch->packets[first]->dont_fragment)));
    return (unsigned)(i - first);
}

static void send_batch(struct packet_io *base, struct packet_batch *batch)
{
    struct epoll_io *io = (struct epoll_io *)base;
    for (size_t i = 0; i < batch->count;) {
        struct epoll_socket *socket = (struct epoll_socket *)batch->packets[i]->socket;
        bool is_whole = socket->want_df && batch->packets[i]->dont_fragment;
        unsigned count = lay_out_run(io, batch, i, socket);
        i += count;
        if (socket->fd >= 0) {
            choose_df(socket, is_whole);
            send_run(io, socket, count);
        } else {
            while (count-- > 0)
                drop(io, DROP_SOCKET_CLOSED);
        }
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
