/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn_clients.h - TURN clients by the thousand over one socket.
 *
 * A request that is not answered is sent again every 500 ms. A refusal ends the program.
 */
#ifndef LOAD_TURN_CLIENTS_H
#define LOAD_TURN_CLIENTS_H

#include "histogram.h"
#include "turn_client.h"
#include "turn_socket.h"

/* What all clients of a program share. */
struct turn_load {
    struct turn_socket *socket; /* of the clients */
    struct turn_socket *channel_peer, *indication_peer;
    struct sockaddr_in server;
    struct turn_account account;
    struct turn_names names;
    uint32_t base_ip;  /* host byte order */
    uint32_t networks; /* of 24 bits, from `base_ip` on */
    uint32_t hosts;    /* clients of each */
    uint32_t next;     /* number of the next client */
};

/* The address of client number `n`, in as many networks as there are; after all of them they are
 * used again. */
static inline uint32_t turn_client_ip(const struct turn_load *load, uint32_t n)
{
    return load->base_ip + ((n % load->networks) << 8) + 1 + n / load->networks % load->hosts;
}

struct turn_clients {
    struct turn_load *load; /* borrowed */
    struct turn_client *list;
    size_t count, capacity;
    size_t waiting; /* for an answer */
    uint64_t requests, repeated;
    uint64_t looked_ns;        /* for those that are not answered */
    struct histogram ready_ns; /* from the first request until they were ready */
};

/* Adds `count` new ones; false when out of memory. */
NODISCARD bool turn_clients_add(struct turn_clients *all, size_t count);

/* Frees the list; nothing is sent. */
void turn_clients_done(struct turn_clients *all);

/* Client number `index` of the list becomes a new one and sends its first request. */
void turn_clients_start(struct turn_clients *all, size_t index, enum turn_goal goal);
void turn_clients_release(struct turn_clients *all, size_t index);
void turn_clients_refresh(struct turn_clients *all, size_t index);

/* Takes an answer: the client's next request leaves. Returns the client, or NULL for what is no
 * answer to its last request. */
struct turn_client *turn_clients_take(struct turn_clients *all, const struct turn_datagram *d);

/* Sends again what was not answered in time; to be called often. */
void turn_clients_repeat(struct turn_clients *all);

/* Takes what came, or waits a little for it. */
void turn_clients_turn(struct turn_clients *all);

#endif
