/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan/plan.h - what a worker must bring about for one call: plain data between signalling and
 * media.
 *
 * `call` makes a plan after each offer, answer or delete; `relay` applies it. A plan always
 * describes the *whole* call, not a change: the worker compares it with what it has by the ids,
 * opens what is new, changes what differs and closes what is gone. So applying a plan twice does
 * nothing the second time, and a stored plan is enough to go on in another process.
 *
 * A transport is what packets travel on (sockets, ICE, DTLS, SRTP keys, remote addresses); a stream
 * is one m= section as one party sees it. Without BUNDLE each stream has a transport of its own,
 * with it several streams ride on one (RFC 9143).
 *
 * What is not there takes no memory: most calls have one local address, no ICE, three payload
 * types. A plan only points to its parts; plan_share() makes one block of it all, which the call
 * and its worker hold together.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "mediaferry/address.h"
#include "rtpsec/suite.h"

enum {
    PLAN_MAX_STREAMS = 64,    /* both sides of all sections, and all branches, together */
    PLAN_MAX_LOCALS = 8,      /* local addresses of one transport */
    PLAN_MAX_CANDIDATES = 16, /* remote candidates of one transport */
    PLAN_MAX_SINKS = 8,
    PLAN_MAX_PAYLOADS = 32,
    PLAN_MAX_SSRCS = 8,
    PLAN_MAX_KEY = 46, /* AES-256 key and 14 bytes of salt */
    PLAN_MAX_MKI = 8,
    PLAN_MAX_DIGEST = 64,
    PLAN_UFRAG_SIZE = 257, /* RFC 8839 5.4: up to 256 characters */
    PLAN_PWD_SIZE = 257,
    PLAN_MID_SIZE = 32,
    PLAN_CODEC_SIZE = 19, /* longer names are cut */
};

/* One local address of a transport. */
struct plan_local {
    struct address rtp;  /* where the socket is bound */
    struct address rtcp; /* family NONE: none (muxed, or the shared port) */
    uint32_t lease;      /* names the leased sockets; 0: the worker's shared WebRTC port */
};

/* SRTP keys as SDES gives them (RFC 4568). */
struct plan_srtp {
    const struct rtpsec_suite *suite; /* NULL: not agreed yet */
    uint8_t key[PLAN_MAX_KEY];        /* master key, then master salt */
    uint8_t mki[PLAN_MAX_MKI];
    uint8_t mki_len;
    bool unencrypted_srtp;
    bool unencrypted_srtcp;
    bool unauthenticated_srtp;
};

enum plan_security { PLAN_PLAIN, PLAN_SDES, PLAN_DTLS };

enum plan_dtls_role {
    PLAN_DTLS_UNDECIDED, /* offered actpass: answer a ClientHello, do not send one */
    PLAN_DTLS_PASSIVE,
    PLAN_DTLS_ACTIVE,
};

struct plan_dtls {
    enum plan_dtls_role role;
    uint32_t generation; /* grows when the association must be made anew (fingerprint, tls-id) */
    char hash[8];        /* "sha-256"; empty while the peer's fingerprint is not known */
    uint8_t digest_len;
    uint8_t digest[PLAN_MAX_DIGEST];
};

struct plan_candidate {
    struct address address;
    uint32_t priority;
    uint8_t component;
};

/* The texts are terminated. */
struct plan_ice {
    bool remote_lite;
    uint8_t candidate_count;
    uint32_t generation; /* grows with each restart */
    char *local_ufrag, *local_pwd;
    char *remote_ufrag, *remote_pwd;   /* empty while not known */
    struct plan_candidate *candidates; /* UDP with a literal address only */
};

/* How the address to send to is learned where there is no ICE (ng-protocol: endpoint-learning). */
enum plan_learning {
    PLAN_LEARN_OFF,
    PLAN_LEARN_IMMEDIATE,
    PLAN_LEARN_DELAYED,
    PLAN_LEARN_HEURISTIC
};

struct plan_transport {
    uint32_t id; /* unique within the call, never used again */
    uint8_t local_count;
    uint8_t tos;
    bool rtcp_mux;
    bool asymmetric; /* never learn: send to the signalled address only */
    bool strict_source;
    bool media_handover;
    enum plan_learning learning;
    enum plan_security security;
    uint32_t signalled; /* grows with each offer or answer: a new learning window opens */

    struct plan_local *locals; /* the first is the one to send from without ICE */
    struct address remote_rtp; /* as signalled; family NONE: not known yet */
    struct address remote_rtcp;

    struct plan_ice *ice;      /* NULL: without ICE */
    struct plan_srtp *srtp_rx; /* with PLAN_SDES: what the party encrypts with; else NULL */
    struct plan_srtp *srtp_tx; /* with PLAN_SDES: what we encrypt with; else NULL */
    struct plan_dtls *dtls;    /* with PLAN_DTLS; else NULL */
};

struct plan_payload {
    uint32_t clock_rate;
    uint8_t type;
    char codec[PLAN_CODEC_SIZE]; /* as rtpmap spells it, "PCMU" */
};

enum plan_stream_kind {
    PLAN_STREAM_RTP,
    PLAN_STREAM_RAW, /* not RTP (UDPTL ...): datagrams pass as they are */
};

/* Which of the timeouts holds while the stream is silent (ng-protocol 5.2). */
enum plan_timeout { PLAN_TIMEOUT_MEDIA, PLAN_TIMEOUT_SILENT, PLAN_TIMEOUT_OFFER };

struct plan_stream {
    uint32_t id;        /* unique within the call, never used again */
    uint32_t transport; /* id of the transport it rides on */
    enum plan_stream_kind kind;
    enum plan_timeout timeout;
    bool party_sends;      /* packets from the party are let through */
    bool party_receives;   /* packets may be sent to the party */
    bool feedback;         /* the party speaks AVPF; else 205/206 are taken out of RTCP to it */
    bool strip_extensions; /* RTP header extensions are taken out of packets to the party */

    uint8_t sink_count;
    uint8_t payload_count;
    uint8_t ssrc_count;
    uint8_t mid_extension; /* id of the mid header extension the party uses; 0: none */
    uint32_t *sinks;       /* ids of the streams that get what this party sends */

    /* For telling the streams of one transport apart under BUNDLE (RFC 9143 section 9.2), and for
     * statistics. `payloads` are those the party may send. */
    const char *mid; /* terminated; NULL: none */
    struct plan_payload *payloads;
    uint32_t *ssrcs; /* from the party's a=ssrc lines */
};

struct plan {
    uint32_t transport_count;
    struct plan_transport *transports;
    uint32_t stream_count;
    struct plan_stream *streams;
};

#endif
