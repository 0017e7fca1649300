/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/world.h - a host for the TURN protocol machine without sockets: its clock, its ports, its
 * quotas, and a record of all it was told to send. For unit tests and fuzz targets.
 *
 * The realm is "example.org"; users are alice (password "wonder") and bob ("builder"), and whoever
 * was given time-limited credentials with the secret "sesame". Public addresses may be peers.
 */
#ifndef TURN_WORLD_H
#define TURN_WORLD_H

#include "turn/former_tickets.h"
#include "turn/turn.h"

enum { WORLD_UNIX_S = 1700000000, WORLD_SENT_MAX = 64, WORLD_FIRST_PORT = 50000 };

enum sent_kind { SENT_TO_CLIENT, SENT_REPLY_FROM, SENT_TO_PEER };

struct sent {
    enum sent_kind kind;
    struct turn_path path;    /* to a client */
    struct address from, to;  /* of SENT_REPLY_FROM */
    struct turn_relay *relay; /* to a peer */
    struct address peer;
    uint8_t tos;
    bool dont_fragment;
    size_t len;
    uint8_t data[sizeof(((struct packet *)NULL)->buffer)];
};

struct world_connection {
    struct turn_peer_connection base;
    struct list link;
    struct turn_relay *relay;
    bool is_spliced;
};

struct world_relay {
    struct turn_relay base;
    struct list link;
    struct turn_relay_wish wish;
};

struct world {
    struct turn_server *server;
    struct source_limit *limits[2]; /* Binding, requests without proof */
    struct former_tickets *former_tickets;
    struct timers timers;
    uint64_t now_ms;
    int64_t unix_s;

    /* What the host refuses. */
    int open_error[3]; /* by family */
    size_t relay_limit;
    size_t quota_limit;
    size_t packet_limit;
    int connect_error;
    bool not_final; /* other workers are asked first */
    bool is_early;  /* allocations may come yet */
    bool is_deaf;   /* to changes */

    /* What it has out. */
    struct list relays;
    struct list connections;
    size_t relay_count, connection_count, quotas, paths, packets;
    size_t closed_paths, spliced;
    size_t made, ended, refused, unproven; /* what the log would say */
    enum turn_end last_end;
    size_t changed, over; /* what a watcher would be told */
    uint64_t last_changed, last_over;
    char last_name[TURN_ID_SIZE]; /* of both */
    uint32_t reserved_port;       /* by the last R bit; 0: none */

    /* Since world_forget(). */
    size_t sent_count;
    struct sent sent[WORLD_SENT_MAX];

    struct packet *in_hand; /* the packet of a batch that the server looks at */
    bool in_hand_sent;
    enum turn_verdict verdict; /* of the last packet of a client */
    enum drop_reason drop;     /* of the last packet */
    struct turn_elsewhere elsewhere;
};

/* Settings for the world's realm and users, which the caller may change before they are shared.
 * Sources without proof may get any number of replies. */
struct turn_settings *world_settings(void);

/* Who may use the server: the users and the secret, or neither; and those of `cache` (may be NULL),
 * which is asked for users not known here. */
struct auth *world_auth(bool has_users, struct user_cache *cache);

/* A policy that allows public addresses, those of `allowed` (a range, may be NULL) and no `denied`
 * one; ports of 20.0.0.5 are asked for, and 30.0.0.9:6379 is protected. */
struct peer_policy *world_policy(const char *allowed, const char *denied);

/* Takes the reference of `settings`; NULL: world_settings(). */
void world_start(struct world *w, struct turn_settings *settings);
/* Stops the server; all it had must be back. False when something is left. */
bool world_stop(struct world *w);

/* Takes the reference. */
void world_set_settings(struct world *w, struct turn_settings *settings);

/* Lets time pass, with a tick each second. */
void world_wait(struct world *w, uint64_t ms);

/* One packet of a client, or of a peer, with the traffic class of `tos`. */
enum turn_verdict world_from_client(
    struct world *w, const struct turn_path *path, struct bytes data, uint8_t tos);
enum drop_reason world_from_peer(struct world *w, struct turn_relay *relay,
    const struct address *peer, struct bytes data, uint8_t tos);
enum drop_reason world_icmp(struct world *w, struct turn_relay *relay, const struct address *peer,
    uint8_t type, uint8_t code, uint32_t data);

/* The `n`th relay that is open, counted from the one opened first; NULL without. */
struct turn_relay *world_relay(const struct world *w, size_t n);
struct world_connection *world_connection(const struct world *w, size_t n);

/* A peer connects to a TCP relay; NULL when it was refused. */
struct world_connection *world_connect_from(
    struct world *w, struct turn_relay *relay, const struct address *peer);
/* The host saw it closed. */
void world_connection_closed(struct world *w, struct world_connection *connection);

/* Saves an allocation; false when it cannot be. */
bool world_save(struct world *w, uint64_t id, struct turn_saved *out);
/* Makes it go on here, with its relays, `elapsed_ms` later; false when it cannot be. */
bool world_restore(struct world *w, struct turn_saved *saved, uint64_t number, uint64_t elapsed_ms);

/* What was sent last; NULL when nothing since world_forget(). */
const struct sent *world_last(const struct world *w);
void world_forget(struct world *w);

struct address world_address(const char *text);

#endif
