/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/dtls_path.h - the DTLS associations of a transport, one for each component.
 *
 * A handshake is listened to only when it comes from where ICE has proven the peer to be, or
 * without ICE from where SDP or authentic media says it is. Keys reach the SRTP sessions once the
 * certificate has matched its fingerprint. A new generation in the plan means a new association;
 * media goes on with the old keys until the new one is connected.
 */
#ifndef RELAY_DTLS_PATH_H
#define RELAY_DTLS_PATH_H

#include "dtls/association.h"
#include "relay/resume.h"
#include "relay/transport.h"

void dtls_path_apply(struct transport *t, uint64_t now_ms);

/* Ends the association, with a close_notify if the peer can be told. */
void dtls_path_close(struct component *c);

/* Ends it without a word: it goes on elsewhere. */
void dtls_path_leave(struct component *c);

/* False when no handshake is complete. */
NODISCARD bool dtls_path_save(
    const struct component *c, struct dtls_saved *out, struct address *peer, uint8_t *local);

/* Goes on with what is saved of one, before dtls_path_apply() would begin a new one. False when it
 * is not with the peer of the plan, or cannot be. */
NODISCARD bool dtls_path_restore(struct component *c, const struct relay_resume_component *saved);

/* A datagram of DTLS came to component `c`, at its local address number `local`: why it is not for
 * us, or DROP_NONE. */
NODISCARD enum drop_reason dtls_path_judge(
    const struct component *c, const struct packet *packet, uint8_t local);

/* Takes in one that dtls_path_judge() has let pass. */
void dtls_path_receive(
    struct component *c, const struct packet *packet, uint8_t local, uint64_t now_ms);

/* The peer's address is known now: the active side may begin. */
void dtls_path_begin(struct component *c, uint64_t now_ms);

/* Once a second: gives memory back that a finished handshake no longer needs. */
void dtls_path_tick(struct component *c, uint64_t now_ms);

/* Lets go of the context that new associations would share. */
void dtls_path_done(struct relay *relay);

#endif
