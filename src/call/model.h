/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/model.h - the state of a call: parties, sections, descriptions and transports.
 *
 * For the files of this folder only. A command works on a copy (clone.h), so nothing here needs
 * undoing; what is new goes into the arena of the copy. Lists have room for as many as is said
 * beside them while the call is worked on, and for no more than there are while it is kept.
 *
 *     call --> party --> section --> side (current, pending) --> transport
 *
 * Sections have the same index in both parties of a dialog, even when one of them is not shown a
 * section at all (`sdp-media-remove`). A *side* is one party's section as agreed: what its SDP told
 * us and what ours told it. An offer is worked out on `pending` sides; the answer makes them
 * `current` (RFC 3264, section 8: until then the old ones hold). Before the first answer there is
 * nothing else, so the pending ones hold already.
 */
#ifndef CALL_MODEL_H
#define CALL_MODEL_H

#include "call/arena.h"
#include "call/call.h"
#include "call/sdes.h"
#include "mediaferry/sdp_attr.h"

enum {
    CALL_MAX_PARTIES = 32,
    CALL_MAX_SECTIONS = SDP_MAX_MEDIA,
    CALL_MAX_ALIASES = 8,
    CALL_MAX_FRAGMENTS = 16,
    CALL_MAX_SDP = 65535, /* as much as a string of a record may hold */
    CALL_UFRAG_LEN = 8,   /* ng-protocol 3.8 */
    CALL_PWD_LEN = 26,
    CALL_TLS_ID_LEN = 32,
};

/* Leased sockets. Those of a transport never change: another lease is another transport. */
struct transport {
    uint32_t id;
    struct text interface;
    enum address_family family; /* first choice when it was leased */
    bool ice;                   /* leased with all addresses of the interface */
    bool pair;                  /* has RTCP ports of its own */
    bool rtcp_given_up;         /* muxed in a plan before: the worker has closed the RTCP ports */
    uint32_t signalled;
    uint8_t local_count;
    struct call_lease_local *locals;
};

struct ice_state {
    bool used;   /* we speak ICE with this party */
    bool theirs; /* its SDP has a user name fragment and a password */
    bool lite, trickle;
    uint32_t generation;
    char ufrag[CALL_UFRAG_LEN + 1]; /* ours; empty while not needed */
    char pwd[CALL_PWD_LEN + 1];
    struct text their_ufrag, their_pwd;
    uint8_t candidate_count;
    struct plan_candidate *candidates;
};

struct dtls_state {
    bool offered; /* by us to the party */
    bool theirs;  /* its SDP has a fingerprint */
    bool prefer_passive;
    enum sdp_setup setup; /* theirs */
    enum sdp_hash hash;   /* theirs, as the digest */
    uint8_t digest[PLAN_MAX_DIGEST];
    uint8_t digest_len;
    struct text tls_id;
    char our_tls_id[CALL_TLS_ID_LEN + 1];
    enum plan_dtls_role role;
    uint32_t generation;
};

/* What is agreed about a transport: under BUNDLE the tagged section's holds for all. */
struct link {
    struct address rtp, rtcp; /* of the party; family NONE: not known */
    bool mux_offered;         /* the party's SDP has a=rtcp-mux */
    bool mux;                 /* RTP and RTCP share a port */
    bool mux_settled;         /* `mux` does not follow the answer of the other party */
    bool mux_required;        /* our offer has no port of its own for RTCP */
    struct ice_state ice;
    struct dtls_state dtls;
    enum plan_security security;
    struct sdes_list
        *sdes_offered;      /* by us to the party, no longer than its count; NULL: nothing */
    struct sdes_pair *sdes; /* agreed on; NULL: not yet */
};

struct side {
    bool rejected; /* port 0 in either direction */
    bool known;    /* the party's SDP has told the remote part */
    bool told;     /* our SDP has gone out to the party */
    struct transport *transport;
    struct link link;

    struct text type;          /* "audio" */
    struct text protocol_name; /* as in m= to and from the party */
    enum sdp_protocol protocol;
    bool osrtp;          /* RTP/AVP with keys (RFC 8643) */
    struct text formats; /* of the party's m= line */
    enum address_family family;
    bool zero_address; /* c=0.0.0.0: an old way to say hold */
    bool sends, receives;

    struct text mid;
    uint8_t bundle;      /* number of the BUNDLE group; 0: none */
    bool is_bundle_tag;  /* its link and transport hold for the group */
    bool bundle_offered; /* by us, in our offer; each has its own transport until the answer */
    bool bundle_only;    /* our offer gives it no port of its own */
    uint8_t mid_extension;
    bool plain;         /* our SDP was freed of what only a browser understands */
    bool no_extensions; /* no RTP header extension was agreed on with the party */
    int ptime;          /* to announce to the party; 0: as the other side says */

    struct text codec; /* "PCMU/8000", the first one */
    uint8_t payload_count;
    struct plan_payload *payloads; /* the party may send them */
    uint8_t ssrc_count;
    uint32_t *ssrcs;
};

struct section {
    struct side *current, *pending;
    uint32_t stream; /* id in the plan; 0: none */
    int line;        /* index of the m= line in SDP to and from the party; -1: not shown */
};

/* What `replace` pins for the SDP that goes to a party (ng-protocol 3.4). */
struct origin_state {
    struct text user, session_id, session_name;
    struct address address; /* family NONE: not pinned yet */
    bool has_version;
    uint64_t version;
};

struct party {
    uint32_t index; /* in call.parties */
    struct text tag, branch, label;
    uint8_t alias_count;
    struct text *aliases; /* CALL_MAX_ALIASES */
    int64_t created_us;
    bool answered;         /* its SDP has been seen */
    bool final;            /* a final reply: no other tag may take its place */
    struct party *current; /* the peer it talks to */
    uint32_t peer_count;
    struct party **peers; /* CALL_MAX_PARTIES */

    struct text interface;
    bool asymmetric, strict_source, media_handover;
    enum plan_learning learning;

    struct origin_state origin;
    struct text sdp_in;  /* the last SDP from the party */
    struct text sdp_out; /* the last SDP to it */
    uint32_t section_count;
    uint32_t line_count;
    struct section *sections; /* CALL_MAX_SECTIONS */
};

/* A trickle fragment that came before the SDP of its party. */
struct fragment {
    struct text tag, body;
};

struct call {
    struct arena arena;
    struct text id, metadata;
    int64_t created_us, last_signal_us;
    uint8_t tos;
    uint32_t last_transport, last_stream; /* ids given out */
    uint32_t party_count;
    struct party **parties; /* CALL_MAX_PARTIES */
    uint32_t fragment_count;
    struct fragment *fragments; /* CALL_MAX_FRAGMENTS */
    const struct plan *plan;    /* shared with the worker; NULL while it is worked on */
};

/* The side that holds now; NULL when the section is not there yet. */
static inline struct side *section_side(const struct section *s)
{
    return s->current != NULL ? s->current : s->pending;
}

/* Whether packets pass: agreed, not rejected, with sockets. */
static inline bool side_is_open(const struct side *s)
{
    return s != NULL && !s->rejected && s->transport != NULL;
}

static inline bool side_is_rtp(const struct side *s)
{
    return s->protocol != SDP_PROTOCOL_OTHER;
}

/* Not of UDP (MSRP, BFCP over TCP): no port of ours could stand for it, it goes around us. */
static inline bool side_passes_by(const struct side *s)
{
    return !side_is_rtp(s) &&
           (text_is(s->type, "message") || text_starts_with(s->protocol_name, "TCP/"));
}

#endif
