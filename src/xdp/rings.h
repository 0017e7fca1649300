/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/rings.h - a worker's AF_XDP socket at one queue of a device.
 *
 * Frames that arrived are looked at where they lie and given back; frames to send are written into
 * memory that the kernel reads. A device makes them (xdp/device.h); they are used in the worker's
 * thread only, but for rings_statistics(). Nothing here blocks, allocates or logs.
 *
 *     rings_receive() ... rings_release()              one lock a batch
 *     rings_reserve(), rings_commit() ... rings_kick() one lock and few system calls a batch
 */
#ifndef XDP_RINGS_H
#define XDP_RINGS_H

#include "mediaferry/bytes.h"
#include "xdp/program_layout.h"

struct rings;

/* A frame from the network, from its Ethernet header on. Borrowed until rings_release(). */
struct rings_frame {
    struct bytes bytes;
    uint64_t arrival_ns; /* when it entered, CLOCK_MONOTONIC; 0: not known */
};

/* Totals since the rings were opened. */
struct rings_statistics {
    /* Frames that were lost on their way to the worker: */
    uint64_t no_frame;  /* all memory was in use; or longer than XDP_FRAME_MAX, of which the program
                           lets none through */
    uint64_t ring_full; /* the worker did not come by for too long */

    uint64_t fill_empty;   /* how often the kernel found no memory; of all workers at the queue */
    uint64_t send_dropped; /* by the device: it has no carrier */
    uint64_t bad_entries;  /* that the kernel found wrong: ours to fix */
    uint64_t kick_errors;  /* times that rings_kick() failed, but for -EAGAIN */
};

/* Readable when frames have arrived; to wait for, nothing else. */
int rings_fd(const struct rings *rings);

/* Writes up to `max` frames that have arrived into `out`; returns how many. No system call. May be
 * called again before they are given back. */
size_t rings_receive(struct rings *rings, struct rings_frame *out, size_t max);

/* Gives all frames back that were received. */
void rings_release(struct rings *rings);

/* Returns memory of XDP_FRAME_SIZE bytes to write a frame into, or NULL: all are under way, or the
 * device cannot send. The same again until it is committed. */
uint8_t *rings_reserve(struct rings *rings);

/* What was reserved last is a frame of `len` bytes, at least an Ethernet header. It leaves with the
 * next rings_kick(). */
void rings_commit(struct rings *rings, size_t len);

/*
 * Has the kernel send what is committed, and takes frames back that were sent. Without anything to
 * send it makes no system call. Returns
 * 0        the kernel has taken all;
 * -EAGAIN  the device is busy and frames are waiting: call again soon, with or without new ones;
 * others   it is down or gone, and rings_reserve() gives nothing from now on. What is committed
 *          waits, and a later call tries again: it may have come back, but for -ENXIO.
 */
int rings_kick(struct rings *rings);

/* Asks the kernel, one system call; in any thread. Returns 0 or a negative errno. */
NODISCARD int rings_statistics(struct rings *rings, struct rings_statistics *out);

#endif
