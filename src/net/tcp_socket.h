/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/tcp_socket.h - non-blocking TCP sockets, bound as asked.
 *
 * IPv6 sockets carry IPv6 only. All functions return 0 or a negative errno and never block.
 */
#ifndef NET_TCP_SOCKET_H
#define NET_TCP_SOCKET_H

#include "mediaferry/address.h"

struct tcp_socket_config {
    struct address bind; /* port 0: the kernel chooses */
    bool share_port;     /* SO_REUSEPORT beside SO_REUSEADDR */
    bool free_bind;      /* the address may come to this machine later */
    int backlog;         /* 0: the system's limit */
};

/* Return a new descriptor in `out`; the caller closes it. */
NODISCARD int tcp_socket_listen(const struct tcp_socket_config *config, int *out);

/* Starts to connect, from `local` (shared) when it has a family: writable when it is decided. */
NODISCARD int tcp_socket_connect(
    const struct address *local, const struct address *remote, int *out);

/* Takes the next connection; -EAGAIN when there is none. */
NODISCARD int tcp_socket_accept(int fd, struct address *remote, int *out);

/* Small messages leave at once, when it is TCP at all. */
void tcp_socket_no_delay(int fd);

/* How many bytes can be read at once. */
size_t tcp_socket_available(int fd);

/* It is readable from so many bytes on, or at its end. */
void tcp_socket_wake_at(int fd, size_t bytes);

/* The error that waits on it (how connect() went); 0 when there is none. */
NODISCARD int tcp_socket_error(int fd);

#endif
