/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/packet.h - packets in buffers with room on both sides, and batches of them.
 *
 * Nothing is copied after receive: a ChannelData header fits into the headroom, SRTP tags into the
 * tailroom. Packets come from their worker's pool and never leave its thread.
 */
#ifndef NET_PACKET_H
#define NET_PACKET_H

#include "base/drops.h"
#include "base/pool.h"
#include "mediaferry/address.h"

enum {
    PACKET_HEADROOM = 104,  /* also what io_uring writes in front of a datagram */
    PACKET_DATA_MAX = 3712, /* larger datagrams are dropped: DROP_TRUNCATED. A packet is a page */
    PACKET_TAILROOM = 160,
    PACKET_BATCH_MAX = 256,
};

struct packet_socket;

enum packet_event {
    PACKET_DATAGRAM,
    PACKET_ICMP, /* an ICMP or ICMPv6 error about an earlier datagram of the socket */
};

struct packet {
    uint8_t *data; /* inside `buffer` */
    size_t len;
    struct packet_socket *socket; /* received on, or to be sent from; borrowed */
    struct address peer;          /* received from, or to be sent to; of a PACKET_ICMP: where the
                                     datagram was sent that failed */
    uint64_t arrival_ns;          /* CLOCK_MONOTONIC, when its batch was received; of sockets that
                                     were opened with `want_timestamp`: when the kernel had it */
    enum packet_event kind;       /* of a received one */
    uint8_t tos;                  /* traffic class: as received, or to be sent with. Only for
                                     sockets that were opened with `want_tos` */
    bool dont_fragment;           /* to be sent; only for sockets opened with `want_df` */
    uint8_t icmp_type, icmp_code; /* of a PACKET_ICMP, which has what came back of the */
    uint32_t icmp_data;           /* datagram's payload as its data; the MTU, when too long */
    enum drop_reason drop;        /* the verdict: DROP_NONE while it goes on through the stages */
    bool queued;                  /* worker_send() has it */
    struct packet *next;          /* the worker's: in its send queue */
    void *user;                   /* the pipeline's own: its stream */
    uint8_t buffer[PACKET_HEADROOM + PACKET_DATA_MAX + PACKET_TAILROOM];
};

struct packet_batch {
    size_t count;
    struct packet *packets[PACKET_BATCH_MAX];
};

static inline struct bytes packet_bytes(const struct packet *p)
{
    return bytes_of(p->data, p->len);
}

/* Bytes that may be put in front of the data, and after it. */
static inline size_t packet_headroom(const struct packet *p)
{
    return (size_t)(p->data - p->buffer);
}

static inline size_t packet_tailroom(const struct packet *p)
{
    return sizeof(p->buffer) - packet_headroom(p) - p->len;
}

/* Makes it empty: a datagram without data, socket, peer or verdict, with all of its headroom. */
void packet_reset(struct packet *p);

/* Replaces the data; false, and nothing changed, when it is longer than PACKET_DATA_MAX. */
NODISCARD bool packet_set(struct packet *p, struct bytes data);

/* A pool of packets; `limit` bounds the memory of one worker. */
void packet_pool_init(struct pool *pool, size_t limit);

/* Returns an empty packet, or NULL when there is none left. */
NODISCARD struct packet *packet_take(struct pool *pool);

/* Returns a copy, not queued and without verdict; or NULL. */
NODISCARD struct packet *packet_copy(struct pool *pool, const struct packet *p);

/* Takes the packet back; accepts NULL. */
void packet_give(struct pool *pool, struct packet *p);

#endif
