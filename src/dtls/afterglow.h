/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/afterglow.h - what outlives OpenSSL's state of a verified association.
 *
 * The server's last flight (ChangeCipherSpec, Finished), to answer a client that lost it, and a
 * close_notify made in advance. Some hundred bytes in place of tens of KiB.
 */
#ifndef DTLS_AFTERGLOW_H
#define DTLS_AFTERGLOW_H

#include "mediaferry/bytes.h"

enum {
    DTLS_REPEAT_MIN_MS = 50, /* a client's first retransmission is not sooner than that */
    DTLS_REPEATS_MAX = 16,
    DTLS_FLIGHT_MAX = 256,
    DTLS_FAREWELL_MAX = 64,
};

struct dtls_afterglow {
    uint8_t flight[DTLS_FLIGHT_MAX];
    uint8_t farewell[DTLS_FAREWELL_MAX];
    uint16_t flight_len;
    uint16_t farewell_len;
    uint16_t repeats;
    uint64_t repeat_not_before_ms;
};

/* Looks at a datagram as it is sent and keeps the last ChangeCipherSpec and Finished. */
void dtls_afterglow_watch(struct dtls_afterglow *g, struct bytes datagram);

/* Keeps a datagram to be sent at the end. */
void dtls_afterglow_keep_farewell(struct dtls_afterglow *g, struct bytes datagram);

/* What to answer to a datagram from a client that may have lost our last flight; mostly empty. */
struct bytes dtls_afterglow_answer(
    struct dtls_afterglow *g, struct bytes datagram, uint64_t now_ms);

#endif
