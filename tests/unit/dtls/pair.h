/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/dtls/pair.h - two associations, the link between them and the clock, all scripted.
 *
 * OpenSSL reads the time for its retransmissions with gettimeofday(); pair.c defines one that
 * gives the scripted time, so a test decides when a second has passed.
 */
#ifndef UNIT_DTLS_PAIR_H
#define UNIT_DTLS_PAIR_H

#include "dtls/association.h"
#include "gen.h"

enum { PAIR_QUEUE = 64, PAIR_DATAGRAM = 2048, PAIR_LATENCY_MS = 10 };

struct pair_datagram {
    uint8_t data[PAIR_DATAGRAM];
    size_t len;
    uint64_t due_ms;
};

/* One end, and what is on its way to the other one. */
struct pair_end {
    struct pair *pair;
    struct dtls_certificate *certificate;
    struct dtls_context *context;
    struct dtls_association *association;
    struct pair_datagram out[PAIR_QUEUE];
    size_t out_count;
    size_t sent;           /* datagrams so far */
    uint64_t sent_ms[128]; /* when each was */
    size_t longest;
    uint64_t drop_mask; /* bit n: lose the n-th datagram this end sends */
    struct pair_end *peer;
};

struct pair {
    struct pair_end a, b;
    uint64_t now_ms;
    struct gen *chaos; /* not NULL: lose, delay and double at random */
    unsigned loss_percent;
};

struct pair_config {
    const char *profiles_a, *profiles_b; /* NULL: default */
    size_t mtu;
    bool keep_fingerprints; /* the test sets them itself */
};

void pair_init(struct pair *p, const struct pair_config *config);
void pair_done(struct pair *p);

/* Lets `end` have the fingerprint of its peer's certificate. */
void pair_tell_fingerprint(struct pair_end *end, enum dtls_hash hash);

/* Delivers and ticks until `until_ms`, or until nothing is left to happen. */
void pair_run(struct pair *p, uint64_t until_ms);

/* Puts a datagram on the way from `from`, as if it had sent it. */
void pair_inject(struct pair_end *from, struct bytes datagram);

/* Both VERIFIED, with keys that fit. */
bool pair_agrees(const struct pair *p);

#endif
