/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow.h - one phone of the load: where it sends from and to, and how it is secured.
 *
 * What a flow needs before media may pass (keys, ICE, DTLS) is its kind's business, a small table
 * of functions. From then on all kinds are the same: `tx` and `rx` protect its packets, or are
 * NULL.
 */
#ifndef LOAD_FLOW_H
#define LOAD_FLOW_H

#include "mediaferry/address.h"
#include "rtpsec/session.h"

struct flow;

/* Every function may be NULL. */
struct flow_kind {
    const char *name; /* the word in the command */
    /* Reads what follows that word; returns NULL, or what is wrong with it. */
    const char *(*parse)(struct flow *flow, struct text rest);
    /* The socket is open. Without this function the flow is ready at once; else `is_ready` is set
     * when it is, or `failure`. */
    void (*start)(struct flow *flow, uint64_t now_ns);
    /* A datagram that is neither RTP nor RTCP. */
    void (*take)(struct flow *flow, struct bytes datagram, uint64_t now_ns);
    /* Called every 50 ms and more often, until the end. */
    void (*tick)(struct flow *flow, uint64_t now_ns);
    /* Frees `own`. */
    void (*close)(struct flow *flow);
};

struct flow {
    int fd;         /* connected to `remote`; -1: not open */
    int rtcp_fd;    /* from port + 1 to port + 1; -1: not open */
    uint32_t index; /* in its set */
    uint32_t ssrc;
    bool is_ready;
    bool is_muxed;                  /* RTCP takes the way of RTP */
    bool has_heard;                 /* `heard` means something */
    uint8_t quiet_looks;            /* without a packet, in a row */
    uint32_t heard;                 /* the flow whose packets it gets: that of the first one */
    uint64_t heard_ns;              /* its last packet in the run; 0: none */
    uint64_t gap_ns;                /* the longest time between two packets in the run */
    uint64_t next;                  /* number of its next packet; goes on from run to run */
    uint64_t first;                 /* number of the first one that the run counts */
    uint64_t handshake_ns;          /* what it took to be ready; 0: nothing */
    struct rtpsec_session *tx, *rx; /* freed with the flow */
    const struct flow_kind *kind;
    void *own; /* the kind's */
    const char *failure;
    char *name;
    struct address local, remote;
};

/* Flows stay where they are, so they may be pointed at. All zeros is an empty set. */
struct flow_set {
    struct flow **list;
    size_t count;
    size_t capacity;
};

/* Adds what is told by the words after `flow`: name, local IP and port, remote IP and port, kind.
 * Returns NULL, or what is wrong. */
const char *flow_set_add(
    struct flow_set *set, struct text words, const struct flow_kind *const *kinds);

/* Opens the socket and starts the flow; returns 0 or a negative errno. */
NODISCARD int flow_open(struct flow *flow, uint64_t now_ns);

/* Opens `rtcp_fd`, unless RTCP is muxed or it is open; returns 0 or a negative errno. */
NODISCARD int flow_open_rtcp(struct flow *flow);

/* Closes and frees all. */
void flow_set_done(struct flow_set *set);

extern const struct flow_kind flow_plain;

#endif
