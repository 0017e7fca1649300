/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_link.h - how a browser gets its SRTP keys: ICE, then DTLS, then consent as long as it lasts.
 *
 *     CHECKING --- pair selected ---> SHAKING --- keys ---> READY
 *          any --- DTLS failed, consent lost, no keys within WEB_LINK_SET_UP_MS ---> FAILED
 *
 * A passive one takes the peer's ClientHello from the start on. No sockets and no clock: datagrams
 * and the time are passed in, what is to be sent goes out through a callback.
 */
#ifndef LOAD_WEB_LINK_H
#define LOAD_WEB_LINK_H

#include "dtls/association.h"
#include "web_ice.h"

enum { WEB_LINK_SET_UP_MS = 15000 };

struct web_link_config {
    struct dtls_context *context; /* the link takes a reference of its own */
    enum dtls_role role;
    struct web_ice_credentials credentials;
    struct dtls_fingerprint fingerprint; /* of the peer */
    struct address remote;
    /* Sends one datagram, borrowed for the call; must not call back into the link. */
    void (*send)(void *owner, struct bytes datagram);
    void *owner;
};

enum web_link_state { WEB_LINK_CHECKING, WEB_LINK_SHAKING, WEB_LINK_READY, WEB_LINK_FAILED };

struct web_link;

/* Returns a new link, not yet started; NULL when out of memory or when a name of the credentials is
 * empty or too long. They are copied. */
NODISCARD struct web_link *web_link_new(const struct web_link_config *config);

/* Its time begins. The first check leaves with the next tick. */
void web_link_start(struct web_link *link, uint64_t now_ms);

/* Tells the peer of the end of DTLS. Accepts NULL. */
void web_link_free(struct web_link *link);

/* Takes a datagram of the remote address; all that is neither STUN nor DTLS is ignored. */
enum web_link_state web_link_receive(struct web_link *link, struct bytes datagram, uint64_t now_ms);

/* Does what is due. */
enum web_link_state web_link_tick(struct web_link *link, uint64_t now_ms);

/* When to call web_link_tick(); UINT64_MAX: never again. */
uint64_t web_link_due_ms(const struct web_link *link);

enum web_link_state web_link_state(const struct web_link *link);

/* Why it failed; constant text. */
const char *web_link_failure(const struct web_link *link);

/* The keys; false unless READY. */
NODISCARD bool web_link_keys(const struct web_link *link, struct dtls_srtp_keys *out);

#endif
