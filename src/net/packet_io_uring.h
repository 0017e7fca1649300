/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/packet_io_uring.h - the io_uring back end as its own files see it: packet_io_uring.c has its
 * life and its sockets, packet_io_uring_receive.c and packet_io_uring_send.c the packets.
 *
 * Every open socket has one request in the kernel, a receive that goes on until it fails. What it
 * receives, it writes into buffers that are packets of the pool, in front of the datagram also whom
 * it is from. All that happens within our calls of io_uring_enter(), never in between: datagrams
 * wait in their sockets until receive(). That there is such work to do an eventfd tells: the ring's
 * own descriptor becomes readable by results, and they come of that work only.
 */
#ifndef NET_PACKET_IO_URING_H
#define NET_PACKET_IO_URING_H

#include <assert.h>
#include <liburing.h>
#include <sys/eventfd.h>

#include "net/packet_out.h"

enum {
    URING_REQUESTS = 512, /* handed in at once: those of a batch fit */
    URING_RESULTS = 4096,
    URING_BUFFERS = 1024, /* at most; a power of two */
    URING_BUFFERS_LOW = PACKET_BATCH_MAX,
};

/* What the kernel writes in front of a datagram: this makes its headroom. */
enum {
    URING_HEADER_SIZE = sizeof(struct io_uring_recvmsg_out),
    URING_NAME_SIZE = 32, /* an address of either family, and the control messages are aligned */
    URING_NAME_AT = URING_HEADER_SIZE,
    URING_CONTROL_AT = URING_NAME_AT + URING_NAME_SIZE,
};
static_assert(URING_CONTROL_AT + PACKET_CONTROL_SIZE == PACKET_HEADROOM, "where the payload is");

/* Whose result it is: in the lowest bits of `user_data`. Above them a receive has its socket, which
 * lives until its last result was seen; a send has the number of its packet. */
enum uring_kind { URING_RECEIVE, URING_SEND, URING_NOTHING };
enum { URING_KIND_MASK = 3, URING_KIND_BITS = 2 };

struct uring_socket {
    struct io_socket base;
    bool is_armed;      /* its request is in the kernel, or its last result was not seen yet */
    struct list arm;    /* in `unarmed` or `starved` */
    struct list errors; /* in `failing` */
};

struct uring_io {
    struct packet_io base;
    struct io_uring ring;
    int event_fd; /* readable when receive() should be called */
    struct io_uring_buf_ring *buffers;
    struct packet *laid[URING_BUFFERS]; /* in `buffers`, by number */
    uint16_t free_ids[URING_BUFFERS];
    unsigned free_count;
    unsigned level, level_max; /* as many are laid out, and may be at most */
    unsigned calm;             /* calls of receive() since they were too few */
    bool is_started;
    struct msghdr form;  /* of what is received */
    struct list closed;  /* sockets, until their last result was seen */
    struct list unarmed; /* sockets that receive again soon */
    struct list starved; /* the same; they found no buffer */
    struct list failing; /* sockets with entries in their error queue */
    struct packet_clock clock;
    struct packet_out out;
    uint64_t sent_packets, sent_bytes; /* handed in, and not failed so far */
};

static inline enum uring_kind uring_kind_of(const struct io_uring_cqe *cqe)
{
    return (enum uring_kind)(cqe->user_data & URING_KIND_MASK);
}

/* Returns an empty request; NULL when the kernel takes none at the moment. */
struct io_uring_sqe *uring_request(struct uring_io *io);

/* Hands in what was asked for; with `receive`, the kernel also receives and what it finished
 * becomes results. False when some could not be handed in. */
bool uring_enter(struct uring_io *io, bool receive);

/* Lets the socket receive; when that cannot be asked for now, the next receive() does. */
void uring_arm(struct uring_io *io, struct uring_socket *socket);

/* Makes poll_fd readable, so that receive() is called. */
static inline void uring_kick(struct uring_io *io)
{
    (void)eventfd_write(io->event_fd, 1);
}

/* receive() looks at the error queue of the socket, if its errors are of interest. */
void uring_note_errors(struct uring_io *io, struct uring_socket *socket);

/* Lays out packets for the kernel to receive into. */
void uring_refill(struct uring_io *io);

/* packet_io_receive() and packet_io_send(). */
void uring_receive(struct packet_io *io, struct packet_batch *batch);
void uring_send(struct packet_io *io, struct packet_batch *batch);

#endif
