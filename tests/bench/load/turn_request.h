/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn_request.h - what a TURN client says to its server (RFC 8656), with long-term credentials.
 *
 * Pure functions into the caller's memory.
 */
#ifndef LOAD_TURN_REQUEST_H
#define LOAD_TURN_REQUEST_H

#include "mediaferry/stun.h"

enum { TURN_KEY_SIZE = 16 };

/* Borrows the texts. */
struct turn_account {
    struct text user, realm;
    uint8_t key[TURN_KEY_SIZE];
};

/* False when there is no MD5, or when the texts are too long. */
NODISCARD bool turn_account_init(
    struct turn_account *account, struct text user, struct text realm, struct text password);

/* How a request is signed; an empty nonce: not at all. */
struct turn_signature {
    const struct turn_account *account;
    struct bytes nonce;
};

/* Each writes a whole message into the empty writer. `id` has STUN_ID_SIZE bytes. */
void turn_write_allocate(struct writer *w, struct bytes id, const struct turn_signature *by);
void turn_write_permission(
    struct writer *w, struct bytes id, const struct address *peer, const struct turn_signature *by);
void turn_write_channel_bind(struct writer *w, struct bytes id, uint16_t channel,
    const struct address *peer, const struct turn_signature *by);
void turn_write_refresh(
    struct writer *w, struct bytes id, uint32_t lifetime_s, const struct turn_signature *by);

/* A Send indication, whose data is what the caller fills in: returns where, or NULL after a
 * failure. */
uint8_t *turn_write_send(
    struct writer *w, struct bytes id, const struct address *peer, size_t data_len);

/* The data of a Data indication; false when the datagram is none. */
NODISCARD bool turn_read_data(struct bytes datagram, struct bytes *out);

#endif
