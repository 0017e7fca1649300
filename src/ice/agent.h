/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ice/agent.h - an ICE-lite agent (RFC 8445, lite rules; consent RFC 7675 as the lite side sees
 * it).
 *
 * It answers connectivity checks, remembers which addresses have proven to know our password, and
 * says where media goes. One agent serves both components of a stream, which share its credentials.
 * It owns no memory, socket, timer or clock: the caller's struct holds all, `now_ms` is passed in
 * and must not run backwards; a reply is written into the caller's writer.
 *
 * It is always controlled: a lite agent cannot control (RFC 8445, section 6.1.1). A peer that
 * thinks otherwise gets 487 and changes its mind.
 *
 * Per component:
 *               check with USE-CANDIDATE          30 s without a check
 *      NONE ------------------------------> SELECTED ---------------> NONE
 *                                            |    ^
 *                     a pair nominated later |____| (the rules are in select.c)
 *
 * A restart opens a new generation of credentials. Pairs and credentials of the old one keep
 * working until the new one has selected a pair, and 30 s longer.
 */
#ifndef ICE_AGENT_H
#define ICE_AGENT_H

#include "mediaferry/address.h"
#include "mediaferry/bytes.h"

enum {
    ICE_MAX_PAIRS = 16, /* more than components */
    ICE_COMPONENTS = 2,
    ICE_NAME_MAX = 256, /* the longest ufrag or password (RFC 8839, section 5.4) */
    ICE_SOFTWARE_MAX = 64,
    ICE_EARLY_UFRAG_MAX = 32, /* the longest remote ufrag believed before it was signalled */
    ICE_CONSENT_MS = 30000,
    ICE_REPLY_MAX = 256, /* room that every reply fits in */
};

/* What became of a datagram: constant, name for logs and metrics. The first five wrote a reply. */
#define ICE_VERDICTS(X)                                                                            \
    X(ICE_ANSWERED, "answered")                                                                    \
    X(ICE_REFUSED_BAD_REQUEST, "bad-request")             /* 400: no USERNAME or integrity */      \
    X(ICE_REFUSED_UNAUTHORIZED, "unauthorized")           /* 401 */                                \
    X(ICE_REFUSED_UNKNOWN_ATTRIBUTE, "unknown-attribute") /* 420 */                                \
    X(ICE_REFUSED_ROLE_CONFLICT, "role-conflict")         /* 487 */                                \
    X(ICE_IGNORED_NOT_STUN, "not-stun")                                                            \
    X(ICE_IGNORED_METHOD, "not-binding")                                                           \
    X(ICE_IGNORED_INDICATION, "indication")                                                        \
    X(ICE_IGNORED_RESPONSE, "response")                                                            \
    X(ICE_IGNORED_NO_FINGERPRINT, "no-fingerprint")                                                \
    X(ICE_IGNORED_BAD_FINGERPRINT, "bad-fingerprint")                                              \
    X(ICE_IGNORED_NO_ROOM, "no-room") /* the reply did not fit its writer */

#define ICE_VERDICT_CONSTANT(constant, name) constant,
enum ice_verdict { ICE_VERDICTS(ICE_VERDICT_CONSTANT) ICE_VERDICT_COUNT };

struct ice_credentials {
    struct text ufrag;
    struct text pwd;
};

/* Everything in it is copied by ice_agent_init(). */
struct ice_config {
    struct ice_credentials local;
    struct text remote_ufrag; /* empty while not known */
    bool remote_lite;         /* the peer sends no checks: what it signals is valid at once */
    struct text software;     /* for SOFTWARE in replies; may be empty */
};

/* Which of our own transport addresses a packet came to. */
struct ice_local {
    uint8_t component; /* 1 or 2 */
    uint8_t index;     /* of the local address, 0 is the preferred one */
};

struct ice_name {
    uint16_t len;
    char data[ICE_NAME_MAX];
};

struct ice_pair {
    struct ice_local local;
    struct address remote;
    uint64_t priority;     /* RFC 8445, section 6.1.2.3 */
    uint64_t checked_ms;   /* last authenticated check */
    uint64_t nominated_ms; /* last check with USE-CANDIDATE; meaningful when nominated */
    uint64_t media_ms;     /* last media; 0: none yet */
    uint32_t generation;
    bool nominated;  /* some check carried USE-CANDIDATE */
    bool nominating; /* the last one did */
    bool signalled;  /* of a lite peer: needs no check */
    uint8_t sender_len;
    char sender[ICE_EARLY_UFRAG_MAX]; /* the remote ufrag it was checked with */
};

struct ice_generation {
    struct ice_name local_ufrag;
    struct ice_name local_pwd;
    struct ice_name remote_ufrag; /* empty while not known */
};

struct ice_stats {
    uint64_t verdicts[ICE_VERDICT_COUNT];
    uint64_t nominations; /* checks with USE-CANDIDATE */
    uint64_t selections;  /* how often a component's selected pair became another one */
    uint64_t consent_lost;
    uint64_t evicted; /* pairs that gave way to newer ones */
};

/* Read the statistics; leave the rest to the functions. */
struct ice_agent {
    struct ice_stats stats;
    struct ice_generation current;
    struct ice_generation previous;
    uint32_t generation;          /* number of the current one */
    uint32_t previous_generation; /* number of the previous one */
    uint64_t previous_until_ms;   /* 0: there is no previous one */
    bool remote_lite;
    uint8_t software_len;
    char software[ICE_SOFTWARE_MAX];
    size_t pair_count;
    struct ice_pair pairs[ICE_MAX_PAIRS];
    int selected[ICE_COMPONENTS]; /* index into pairs, -1: none */
};

/* False when a name is empty (save the remote ufrag and software) or too long. */
NODISCARD bool ice_agent_init(struct ice_agent *agent, const struct ice_config *config);

/* The answer came: from now on only that peer's checks count, and what others proved before is
 * forgotten. False when the name is empty or too long. */
NODISCARD bool ice_agent_set_remote(
    struct ice_agent *agent, struct text remote_ufrag, bool remote_lite);

/* A candidate of a lite peer becomes a valid, nominated pair. Does nothing for a full peer, which
 * proves its addresses by checks. */
void ice_agent_add_candidate(struct ice_agent *agent, struct ice_local local,
    const struct address *remote, uint32_t priority, uint64_t now_ms);

/* Opens a new generation; `remote_ufrag` may be empty. The old one to fall back to is the last that
 * had selected a pair. False, with nothing changed, when a name is too long, or empty where it must
 * not be. */
NODISCARD bool ice_agent_restart(struct ice_agent *agent, const struct ice_credentials *local,
    struct text remote_ufrag, bool remote_lite);

/* Our ufrag; borrows the agent, like the next one, until a restart or its end. */
struct text ice_agent_ufrag(const struct ice_agent *agent);

/* Our ufrag in the generation to fall back to, whose checks still count; empty: there is none. */
struct text ice_agent_previous_ufrag(const struct ice_agent *agent);

/* Takes a datagram that classifies as STUN. The reply, if the verdict has one, is in the empty
 * writer `reply` and goes back to `source` from the address it came to. */
enum ice_verdict ice_agent_receive(struct ice_agent *agent, struct bytes datagram,
    const struct address *source, struct ice_local local, uint64_t now_ms, struct writer *reply);

/* Whether DTLS or media from there may be looked at. */
NODISCARD bool ice_agent_is_valid_source(
    const struct ice_agent *agent, const struct address *source, struct ice_local local);

/* Authenticated media came from there: the selected pair follows when it comes only from another
 * nominated one. True when the selection changed. */
bool ice_agent_saw_media(
    struct ice_agent *agent, const struct address *source, struct ice_local local, uint64_t now_ms);

/* Where to send; NULL while there is no pair or consent. Lasts until the next call on the agent. */
const struct ice_pair *ice_agent_selected(const struct ice_agent *agent, unsigned component);

/* When to call ice_agent_tick(); UINT64_MAX: not before something else happens. */
uint64_t ice_agent_due_ms(const struct ice_agent *agent);

/* Lets consent and old credentials end. True when a selected pair changed. */
bool ice_agent_tick(struct ice_agent *agent, uint64_t now_ms);

const char *ice_verdict_name(enum ice_verdict verdict);

#endif
