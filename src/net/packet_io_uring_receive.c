/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "net/packet_io_uring.h"
#include "net/sockaddr.h"

/* So many calls are made in one go, so many packets make a busy worker, and so many datagrams of a
 * socket go when there is no buffer for them. Buffers that were never too few for so many calls are
 * more than enough. */
enum { LOOKS = 64, BUSY = 4, DROP_RUN = 64, CALM = 4096 };

static void free_closed(struct uring_io *io)
{
    list_for_each_safe (at, &io->closed) {
        struct uring_socket *socket = (struct uring_socket *)io_socket_of(at);
        if (socket->is_armed)
            continue;
        list_remove(at);
        free(socket);
    }
}

void uring_refill(struct uring_io *io)
{
    int added = 0;
    while (URING_BUFFERS - io->free_count < io->level) {
        struct packet *p = packet_take(io->base.pool);
        if (p == NULL)
            break;
        uint16_t id = io->free_ids[--io->free_count];
        io->laid[id] = p;
        io_uring_buf_ring_add(io->buffers, p->buffer, PACKET_HEADROOM + PACKET_DATA_MAX, id,
            io_uring_buf_ring_mask(URING_BUFFERS), added++);
    }
    if (added > 0)
        io_uring_buf_ring_advance(io->buffers, added);
}

static void raise_level(struct uring_io *io)
{
    io->calm = 0;
    io->level = 2 * io->level < io->level_max ? 2 * io->level : io->level_max;
}

static void lower_level(struct uring_io *io)
{
    if (++io->calm < CALM)
        return;
    io->calm = 0;
    if (io->level / 2 >= URING_BUFFERS_LOW)
        io->level /= 2;
}

void uring_note_errors(struct uring_io *io, struct uring_socket *socket)
{
    if (socket->base.want_icmp && !list_is_linked(&socket->errors))
        list_push_back(&io->failing, &socket->errors);
}

/* A receive ends by an error, which may be that of an ICMP message, by an empty datagram, or when
 * there was no buffer. */
static void end(struct uring_io *io, struct uring_socket *socket, int result)
{
    socket->is_armed = false;
    if (socket->base.fd < 0)
        return;
    if (result == -ENOBUFS)
        raise_level(io);
    else if (result < 0)
        uring_note_errors(io, socket);
    list_push_back(result == -ENOBUFS ? &io->starved : &io->unarmed, &socket->arm);
}

/* Makes a packet of what the kernel wrote into its buffer; false when it must be dropped. */
static bool read_packet(struct uring_io *io, struct uring_socket *socket, struct packet *p)
{
    struct io_uring_recvmsg_out out;
    memcpy(&out, p->buffer, sizeof(out));
    p->len = out.payloadlen;
    counter_add(&io->base.counters->received_packets, 1);
    counter_add(&io->base.counters->received_bytes, p->len);
    if ((out.flags & MSG_TRUNC) != 0 || out.namelen == 0 ||
        !address_from_sockaddr(
            (const struct sockaddr_storage *)(const void *)(p->buffer + URING_NAME_AT), &p->peer)) {
        drop_count(&io->base.counters->drops, DROP_TRUNCATED);
        return false;
    }
    p->arrival_ns = io->clock.now_ns;
    if (out.controllen > 0) {
        struct msghdr message = {
            .msg_control = p->buffer + URING_CONTROL_AT, .msg_controllen = out.controllen};
        packet_control_received(&message, &io->clock, p);
    }
    p->socket = &socket->base.base;
    return true;
}

static void take_received(struct uring_io *io, struct uring_socket *socket,
    const struct io_uring_cqe *cqe, struct packet_batch *batch)
{
    struct packet *p = NULL;
    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0) {
        uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        p = io->laid[id];
        io->laid[id] = NULL;
        io->free_ids[io->free_count++] = id;
    }
    if ((cqe->flags & IORING_CQE_F_MORE) == 0)
        end(io, socket, cqe->res);
    if (p == NULL)
        return;
    if (cqe->res >= 0 && socket->base.fd >= 0 && read_packet(io, socket, p))
        batch->packets[batch->count++] = p;
    else
        packet_give(io->base.pool, p);
}

/* Takes results until the batch is full; returns how many. */
static unsigned reap(struct uring_io *io, struct packet_batch *batch)
{
    struct io_uring_cq *cq = &io->ring.cq;
    unsigned at = *cq->khead, end_at = io_uring_smp_load_acquire(cq->ktail), count = 0;
    for (; at != end_at && batch->count < PACKET_BATCH_MAX; at++, count++) {
        const struct io_uring_cqe *cqe = &cq->cqes[at & cq->ring_mask];
        enum uring_kind kind = uring_kind_of(cqe);
        if (kind == URING_RECEIVE)
            take_received(io, (struct uring_socket *)(uintptr_t)cqe->user_data, cqe, batch);
        else if (kind == URING_SEND) /* it was not there yet when its packet still was */
            drop_count(&io->base.counters->drops, DROP_SEND_FAILED);
    }
    io_uring_smp_store_release(cq->khead, at);
    return count;
}

static void receive_errors(struct uring_io *io, struct packet_batch *batch)
{
    struct list failing;
    list_init(&failing);
    list_move_all(&failing, &io->failing);
    for (struct list *at; (at = list_pop_front(&failing)) != NULL;) {
        struct uring_socket *socket = CONTAINER_OF(at, struct uring_socket, errors);
        if (io_socket_receive_errors(&io->base, &socket->base, batch))
            list_push_back(&io->failing, at);
    }
}

/* What came while there was no buffer must go, or the socket would find none for ever. */
static void drop_waiting(struct uring_io *io, struct uring_socket *socket)
{
    for (int i = 0; i < DROP_RUN; i++)
        if (!io_socket_receive_nothing(&io->base, &socket->base, 0))
            return;
}

/* Sockets whose receive ended receive again. */
static void arm_again(struct uring_io *io)
{
    struct list unarmed;
    list_init(&unarmed);
    list_move_all(&unarmed, &io->unarmed);
    if (!list_is_empty(&io->starved)) {
        uring_refill(io);
        bool has_buffers = io->free_count < URING_BUFFERS;
        for (struct list *at; (at = list_pop_front(&io->starved)) != NULL;) {
            if (!has_buffers)
                drop_waiting(io, CONTAINER_OF(at, struct uring_socket, arm));
            list_push_back(&unarmed, at);
        }
    }
    for (struct list *at; (at = list_pop_front(&unarmed)) != NULL;)
        uring_arm(io, CONTAINER_OF(at, struct uring_socket, arm));
}

/* Lets the kernel receive, unless results are left from before, and takes them. Returns whether
 * there may be more: a call does a part of the kernel's work only, and some of it has no result. */
static bool look(struct uring_io *io, struct packet_batch *batch)
{
    if (io_uring_cq_ready(&io->ring) == 0) {
        uring_refill(io);
        (void)uring_enter(io, true);
    }
    bool more = reap(io, batch) > 0;
    arm_again(io);
    return more || io_uring_sq_ready(&io->ring) > 0;
}

/* Looks until there is nothing more; false when there may be. Results that are taken at once are
 * not worth an event each. */
static bool look_at_all(struct uring_io *io, struct packet_batch *batch, unsigned *looks_left)
{
    bool more = true;
    (void)io_uring_cq_eventfd_toggle(&io->ring, false);
    for (; more && batch->count<PACKET_BATCH_MAX && * looks_left> 0; --*looks_left)
        more = look(io, batch);
    (void)io_uring_cq_eventfd_toggle(&io->ring, true);
    return !more && batch->count < PACKET_BATCH_MAX;
}

/* Whether the ring has work or results: that a call had no results does not tell. */
static bool has_work(const struct uring_io *io)
{
    struct pollfd ring = {.fd = io->ring.ring_fd, .events = POLLIN};
    return poll(&ring, 1, 0) != 0;
}

/* Work that comes when there is none makes an event, so this must be sure that there is none when
 * it has read the last one. A busy worker comes back anyhow; what came meanwhile may wait until the
 * packets in hand are handled. */
static void receive_all(struct uring_io *io, struct packet_batch *batch)
{
    size_t before = batch->count;
    unsigned looks_left = LOOKS;
    while (look_at_all(io, batch, &looks_left)) {
        if (batch->count - before >= BUSY)
            break;
        eventfd_t events;
        (void)eventfd_read(io->event_fd, &events);
        if (!has_work(io))
            return;
        if (batch->count > before)
            break;
    }
    uring_kick(io);
}

void uring_receive(struct packet_io *base, struct packet_batch *batch)
{
    struct uring_io *io = (struct uring_io *)base;
    size_t before = batch->count;

    free_closed(io);
    lower_level(io);
    io->clock = packet_clock_now();
    receive_errors(io, batch);
    receive_all(io, batch);
    if (!list_is_empty(&io->failing) || !list_is_empty(&io->unarmed))
        uring_kick(io);
    if (io_uring_sq_ready(&io->ring) > 0)
        (void)uring_enter(io, false);
    if (batch->count > before)
        counter_add(&base->counters->batches, 1);
}
