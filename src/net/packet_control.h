/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/packet_control.h - what packet sockets may want beyond plain datagrams, in the words of the
 * kernel: socket options, control messages and the error queue, for packet_io back ends.
 */
#ifndef NET_PACKET_CONTROL_H
#define NET_PACKET_CONTROL_H

#include <sys/socket.h>

#include "net/packet_io.h"

/* Room for the class of one packet. */
union packet_control_tos {
    size_t align; /* as that of its header */
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* Room for all that comes with one entry of the error queue. */
union packet_control_error {
    size_t align; /* as that of its header */
    char bytes[256];
};

/* Sets the options that the wishes of `config` need. Returns 0 or a negative errno. */
NODISCARD int packet_control_set_up(const struct packet_socket_config *config);

/* For sockets with `want_df`: whether datagrams may be fragmented from now on. */
void packet_control_set_df(int fd, enum address_family family, bool dont_fragment);

/* The traffic class of a received message; 0 when it tells none. */
uint8_t packet_control_tos(struct msghdr *message);

/* Asks for the class of a message to be sent; `room` must live as long as it. */
void packet_control_put_tos(struct msghdr *message, union packet_control_tos *room,
    enum address_family family, uint8_t tos);

/*
 * Reads what came with an entry of the error queue: fills the kind and the icmp_ fields of `p`. A
 * datagram too long for the first hop reads like the ICMP error of a router. False, and `p`
 * untouched, when it is neither of them.
 */
NODISCARD bool packet_control_error(struct msghdr *message, struct packet *p);

#endif
