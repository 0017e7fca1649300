/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/counters.h - what one worker's relay has done, read from any thread.
 *
 * Beside these stand the counters of the worker (net/packet_io.h): packets received and sent, and
 * drops by reason. Nothing gets lost between them:
 *     received + copies = relayed + consumed + dropped by the relay
 */
#ifndef RELAY_COUNTERS_H
#define RELAY_COUNTERS_H

#include "base/metrics.h"

struct relay_counters {
    /* Gauges. */
    struct counter calls;
    struct counter transports;
    struct counter streams;
    struct counter dtls_associations;

    struct counter relayed_packets; /* handed on to a party */
    struct counter relayed_bytes;   /* as they leave, SRTP trailers included */
    struct counter copies;          /* made for a second and further sink */
    struct counter consumed;        /* STUN and DTLS that was for us */
    struct counter originated;      /* STUN and DTLS of our own */

    struct counter stun_answered; /* without ICE: the public service */
    struct counter ice_answered;
    struct counter ice_refused;
    struct counter ice_consent_lost;
    struct counter dtls_connected;
    struct counter dtls_released; /* OpenSSL's state of so many has been given back */
    struct counter dtls_failed;
    struct counter timeouts;
    struct counter errors; /* no memory or no socket for what a plan asked */
};

#endif
