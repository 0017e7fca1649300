/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/hot_path.h"
#include "net/packet_io_socket.h"
#include "xdp/frame.h"
#include "xdp/packet_io.h"

/* Every link takes that (RFC 8200, section 5; of those of IPv4 that do not, few are left). */
enum { SURE_MTU = 1280 };

/* A batch on its way out. */
struct outgo {
    struct xdp_io *io;
    uint64_t now_ms;
    uint64_t packets, bytes;  /* sent as frames */
    struct packet_batch rest; /* for the sockets */
};

uint64_t xdp_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void xdp_kick(struct xdp_io *io)
{
    bool is_busy = false;
    for (size_t i = 0; i < io->common->device_count; i++) {
        struct xdp_exit *exit = &io->exits[i];
        if (!exit->must_kick)
            continue;
        exit->must_kick = rings_kick(exit->rings) == -EAGAIN;
        is_busy |= exit->must_kick;
    }
    if (is_busy)
        (void)eventfd_write(io->retry_fd, 1);
}

static inline bool has_no_ip(const struct address *a)
{
    uint64_t halves[2];
    memcpy(halves, a->ip, sizeof(halves));
    return (halves[0] | halves[1]) == 0;
}

/* What the kernel would find wrong, or would have to find out. */
static inline bool may_be_a_frame(const struct packet *p)
{
    const struct address *local = &p->socket->local;
    return local->family == p->peer.family && p->peer.port != 0 && !has_no_ip(local);
}

/* Whether a link behind the first may be too narrow for the packet, and nobody here would hear of
 * it: a router tells the kernel, and the kernel those sockets that want ICMP errors. */
static bool is_kernels_to_fit(const struct xdp_common *common, const struct packet *p, size_t size)
{
    if (size <= SURE_MTU || ((const struct io_socket *)p->socket)->want_icmp)
        return false;
    return p->peer.family == ADDRESS_IP6 || common->ip4.dont_fragment;
}

static struct xdp_exit *exit_by(struct xdp_io *io, unsigned ifindex)
{
    for (size_t i = 0; i < io->common->device_count; i++)
        if (io->exits[i].ifindex == ifindex)
            return &io->exits[i];
    return NULL;
}

static void write_frame(struct outgo *outgo, struct xdp_exit *exit, uint8_t *memory,
    const struct packet *p, const struct next_hop *hop)
{
    const struct io_socket *socket = (const struct io_socket *)p->socket;
    const struct xdp_common *common = outgo->io->common;
    bool is_ip6 = p->peer.family == ADDRESS_IP6;
    const struct xdp_manner *manner = is_ip6 ? &common->ip6 : &common->ip4;
    struct frame_out how = {
        .source_mac = hop->source,
        .destination_mac = hop->destination,
        .from = &p->socket->local,
        .to = &p->peer,
        .tos = p->socket->want_tos ? p->tos : p->socket->tos,
        .hop_limit = manner->hop_limit,
        .dont_fragment = socket->want_df ? p->dont_fragment : manner->dont_fragment,
        .id = outgo->io->datagram_id++,
    };
    rings_commit(exit->rings, frame_write(memory, XDP_FRAME_SIZE, &how, packet_bytes(p)));
    outgo->packets++;
    outgo->bytes += p->len;
}

/* Sends the packet as a frame and returns NEXT_HOP_READY, or returns why not. */
static unsigned send_frame(struct outgo *outgo, const struct packet *p)
{
    if (!may_be_a_frame(p))
        return XDP_DETOUR_ADDRESS;
    const struct next_hop *hop =
        next_hop_find(outgo->io->hops, &p->socket->local, &p->peer, outgo->now_ms);
    if (hop->state != NEXT_HOP_READY)
        return hop->state;
    size_t size = frame_packet_size(p->peer.family, p->len);
    if (size > hop->mtu || size > XDP_FRAME_SIZE - FRAME_ETHERNET_SIZE ||
        is_kernels_to_fit(outgo->io->common, p, size))
        return XDP_DETOUR_TOO_LONG;
    struct xdp_exit *exit = exit_by(outgo->io, hop->ifindex);
    if (exit == NULL)
        return NEXT_HOP_INTERFACE;
    exit->must_kick = true; /* one that gives nothing, too: it may be able to again */
    uint8_t *memory = rings_reserve(exit->rings);
    if (memory == NULL)
        return XDP_DETOUR_RING_FULL;
    write_frame(outgo, exit, memory, p, hop);
    return NEXT_HOP_READY;
}

/* By its socket: after the frames, where that is so for all packets of a destination. The one that
 * confirms a neighbour is the first of its batch, and must not fall behind the others. */
static COLD void send_by_socket(struct outgo *outgo, struct packet *p, unsigned detour)
{
    counter_add(&outgo->io->worker->counters.detours[detour], 1);
    if (detour == NEXT_HOP_CONFIRM) {
        struct packet_batch one = {.count = 1, .packets = {p}};
        packet_io_send(outgo->io->inner, &one);
    } else {
        outgo->rest.packets[outgo->rest.count++] = p;
    }
}

static void send_packet(struct outgo *outgo, struct packet *p)
{
    if (((const struct io_socket *)p->socket)->fd < 0) {
        drop_count(&outgo->io->base.counters->drops, DROP_SOCKET_CLOSED);
        packet_give(outgo->io->base.pool, p);
        return;
    }
    unsigned detour = send_frame(outgo, p);
    if (detour == NEXT_HOP_READY)
        packet_give(outgo->io->base.pool, p);
    else
        send_by_socket(outgo, p, detour);
}

void xdp_send(struct packet_io *base, struct packet_batch *batch)
{
    struct xdp_io *io = (struct xdp_io *)base;
    struct outgo outgo;
    outgo.io = io;
    outgo.now_ms = xdp_now_ms();
    outgo.packets = outgo.bytes = 0;
    outgo.rest.count = 0;
    for (size_t i = 0; i < batch->count; i++)
        send_packet(&outgo, batch->packets[i]);
    batch->count = 0;

    xdp_kick(io);
    if (outgo.rest.count > 0)
        packet_io_send(io->inner, &outgo.rest);
    counter_add(&base->counters->sent_packets, outgo.packets);
    counter_add(&base->counters->sent_bytes, outgo.bytes);
    counter_add(&io->worker->counters.sent_packets, outgo.packets);
}
