/* SPDX-License-Identifier: Apache-2.0 */
/* dtls/association_state.h - an association as its own files see it. */
#ifndef DTLS_ASSOCIATION_STATE_H
#define DTLS_ASSOCIATION_STATE_H

#include "dtls/afterglow.h"
#include "dtls/association.h"
#include "dtls/transport.h"

struct ssl_st;

struct dtls_association {
    struct dtls_association_config config;
    enum dtls_state state;
    enum dtls_role role;
    enum dtls_failure failure;
    unsigned peer_alert;

    struct ssl_st *ssl; /* from the start of the handshake until released or over */
    struct dtls_transport transport;
    struct dtls_afterglow afterglow;
    bool keeps_farewell; /* what OpenSSL writes now is not sent but kept */

    uint64_t now_ms; /* of the call being served, for the timer callback */
    uint64_t retransmit_ms;
    uint64_t deadline_ms;
    size_t datagrams;
    size_t bytes;

    bool has_fingerprint;
    struct dtls_fingerprint fingerprint;
    bool has_peer;
    struct dtls_fingerprint peer[DTLS_HASHES];
    struct dtls_srtp_keys keys;
};

#endif
