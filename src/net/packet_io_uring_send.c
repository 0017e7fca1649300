/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "net/packet_io_uring.h"

/* Asks for message number `at` to be sent, without waiting for room. Only what fails has a result.
 */
static void ask(struct uring_io *io, size_t at, struct io_uring_sqe *request, int fd)
{
    struct packet_out *out = &io->out;
    const struct msghdr *message = &out->messages[at].msg_hdr;
    if (packet_out_has_control(out, at)) {
        io_uring_prep_sendmsg(request, fd, message, PACKET_OUT_FLAGS);
    } else {
        io_uring_prep_send(
            request, fd, out->data[at].iov_base, out->data[at].iov_len, PACKET_OUT_FLAGS);
        io_uring_prep_send_set_addr(request, message->msg_name, (uint16_t)message->msg_namelen);
    }
    request->flags |= IOSQE_CQE_SKIP_SUCCESS;
    request->user_data = at << URING_KIND_BITS | URING_SEND;
    io->sent_packets++;
    io->sent_bytes += out->data[at].iov_len;
}

static void fail(
    struct uring_io *io, const struct packet_batch *batch, uint64_t user_data, int error)
{
    size_t at = (size_t)(user_data >> URING_KIND_BITS);
    struct uring_socket *socket = (struct uring_socket *)batch->packets[at]->socket;
    io->sent_packets--;
    io->sent_bytes -= io->out.data[at].iov_len;
    packet_out_failed(&io->out, &socket->base, at, error);
    uring_note_errors(io, socket);
}

/* Requests that the kernel did not take must not be seen by it later, when their packets are gone.
 */
static void withdraw(struct uring_io *io, const struct packet_batch *batch)
{
    struct io_uring_sq *sq = &io->ring.sq;
    for (unsigned at = *sq->khead; at != *sq->ktail; at++) {
        struct io_uring_sqe *request = &sq->sqes[sq->array[at & sq->ring_mask]];
        if ((request->user_data & URING_KIND_MASK) != URING_SEND)
            continue;
        fail(io, batch, request->user_data, EAGAIN);
        io_uring_prep_nop(request);
        request->flags |= IOSQE_CQE_SKIP_SUCCESS;
        request->user_data = URING_NOTHING;
    }
}

/* Lets leave what was asked for, and sees to what failed while the packets are at hand: the results
 * stay where they are, behind those of receives. */
static void hand_in(struct uring_io *io, const struct packet_batch *batch)
{
    struct io_uring_cq *cq = &io->ring.cq;
    unsigned at = *cq->ktail;
    /* Results that found no room are in the way of requests until receive() or such a call. */
    if (!uring_enter(io, false) && !uring_enter(io, true))
        withdraw(io, batch);
    for (; at != io_uring_smp_load_acquire(cq->ktail); at++) {
        struct io_uring_cqe *cqe = &cq->cqes[at & cq->ring_mask];
        if (uring_kind_of(cqe) != URING_SEND)
            continue;
        fail(io, batch, cqe->user_data, -cqe->res);
        cqe->user_data = URING_NOTHING;
    }
}

static void send_packet(struct uring_io *io, const struct packet_batch *batch, size_t at)
{
    const struct packet *p = batch->packets[at];
    struct io_socket *socket = (struct io_socket *)p->socket;
    if (socket->fd < 0) {
        drop_count(&io->base.counters->drops, DROP_SOCKET_CLOSED);
        return;
    }
    if (socket->want_df && socket->dont_fragment != p->dont_fragment) {
        hand_in(io, batch); /* those before it leave as they wished */
        io_socket_choose_df(socket, p->dont_fragment);
    }
    struct io_uring_sqe *request = io_uring_get_sqe(&io->ring);
    if (request == NULL) {
        hand_in(io, batch);
        request = io_uring_get_sqe(&io->ring);
    }
    if (request == NULL) {
        drop_count(&io->base.counters->drops, DROP_SEND_FAILED);
        return;
    }
    packet_out_lay(&io->out, at, p);
    ask(io, at, request, socket->fd);
}

void uring_send(struct packet_io *base, struct packet_batch *batch)
{
    struct uring_io *io = (struct uring_io *)base;
    if (!io->is_started) {
        packet_out_send(&io->out, batch);
        return;
    }
    for (size_t i = 0; i < batch->count; i++)
        send_packet(io, batch, i);
    hand_in(io, batch);
    counter_add(&base->counters->sent_packets, io->sent_packets);
    counter_add(&base->counters->sent_bytes, io->sent_bytes);
    io->sent_packets = io->sent_bytes = 0;
    if (!list_is_empty(&io->failing))
        uring_kick(io);
    while (batch->count > 0)
        packet_give(base->pool, batch->packets[--batch->count]);
}
