/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/dtls/server_world.h - a DTLS server, a client of OpenSSL's, the link between them and the
 * clock, all scripted.
 *
 * OpenSSL reads the time for its retransmissions with gettimeofday(); server_world.c defines one
 * that gives the scripted time.
 */
#ifndef UNIT_DTLS_SERVER_WORLD_H
#define UNIT_DTLS_SERVER_WORLD_H

#include <openssl/ssl.h>

#include "dtls/certificate.h"
#include "dtls/server_session.h"
#include "dtls/transport.h"
#include "gen.h"

enum { WORLD_QUEUE = 64, WORLD_DATAGRAM = 2048, WORLD_LATENCY_MS = 10 };

struct world_datagram {
    uint8_t data[WORLD_DATAGRAM];
    size_t len;
    uint64_t due_ms;
};

/* What is on its way in one direction. */
struct world_link {
    struct world *world;
    struct world_datagram queue[WORLD_QUEUE];
    size_t count;
    size_t sent;           /* datagrams so far */
    uint64_t sent_ms[128]; /* when each was */
    size_t longest;
    uint64_t drop_mask; /* bit n: lose the n-th */
};

struct world_client {
    SSL *ssl;
    struct dtls_transport transport;
    bool is_open;
    bool has_failed;
    bool was_told_goodbye;
    char heard[256]; /* the records, each followed by a '|' */
};

struct world {
    struct dtls_certificate *certificate;
    SSL_CTX *server_context;
    SSL_CTX *client_context;
    BIO_METHOD *method;
    struct dtls_server *server;
    struct dtls_session *session;
    size_t sessions; /* made so far */
    char heard[256]; /* by the server, as in the client */
    struct address address;
    struct world_client client;
    struct world_link to_server, to_client;
    uint64_t now_ms;
    struct gen *chaos; /* not NULL: lose, delay and double at random */
    unsigned loss_percent;
    const char *say_when_open; /* by the client, at once */
    const char *server_name;   /* the client asks for it */
};

/* Returns a new context of a DTLS server with a new certificate, prepared. */
SSL_CTX *world_server_context(struct dtls_certificate *certificate);

void world_init(struct world *w);
void world_done(struct world *w);

/* Lets the client begin, or begin anew, from the same address. */
void world_start_client(struct world *w);

/* Delivers and ticks until `until_ms`, or until nothing is left to happen. */
void world_run(struct world *w, uint64_t until_ms);

/* What the server does with a datagram. */
void world_deliver(struct world *w, struct bytes datagram);

void world_client_says(struct world *w, const char *record);

/* The ClientHello of the client without cookie: in the queue to the server, which is emptied. */
struct world_datagram world_take_hello(struct world *w);

#endif
