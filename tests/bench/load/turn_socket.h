/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn_socket.h - one UDP socket that speaks for thousands of TURN clients, each with an IPv4
 * address of its own: the source is asked for with each datagram, and told with each that comes.
 *
 * The addresses must be the host's: those of 127.0.0.0/8 are, and others after
 * `ip route add local NETWORK dev lo`. Sends and receives in batches.
 */
#ifndef LOAD_TURN_SOCKET_H
#define LOAD_TURN_SOCKET_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "mediaferry/address.h"

enum { TURN_IN = 64, TURN_OUT = 16, TURN_DATA_MAX = 2048 };

union turn_out_control {
    size_t alignment;
    char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

union turn_in_control {
    size_t alignment;
    char space[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct timespec))];
};

struct turn_datagram {
    struct bytes data; /* valid until the next receive */
    uint64_t arrived_ns;
    uint32_t from_ip, to_ip; /* host byte order */
    uint16_t from_port;
};

struct turn_out {
    struct mmsghdr messages[TURN_OUT];
    struct iovec parts[TURN_OUT];
    struct sockaddr_in to[TURN_OUT];
    union turn_out_control control[TURN_OUT];
    uint64_t *sent_ns[TURN_OUT];
    uint8_t data[TURN_OUT][TURN_DATA_MAX];
};

struct turn_in {
    struct mmsghdr messages[TURN_IN];
    struct iovec parts[TURN_IN];
    struct sockaddr_in from[TURN_IN];
    union turn_in_control control[TURN_IN];
    uint8_t data[TURN_IN][TURN_DATA_MAX];
};

struct turn_socket {
    int fd;
    unsigned queued;
    unsigned got;
    uint64_t failed; /* datagrams that could not be sent */
    uint64_t clock_offset_ns;
    struct turn_out out;
    struct turn_in in;
};

/* Returns a new socket bound to `local` (its IP may be 0.0.0.0), NULL with errno set. */
NODISCARD struct turn_socket *turn_socket_open(const struct address *local);

/* Closes and frees. Accepts NULL. */
void turn_socket_close(struct turn_socket *s);

/* An empty writer over the room of the next datagram, which turn_socket_put() then queues. */
struct writer turn_socket_room(struct turn_socket *s);

/* Queues the next datagram; it leaves with a full batch or turn_socket_flush(). `source` is an IP
 * in host byte order, 0: any. `sent_ns`, unless NULL, gets the time of sending, 0 when that fails.
 */
void turn_socket_put(struct turn_socket *s, size_t len, uint32_t source,
    const struct sockaddr_in *to, uint64_t *sent_ns);
void turn_socket_flush(struct turn_socket *s);

/* Receives up to TURN_IN datagrams; returns how many. */
unsigned turn_socket_receive(struct turn_socket *s);

/* Datagram `i` of those received. */
struct turn_datagram turn_socket_at(struct turn_socket *s, unsigned i);

/* Waits until it is readable, for `timeout_ns` at most. */
void turn_socket_wait(const struct turn_socket *s, uint64_t timeout_ns);

#endif
