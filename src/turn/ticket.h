/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/ticket.h - what a mobility ticket says, sealed so that only this server can read and write
 * it (RFC 8016, section 3.3): AES-256-GCM with a random nonce.
 *
 *     nonce:96 { allocation:64 serial:32 } tag:128
 */
#ifndef TURN_TICKET_H
#define TURN_TICKET_H

#include "mediaferry/bytes.h"

enum { TICKET_KEY_SIZE = 32, TICKET_SIZE = 40 };

struct ticket {
    uint64_t allocation; /* its id, with the worker in it */
    uint32_t serial;     /* of the allocation's tickets */
};

/* Writes TICKET_SIZE bytes; false when the library fails. */
NODISCARD bool ticket_seal(
    const uint8_t key[TICKET_KEY_SIZE], const struct ticket *ticket, uint8_t out[TICKET_SIZE]);

/* False for what this key has not sealed. */
NODISCARD bool ticket_open(
    const uint8_t key[TICKET_KEY_SIZE], struct bytes sealed, struct ticket *out);

#endif
