/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/round.h - the working memory of one round, that is one batch, and the stages of the
 * pipeline that fill and empty it.
 */
#ifndef RELAY_ROUND_H
#define RELAY_ROUND_H

#include "mediaferry/rtp.h"
#include "relay/stream.h"
#include "rtpsec/session.h"

enum payload_kind { KIND_RTP, KIND_RTCP, KIND_RAW };

/* A packet of media that was let in. */
struct inbound {
    struct packet *packet;
    struct component *component;
    struct stream *stream; /* from the place stage on */
    uint64_t now_us;       /* when it arrived */
    struct rtp_header rtp; /* of RTP; the length is 0 when it has no sound header */
    uint8_t local;         /* number of the local address it came to */
    uint8_t kind;          /* enum payload_kind */
    uint8_t order;         /* enum reception_verdict; of RTP, from the place stage on */
};

/* One on its way to one party; socket and peer are set. */
struct outbound {
    struct packet *packet;
    struct stream *sink;
    struct component *component;
    const struct inbound *in;
    uint32_t plain_len;
    uint16_t seq;        /* of RTP, as it leaves */
    uint16_t header_len; /* the same */
    uint8_t kind;        /* enum payload_kind */
    bool is_copy;        /* ours to discard; else it belongs to the batch */
    bool is_secure;      /* to be protected */
};

struct round {
    size_t in_count;
    struct inbound in[PACKET_BATCH_MAX];
    size_t out_count;
    struct outbound out[PACKET_BATCH_MAX];
    /* For rtpsec, and whose each is. */
    struct rtpsec_packet jobs[PACKET_BATCH_MAX];
    size_t owners[PACKET_BATCH_MAX];
};

/* admit.c: finds whose packets these are. Media goes into the round, STUN and DTLS into the slow
 * lane, the rest gets a drop verdict. */
void round_admit(struct relay *relay, const struct packet_batch *batch);

/* admit.c: a packet of the slow lane has its turn; takes it. */
void round_admit_slow(struct relay *relay, struct packet *packet, uint64_t now_ms);

/* place.c: which streams the packets belong to, unprotected by now; learns from them and counts
 * them. What goes no further has a drop verdict and leaves the round. */
void round_place(struct relay *relay, uint64_t now_ms);

/* place.c: drops a packet that was let in, as an error of its stream. */
void round_refuse(const struct inbound *in, enum drop_reason why);

/* fan_out.c: makes a packet for each sink. */
void round_fan_out(struct relay *relay);

/* fan_out.c: protects and sends all that waits in `out`. */
void round_flush(struct relay *relay);

/* The drop reason of an SRTP verdict that is not RTPSEC_OK. */
enum drop_reason round_srtp_drop(enum rtpsec_verdict verdict);

#endif
