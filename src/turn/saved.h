/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/saved.h - an allocation as values that another process can go on from.
 *
 * turn_save() and turn_restore() of turn.h make and use it, turn/record.h writes and reads it.
 * Times are what was left of them at `saved_us`: clocks of two processes differ. There are keys in
 * it.
 */
#ifndef TURN_SAVED_H
#define TURN_SAVED_H

#include "turn/ticket.h"
#include "turn/turn.h"

enum {
    TURN_SAVED_RELAYS = 2,       /* one of a family */
    TURN_SAVED_TICKETS = 2,      /* the last ticket counts, and perhaps the one before it */
    TURN_SAVED_MAX_PEERS = 65536 /* permissions; channels, too */
};

/* A 5-tuple over UDP; `client` of family NONE: there is none. */
struct turn_saved_path {
    struct address client, server, hop; /* as in struct turn_path */
};

struct turn_saved_relay {
    struct address local, relayed; /* family NONE: none */
    uint64_t left_ms;
};

struct turn_saved_permission {
    struct address ip; /* the port is 0 */
    uint64_t left_ms;
    bool is_known; /* has passed the limit of new peers */
};

struct turn_saved_channel {
    struct address peer;
    uint64_t left_ms;
    uint16_t number;
};

/* What tickets of the allocation say when they were sealed with this key. */
struct turn_saved_ticket {
    uint8_t key[TICKET_KEY_SIZE];
    uint64_t allocation;
};

struct turn_saved {
    char id[TURN_ID_SIZE];
    int64_t saved_us, made_us; /* unix */
    unsigned worker;           /* where it was: whose socket the kernel gives its packets to */

    struct turn_saved_path path;    /* none: the client is away, or comes over a connection */
    struct turn_saved_path coming;  /* RFC 8016: proven, not used yet */
    struct auth_identity *identity; /* a reference */
    struct turn_saved_relay relays[TURN_SAVED_RELAYS];

    struct turn_saved_permission *permissions; /* owned, as the next */
    size_t permission_count;
    struct turn_saved_channel *channels;
    size_t channel_count;

    bool is_mobile, old_ticket_counts;
    uint32_t ticket_serial;
    struct turn_saved_ticket tickets[TURN_SAVED_TICKETS]; /* the latest first */
    size_t ticket_count;

    /* For the answer to an Allocate that comes again. */
    uint8_t transaction[STUN_ID_SIZE];
    enum address_family missing;
    unsigned missing_code;

    uint64_t client_packets, client_bytes, peer_packets, peer_bytes;
};

/* As a path; `link` is its socket. */
static inline struct turn_path turn_saved_path(const struct turn_saved_path *saved, void *link)
{
    return (struct turn_path){.transport = TURN_UDP,
        .client = saved->client,
        .server = saved->server,
        .hop = saved->hop,
        .link = link};
}

/* So much time has gone by since. False when that of the allocation is over. */
NODISCARD bool turn_saved_age(struct turn_saved *saved, uint64_t elapsed_ms);

/* Wipes and frees what is in it; all zeros is valid. */
void turn_saved_done(struct turn_saved *saved);

#endif
