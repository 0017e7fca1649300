/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/server_session.h - one client of a DTLS 1.2 server, once its address is proven.
 *
 *                        client's Finished
 *     HANDSHAKING ----------------------------> OPEN
 *          | timeout, alert, limit               | close_notify, alert, dtls_session_close()
 *          v                                     v
 *        FAILED                                CLOSED
 *
 * No sockets and no clock: datagrams and `now_ms` (any monotonic origin) come in as arguments. The
 * flights are retransmitted and the handshake bounded as in dtls/association.h. When it is open,
 * nothing unencrypted is looked at any more, so a forged alert or ClientHello does not disturb it.
 */
#ifndef DTLS_SERVER_SESSION_H
#define DTLS_SERVER_SESSION_H

#include "dtls/retransmit.h"
#include "dtls/server.h"

struct dtls_session;

enum dtls_session_state {
    DTLS_SESSION_HANDSHAKING,
    DTLS_SESSION_OPEN,
    DTLS_SESSION_FAILED,
    DTLS_SESSION_CLOSED,
};

/* Their bytes are borrowed. `send` may not call back into the session; `on_record` may send and
 * close, but not free. */
struct dtls_session_hooks {
    /* Sends one datagram to the client. */
    void (*send)(void *owner, struct bytes datagram);
    /* One decrypted record, not empty. */
    void (*on_record)(void *owner, struct bytes record);
};

/* Starts a session with the datagram for which dtls_server_first() said DTLS_FIRST_PROVEN, and
 * sends the first flight. Returns NULL when that fails. `hooks` and `owner` are borrowed. */
NODISCARD struct dtls_session *dtls_session_new(struct dtls_server *server,
    const struct dtls_session_hooks *hooks, void *owner, const struct address *client,
    struct bytes datagram, uint64_t now_ms);

/* Sends nothing. Accepts NULL. */
void dtls_session_free(struct dtls_session *s);

/* Whether a datagram from its client is for this session. If not, it is the first word of a new
 * one (the client has started anew): for dtls_server_first(), whose PROVEN ends the old session. */
bool dtls_session_owns(const struct dtls_session *s, struct bytes datagram);

/* Takes one datagram from the client and returns the state after it. */
enum dtls_session_state dtls_session_receive(
    struct dtls_session *s, struct bytes datagram, uint64_t now_ms);

/* Sends one record in one datagram. Returns 0, -ENOTCONN when not open, -EMSGSIZE or -EIO. */
NODISCARD int dtls_session_send(struct dtls_session *s, struct bytes record);

/* Retransmits or gives up, when that is due; returns the state after it. */
enum dtls_session_state dtls_session_tick(struct dtls_session *s, uint64_t now_ms);

/* When dtls_session_tick() is wanted next, or DTLS_NEVER. */
uint64_t dtls_session_due_ms(const struct dtls_session *s);

/* Tells the client (close_notify) when it is open; CLOSED afterwards. */
void dtls_session_close(struct dtls_session *s);

enum dtls_session_state dtls_session_state(const struct dtls_session *s);

/* Why it failed, or was closed by an error; a constant string, NULL for no such reason. */
const char *dtls_session_failure(const struct dtls_session *s);

#endif
