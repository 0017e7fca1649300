/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/rings.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/hot_path.h"
#include "xdp/rings_state.h"

enum {
    KICK_BATCH = 32, /* how many frames the kernel sends in a call */
    KICK_SPARE = 4,  /* calls beyond those that this makes necessary */
    KICK_DROPS = 64, /* frames that the device may drop, each of which ends a call */
};

int rings_fd(const struct rings *rings)
{
    return rings->fd;
}

/* When a frame arrived, as the program wrote it before the frame. It lies in the room that the
 * kernel keeps before a packet, which each frame has. */
static uint64_t arrival_of(const uint8_t *frame)
{
    struct xdp_stamp stamp;
    memcpy(&stamp, frame - sizeof(stamp), sizeof(stamp));
    return stamp.magic == XDP_STAMP_MAGIC ? stamp.arrival_ns : 0;
}

/* Looks at the ring once more than at what was known of it: what has come since belongs to the same
 * batch. */
static uint32_t take_entries(struct rings *rings, size_t max, uint32_t *first)
{
    uint32_t wanted = max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
    uint32_t next = 0;
    uint32_t count = xsk_ring_cons__peek(&rings->received, wanted, first);
    if (count > 0 && count < wanted)
        count += xsk_ring_cons__peek(&rings->received, wanted - count, &next);
    return count;
}

size_t rings_receive(struct rings *rings, struct rings_frame *out, size_t max)
{
    uint32_t first = 0;
    uint32_t count = take_entries(rings, max, &first);
    if (count == 0)
        return 0;
    if (rings->held == 0)
        rings->held_first = first;
    rings->held += count;

    for (uint32_t i = 0; i < count; i++) {
        const struct xdp_desc *entry = xsk_ring_cons__rx_desc(&rings->received, first + i);
        out[i].bytes = bytes_of(rings->queue->memory + entry->addr, entry->len);
        prefetch(out[i].bytes.data);
        prefetch(out[i].bytes.data - sizeof(struct xdp_stamp));
    }
    for (uint32_t i = 0; i < count; i++)
        out[i].arrival_ns = arrival_of(out[i].bytes.data);
    return count;
}

void rings_release(struct rings *rings)
{
    if (rings->held == 0)
        return;
    /* Else they are given back with the next ones. */
    if (queue_refill(rings->queue, &rings->received, rings->held_first, rings->held)) {
        xsk_ring_cons__release(&rings->received, rings->held);
        rings->held = 0;
    }
}

/* Whether there is a frame to use, after asking for those that were sent when there is not. */
static bool has_unused(struct rings *rings)
{
    if (rings->unused.count == 0 && !rings->exhausted) {
        queue_collect(rings->queue, rings->sender, &rings->unused);
        rings->exhausted = rings->unused.count == 0;
    }
    return rings->unused.count > 0;
}

uint8_t *rings_reserve(struct rings *rings)
{
    if (!rings->has_reserved) {
        if (!rings->sends || rings->error != 0 || !has_unused(rings) ||
            xsk_prod_nb_free(&rings->sending, 1) == 0)
            return NULL;
        rings->reserved = rings->unused.addresses[--rings->unused.count];
        rings->has_reserved = true;
    }
    return rings->queue->memory + rings->reserved;
}

void rings_commit(struct rings *rings, size_t len)
{
    enum { ETHERNET_HEADER = 14 };
    assert(rings->has_reserved && len >= ETHERNET_HEADER && len <= XDP_FRAME_SIZE);
    uint32_t index = 0;
    uint32_t got = xsk_ring_prod__reserve(&rings->sending, 1, &index);
    assert(got == 1); /* rings_reserve() saw room, which only we use up */
    (void)got;
    *xsk_ring_prod__tx_desc(&rings->sending, index) =
        (struct xdp_desc){.addr = rings->reserved, .len = (uint32_t)len};
    rings->has_reserved = false;
    rings->committed++;
}

/* How many the kernel has not taken; more than there are when it has not said so yet. */
static uint32_t waiting(const struct rings *rings)
{
    const struct xsk_ring_prod *ring = &rings->sending;
    return *ring->producer - __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
}

static bool is_busy(int error)
{
    return error == EAGAIN || error == ENOBUFS || error == ENOMEM || error == EINTR;
}

/* Calls the kernel until it has taken all, or takes no more for now. */
static int send_waiting(struct rings *rings)
{
    uint32_t calls = waiting(rings) / KICK_BATCH + KICK_SPARE;
    uint32_t drops = KICK_DROPS;
    while (calls > 0 && drops > 0) {
        if (sendto(rings->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0)
            return 0;
        if (errno == EBUSY) {
            /* The device has dropped a frame: it has no carrier. The next may go. */
            __atomic_fetch_add(&rings->send_dropped, 1, __ATOMIC_RELAXED);
            drops--;
        } else if (is_busy(errno)) {
            calls--;
        } else {
            return -errno;
        }
    }
    return -EAGAIN;
}

int rings_kick(struct rings *rings)
{
    rings->exhausted = false;
    if (!rings->sends || (rings->committed == 0 && waiting(rings) == 0 && rings->error == 0))
        return 0;
    xsk_ring_prod__submit(&rings->sending, rings->committed);
    rings->committed = 0;
    if (rings->error == -ENXIO)
        return -ENXIO;

    int error = send_waiting(rings);
    rings->error = error == -EAGAIN ? 0 : error;
    if (rings->error != 0)
        __atomic_fetch_add(&rings->kick_errors, 1, __ATOMIC_RELAXED);
    queue_collect(rings->queue, rings->sender, &rings->unused);
    return error;
}

int rings_statistics(struct rings *rings, struct rings_statistics *out)
{
    struct xdp_statistics kernel = {0};
    socklen_t size = sizeof(kernel);
    if (getsockopt(rings->fd, SOL_XDP, XDP_STATISTICS, &kernel, &size) != 0)
        return -errno;
    *out = (struct rings_statistics){
        .no_frame = kernel.rx_dropped,
        .ring_full = kernel.rx_ring_full,
        .fill_empty = kernel.rx_fill_ring_empty_descs,
        .send_dropped = __atomic_load_n(&rings->send_dropped, __ATOMIC_RELAXED),
        .bad_entries = kernel.rx_invalid_descs + kernel.tx_invalid_descs,
        .kick_errors = __atomic_load_n(&rings->kick_errors, __ATOMIC_RELAXED),
    };
    return 0;
}
