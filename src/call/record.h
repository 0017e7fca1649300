/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/record.h - a call as a dictionary that another process can go on from.
 *
 * The names stand in docs/store.md. What goes out is all that a command, a query or a plan would
 * ask the call for: after reading it, each gives the same bytes as if nothing had happened. Leases
 * are numbers of this process and are not part of it; the plan is not either, it is made anew.
 *
 * What comes in is taken for the work of a stranger. A record that breaks a rule is refused whole,
 * and the reason tells the name and what is wrong with it. Names that are not known are passed
 * over.
 */
#ifndef CALL_RECORD_H
#define CALL_RECORD_H

#include "bencode/fields.h"
#include "call/call.h"
#include "mediaferry/ng.h"

/* Why a record was refused: "call.parties[1].sections[0].current.type: missing". */
struct call_record_why {
    char text[FIELDS_WHY_SIZE];
};

/*
 * Puts "id", "created", "signalled" (microseconds since 1970) and the dictionary "call" into
 * `record`. There are keys and passwords in it. When the arena fails, so has the record.
 */
void call_record_write(const struct call *call, struct ng_arena *arena, struct ng_value *record);

/*
 * Makes a call of what call_record_write() put into `record`; nothing of it borrows the record.
 * NULL when it is refused, or memory is short: then `why` is filled. Sockets are not opened: the
 * leases of its plan are mere numbers (1 and on) until call_record_lease() has set real ones, and
 * before that the plan is not to be given to a worker.
 */
NODISCARD struct call *call_record_read(const struct ng_value *record, struct call_record_why *why);

/* A pair of ports, or one, that a call which was read must have. */
struct call_record_port {
    uint32_t transport;    /* id in the plan */
    struct text interface; /* logical name, as in call_lease_request; borrows the call */
    struct address rtp;    /* where the socket was bound */
    struct address rtcp;   /* family NONE: none */
    struct address told;   /* what SDP says of `rtp` */
    bool rtcp_given_up;    /* RTP and RTCP are muxed for good: the socket of `rtcp` was closed */
    bool shared;           /* the shared WebRTC port of the worker: 0 is its lease */
};

/* Leases exactly these ports and puts the lease, which is not 0; false to give up. */
typedef bool call_record_lease_fn(
    void *owner, const struct call_record_port *port, uint32_t *lease);

/*
 * Asks `lease` for each local address of the call in the order of its transports, also for shared
 * ones (there `*lease` is 0 and stays), and makes the plan anew. False when `lease` said so or
 * memory was short; then the call is only good for call_free(), and `owner` gives back what it has
 * leased.
 */
NODISCARD bool call_record_lease(struct call *call, call_record_lease_fn *lease, void *owner);

#endif
