/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/packet_io.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cache_line.h"
#include "base/random.h"
#include "net/packet_io_socket.h"

/* --- sockets -----------------------------------------------------------------------------------
 */

/* The kernel spreads what comes to a port over the sockets that share it. */
static bool is_shared(const struct xdp_io *io, int fd)
{
    int value = 0;
    socklen_t len = sizeof(value);
    if (io->common->workers == 1)
        return false;
    return getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, &len) != 0 || value != 0;
}

/* From now on frames for the socket come by rings, if they may. */
static void join_lane(struct xdp_io *io, struct packet_socket *socket)
{
    int address = xdp_address_index(io->common, &socket->local);
    if (address < 0 || is_shared(io, ((struct io_socket *)socket)->fd))
        return;
    if (port_table_put(&io->ports, (unsigned)address, socket->local.port, socket) == 0)
        xdp_maps_set_port(
            io->common->maps, (unsigned)address, socket->local.port, (int)io->worker->index);
}

static void leave_lane(struct xdp_io *io, const struct packet_socket *socket)
{
    int address = xdp_address_index(io->common, &socket->local);
    if (address < 0)
        return;
    if (port_table_remove(&io->ports, (unsigned)address, socket->local.port, socket))
        xdp_maps_set_port(io->common->maps, (unsigned)address, socket->local.port, -1);
}

static int open_socket(
    struct packet_io *base, const struct packet_socket_config *config, struct packet_socket **out)
{
    struct xdp_io *io = (struct xdp_io *)base;
    int error = packet_io_open_socket(io->inner, config, out);
    if (error == 0)
        join_lane(io, *out);
    return error;
}

static void close_socket(struct packet_io *base, struct packet_socket *socket)
{
    struct xdp_io *io = (struct xdp_io *)base;
    leave_lane(io, socket);
    packet_io_close_socket(io->inner, socket);
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static int poll_fd(const struct packet_io *base)
{
    return ((const struct xdp_io *)base)->fd;
}

/* What found no room on its way to the worker is to it what a socket's full buffer is. */
static void sample_lane(struct xdp_io *io, struct xdp_lane *lane)
{
    struct rings_statistics statistics;
    if (rings_statistics(lane->rings, &statistics) != 0)
        return;
    uint64_t lost = statistics.no_frame + statistics.ring_full;
    counter_add(&io->base.counters->kernel_drops, lost - lane->lost);
    lane->lost = lost;
}

static void sample(struct packet_io *base, size_t max_sockets)
{
    struct xdp_io *io = (struct xdp_io *)base;
    for (size_t i = 0; i < io->lane_count; i++)
        sample_lane(io, &io->lanes[i]);
    packet_io_sample(io->inner, max_sockets);
}

static void start(struct packet_io *base)
{
    packet_io_start(((struct xdp_io *)base)->inner);
}

/* Whatever of it there is. */
static void free_io(struct packet_io *base)
{
    struct xdp_io *io = (struct xdp_io *)base;
    if (io->inner != NULL) {
        list_for_each_safe (at, &io->inner->open)
            close_socket(base, &io_socket_of(at)->base);
    }
    for (size_t i = 0; i < io->lane_count; i++)
        sample_lane(io, &io->lanes[i]);
    packet_io_free(io->inner);
    next_hop_cache_free(io->hops);
    port_table_done(&io->ports);
    free(io->lanes);
    if (io->retry_fd >= 0)
        close(io->retry_fd);
    if (io->fd >= 0)
        close(io->fd);
    free(io);
}

static const struct packet_io_ops ops = {
    .name = "xdp",
    .open_socket = open_socket,
    .close_socket = close_socket,
    .receive = xdp_receive,
    .send = xdp_send,
    .poll_fd = poll_fd,
    .sample = sample,
    .start = start,
    .free = free_io,
};

static int find_lanes(struct xdp_io *io)
{
    const struct xdp_common *common = io->common;
    size_t count = 0;
    for (size_t d = 0; d < common->device_count; d++)
        count += device_queues(common->devices[d]);
    io->lanes = calloc(count, sizeof(*io->lanes));
    if (io->lanes == NULL)
        return -ENOMEM;
    for (size_t d = 0; d < common->device_count; d++) {
        struct device *device = common->devices[d];
        io->exits[d] = (struct xdp_exit){.rings = device_send_rings(device, io->worker->index),
            .ifindex = device_ifindex(device)};
        for (size_t queue = 0; queue < device_queues(device); queue++)
            io->lanes[io->lane_count++].rings = device_rings(device, queue, io->worker->index);
    }
    return 0;
}

static int watch(struct xdp_io *io, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(io->fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static int watch_all(struct xdp_io *io)
{
    io->fd = epoll_create1(EPOLL_CLOEXEC);
    if (io->fd < 0)
        return -errno;
    io->retry_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (io->retry_fd < 0)
        return -errno;
    int error = watch(io, io->retry_fd);
    if (error == 0)
        error = watch(io, packet_io_poll_fd(io->inner));
    for (size_t i = 0; error == 0 && i < io->lane_count; i++)
        error = watch(io, rings_fd(io->lanes[i].rings));
    return error;
}

static int make_all(struct xdp_io *io)
{
    int error = packet_io_new_epoll(NULL, io->base.pool, io->base.counters, &io->inner);
    if (error == 0)
        error = find_lanes(io);
    if (error == 0)
        error = watch_all(io);
    if (error != 0)
        return error;
    io->hops = next_hop_cache_new(io->common->hops);
    return io->hops != NULL ? 0 : -ENOMEM;
}

int packet_io_new_xdp(
    void *context, struct pool *pool, struct packet_io_counters *counters, struct packet_io **out)
{
    struct xdp_worker *worker = context;
    struct xdp_io *io = cache_line_calloc(1, sizeof(*io));
    if (io == NULL)
        return -ENOMEM;
    io->base = (struct packet_io){.ops = &ops, .pool = pool, .counters = counters};
    list_init(&io->base.open);
    io->worker = worker;
    io->common = worker->common;
    io->fd = io->retry_fd = -1;
    io->datagram_id = (uint16_t)random_u64();
    int error = make_all(io);
    if (error != 0) {
        free_io(&io->base);
        return error;
    }
    *out = &io->base;
    return 0;
}
