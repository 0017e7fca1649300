/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/packet_io_socket.h - a socket as back ends of packet_io have it that keep descriptors: its
 * wishes, its error queue, what the kernel dropped.
 */
#ifndef NET_PACKET_IO_SOCKET_H
#define NET_PACKET_IO_SOCKET_H

#include "net/packet_io.h"

/* As many errors of one socket are received before the others had their turn. */
enum { IO_SOCKET_ERROR_RUN = 4 };

struct io_socket {
    struct packet_socket base;
    struct list link; /* in the list of those open; once closed, the back end's */
    int fd;           /* -1 once closed */
    bool want_icmp, want_df, want_timestamp;
    bool dont_fragment;      /* how the descriptor is set now; of `want_df` */
    uint32_t drops;          /* of the kernel, when it was asked last */
    struct address too_long; /* where the last datagram went that was too long for the first hop */
};

static inline struct io_socket *io_socket_of(struct list *link)
{
    return CONTAINER_OF(link, struct io_socket, link);
}

/* Whether received messages come with control messages that are of interest. */
static inline bool io_socket_has_control(const struct io_socket *socket)
{
    return socket->base.want_tos || socket->want_timestamp;
}

/* Sets the descriptor up, takes it and lists the socket as open. Returns 0 or a negative errno. */
NODISCARD int io_socket_open(
    struct packet_io *io, const struct packet_socket_config *config, struct io_socket *socket);

/* Closes the descriptor; from now on nothing has the socket in a list. */
void io_socket_close(struct packet_io *io, struct io_socket *socket);

/* packet_io_sample(). */
void io_socket_sample(struct packet_io *io, size_t max_sockets);

/* Whether datagrams may be fragmented from now on. */
void io_socket_choose_df(struct io_socket *socket, bool dont_fragment);

/* Adds up to IO_SOCKET_ERROR_RUN entries of the error queue to the batch. False when there are no
 * more of them; a full batch leaves them where they are. */
bool io_socket_receive_errors(
    struct packet_io *io, struct io_socket *socket, struct packet_batch *batch);

/* Without buffers a datagram must go, or its socket would stay readable for ever. `flags` as those
 * of recv(). Returns whether there was one; counts it. */
bool io_socket_receive_nothing(struct packet_io *io, struct io_socket *socket, int flags);

#endif
