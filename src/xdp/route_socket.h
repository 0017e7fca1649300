/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xdp/route_socket.h - a socket of rtnetlink(7): to ask the kernel, or to hear of changes.
 *
 * Never blocks. The kernel answers a question while it takes it, and makes a list as it is read, so
 * that an answer that is not there at once will not come.
 */
#ifndef XDP_ROUTE_SOCKET_H
#define XDP_ROUTE_SOCKET_H

#include "mediaferry/bytes.h"

/* The longest datagram that the kernel makes of a list, given a buffer as large. */
enum { ROUTE_SOCKET_BUFFER = 32768 };

/* Opens one to ask. Returns 0 and the descriptor, or a negative errno. */
NODISCARD int route_socket_open(int *fd);

/* Opens one that hears of all that has an influence on where packets go. `receive_buffer` is in
 * bytes; 0: a default. */
NODISCARD int route_socket_open_events(int receive_buffer, int *fd);

/* Returns 0 or a negative errno. */
NODISCARD int route_socket_send(int fd, struct bytes requests);

/* Receives a datagram of the kernel into `buffer`, of ROUTE_SOCKET_BUFFER bytes. Returns 0 and what
 * it has received; -EAGAIN: there is nothing; -ENOBUFS: some were lost; or another negative
 * errno. */
NODISCARD int route_socket_receive(int fd, void *buffer, struct bytes *out);

#endif
