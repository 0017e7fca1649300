/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/tcp.h - connections between relayed addresses and peers (RFC 6062).
 *
 * turn_peer_connected(), turn_peer_arrived() and turn_connection_closed() of turn.h are here too.
 */
#ifndef TURN_TCP_H
#define TURN_TCP_H

#include "turn/request.h"

/* Finds the allocation of a ConnectionBind by its CONNECTION-ID and puts it into `r->allocation`,
 * NULL when there is none. Returns TURN_DONE, or TURN_ANOTHER with the worker in `r->elsewhere`. */
NODISCARD enum turn_verdict tcp_find(struct turn_request *r);

/* Connect and ConnectionBind (RFC 6062, sections 5.2 and 5.4); credentials have been checked,
 * `r->allocation` is there. */
enum turn_verdict tcp_connect(struct turn_request *r);
enum turn_verdict tcp_connection_bind(struct turn_request *r);

/* Ends connections whose deadline is over; returns when the next one is due, TIMERS_NEVER without.
 */
uint64_t tcp_sweep(struct turn_allocation *allocation, uint64_t now_ms);

/* After a change of the policy: ends connections to peers that it forbids. */
void tcp_rejudge(struct turn_allocation *allocation);

/* Closes all connections; when the allocation ends. */
void tcp_end(struct turn_allocation *allocation);

#endif
