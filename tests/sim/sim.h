/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/sim.h - a world of one thread for tests of the relay: a worker, a network and a clock that
 * stand still until told.
 *
 * It implements net/worker.h and mailbox_post() anew and is linked in their place; everything above
 * is the real code. One world at a time.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "net/worker.h"

enum { SIM_STEP_MS = 10 };

/* Someone on the network. */
struct sim_peer {
    struct list link;
    struct address address;
    void (*receive)(struct sim_peer *self, const struct address *from, struct bytes datagram);
    void (*tick)(struct sim_peer *self, uint64_t now_ms); /* each step; may be NULL */
};

/* Begins a world at a fixed time, and ends it. */
void sim_begin(void);
void sim_end(void);

uint64_t sim_now_ms(void);

/* A worker made from now on has a clock that shows `now_ms`, as on another machine. */
void sim_set_clock(uint64_t now_ms);

/* A peer is found by its address, which may be changed at any time. */
void sim_join(struct sim_peer *peer);
void sim_leave(struct sim_peer *peer);

/* Puts a datagram on the wire to the relay; it arrives with the next run. */
void sim_send(const struct address *from, const struct address *to, struct bytes datagram);

/* Lets everything happen that is due, without time passing. */
void sim_settle(void);

/* From now on, `act` is called whenever that is done; what it does itself is no such occasion. */
void sim_when_settled(void (*act)(void *owner), void *owner);

/* The same while `ms` pass, step by step. */
void sim_run(uint64_t ms);

/* A descriptor for a lease. */
int sim_fd(void);

/* What came and went in this world, as workers count it. */
uint64_t sim_drops(enum drop_reason reason);
uint64_t sim_drops_in_all(void);
uint64_t sim_received(void);
uint64_t sim_sent(void);
uint64_t sim_unreachable(void); /* datagrams sent to nobody */
size_t sim_open_sockets(void);

/* The worker hands out at most so many packets; SIZE_MAX: no limit. For tests of exhaustion. */
void sim_limit_packets(size_t limit);

#endif
