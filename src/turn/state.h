/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/state.h - the server of one worker, as its own files see it.
 *
 *     server.c      entries, dispatch of messages, settings, reports
 *     request.c     the attributes of a message, read once
 *     reply.c       answers: written, signed, sent
 *     allocate.c refresh.c permission.c channel.c tcp.c mobility.c   the methods
 *     allocation.c  what lives, and its end
 *     data.c        packets from clients to peers and back
 *     resume.c      allocations that go on elsewhere
 */
#ifndef TURN_STATE_H
#define TURN_STATE_H

#include "base/list.h"
#include "base/map.h"
#include "turn/source_limit.h"
#include "turn/turn.h"

struct turn_server {
    struct turn_host host;
    struct timers *timers;          /* borrowed */
    struct turn_settings *settings; /* a reference */
    struct source_limit *binding_limit;
    struct source_limit *unauthorized_limit;
    struct former_tickets *former_tickets; /* NULL: none */
    unsigned worker;
    size_t max_allocations;

    struct map routes;       /* struct turn_route by the client's address */
    struct map by_id;        /* struct turn_allocation by its id */
    struct map connections;  /* struct turn_peer_connection by its id */
    struct list allocations; /* the same in the order they were made */
    size_t allocation_count;
    uint64_t made;        /* allocations ever; makes ids */
    uint64_t indications; /* counts on from anywhere; with the seed their transaction ids */
    uint8_t id_seed[4];
    size_t next_alternate; /* counts on; of the settings' lists */

    /* Wall clock and worker's clock of the same moment: where credentials end on the latter. */
    int64_t unix_s;
    uint64_t unix_at_ms;

    struct turn_counters counters;
};

/* Notes what time it is; a wall clock that was set may mean that credentials are over. */
void turn_server_set_clock(struct turn_server *server, uint64_t now_ms, int64_t unix_s);

/* The worker's clock when the wall clock says `unix_s`; 0 when that is over. */
uint64_t turn_server_ms_of(const struct turn_server *server, int64_t unix_s);

#endif
