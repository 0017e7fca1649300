/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/queue.h - one queue of a device: memory for frames, and what its sockets share.
 *
 * All sockets at a queue have the same memory (XDP_SHARED_UMEM), and with it one ring by which the
 * kernel gets empty frames and one by which it gives sent ones back. The threads of all workers use
 * both, under a lock that is held for a few stores per frame. The frames to receive belong to all
 * and lie first, those to send belong to one sender each and are told by their address.
 */
#ifndef XDP_QUEUE_H
#define XDP_QUEUE_H

#include <uv.h>
#include <xdp/xsk.h>

#include "base/cache_line.h"
#include "base/str.h"

struct queue_config {
    unsigned index;
    size_t senders;
    size_t receive_frames; /* a power of two, */
    size_t send_frames;    /* as this: of each sender */
};

/* Addresses of frames that nobody uses. The last one is used first: it is likeliest to be in a
 * cache. */
struct frame_stack {
    uint64_t *addresses;
    size_t count;
};

struct queue {
    struct queue_config config;
    uint8_t *memory;
    size_t memory_size;
    struct xsk_umem *umem;

    _Alignas(CACHE_LINE) uv_mutex_t lock;
    struct xsk_ring_prod fill; /* from here on under the lock */
    struct xsk_ring_cons completion;
    struct frame_stack *returned; /* by sender: what others found sent */
};

/* Makes a queue whose frames to receive are all with the kernel. Returns 0 or a negative errno and
 * the reason in words. */
NODISCARD int queue_open(const struct queue_config *config, struct queue **out, struct str *why);

/* When its sockets are closed; accepts NULL. */
void queue_close(struct queue *queue);

/* Makes a stack that holds all frames of a sender. Returns 0 or -ENOMEM; free() its addresses. */
NODISCARD int queue_make_stack(const struct queue *queue, size_t sender, struct frame_stack *out);

/* Gives the frames of `count` entries of a receive ring back to the kernel. Returns false when the
 * ring has no room for a moment, since the kernel is about to say what it took: then none are. */
NODISCARD bool queue_refill(
    struct queue *queue, const struct xsk_ring_cons *received, uint32_t first, uint32_t count);

/* Collects what was sent: that of this sender into `unused`, that of others until they come. */
void queue_collect(struct queue *queue, size_t sender, struct frame_stack *unused);

#endif
