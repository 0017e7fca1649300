/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/call.h - the dialog model: offer, answer and delete as a pure function.
 *
 * call_apply() takes the state of a call and one command, and makes the new state, the SDP to hand
 * back and, through call_plan(), what the worker must do. The old state stays as it is, so whoever
 * asked may still decide for it. No socket, clock or random number is used inside: time, randomness
 * and ports come in through `struct call_env`. A command that fails gives back the ports it leased.
 *
 * Words (ng-protocol.md): a *party* is known by its tag; the *sender* made the SDP of the message,
 * the *receiver* gets the rewritten one. A party's section holds the remote side as its SDP told
 * it, and our own side as our SDP tells it.
 */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include "call/flags.h"
#include "plan/plan.h"

struct call; /* opaque; made by the first offer */

enum call_status {
    CALL_OK,
    CALL_NO_SDP,         /* "No SDP body in message" */
    CALL_SDP_INVALID,    /* "Failed to parse SDP" */
    CALL_SDP_INCOMPLETE, /* "Incomplete SDP specification" */
    CALL_UNKNOWN,        /* "Unknown call-id" */
    CALL_BAD_DIALOG,     /* "Invalid dialogue association" */
    CALL_NO_PORTS,       /* "Ran out of ports" */
    CALL_BIND_FAILED,    /* the same words: no address of that interface could be bound */
    CALL_NO_MATCH,       /* "Call-ID not found or tags didn't match" (delete) */
    CALL_REWRITE_FAILED, /* "Error rewriting SDP": too large, or a value that cannot be written */
    CALL_TOO_LARGE,      /* more parties or sections than the limits */
    CALL_OUT_OF_MEMORY,
};

/* The exact `error-reason` of the ng protocol. */
const char *call_status_text(enum call_status status);

/* One local address that a lease came with. */
struct call_lease_local {
    uint32_t lease; /* 0: the shared WebRTC port of the worker, which needs no release */
    struct address bound_rtp, bound_rtcp; /* rtcp: family NONE for a single port */
    struct address advertised_rtp;        /* IP and port to write into SDP */
    struct address advertised_rtcp;
    char foundation[17]; /* of the host candidate, fixed for the process */
};

struct call_lease_request {
    struct text interface; /* logical name; empty: the default one */
    enum address_family
        family;  /* first choice; with `ice` all families of the interface are given */
    bool ice;    /* give every address of the interface */
    bool shared; /* the shared WebRTC port will do (when configured) */
    bool pair;   /* even RTP port and the next for RTCP; else one port */
};

/* Where ports come from; the session layer leases bound sockets, a test counts. */
struct call_ports {
    void *owner;
    /* Fills `out` with 1 to PLAN_MAX_LOCALS entries and gives their number, or 0 with `why` set to
     * CALL_NO_PORTS or CALL_BIND_FAILED. */
    size_t (*lease)(void *owner, const struct call_lease_request *request,
        struct call_lease_local out[PLAN_MAX_LOCALS], enum call_status *why);
    /* Gives back one lease that no plan has named yet. Leases that disappear from a plan are given
     * back by the session once the worker has closed them. */
    void (*release)(void *owner, uint32_t lease);
    /* Whether the named interface exists. */
    bool (*has_interface)(void *owner, struct text name);
};

/* Settings of the daemon that shape offers and answers. */
struct call_config {
    bool plain_sdp; /* drop what only a browser understands toward plain RTP */
    bool dtls_passive;
    bool sip_source;
    bool reject_invalid_sdp;
    uint8_t tos;
    enum plan_learning learning;
    int64_t loop_id; /* for loop-protect: random, fixed for the process */
};

struct call_env {
    const struct call_config *config;
    struct call_ports *ports;
    void (*random)(void *data, size_t len); /* fills with random bytes */
    int64_t wall_us;                        /* microseconds since 1970, for `created` */
    /* Digest of the call's certificate with a hash ("sha-256"); false if the hash is not known.
     * `digest_len` comes in as the capacity of 64. */
    bool (*fingerprint)(void *owner, struct text hash, uint8_t digest[64], size_t *digest_len);
    void *fingerprint_owner;
};

enum call_verb { CALL_OFFER, CALL_ANSWER, CALL_DELETE };

struct call_command {
    enum call_verb verb;
    struct text call_id, from_tag, to_tag, via_branch;
    struct text sdp;
    struct call_flags flags;
};

struct call_result {
    struct text sdp;     /* borrows the new state, or the command; empty for delete */
    bool ended;          /* delete: no party would be left. The state and the plan stay as they are
                            until the session frees the call, or a new offer goes on with it */
    const char *warning; /* static text for the reply's `warning`, or NULL */
    char why[160];       /* for the log: what was wrong and where, when the status is not OK */
};

/*
 * Carries out one command. `now` is NULL for a call-id not seen before; an offer then makes the
 * call. On success `out` is filled and `*next` is the new state, which the caller frees; NULL when
 * there is nothing to keep: `out->ended`, or an SDP that has our own loop-protect mark. On failure
 * `*next` is NULL and only `out->why` is set.
 */
NODISCARD enum call_status call_apply(const struct call *now, const struct call_command *command,
    const struct call_env *env, struct call **next, struct call_result *out);

/* Frees the call; NULL is accepted. Leases are the business of whoever applied the last plan. */
void call_free(struct call *call);

/* Returns a new copy of the call, or NULL when memory is short: for what must be told after a
 * delete. */
NODISCARD struct call *call_clone(const struct call *call);

/*
 * A call at rest, a third of its size: most are not touched between the answer and the end. To work
 * on it or to read it, unfold it.
 */
struct folded_call;

/* Returns the call folded, with a reference of its own to the plan; NULL when memory is short. */
NODISCARD struct folded_call *call_fold(const struct call *call);

/* Returns a new call; NULL when memory is short. */
NODISCARD struct call *call_unfold(const struct folded_call *folded);

/* Accepts NULL. */
void folded_call_free(struct folded_call *folded);

const struct plan *folded_call_plan(const struct folded_call *folded);

/* The plan for the call as it stands; borrows the call. */
const struct plan *call_plan(const struct call *call);

/* A party's section as query shows it. Views borrow the call. */
struct call_section_info {
    struct text type, protocol, codec; /* codec: "PCMU/8000", the first of the list */
    uint32_t stream;                   /* id in the plan; 0: none (disabled, or not agreed yet) */
    uint32_t transport;
    bool ice, trickle, ice_lite_peer, dtls, dtls_active, dtls_role_known, sdes, rtcp_mux,
        asymmetric;
    bool send, recv, feedback;
    struct address endpoint, rtcp_endpoint; /* signalled by the party */
};

struct call_party_info {
    struct text tag, via_branch, label;
    uint32_t alias_count; /* further tags of the party */
    const struct text *aliases;
    int64_t created_us;
    uint32_t section_count;
    struct text peers[PLAN_MAX_SINKS]; /* tags of the parties it is in dialogue with */
    uint32_t peer_count;
};

struct text call_id(const struct call *call);
int64_t call_created_us(const struct call *call);
int64_t call_last_signal_us(const struct call *call);
struct text call_metadata(const struct call *call);
uint32_t call_party_count(const struct call *call);
struct call_party_info call_party(const struct call *call, uint32_t index);
struct call_section_info call_section(const struct call *call, uint32_t party, uint32_t index);

#endif
