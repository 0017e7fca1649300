/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp.h - one UDP socket that speaks for many clients, each with a loopback address of its own:
 * the source is asked for with each datagram. Sends and receives in batches.
 */
#ifndef TURN_LOAD_UDP_H
#define TURN_LOAD_UDP_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "mediaferry/bytes.h"

enum { UDP_BATCH = 64, UDP_DATA_MAX = 1024 };

/* Room for the source of a datagram, aligned for its header. */
union udp_source {
    size_t alignment;
    char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct udp_batch {
    struct mmsghdr messages[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    struct sockaddr_in others[UDP_BATCH]; /* where to, or where from */
    union udp_source sources[UDP_BATCH];
    uint8_t data[UDP_BATCH][UDP_DATA_MAX];
};

struct udp {
    int fd;
    unsigned queued;
    uint64_t failed; /* datagrams that could not be sent */
    struct udp_batch in, out;
};

/* Ends the program with a message of the error in errno. */
_Noreturn void fail(const char *what);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);

struct sockaddr_in udp_address(uint32_t ip, unsigned port);

/* Opens a non-blocking socket on `port` of all loopback addresses; returns a new one, or ends the
 * program. */
struct udp *udp_open(unsigned port);

/* Closes and frees. */
void udp_close(struct udp *u);

/* Returns UDP_DATA_MAX bytes for the next datagram, which udp_put() then queues. */
uint8_t *udp_room(struct udp *u);

/* Queues what was written to udp_room(); it leaves with a full batch or udp_flush(). `source` is
 * an IP in host byte order; 0: any. */
void udp_put(struct udp *u, size_t len, uint32_t source, const struct sockaddr_in *to);
void udp_flush(struct udp *u);

/* Receives up to UDP_BATCH datagrams; returns how many. They are valid until the next call. */
unsigned udp_receive(struct udp *u);

static inline struct bytes udp_received(const struct udp *u, unsigned i)
{
    return bytes_of(u->in.data[i], u->in.messages[i].msg_len);
}

/* Waits until one of them is readable, for `timeout_ns` at most. */
void udp_wait(const struct udp *a, const struct udp *b, uint64_t timeout_ns);

#endif
