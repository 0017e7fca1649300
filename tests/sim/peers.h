/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/peers.h - who talks to the relay in tests: a phone with plain RTP, and a browser with ICE,
 * DTLS and SRTP, built from the same modules but on the other side of them.
 */
#ifndef SIM_PEERS_H
#define SIM_PEERS_H

#include "dtls/association.h"
#include "mediaferry/rtcp.h"
#include "mediaferry/rtp.h"
#include "rtpsec/session.h"
#include "sim.h"

enum { INBOX_MAX = 64, DATAGRAM_MAX = 1500 };

/* What came in, in the clear. */
struct inbox {
    size_t count; /* in all; the last INBOX_MAX are kept */
    struct {
        struct address from;
        size_t len;
        uint8_t data[DATAGRAM_MAX];
    } kept[INBOX_MAX];
};

/* The n-th from the end, 0 is the last; empty when there is none. */
struct bytes inbox_back(const struct inbox *inbox, size_t n);

struct address addr(const char *literal);

/* An RTP packet to be sent; the rest has harmless values. */
struct speech {
    uint32_t ssrc;
    uint16_t seq;
    uint8_t payload_type;
    uint32_t timestamp;
    const char *payload;
    const char *mid; /* as header extension 4; NULL: no extension */
};

/* Writes it; the result lies in static memory. */
struct bytes speech_bytes(const struct speech *s);

struct phone {
    struct sim_peer peer; /* first */
    struct address relay_rtp, relay_rtcp;
    struct inbox inbox;
};

void phone_join(struct phone *p, const char *address, const char *relay);
void phone_say(struct phone *p, const struct speech *s);
void phone_send(struct phone *p, const struct address *to, struct bytes datagram);

struct browser {
    struct sim_peer peer; /* first */
    struct address relay;
    const char *ufrag, *pwd;             /* its own */
    const char *relay_ufrag, *relay_pwd; /* the relay's */
    bool deaf;                           /* to DTLS */
    bool controlled;                     /* thinks so: a role conflict with a lite agent */
    unsigned answers;                    /* to its checks */
    unsigned refusals;
    unsigned error_code; /* of the last refusal */
    struct address mapped;
    struct dtls_association *dtls;
    struct rtpsec_session *rx, *tx;
    struct inbox inbox;
    unsigned undecipherable;
    size_t dtls_datagrams; /* received */
};

/* What every browser made from now on takes for the relay's fingerprint; borrowed. */
void browsers_expect(const struct dtls_fingerprint *fingerprint);

/* Makes one with a DTLS association of its own; NULL `profiles` for all. */
void browser_join(struct browser *b, const char *address, const char *relay, const char *profiles);
void browser_leave(struct browser *b);

/* A new association in place of the old one. */
void browser_renew_dtls(struct browser *b, const char *profiles);

/* The fingerprint of every browser's certificate. */
const struct dtls_fingerprint *browser_fingerprint(void);

enum check_kind { CHECK_PLAIN, CHECK_NOMINATE };

/* Sends a connectivity check. */
void browser_check(struct browser *b, enum check_kind kind);

void browser_start_dtls(struct browser *b, enum dtls_role role);
bool browser_is_connected(const struct browser *b);

/* Nominates a pair and does the handshake as its client; the test fails when that fails. */
void browser_connect(struct browser *b);

void browser_say(struct browser *b, const struct speech *s);

/* Protects and sends RTP or RTCP; the protected bytes lie in static memory. */
struct bytes browser_send(struct browser *b, struct bytes plain);

/* The same for what may be no RTP at all: false when it cannot be protected. */
bool browser_try_send(struct browser *b, struct bytes plain, struct bytes *sent);

/* SRTP keys of SDES in place of DTLS; `material` is key and salt. */
void browser_use_keys(struct browser *b, const struct rtpsec_suite *suite,
    const uint8_t *rx_material, const uint8_t *tx_material);

#endif
