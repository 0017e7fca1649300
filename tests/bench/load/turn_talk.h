/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn_talk.h - packets between TURN clients and their peers through the server, in both directions
 * apart; the load is both ends.
 *
 * Two ways there are to send a packet: by the client's channel, or in indications, between other
 * ports of the peer to which no channel leads. What is sent is the RTP packet of stamp.h.
 */
#ifndef LOAD_TURN_TALK_H
#define LOAD_TURN_TALK_H

#include "journal.h"
#include "tally.h"
#include "turn_clients.h"

enum turn_method { TURN_BY_CHANNEL, TURN_BY_INDICATION };
enum turn_way { TURN_TO_PEER, TURN_TO_CLIENT };
enum { TURN_WAYS = TURN_TO_CLIENT + 1 };

/* The packets of one client in one direction. */
struct turn_flow {
    uint64_t next;     /* number of the next */
    uint64_t first;    /* number of the first that counts */
    uint64_t spoke_ns; /* the last one was sent */
    uint32_t under_way;
};

struct turn_talk {
    struct turn_clients *clients;    /* borrowed; all are ready */
    struct turn_socket *peer;        /* borrowed; that of the method */
    const struct address *peer_name; /* borrowed */
    enum turn_method method;
    size_t packet_len;           /* that the other end gets */
    struct turn_flow *flows;     /* [way * clients + client] */
    struct sockaddr_in *relayed; /* of each client */
    struct journal journal;      /* the same numbers */
    struct tally tallies[TURN_WAYS];
    uint64_t came; /* packets of ours, counted or not */
    /* Called for each packet that has come; may speak. NULL: nobody. */
    void (*heard)(void *owner, enum turn_way way, uint32_t client);
    void *owner;
};

/* For clients of `clients`, each of which remembers `depth` packets; false when out of memory. */
NODISCARD bool turn_talk_init(struct turn_talk *t, struct turn_clients *clients,
    enum turn_method method, size_t packet_len, size_t depth);
void turn_talk_done(struct turn_talk *t);

static inline struct turn_flow *turn_talk_flow(
    struct turn_talk *t, enum turn_way way, uint32_t client)
{
    return &t->flows[(size_t)way * t->clients->count + client];
}

/* Queues the next packet of a client in one direction. */
void turn_talk_speak(struct turn_talk *t, enum turn_way way, uint32_t client, uint64_t now_ns);

/* Sends what is queued. */
void turn_talk_flush(struct turn_talk *t);

/* Takes all that has come; returns how many datagrams. */
unsigned turn_talk_listen(struct turn_talk *t);

/* What comes from now on counts, when it was sent from now on. */
void turn_talk_count_anew(struct turn_talk *t);

#endif
