/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/resume.h - the media of a call at one moment, complete enough to go on in another process:
 * what a worker has learned, proven and counted beyond what the plan says.
 *
 * Plain data. All that a resume points to is memory of its own (relay_resume_alloc), which is wiped
 * and freed with it: there are keys in it. Clocks of two processes differ, so times are ages before
 * the save, in milliseconds, or unix time where it says so.
 *
 * Who reads one from elsewhere sees to it that texts, counts and enumerators are within the bounds
 * given here; whatever the numbers say otherwise, applying them is harmless to the process. Parts
 * that do not belong to what the plan says now (a later generation, another key) are passed over.
 *
 * How SRTP goes on. All up to a mark counts as received, or as sent, so no index serves twice:
 *
 * - `exact`: the saver did nothing more for the call (RELAY_SAVE_AND_END). Everything goes on
 *   without a jump.
 * - Else the saver may have gone on, and what it may have sent since is skipped; and the same once
 *   more for each of the `earlier` ones, who have gone on from this very save and left no other:
 *   - SRTCP of any SSRC goes on 2^20 behind the mark, or behind where it begins.
 *   - RTP that comes from SRTP keeps its numbers, for feedback names them. The ROC is that of the
 *     nearest index, and all below the first one counts as used: the sender itself uses none twice,
 *     and what others repeat gives the same packet again.
 *   - RTP that comes in the clear, for which anybody could choose the number, goes on 2^13 behind
 *     the mark, whatever its number.
 *
 * So with an old save no index serves twice as long as the numbers of an SSRC have gone on by less
 * than 2^13 since (of a sender in the clear; 2^15 else), and its SRTCP by less than 2^20 packets:
 * that is two minutes and a half of sound, or 8 seconds of video at 1000 packets a second. Who
 * saves calls that go on saves them again within that time, and gives an older record no media
 * state; the worker tells when it is time (relay_listener.changed). An SSRC in the clear that came
 * up since the save is not known, and its numbers are as good as its sender: it is worth a save,
 * too. One that is silent while four jumps add up is out of reach of its receiver's ROC.
 */
#ifndef RELAY_RESUME_H
#define RELAY_RESUME_H

#include "dtls/saved.h"
#include "ice/saved.h"
#include "relay/learning.h"
#include "relay/relay.h"
#include "rtp/quality.h"
#include "rtp/reception.h"
#include "rtpsec/session.h"

enum {
    RELAY_MAX_TUPLES = 16,  /* of one transport, on shared ports */
    RELAY_MAX_LEARNED = 64, /* SSRCs of one transport that has several streams */
    RELAY_MAX_JUMPS = 3,    /* from one save; after more receivers lose the ROC */
};

/* One SRTP session. Its marks are used only with the key they were made with. */
struct relay_resume_session {
    const struct rtpsec_suite *suite; /* NULL: there is no session */
    uint8_t key[RTPSEC_MAX_KEY];      /* suite->key_len bytes */
    uint8_t salt[RTPSEC_MAX_SALT];    /* suite->salt_len bytes */
    uint32_t rtcp_begin;              /* where SRTCP begins for an SSRC without a mark */
    bool unsure;                      /* the marks were old, and that has not settled yet */
    uint32_t mark_count;              /* at most RTPSEC_RX_SSRCS, RTPSEC_TX_SSRCS */
    struct rtpsec_mark *marks;        /* the longest idle first; no SSRC twice */
};

/* Without ICE: where packets go and come from (relay/learning.h). */
struct relay_resume_learning {
    struct address signalled; /* what it was learned against; family NONE: not known */
    struct address target;    /* family NONE: nowhere yet */
    struct address source;    /* family NONE: none yet */
    enum learning_rank best;
    bool settled;
    uint64_t window_left_ms; /* 0: the window is over */
};

/* RTP, with RTCP when muxed; or RTCP. */
struct relay_resume_component {
    uint8_t local; /* number of the local address to send from, without ICE */
    bool consent_expired;
    struct relay_resume_learning learning;
    struct relay_resume_session rx, tx; /* with SDES only component 0 has them */

    struct dtls_saved *dtls;  /* NULL: no handshake is complete in this generation */
    struct address dtls_peer; /* where its handshake came from; family NONE: not known */
    uint8_t dtls_local;       /* and to which local address */
};

/* On a shared port, packets from `remote` are for this transport. */
struct relay_resume_tuple {
    struct address remote;
    uint8_t local; /* number of the local address */
};

struct relay_resume_learned {
    uint32_t ssrc;
    uint32_t stream; /* id */
};

struct relay_resume_transport {
    uint32_t transport; /* id */
    /* Of the plan, when it was saved. */
    uint32_t signalled;
    uint32_t ice_generation;  /* 0 without ICE */
    uint32_t dtls_generation; /* 0 without DTLS */

    uint64_t ice_idle_ms;  /* since the last check answered */
    struct ice_saved *ice; /* NULL: without ICE */
    struct relay_resume_component components[2];
    uint32_t tuple_count;
    struct relay_resume_tuple *tuples; /* the longest idle first */
    uint32_t learned_count;
    struct relay_resume_learned *learned; /* beyond what SDP says; under BUNDLE */
};

struct relay_resume_ssrc {
    uint32_t ssrc;
    uint64_t packets, bytes;
    uint32_t last_timestamp;
    uint64_t idle_ms;
    int32_t reported_lost;
    /* Of what goes from plain RTP to SRTP: */
    bool seq_known;     /* the two below mean something */
    uint16_t seq_last;  /* the highest number handed on */
    uint16_t seq_shift; /* what is added to the sender's numbers */
    struct reception reception;
    struct quality *quality; /* its times are unix milliseconds; NULL: none */
};

/* RTP in [0] and RTCP in [1], as in relay_stream_state. */
struct relay_resume_stream {
    uint32_t stream; /* id */
    struct relay_counts in[2], out[2];
    int64_t last_packet_us[2]; /* unix; 0: never */
    uint64_t idle_ms;          /* since the last packet, or since its timeout began to hold */
    uint32_t rtt_us;           /* to the party; 0: not known */
    uint32_t ssrc_in_count, ssrc_out_count;       /* at most RELAY_MAX_SSRCS */
    struct relay_resume_ssrc *ssrc_in, *ssrc_out; /* in the order of their coming */
};

struct relay_resume {
    bool exact; /* the saver has ended the call with it */
    /* Both 0 as saved; who brings it back says how it has fared since. */
    uint64_t age_ms;          /* since the save */
    uint32_t earlier;         /* who have gone on from it before */
    uint32_t transport_count; /* at most PLAN_MAX_STREAMS */
    struct relay_resume_transport *transports;
    uint32_t stream_count; /* at most PLAN_MAX_STREAMS */
    struct relay_resume_stream *streams;
    struct relay_resume_block *memory; /* of relay_resume_alloc() */
};

/* Returns a new, empty one; NULL: out of memory. */
NODISCARD struct relay_resume *relay_resume_new(void);

/* How many have, or may have, sent for the call since the save: so often what one may have sent is
 * skipped. */
static inline uint32_t relay_resume_jumps(const struct relay_resume *resume)
{
    return resume->earlier + (resume->exact ? 0 : 1);
}

/* Returns zeroed memory of the resume for `count` things of `size` bytes; NULL when there are none,
 * or memory is short. */
void *relay_resume_alloc(struct relay_resume *resume, size_t count, size_t size);

/* Wipes and frees it; accepts NULL. */
void relay_resume_free(struct relay_resume *resume);

#endif
