/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet_io_uring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cache_line.h"
#include "net/packet_io_choose.h"

/* The kernel does so much of its work in one call at least; a close waits for so many calls. */
enum { CLOSE_LOOKS = 64 };

static struct uring_socket *uring_socket_of(struct list *link)
{
    return (struct uring_socket *)io_socket_of(link);
}

struct io_uring_sqe *uring_request(struct uring_io *io)
{
    struct io_uring_sqe *request = io_uring_get_sqe(&io->ring);
    if (request == NULL && uring_enter(io, false))
        request = io_uring_get_sqe(&io->ring);
    return request;
}

bool uring_enter(struct uring_io *io, bool receive)
{
    int error = receive ? io_uring_submit_and_get_events(&io->ring) : io_uring_submit(&io->ring);
    return error >= 0 && io_uring_sq_ready(&io->ring) == 0;
}

void uring_arm(struct uring_io *io, struct uring_socket *socket)
{
    struct io_uring_sqe *request = uring_request(io);
    if (request == NULL) {
        list_push_back(&io->unarmed, &socket->arm);
        return;
    }
    io_uring_prep_recvmsg_multishot(request, socket->base.fd, &io->form, 0);
    /* A look at once would take a buffer, and fail without one, for nothing. */
    request->ioprio |= IORING_RECVSEND_POLL_FIRST;
    request->flags |= IOSQE_BUFFER_SELECT;
    request->buf_group = 0;
    request->user_data = (uintptr_t)socket | URING_RECEIVE;
    socket->is_armed = true;
}

static int open_socket(
    struct packet_io *base, const struct packet_socket_config *config, struct packet_socket **out)
{
    struct uring_io *io = (struct uring_io *)base;
    struct uring_socket *socket = calloc(1, sizeof(*socket));
    if (socket == NULL)
        return -ENOMEM;
    int error = io_socket_open(base, config, &socket->base);
    if (error != 0) {
        free(socket);
        return error;
    }
    if (io->is_started) {
        uring_arm(io, socket);
        (void)uring_enter(io, false); /* the next call takes what this one left */
    }
    *out = &socket->base.base;
    return 0;
}

static bool is_last_of(const struct io_uring_cqe *cqe, const struct uring_socket *socket)
{
    return cqe->user_data == ((uintptr_t)socket | URING_RECEIVE) &&
           (cqe->flags & IORING_CQE_F_MORE) == 0;
}

/* The kernel's request keeps the closed socket, and so its port, until it has ended. It does its
 * work in the order it came, and not all of it in one call. */
static void wait_for_end(struct uring_io *io, const struct uring_socket *socket)
{
    for (unsigned looks = 0; looks < CLOSE_LOOKS; looks++) {
        unsigned at = *io->ring.cq.ktail;
        if (!uring_enter(io, true))
            return;
        for (; at != *io->ring.cq.ktail; at++)
            if (is_last_of(&io->ring.cq.cqes[at & io->ring.cq.ring_mask], socket))
                return;
    }
}

static void close_socket(struct packet_io *base, struct packet_socket *packet_socket)
{
    struct uring_io *io = (struct uring_io *)base;
    struct uring_socket *socket = (struct uring_socket *)packet_socket;
    if (socket->base.fd < 0)
        return;
    struct io_uring_sqe *request = socket->is_armed ? uring_request(io) : NULL;
    if (request != NULL) {
        io_uring_prep_cancel64(request, (uintptr_t)socket | URING_RECEIVE, 0);
        request->flags |= IOSQE_CQE_SKIP_SUCCESS;
        request->user_data = URING_NOTHING;
    }
    list_remove(&socket->arm);
    list_remove(&socket->errors);
    io_socket_close(base, &socket->base);
    list_push_back(&io->closed, &socket->base.link);
    if (request != NULL)
        wait_for_end(io, socket);
}

static int poll_fd(const struct packet_io *base)
{
    return ((const struct uring_io *)base)->event_fd;
}

static void start(struct packet_io *base)
{
    struct uring_io *io = (struct uring_io *)base;
    /* What could go wrong with it did when it was made. */
    (void)io_uring_register((unsigned)io->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    (void)io_uring_register_ring_fd(&io->ring); /* spares a look-up a call, where there is such */
    io->is_started = true;
    uring_refill(io);
    list_for_each (at, &base->open)
        uring_arm(io, uring_socket_of(at));
    (void)uring_enter(io, false);
}

static void free_ring(struct uring_io *io)
{
    io_uring_queue_exit(&io->ring);
    close(io->event_fd);
}

static void free_io(struct packet_io *base)
{
    struct uring_io *io = (struct uring_io *)base;
    list_for_each_safe (at, &base->open)
        close_socket(base, &io_socket_of(at)->base);
    free_ring(io);
    for (struct list *at; (at = list_pop_front(&io->closed)) != NULL;)
        free(uring_socket_of(at));
    for (size_t i = 0; i < URING_BUFFERS; i++)
        packet_give(base->pool, io->laid[i]);
    munmap(io->buffers, URING_BUFFERS * sizeof(struct io_uring_buf));
    free(io);
}

static const struct packet_io_ops ops = {
    .name = "io_uring",
    .open_socket = open_socket,
    .close_socket = close_socket,
    .receive = uring_receive,
    .send = uring_send,
    .poll_fd = poll_fd,
    .sample = io_socket_sample,
    .start = start,
    .free = free_io,
};

static int make_ring(struct uring_io *io)
{
    io->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (io->event_fd < 0)
        return -errno;

    /* Disabled at first: who enables it is who may use it. */
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED |
                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
        .cq_entries = URING_RESULTS,
    };
    const unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_CQE_SKIP;
    int error = io_uring_queue_init_params(URING_REQUESTS, &io->ring, &params);
    if (error != 0) {
        close(io->event_fd);
        return error;
    }
    error = (params.features & needed) == needed ? 0 : -EINVAL;
    if (error == 0)
        error = io_uring_register_eventfd(&io->ring, io->event_fd);
    if (error != 0)
        free_ring(io);
    return error;
}

static int make_buffers(struct uring_io *io)
{
    void *memory = mmap(NULL, URING_BUFFERS * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
        MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    struct io_uring_buf_reg reg = {
        .ring_addr = (uintptr_t)memory, .ring_entries = URING_BUFFERS, .bgid = 0};
    int error = io_uring_register_buf_ring(&io->ring, &reg, 0);
    if (error != 0) {
        munmap(memory, URING_BUFFERS * sizeof(struct io_uring_buf));
        return error;
    }
    io->buffers = memory;
    io_uring_buf_ring_init(io->buffers);
    while (io->free_count < URING_BUFFERS) {
        io->free_ids[io->free_count] = (uint16_t)io->free_count;
        io->free_count++;
    }
    return 0;
}

/* Of a small pool others want to have something, too. */
static void choose_level(struct uring_io *io)
{
    size_t max = io->base.pool->limit / 4;
    io->level_max = max > URING_BUFFERS ? URING_BUFFERS : max > 0 ? (unsigned)max : 1;
    io->level = io->level_max < URING_BUFFERS_LOW ? io->level_max : URING_BUFFERS_LOW;
}

int packet_io_new_uring(
    void *context, struct pool *pool, struct packet_io_counters *counters, struct packet_io **out)
{
    (void)context;
    struct uring_io *io = cache_line_calloc(1, sizeof(*io));
    if (io == NULL)
        return -ENOMEM;
    io->base = (struct packet_io){.ops = &ops, .pool = pool, .counters = counters};
    io->form =
        (struct msghdr){.msg_namelen = URING_NAME_SIZE, .msg_controllen = PACKET_CONTROL_SIZE};
    io->out.io = &io->base;
    list_init(&io->base.open);
    list_init(&io->closed);
    list_init(&io->unarmed);
    list_init(&io->starved);
    list_init(&io->failing);
    choose_level(io);

    int error = make_ring(io);
    if (error == 0) {
        error = make_buffers(io);
        if (error != 0)
            free_ring(io);
    }
    if (error != 0) {
        free(io);
        return error;
    }
    *out = &io->base;
    return 0;
}
