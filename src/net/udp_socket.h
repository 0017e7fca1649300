/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/udp_socket.h - non-blocking UDP sockets, bound as asked.
 *
 * IPv6 sockets carry IPv6 only. All functions return 0 or a negative errno and never block.
 */
#ifndef NET_UDP_SOCKET_H
#define NET_UDP_SOCKET_H

#include "mediaferry/address.h"

struct udp_socket_config {
    struct address bind; /* port 0: the kernel chooses */
    bool reuse_port;     /* SO_REUSEPORT, for one socket per worker on one port */
    bool free_bind;      /* the address may come to this machine later */
    bool tell_local;     /* for udp_socket_receive() on a socket bound to no single address */
    unsigned tos;        /* the whole traffic class byte, 0..255 */
    int receive_buffer;  /* bytes; 0: the system's default */
};

/* Returns a new descriptor in `out`; the caller closes it. */
NODISCARD int udp_socket_open(const struct udp_socket_config *config, int *out);

/* What the socket is bound to. */
NODISCARD int udp_socket_local(int fd, struct address *out);

/* One datagram and where it came from and to. */
struct udp_datagram {
    struct bytes bytes; /* lies in the caller's buffer */
    struct address remote;
    struct address local; /* the IP only when the socket was opened with `tell_local` */
    bool truncated;
};

/* Receives one datagram into `buffer`; -EAGAIN when there is none. */
NODISCARD int udp_socket_receive(int fd, void *buffer, size_t capacity, struct udp_datagram *out);

/* Sends from `local` (its IP, when it has one) to `remote`. */
NODISCARD int udp_socket_send(
    int fd, struct bytes bytes, const struct address *local, const struct address *remote);

#endif
