/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dtls/association.h - one DTLS-SRTP handshake and its outcome (RFC 5763, RFC 5764, RFC 6347).
 *
 *                         ClientHello                Finished
 *          +------------+ or start(active) +---------+
 *          |    IDLE    |----------------> | HAND-   |-----------+--------------------+
 *          +------------+                  | SHAKING |           | fingerprint known, | not yet
 *                                          +---------+           | and it matches     | known
 *                                               |                v                    v
 *              timeout, alert, limit, no profile|          +----------+  matches +------------+
 *                                               |          | VERIFIED |<---------| CONNECTED_ |
 *                                               v          +----------+          | UNVERIFIED |
 *                                          +---------+  mismatch |               +------------+
 *                                          | FAILED  |<----------+---------------------+
 *                                          +---------+
 *          any state: dtls_close(), or the peer's authenticated close_notify -> CLOSED
 *
 * No sockets and no clock: datagrams and `now_ms` (any monotonic origin) come in as arguments,
 * datagrams to send go out through a callback, always to where the owner knows the peer to be. The
 * owner decides which source addresses may feed the association at all.
 *
 * Rules the owner can lean on:
 * - A ClientHello in IDLE makes the association passive, even before a fingerprint is known: the
 *   answerer may start before its answer arrives (RFC 5763, section 5). Keys are handed out in
 *   VERIFIED only, so no media passes before the certificate was checked.
 * - From the end of the handshake on nothing unencrypted is looked at any more. So neither a forged
 *   alert nor a fresh ClientHello disturbs a connected association. A restart (changed fingerprint
 *   or tls-id) is a new association: free the old one, make another.
 * - Flights are retransmitted after 50 ms, then at doubled waits, at most 4 s; the handshake may
 *   take 30 s, 512 datagrams and 256 KiB in all.
 * - OpenSSL keeps its retransmission timer in wall-clock time. The durations are ours and the owner
 *   is told when to call dtls_tick(), but a wall clock set back by hand during a handshake
 *   delays the retransmission by as much.
 */
#ifndef DTLS_ASSOCIATION_H
#define DTLS_ASSOCIATION_H

#include "dtls/context.h"
#include "dtls/retransmit.h"

enum dtls_state {
    DTLS_IDLE,
    DTLS_HANDSHAKING,
    DTLS_CONNECTED_UNVERIFIED, /* complete, held until the fingerprint is signalled */
    DTLS_VERIFIED,
    DTLS_FAILED,
    DTLS_CLOSED,
};

enum dtls_role { DTLS_ROLE_UNDECIDED, DTLS_ROLE_PASSIVE, DTLS_ROLE_ACTIVE };

enum dtls_failure {
    DTLS_FAILURE_NONE,
    DTLS_FAILURE_TIMEOUT,     /* not complete within DTLS_HANDSHAKE_MS */
    DTLS_FAILURE_FINGERPRINT, /* the peer's certificate is not the signalled one */
    DTLS_FAILURE_PROFILE,     /* no SRTP profile in common */
    DTLS_FAILURE_ALERT,       /* the peer sent a fatal alert: dtls_peer_alert() */
    DTLS_FAILURE_PROTOCOL,    /* OpenSSL refused what the peer sent */
    DTLS_FAILURE_FLOOD,       /* too many datagrams or bytes for one handshake */
    DTLS_FAILURE_MEMORY,
};

/* The keys of both directions as seen from this side (RFC 5764, section 4.2). */
struct dtls_srtp_keys {
    uint16_t profile; /* the number in the use_srtp extension: 0x0001, 0x0002, 0x0007, 0x0008 */
    size_t key_len;
    size_t salt_len;
    uint8_t tx_key[32];
    uint8_t tx_salt[14];
    uint8_t rx_key[32];
    uint8_t rx_salt[14];
};

struct dtls_association_config {
    struct dtls_context *context; /* the association takes a reference of its own */
    /* Sends one datagram, borrowed for the call; must not call back into the association. */
    void (*send)(void *owner, struct bytes datagram);
    void *owner;
};

struct dtls_association;

/* Returns a new association in IDLE, or NULL when out of memory. OpenSSL's state, the expensive
 * part, is made when the handshake begins. */
NODISCARD struct dtls_association *dtls_association_new(
    const struct dtls_association_config *config);

/* Wipes the keys; sends nothing. Accepts NULL. */
void dtls_association_free(struct dtls_association *a);

/* Takes the role that was negotiated. Active in IDLE sends the ClientHello; passive in IDLE waits
 * for one. Ignored once the handshake has begun: then dtls_association_role() tells the truth. */
enum dtls_state dtls_start(struct dtls_association *a, enum dtls_role role, uint64_t now_ms);

/* Takes one datagram from the peer (first byte 20..63, RFC 7983) and returns the state after it. */
enum dtls_state dtls_receive(struct dtls_association *a, struct bytes datagram, uint64_t now_ms);

/* Retransmits or gives up, when that is due. */
enum dtls_state dtls_tick(struct dtls_association *a, uint64_t now_ms);

/* When dtls_tick() is wanted next, or DTLS_NEVER. */
uint64_t dtls_due_ms(const struct dtls_association *a);

/* Sets the fingerprint the peer signalled, before or after the handshake. In VERIFIED, a
 * fingerprint that also fits the peer's certificate changes nothing, another one fails. */
enum dtls_state dtls_set_fingerprint(
    struct dtls_association *a, const struct dtls_fingerprint *fingerprint);

/* Whether the certificate the peer has shown has this fingerprint; false before it has shown any.
 * For deciding over a re-INVITE: keep the association or make a new one. */
bool dtls_peer_has_fingerprint(
    const struct dtls_association *a, const struct dtls_fingerprint *fingerprint);

/* The keys; false unless VERIFIED. */
NODISCARD bool dtls_keys(const struct dtls_association *a, struct dtls_srtp_keys *out);

/*
 * Gives OpenSSL's state back, in VERIFIED only (else nothing happens). What stays is the last
 * flight we sent and a ready-made close_notify. Server: a client that lost our Finished repeats
 * its own, and is then answered with the stored flight (at most every 50 ms, 16 times). Client:
 * nothing is ever asked again. The price: the peer's own close_notify is no longer seen. So call it
 * when media flows, or some seconds after VERIFIED.
 */
void dtls_release(struct dtls_association *a);

/* Sends close_notify when connected; CLOSED afterwards. */
void dtls_close(struct dtls_association *a);

enum dtls_state dtls_association_state(const struct dtls_association *a);
enum dtls_role dtls_association_role(const struct dtls_association *a);
enum dtls_failure dtls_association_failure(const struct dtls_association *a);

/* The number of the fatal alert that ended the handshake, 0 when there was none. */
unsigned dtls_peer_alert(const struct dtls_association *a);

const char *dtls_failure_name(enum dtls_failure failure);

#endif
