/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/packet_io.h - the one seam between workers and the packets of the network.
 *
 * A back end keeps a set of UDP sockets, gathers what is readable on all of them into a batch and
 * sends batches. It belongs to one worker and is used in that worker's thread only. It never
 * blocks and does not log: what it cannot receive or send, it drops under a counted reason.
 *
 * A socket may be closed at any moment, also while packets of it are in a batch: its descriptor is
 * closed at once and its `user` becomes NULL, but the structure stays valid until the next
 * receive(), which must not be called while packets are waiting to be sent.
 */
#ifndef NET_PACKET_IO_H
#define NET_PACKET_IO_H

#include "base/list.h"
#include "net/own_sockets.h"
#include "net/packet.h"

struct worker_module;

/* What a socket means to the pipeline. */
enum packet_channel {
    PACKET_CHANNEL_RTP,     /* RTP, with RTCP and all else when muxed */
    PACKET_CHANNEL_RTCP,    /* RTCP on its own port */
    PACKET_CHANNEL_SHARED,  /* one port for many legs: told apart by ufrag and 5-tuple */
    PACKET_CHANNEL_TURN,    /* clients of the TURN server */
    PACKET_CHANNEL_RELAYED, /* a relayed transport address of a client */
};

struct packet_socket {
    struct address local; /* what it is bound to */
    enum packet_channel channel;
    struct worker_module *module; /* who gets its packets; NULL: nobody, the worker drops them */
    void *user;                   /* borrowed; NULL once closed */
    uint8_t tos;                  /* the class packets leave with that do not say their own */
    bool want_tos;
    struct own_socket own; /* the worker's: how others in the process find it */
};

struct packet_socket_config {
    int fd; /* bound and non-blocking; taken when opening succeeds */
    struct address local;
    enum packet_channel channel;
    struct worker_module *module;
    void *user;

    uint8_t tos;    /* the traffic class that is set on the descriptor */
    bool want_tos;  /* packets carry their class: it is read from those received, and those sent
                       leave with the one they have */
    bool want_icmp; /* ICMP errors about packets that were sent are received as PACKET_ICMP, as is a
                       local "too long" */
    bool want_df; /* packets with `dont_fragment` are never fragmented, all others may be, here and
                     on their way (IPv4: the DF bit); otherwise as the system is set up */

    bool want_timestamp; /* `arrival_ns` of received packets is when the kernel had them, so that no
                            time of gathering is in it */

    /* Others in the process that send to `local`, or to `advertised` with the same port, are heard
     * without the kernel (net/own_sockets.h). Not for a port that several workers share; an
     * unspecified `local` is reached through the kernel all the same. */
    bool reachable;
    struct address advertised; /* its IP as the world knows it; family NONE: that of `local` */
};

struct packet_io_counters {
    struct counter received_packets;
    struct counter received_bytes;
    struct counter sent_packets;
    struct counter sent_bytes;
    struct counter delivered_inside; /* of those sent: handed to a socket of this process */
    struct counter batches;          /* not empty */
    struct counter gather_waits;     /* the worker's: times it slept so that packets gather */
    struct counter sockets;          /* open now */
    struct counter kernel_drops;     /* datagrams that the kernel dropped: a socket's receive buffer
                                        was full. Counted by packet_io_sample() and at the close */
    struct drop_counters drops;
};

struct packet_io;

struct packet_io_ops {
    const char *name;
    int (*open_socket)(struct packet_io *io, const struct packet_socket_config *config,
        struct packet_socket **out);
    void (*close_socket)(struct packet_io *io, struct packet_socket *socket);
    void (*receive)(struct packet_io *io, struct packet_batch *batch);
    void (*send)(struct packet_io *io, struct packet_batch *batch);
    int (*poll_fd)(const struct packet_io *io);
    void (*sample)(struct packet_io *io, size_t max_sockets);
    void (*start)(struct packet_io *io); /* NULL: nothing to do */
    void (*free)(struct packet_io *io);
};

/* What every back end begins with. */
struct packet_io {
    const struct packet_io_ops *ops;
    struct pool *pool;                   /* of packets; borrowed */
    struct packet_io_counters *counters; /* borrowed */
    struct list open;                    /* of sockets */
};

/* Makes a back end; returns 0 and a new one in `out`, or a negative errno. `context` is what makers
 * of its kind agreed on with who chose it; those here take none. */
typedef int packet_io_maker(
    void *context, struct pool *pool, struct packet_io_counters *counters, struct packet_io **out);

/* epoll with recvmmsg and sendmmsg: works everywhere. Others: net/packet_io_choose.h. */
packet_io_maker packet_io_new_epoll;

/* From here on it is used in the calling thread, in which it may receive and send. Sockets may be
 * opened and closed before. */
static inline void packet_io_start(struct packet_io *io)
{
    if (io->ops->start != NULL)
        io->ops->start(io);
}

/* Takes `config->fd`. Returns 0 and the socket, which packet_io_close_socket() frees, in `out`, or
 * a negative errno; then the caller keeps the descriptor. */
NODISCARD static inline int packet_io_open_socket(
    struct packet_io *io, const struct packet_socket_config *config, struct packet_socket **out)
{
    return io->ops->open_socket(io, config, out);
}

/* Closes; accepts NULL. */
static inline void packet_io_close_socket(struct packet_io *io, struct packet_socket *socket)
{
    if (socket != NULL)
        io->ops->close_socket(io, socket);
}

/* Fills a batch up with what is readable now; the caller gives the packets back. poll_fd stays
 * readable while there is more; a full batch means that this is likely. */
static inline void packet_io_receive(struct packet_io *io, struct packet_batch *batch)
{
    io->ops->receive(io, batch);
}

/* Sends each packet from its socket to its peer. Takes the packets and empties the batch. */
static inline void packet_io_send(struct packet_io *io, struct packet_batch *batch)
{
    io->ops->send(io, batch);
}

/* The descriptor that is readable when receive() would find something. */
static inline int packet_io_poll_fd(const struct packet_io *io)
{
    return io->ops->poll_fd(io);
}

/* Counts what the kernel has dropped for up to `max_sockets` sockets since it was asked the last
 * time, one after the other over the calls. A system call for each. */
static inline void packet_io_sample(struct packet_io *io, size_t max_sockets)
{
    io->ops->sample(io, max_sockets);
}

/* Closes all sockets and frees; accepts NULL. In any thread, when that of packet_io_start() has
 * ended. */
static inline void packet_io_free(struct packet_io *io)
{
    if (io != NULL)
        io->ops->free(io);
}

#endif
