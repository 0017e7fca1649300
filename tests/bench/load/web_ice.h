/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_ice.h - the full ICE agent of a phone with one host candidate and one remote address
 * (RFC 8445), which keeps its consent (RFC 7675).
 *
 *     CHECKING --- our check is answered ---> SELECTED --- 30 s without an answer ---> LOST
 *
 * It controls and nominates with its first check. Its tie-breaker is 0: a peer that controls too
 * always wins (section 7.3.1.1), and then the pair is selected when that peer has nominated it.
 * No sockets and no clock: the owner sends what is written, and passes the time in.
 */
#ifndef LOAD_WEB_ICE_H
#define LOAD_WEB_ICE_H

#include "ice/agent.h"
#include "mediaferry/stun.h"

enum {
    WEB_ICE_RETRY_MS = 50, /* then doubled */
    WEB_ICE_RETRY_MAX_MS = 1600,
    WEB_ICE_CONSENT_EVERY_MS = 5000, /* between 80 % and 120 % of it (RFC 7675, section 5.1) */
    WEB_ICE_MESSAGE_MAX = 700,       /* room for the longest check */
};

struct web_ice_credentials {
    struct text local_ufrag, local_pwd;
    struct text remote_ufrag, remote_pwd;
};

enum web_ice_state { WEB_ICE_CHECKING, WEB_ICE_SELECTED, WEB_ICE_LOST };

struct web_ice {
    enum web_ice_state state;
    struct ice_name local_ufrag, local_pwd, remote_ufrag, remote_pwd;
    bool is_controlled;
    bool is_nominated; /* by the peer */
    bool is_answered;  /* some check of ours was */
    uint8_t id[STUN_ID_SIZE];
    unsigned wait_ms; /* before the next retransmission */
    uint64_t due_ms;  /* of the next check */
    uint64_t consent_ms;
    unsigned error_code; /* of the last refusal; 0: none */
};

/* The names are copied; false when one is empty or longer than ICE_NAME_MAX. */
NODISCARD bool web_ice_init(struct web_ice *ice, const struct web_ice_credentials *credentials);

/* The first check is due. */
void web_ice_start(struct web_ice *ice, uint64_t now_ms);

/* Writes the check that is due into the empty writer `out`, WEB_ICE_MESSAGE_MAX bytes. `random`
 * makes a new check's id and the time of the next one. False when none is due. */
NODISCARD bool web_ice_tick(
    struct web_ice *ice, const uint8_t random[STUN_ID_SIZE], uint64_t now_ms, struct writer *out);

/* Takes a STUN datagram from the remote address, which is ours to answer when `reply` is not empty
 * afterwards. */
void web_ice_receive(struct web_ice *ice, struct bytes datagram, const struct address *source,
    uint64_t now_ms, struct writer *reply);

/* When to call web_ice_tick(); UINT64_MAX: never again. */
uint64_t web_ice_due_ms(const struct web_ice *ice);

#endif
