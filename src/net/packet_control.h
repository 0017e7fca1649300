/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/packet_control.h - what packet sockets may want beyond plain datagrams, in the words of the
 * kernel: socket options, control messages and the error queue, for packet_io back ends.
 */
#ifndef NET_PACKET_CONTROL_H
#define NET_PACKET_CONTROL_H

#include <sys/socket.h>
#include <time.h>

#include "net/packet_io.h"

/* Room for the class of one packet. */
union packet_control_tos {
    size_t align; /* as that of its header */
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* Room for all that comes with a received packet: its class, its time. */
enum {
    PACKET_CONTROL_SIZE = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct timespec)),
};
union packet_control {
    size_t align;
    char bytes[PACKET_CONTROL_SIZE];
};

/* The clocks at one instant. */
struct packet_clock {
    uint64_t now_ns;       /* CLOCK_MONOTONIC */
    uint64_t real_past_ns; /* how far CLOCK_REALTIME, which the kernel stamps with, is ahead of it;
                              modulo 2^64 */
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

struct packet_clock packet_clock_now(void);

/* Sets the class and the time of arrival of `p`, which came as `message`: 0 and that of `clock`
 * when it does not tell. */
void packet_control_received(
    struct msghdr *message, const struct packet_clock *clock, struct packet *p);

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
