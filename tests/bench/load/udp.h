/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp.h - the sockets of the load: connected, never waited for, with the kernel's time of arrival.
 */
#ifndef LOAD_UDP_H
#define LOAD_UDP_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "mediaferry/address.h"

enum { UDP_BATCH = 64, UDP_DATA_MAX = 2048 };

/* CLOCK_MONOTONIC. */
uint64_t udp_now_ns(void);

/* Lifts the limit of descriptors as far as it goes: thousands of flows need more than 1,024. */
void udp_allow_many(void);

/* Opens a non-blocking socket. Returns it or a negative errno. */
NODISCARD int udp_bind(const struct address *local);

/* The same with large buffers and time stamps, connected unless `remote` is NULL. */
NODISCARD int udp_connect(const struct address *local, const struct address *remote);

/* Sends; false when the kernel does not take it. The report of an earlier packet that nobody
 * listened for costs no packet. */
NODISCARD bool udp_send(int fd, struct bytes datagram);

/* Datagrams that a socket had no room for, so far. */
uint64_t udp_drops(int fd);

/* Room for the time stamp of a datagram, aligned for its header. */
union udp_control {
    size_t alignment;
    char space[CMSG_SPACE(sizeof(struct timespec))];
};

struct udp_datagram {
    uint8_t *data; /* UDP_DATA_MAX bytes, 8-byte aligned */
    size_t len;
    uint64_t arrived_ns; /* CLOCK_MONOTONIC: when the kernel got it */
    void *from;          /* what was given to udp_receive() */
};

/* What has come and is not yet looked at. */
struct udp_inbox {
    unsigned count;
    uint64_t clock_offset_ns; /* from CLOCK_MONOTONIC to CLOCK_REALTIME */
    uint64_t compared_ns;     /* when the clocks were compared; 0: never */
    struct udp_datagram list[UDP_BATCH];
    struct mmsghdr messages[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    union udp_control control[UDP_BATCH];
    _Alignas(64) uint8_t data[UDP_BATCH][UDP_DATA_MAX];
};

/* Returns a new empty inbox, which free() frees; NULL when out of memory. */
NODISCARD struct udp_inbox *udp_inbox_new(void);

/* Empties it; now and then compares the clocks anew. */
void udp_inbox_reset(struct udp_inbox *inbox, uint64_t now_ns);

/* Adds what a socket has, as far as there is room; returns how many. */
unsigned udp_receive(int fd, struct udp_inbox *inbox, void *from);

#endif
