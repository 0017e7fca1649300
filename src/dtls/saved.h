/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/saved.h - an association whose handshake is complete, at one moment, to go on in another
 * process as it would after dtls_release(). Plain values, with keys among them.
 */
#ifndef DTLS_SAVED_H
#define DTLS_SAVED_H

#include "dtls/afterglow.h"
#include "dtls/association.h"

struct dtls_saved {
    enum dtls_state state;            /* DTLS_CONNECTED_UNVERIFIED, DTLS_VERIFIED or DTLS_CLOSED */
    enum dtls_role role;              /* DTLS_ROLE_PASSIVE or DTLS_ROLE_ACTIVE */
    uint8_t digests[DTLS_HASHES][64]; /* of the peer's certificate, dtls_hash_len() bytes of each */
    struct dtls_srtp_keys keys;
    uint16_t flight_len;   /* our last flight, for a client that has lost it; 0: none */
    uint16_t farewell_len; /* a close_notify; 0: none */
    uint8_t flight[DTLS_FLIGHT_MAX];
    uint8_t farewell[DTLS_FAREWELL_MAX];
};

/* False when there is nothing to save: the handshake is not complete, or has failed. */
NODISCARD bool dtls_association_save(const struct dtls_association *a, struct dtls_saved *out);

/* Returns a new association that goes on from there, or NULL: out of memory, or no association can
 * have been like that. It never needs a context: `config->context` may be NULL. */
NODISCARD struct dtls_association *dtls_association_restore(
    const struct dtls_association_config *config, const struct dtls_saved *saved);

#endif
