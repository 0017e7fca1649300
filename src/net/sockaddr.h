/* SPDX-License-Identifier: Apache-2.0 */
/* net/sockaddr.h - between `struct address` and the types of the socket interface. */
#ifndef NET_SOCKADDR_H
#define NET_SOCKADDR_H

#include <sys/socket.h>

#include "mediaferry/address.h"

/* Fills as much of `out` as the length that it returns; 0 when `a` has no family. */
socklen_t sockaddr_from_address(const struct address *a, struct sockaddr_storage *out);

/* False when it is neither IPv4 nor IPv6. The scope of a link-local address is lost. */
NODISCARD bool address_from_sockaddr(const struct sockaddr_storage *from, struct address *out);

/* What a socket is bound to. Returns 0 or a negative errno. */
NODISCARD int address_of_socket(int fd, struct address *out);

#endif
