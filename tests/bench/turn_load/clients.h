/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clients.h - TURN clients by the thousand over one socket, each at a loopback address of its own:
 *
 *     bare Allocate -> 401 with a nonce -> signed Allocate -> ChannelBind -> data -> Refresh 0
 *
 * A request that is not answered is sent again every 500 ms.
 */
#ifndef TURN_LOAD_CLIENTS_H
#define TURN_LOAD_CLIENTS_H

#include "modes.h"
#include "udp.h"

enum { NONCE_MAX = 64, CHANNEL = 0x4000, PEER_PORT = 22311, CLIENT_PORT = 22310 };

enum client_state {
    CLIENT_NEW,
    CLIENT_CHALLENGED, /* has sent a bare Allocate */
    CLIENT_ALLOCATING,
    CLIENT_BINDING,
    CLIENT_READY,
    CLIENT_RELEASING,
    CLIENT_GONE,
};

struct client {
    enum client_state state;
    uint32_t ip;     /* host byte order */
    uint32_t serial; /* of its requests */
    uint64_t asked_ns;
    size_t nonce_len;
    uint8_t nonce[NONCE_MAX];
};

struct clients {
    struct udp *udp;
    struct sockaddr_in server;
    bool binds; /* a channel to 127.0.0.1:PEER_PORT, before they are ready */
    size_t count;
    size_t waiting; /* for an answer */
    uint64_t repeated;
    struct client *list;
    uint8_t key[16]; /* of the one user, "bench" */
};

/* The address of client number `n`: as many networks of 24 bits as there are. */
uint32_t client_ip(uint32_t n);

/* Returns new clients, numbered from the target's first on; ends the program when it cannot. */
struct clients *clients_new(const struct target *target, size_t count, bool binds);

/* Sends the first request of a client, which becomes number `n`. */
void client_start(struct clients *all, struct client *c, uint32_t n);

/* Sends a Refresh with lifetime 0. */
void client_release(struct clients *all, struct client *c);

/* Takes an answer: the client's next request leaves. Returns the client, or NULL for what is no
 * answer to its last request. */
struct client *clients_take(struct clients *all, struct bytes datagram);

/* Sends again what was not answered in time. */
void clients_repeat(struct clients *all);

/* Gets all clients ready; or releases them. At most `window` at once. */
void clients_set_up(struct clients *all, size_t window);
void clients_release(struct clients *all, size_t window);

/* Writes an Allocate: bare, or (with a nonce) signed. Returns its length. */
size_t write_allocate(uint8_t *out, const uint8_t id[12], struct bytes nonce, struct bytes key);

/* The long-term key of the user. */
void make_key(uint8_t out[16]);

#endif
