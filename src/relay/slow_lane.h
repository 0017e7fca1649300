/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/slow_lane.h - STUN and DTLS wait here until the media of their batch has left.
 *
 *     admit --put--> STUN:  [ ][ ][ ] --turn--> handled within SLOW_LANE_TURN_US,
 *               |--> DTLS:  [ ][ ][ ] ------>   the rest in the next turns
 *               \--> plain: [ ][ ][ ] ------>
 *
 * A step of a handshake takes up to a millisecond, a check some microseconds, and anybody may ask
 * for his address: so each kind has a queue of its own, checks go first, and one of each kind is
 * handled in any turn. What waits is bounded, in all and of one source, so that none can crowd the
 * others out; what is beyond will be sent again. The packets are the worker's; their order within a
 * kind is kept. Pure: the clock is the owner's.
 */
#ifndef RELAY_SLOW_LANE_H
#define RELAY_SLOW_LANE_H

#include "net/packet.h"

enum {
    SLOW_LANE_MAX = 512,       /* packets of a kind that wait */
    SLOW_LANE_PER_SOURCE = 16, /* of these from one address and port, about */
    SLOW_LANE_SOURCES = 256,   /* a power of two */
    SLOW_LANE_TURN_US = 300,
};

enum slow_kind {
    SLOW_STUN, /* checks of ICE, by users that are known */
    SLOW_DTLS,
    SLOW_PLAIN, /* STUN of anybody */
    SLOW_KINDS,
};

struct slow_queue {
    struct packet *first, **end;
    unsigned count;
    uint8_t of_source[SLOW_LANE_SOURCES]; /* by hash */
};

struct slow_lane {
    void *owner;
    uint64_t (*clock_ns)(void);
    void (*handle)(void *owner, struct packet *packet); /* takes it; may put again */
    uint64_t seed;
    struct slow_queue queues[SLOW_KINDS];
};

/* Sets everything up but the first three, which are the caller's. */
void slow_lane_init(struct slow_lane *lane);

/* Takes the packet, whose `next` becomes the lane's; false, and it stays the caller's, when too
 * many wait. */
NODISCARD bool slow_lane_put(struct slow_lane *lane, struct packet *packet, enum slow_kind kind);

static inline bool slow_lane_is_empty(const struct slow_lane *lane)
{
    return lane->queues[SLOW_STUN].count + lane->queues[SLOW_DTLS].count +
               lane->queues[SLOW_PLAIN].count ==
           0;
}

/* Handles as many as the time of one turn allows. */
void slow_lane_turn(struct slow_lane *lane);

/* Takes a packet of this socket out again; NULL: there is none (any more). */
struct packet *slow_lane_take_back(struct slow_lane *lane, const struct packet_socket *socket);

#endif
