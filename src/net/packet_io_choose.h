/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/packet_io_choose.h - which packet back end this machine can use.
 */
#ifndef NET_PACKET_IO_CHOOSE_H
#define NET_PACKET_IO_CHOOSE_H

#include "net/packet_io.h"

/* PACKET_IO_XDP is none of net's: who knows it chooses it, or falls back to PACKET_IO_AUTO. */
enum packet_io_kind { PACKET_IO_AUTO, PACKET_IO_EPOLL, PACKET_IO_URING, PACKET_IO_XDP };

struct packet_io_choice {
    packet_io_maker *make; /* for worker_config */
    const char *name;      /* "epoll" or "io_uring" */
    char reason[160];      /* in words, for a line in the log */
};

/*
 * Fills `out` with `wanted`, or, for PACKET_IO_AUTO, with the fastest that works. False when
 * `wanted` does not work here: then `out` has epoll, and why. io_uring is tried out: a datagram is
 * sent and received over the loopback interface, which takes some milliseconds at most.
 */
NODISCARD bool packet_io_choose(enum packet_io_kind wanted, struct packet_io_choice *out);

/* io_uring with receives that go on and sends in batches; fails where the kernel does not have all
 * of it, or forbids it. Only in builds with liburing: packet_io_choose() knows. */
packet_io_maker packet_io_new_uring;

#endif
