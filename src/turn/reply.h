/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/reply.h - answers: begun, filled with the writers of mediaferry/stun.h, signed, sent.
 *
 *     struct turn_reply reply;
 *     if (reply_begin(&reply, server, &exchange, STUN_SUCCESS)) {
 *         stun_write_u32(&reply.w, STUN_LIFETIME, lifetime_s);
 *         reply_send(&reply, path);
 *     }
 *
 * Short on purpose: no reason phrase, no SOFTWARE to who has proven nothing, FINGERPRINT only if
 * the request had one.
 */
#ifndef TURN_REPLY_H
#define TURN_REPLY_H

#include "mediaferry/stun.h"
#include "turn/state.h"

struct turn_request;

/* What an answer needs to know of its request; may be kept for an answer that comes later. */
struct turn_exchange {
    unsigned method;
    uint8_t id[STUN_ID_SIZE];
    bool has_fingerprint;
    struct auth_result auth; /* holds a reference; all zeros: nobody, unsigned */
};

/* Gives back what it holds. */
void turn_exchange_done(struct turn_exchange *exchange);

struct turn_reply {
    struct turn_server *server;
    const struct turn_exchange *exchange; /* borrowed */
    struct packet *packet;
    struct writer w;
};

/* False when there is no packet. Else reply_send() must follow. */
NODISCARD bool reply_begin(struct turn_reply *out, struct turn_server *server,
    const struct turn_exchange *exchange, enum stun_class kind);

/* Signs and sends; a reply that outgrew its packet is discarded. */
void reply_send(struct turn_reply *reply, const struct turn_path *path);

/* An error response to a request, counted; then like reply_begin(). */
NODISCARD bool reply_begin_error(
    struct turn_reply *out, struct turn_request *r, enum stun_error code);

/* For handlers: an error without more attributes, or a success with none; they return TURN_DONE. */
enum turn_verdict reply_error(struct turn_request *r, enum stun_error code);
enum turn_verdict reply_success(struct turn_request *r);

/* A transaction id for an indication. Nobody answers it, so it need not be hard to guess, only new:
 * Data indications must not cost random numbers. */
void indication_id(struct turn_server *server, uint8_t out[STUN_ID_SIZE]);

/* An indication to the client of an allocation; false when there is no packet. */
NODISCARD bool indication_begin(
    struct turn_reply *out, struct turn_server *server, enum stun_method method);

#endif
