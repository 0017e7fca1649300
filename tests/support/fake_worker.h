/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/fake_worker.h - a media worker without thread, network or clock: net/worker.h as the
 * test wants it to be.
 *
 * Replaces net/worker.c at link time: list fake_worker_dep before the code under test. The worker
 * is made by worker_start() and freed by worker_stop(), as ever; `make_io` is not called. Nothing
 * happens by itself: a test lets packets arrive, moves the clock and reads what was sent. Messages
 * posted are delivered by the next fake_worker_turn().
 */
#ifndef SUPPORT_FAKE_WORKER_H
#define SUPPORT_FAKE_WORKER_H

#include "net/worker.h"

/* The time at which workers start. */
enum { FAKE_WORKER_START_MS = 1000000 };

/* A datagram from `from` waits in the socket that is bound to `to`; false when none is. */
bool fake_worker_arrive(struct worker *worker, const struct address *to, const struct address *from,
    struct bytes datagram);

/* One loop turn at the present time: timers that are due, messages, packets, sending. */
void fake_worker_turn(struct worker *worker);

/* Moves the clock on and takes a turn at each moment when a timer is due. */
void fake_worker_advance(struct worker *worker, uint64_t ms);

/* What was sent, the oldest first; taken out by the call. False when there is no more. */
struct fake_sent {
    struct address from;
    struct address to;
    enum packet_channel channel;
    size_t len;
    uint8_t data[PACKET_DATA_MAX + PACKET_TAILROOM];
};

bool fake_worker_take_sent(struct worker *worker, struct fake_sent *out);

/* Sockets open now. */
size_t fake_worker_sockets(const struct worker *worker);

#endif
