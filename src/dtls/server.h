/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/server.h - the front door of a DTLS 1.2 server: stateless cookies (RFC 6347, section 4.2.1).
 *
 *     ClientHello ------------------> dtls_server_first: DTLS_FIRST_ANSWER, nothing is kept
 *                 <------------------ HelloVerifyRequest (never longer than what it answers)
 *     ClientHello with cookie ------> dtls_server_first: DTLS_FIRST_PROVEN
 *                                     dtls_session_new() (dtls/server_session.h)
 *
 * The cookie is a MAC of the client's address with a secret that changes every minute; the one
 * before is good as well. No sockets and no clock. One server a worker.
 */
#ifndef DTLS_SERVER_H
#define DTLS_SERVER_H

#include "mediaferry/address.h"

struct ssl_ctx_st;
struct dtls_server;

/* Makes an OpenSSL context of DTLS fit for a server, once, before it is shared between threads. */
void dtls_server_prepare(struct ssl_ctx_st *context);

/* Returns a new server, or NULL when out of memory. It holds a reference to the context, which was
 * prepared. `mtu` is that of handshakes, UDP payload; 0: DTLS_MTU_DEFAULT. */
NODISCARD struct dtls_server *dtls_server_new(struct ssl_ctx_st *context, size_t mtu);

/* Every session must be gone. Accepts NULL. */
void dtls_server_free(struct dtls_server *server);

/* New sessions use another context: renewed certificates. Cookies and sessions stay good. */
void dtls_server_set_context(struct dtls_server *server, struct ssl_ctx_st *context);

enum dtls_first {
    DTLS_FIRST_DROP,   /* no ClientHello, or one that cannot be answered */
    DTLS_FIRST_ANSWER, /* send `answer` back */
    DTLS_FIRST_PROVEN, /* the client is where it says: the owner may make a session now */
};

/* Room for a HelloVerifyRequest. */
enum { DTLS_ANSWER_SIZE = 64 };

struct dtls_answer {
    size_t len;
    uint8_t data[DTLS_ANSWER_SIZE];
};

/* Looks at a datagram from a client that has no session (or sends no datagram of its session, see
 * dtls_session_owns()). `answer` is written on DTLS_FIRST_ANSWER only. */
NODISCARD enum dtls_first dtls_server_first(struct dtls_server *server,
    const struct address *client, struct bytes datagram, uint64_t now_ms,
    struct dtls_answer *answer);

#endif
