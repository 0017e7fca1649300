/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/eventfd.h>
#include <time.h>

#include "base/hot_path.h"
#include "net/packet_io_socket.h"
#include "xdp/frame.h"
#include "xdp/packet_io.h"

/* A queue gives no more than RUN frames before the others had their turn, and is asked no more than
 * ROUNDS times: one that only gives what must be dropped does not hold the loop. */
enum { RUN = 64, ROUNDS = PACKET_BATCH_MAX / RUN };

/* Nothing waits so long in a ring while its worker is alive. */
#define STAMP_AGE_MAX_NS UINT64_C(2000000000)

/* ICMP's "too long": RFC 1191, section 4, and RFC 4443, section 3.2. */
enum { DEST_UNREACHABLE = 3, FRAGMENTATION_NEEDED = 4, PACKET_TOO_BIG6 = 2 };

/* What a run of received frames comes to. */
struct intake {
    struct xdp_io *io;
    struct packet_batch *batch;
    uint64_t now_ns; /* 0: not read yet */
    uint64_t packets, bytes;
};

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Who the datagram is for; or DROP_FRAME_..., why nobody. Like the kernel, this takes nothing from
 * the network that claims to come from here. */
static enum drop_reason find_socket(
    const struct xdp_io *io, const struct frame_in *in, struct packet_socket **out)
{
    int address = xdp_address_index(io->common, &in->to);
    *out = address >= 0 ? port_table_find(&io->ports, (unsigned)address, in->to.port) : NULL;
    if (*out == NULL)
        return DROP_FRAME_NO_SOCKET;
    return xdp_address_index(io->common, &in->from) >= 0 ? DROP_FRAME_SOURCE : DROP_NONE;
}

static uint64_t arrival_of(const struct io_socket *socket, uint64_t stamp_ns, uint64_t now_ns)
{
    return socket->want_timestamp && now_ns - stamp_ns <= STAMP_AGE_MAX_NS ? stamp_ns : now_ns;
}

static enum drop_reason accept_frame(struct intake *intake, const struct rings_frame *frame)
{
    struct packet_socket *socket;
    struct frame_in in;
    enum drop_reason reason = frame_read(frame->bytes, &in);
    if (reason == DROP_NONE)
        reason = find_socket(intake->io, &in, &socket);
    if (reason != DROP_NONE)
        return reason;
    struct packet *p = packet_take(intake->io->base.pool);
    if (p == NULL)
        return DROP_NO_MEMORY;
    if (!packet_set(p, in.payload)) {
        packet_give(intake->io->base.pool, p);
        return DROP_TRUNCATED;
    }
    p->socket = socket;
    p->peer = in.from;
    p->tos = socket->want_tos ? in.tos : 0;
    p->arrival_ns = arrival_of((struct io_socket *)socket, frame->arrival_ns, intake->now_ns);
    intake->batch->packets[intake->batch->count++] = p;
    intake->packets++;
    intake->bytes += in.payload.len;
    return DROP_NONE;
}

/* Returns whether the queue is likely to have more. */
static bool receive_run(struct intake *intake, struct rings *rings, size_t limit)
{
    struct rings_frame frames[RUN];
    size_t room = limit - intake->batch->count;
    size_t wanted = room < RUN ? room : RUN;
    size_t count = rings_receive(rings, frames, wanted);
    if (count == 0)
        return false;
    if (intake->now_ns == 0)
        intake->now_ns = monotonic_ns();
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count)
            prefetch(frames[i + 1].bytes.data);
        enum drop_reason reason = accept_frame(intake, &frames[i]);
        if (reason != DROP_NONE)
            drop_count(&intake->io->base.counters->drops, reason);
    }
    rings_release(rings);
    return count == wanted;
}

/* Fills the batch with frames up to `limit` packets. */
static void receive_frames(struct intake *intake, size_t limit)
{
    struct xdp_io *io = intake->io;
    bool has_more = true;
    for (unsigned round = 0; has_more && round < ROUNDS; round++) {
        has_more = false;
        for (size_t i = 0; i < io->lane_count && intake->batch->count < limit; i++)
            has_more |=
                receive_run(intake, io->lanes[(io->first_lane + i) % io->lane_count].rings, limit);
        has_more = has_more && intake->batch->count < limit;
    }
    io->first_lane = io->first_lane + 1 < io->lane_count ? io->first_lane + 1 : 0;
}

static bool is_too_long(const struct packet *p)
{
    if (p->kind != PACKET_ICMP)
        return false;
    return p->socket->local.family == ADDRESS_IP6
               ? p->icmp_type == PACKET_TOO_BIG6
               : p->icmp_type == DEST_UNREACHABLE && p->icmp_code == FRAGMENTATION_NEEDED;
}

/* The kernel has learned of a narrower path, which next hops must learn too. */
static void look_for_narrow_paths(struct xdp_io *io, const struct packet_batch *batch, size_t first)
{
    for (size_t i = first; i < batch->count; i++)
        if (is_too_long(batch->packets[i]))
            next_hop_ask_again(io->hops, &batch->packets[i]->socket->local,
                &batch->packets[i]->peer, xdp_now_ms());
}

/* Packets by sockets: their part of the batch is theirs, though there be frames enough for all. */
static void receive_others(struct xdp_io *io, struct packet_batch *batch)
{
    size_t before = batch->count;
    packet_io_receive(io->inner, batch);
    look_for_narrow_paths(io, batch, before);
}

static void retry_kick(struct xdp_io *io)
{
    eventfd_t events;
    for (size_t i = 0; i < io->common->device_count; i++) {
        if (!io->exits[i].must_kick)
            continue;
        (void)eventfd_read(io->retry_fd, &events);
        xdp_kick(io);
        return;
    }
}

void xdp_receive(struct packet_io *base, struct packet_batch *batch)
{
    struct xdp_io *io = (struct xdp_io *)base;
    struct intake intake = {.io = io, .batch = batch};
    size_t before = batch->count, room = PACKET_BATCH_MAX - before;

    retry_kick(io);
    receive_frames(&intake, before + room - room / 4);
    size_t by_rings = batch->count - before;
    receive_others(io, batch);
    bool was_counted = batch->count > before + by_rings; /* as a batch, by the inner one */
    if (by_rings == room - room / 4)
        receive_frames(&intake, PACKET_BATCH_MAX);

    if (intake.packets == 0)
        return;
    counter_add(&base->counters->received_packets, intake.packets);
    counter_add(&base->counters->received_bytes, intake.bytes);
    counter_add(&io->worker->counters.received_packets, intake.packets);
    if (!was_counted)
        counter_add(&base->counters->batches, 1);
}
