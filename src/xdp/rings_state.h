/* SPDX-License-Identifier: Apache-2.0 */
/* xdp/rings_state.h - how a device makes rings; what is inside them. */
#ifndef XDP_RINGS_STATE_H
#define XDP_RINGS_STATE_H

#include "xdp/queue.h"
#include "xdp/rings.h"

struct rings_config {
    const char *interface; /* borrowed for the time of opening */
    struct queue *queue;   /* borrowed; closed after the rings */
    size_t receive_size;   /* of the ring: how many frames may wait; a power of two */
    bool sends;
    size_t sender; /* which one at the queue */
};

struct rings {
    struct queue *queue;
    struct xsk_socket *socket;
    int fd;

    struct xsk_ring_cons received;
    uint32_t held_first; /* entries of `received` whose frames are with the worker */
    uint32_t held;

    bool sends; /* it has what follows */
    bool has_reserved;
    bool exhausted; /* all frames were under way when this was asked the last time */
    int error;      /* of the last kick; 0 too when it was busy */
    struct xsk_ring_prod sending;
    struct frame_stack unused;
    uint64_t reserved;
    uint32_t committed; /* entries of `sending` that the kernel is not shown yet */
    size_t sender;

    uint64_t send_dropped; /* atomic, as is what follows: statistics are read by others */
    uint64_t kick_errors;
};

/* Opens a socket at a queue. Returns 0 or a negative errno and the reason in words. */
NODISCARD int rings_open(const struct rings_config *config, struct rings **out, struct str *why);

/* Accepts NULL. */
void rings_close(struct rings *rings);

#endif
