/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen.h - the receiving half of a run: every socket is looked at in its turn.
 *
 * Nobody waits for packets: the kernel has noted when each came, so a few of them are fetched at
 * once, and a relay that delivers one wakes nobody and pays for no epoll of ours.
 */
#ifndef LOAD_LISTEN_H
#define LOAD_LISTEN_H

#include "flow.h"
#include "journal.h"
#include "tally.h"
#include "udp.h"

struct listener {
    const struct flow_set *flows; /* borrowed */
    uint64_t round_ns;            /* in which every socket is looked at once */
    uint64_t began_ns;            /* the first round */
    uint64_t looked;              /* sockets, since then */
    struct journal *journal;      /* borrowed; NULL: media is dropped */
    struct tally *tally;          /* borrowed, as long as there is a journal */
    struct udp_inbox *inbox;      /* borrowed */
};

/* Begins to look; `per_s` packets are expected. */
void listener_begin(struct listener *l, uint64_t per_s, uint64_t now_ns);

/* Looks at the sockets whose turn it is; returns how many datagrams came. */
unsigned listener_turn(struct listener *l, uint64_t now_ns);

/* When the next socket is to be looked at. */
uint64_t listener_due_ns(const struct listener *l);

/* Looks at all sockets, whoever's turn it is. */
unsigned listener_look_at_all(struct listener *l, uint64_t now_ns);

#endif
