/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk.h - the sending half of a run: the flows take turns, each packet when it is due.
 *
 * What is due together is protected together. The time of sending is noted right before the call.
 */
#ifndef LOAD_TALK_H
#define LOAD_TALK_H

#include "flow.h"
#include "journal.h"
#include "pace.h"
#include "tally.h"

enum {
    TALK_BATCH = 16,
    TALK_PACKET_MAX = 2048,
    TALK_PAYLOAD_MAX = TALK_PACKET_MAX - RTPSEC_MAX_TRAILER - 12,
};

struct talk_packet {
    struct flow *flow;
    uint64_t number;
    _Alignas(8) uint8_t data[TALK_PACKET_MAX];
};

struct talk {
    struct flow **senders; /* borrowed */
    size_t sender_count;   /* not 0 */
    size_t at;             /* whose turn it is */
    size_t packet_len;     /* in the clear */
    uint8_t payload_type;
    struct pace pace;
    uint64_t sent; /* since the pace began */
    bool has_rtcp;
    size_t rtcp_at;
    struct pace rtcp_pace;
    uint64_t rtcp_sent;
    struct journal *journal; /* borrowed */
    struct tally *tally;     /* borrowed */
    struct talk_packet packets[TALK_BATCH];
};

/* Begins the pace anew: nothing is due before `now_ns`. */
void talk_begin(struct talk *t, uint64_t now_ns);

/* Sends what is due, TALK_BATCH packets at most and none after number `last` since the pace began;
 * returns how many. */
unsigned talk_turn(struct talk *t, uint64_t now_ns, uint64_t last);

#endif
