/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/relay.h - the media of calls on one worker: transports, streams and the packet pipeline.
 *
 * This header is all that the control thread sees. The functions named relay_post_* may be called
 * from the control thread only; they hand their work to the worker's mailbox and return at once.
 * What the worker has to say comes back through `struct relay_listener`, always on the control
 * thread.
 */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "net/mailbox.h"
#include "net/worker.h"
#include "plan/plan.h"

struct dtls_certificate;
struct relay;
struct relay_resume; /* relay/resume.h */

enum { RELAY_MAX_SSRCS = 16 };

/* Sockets leased for a call, named by plan_local.lease. The worker takes the descriptors. */
struct relay_sockets {
    uint32_t lease;
    int rtp_fd;
    int rtcp_fd;               /* -1: none */
    struct address advertised; /* IP of both as the world knows it; family NONE: as bound */
};

/* The new plan of a call. Made by relay_update_new(), taken by relay_post_update(). */
struct relay_update {
    uint64_t call;                        /* handle of the call, unique in the process */
    char *call_id;                        /* for log lines; owned */
    const struct plan *plan;              /* shared, reference owned */
    struct dtls_certificate *certificate; /* reference owned; the call's DTLS certificate */
    size_t socket_count;
    struct relay_sockets *sockets; /* new since the last update; owned */
    struct relay_resume *resume;   /* of a call that it makes; owned; set after relay_update_new(),
                                      else NULL */
    bool ends_silently;            /* with an empty plan: without a farewell to the parties */
};

/* Returns a new update with a copy of the text and references of its own to `plan`, which is of
 * plan_share(), and to `certificate`; NULL when memory is short (descriptors stay with the caller
 * then). */
NODISCARD struct relay_update *relay_update_new(uint64_t call, struct text call_id,
    const struct plan *plan, struct dtls_certificate *certificate,
    const struct relay_sockets *sockets, size_t socket_count);

struct relay_counts {
    uint64_t packets, bytes, errors;
};

/* Quality of one SSRC as RTCP tells it; units as in the ng protocol. */
struct relay_quality {
    uint32_t mos_x10; /* 0: no sample */
    uint32_t rtt_us, rtt_leg_us, jitter_ms, loss_percent;
    uint32_t samples;
    int64_t reported_at; /* unix seconds; of lowest and highest */
};

struct relay_ssrc {
    uint32_t ssrc;
    uint64_t packets, bytes;
    uint32_t last_timestamp;
    uint32_t last_sequence; /* extended: cycles and 16 bits */
    uint64_t duplicates;
    uint32_t jitter;         /* measured at arrival, in timestamp units (RFC 3550 A.8) */
    int64_t lost;            /* expected less received */
    int64_t cumulative_loss; /* as last reported by the peer */
    struct relay_quality average, lowest, highest;
    uint32_t progression_count;
    struct relay_quality progression[10];
    uint32_t progression_interval_s;
};

/* One stream, RTP in [0] and RTCP in [1]. Times are unix microseconds, 0: never. */
struct relay_stream_state {
    uint32_t stream;
    struct relay_counts in[2], out[2];
    int64_t last_packet_us[2];
    uint32_t ssrc_in_count, ssrc_out_count;
    struct relay_ssrc ssrc_in[RELAY_MAX_SSRCS], ssrc_out[RELAY_MAX_SSRCS];
};

enum relay_dtls_state {
    RELAY_DTLS_NONE,
    RELAY_DTLS_NEW,
    RELAY_DTLS_HANDSHAKING,
    RELAY_DTLS_UNVERIFIED, /* done, but the fingerprint is not known yet */
    RELAY_DTLS_CONNECTED,
    RELAY_DTLS_FAILED,
};

struct relay_transport_state {
    uint32_t transport;
    struct address local[2];  /* RTP and RTCP sockets in use */
    struct address remote[2]; /* where packets go now: signalled, learned or selected */
    bool confirmed;           /* learning has settled, or ICE has a selected pair */
    bool consent_expired;
    enum relay_dtls_state dtls;
    const struct rtpsec_suite *suite; /* NULL: plain, or no keys yet */
};

/* The media of one call at one moment; the listener borrows it for the call of the function. */
struct relay_snapshot {
    uint64_t call;
    bool found; /* false: the worker has no such call (any more) */
    uint32_t transport_count;
    struct relay_transport_state *transports;
    uint32_t stream_count;
    struct relay_stream_state *streams;
};

struct relay_listener {
    void *owner;
    /* The worker has closed the sockets of the lease: its ports are free. */
    void (*lease_closed)(void *owner, uint32_t lease);
    /* Every stream of the call has been silent for longer than its timeout. Said once. */
    void (*timed_out)(void *owner, uint64_t call, enum plan_timeout why);
    /* Answer to relay_post_query() with the same token. */
    void (*snapshot)(void *owner, uint64_t token, const struct relay_snapshot *snapshot);
    /* Answer to relay_post_save() with the same token; borrowed for the call. NULL: the worker has
     * no such call, or memory was short, and then nothing has happened to it. */
    void (*saved)(void *owner, uint64_t token, const struct relay_resume *resume);
    /* What was saved of the call last is old by now, in something that another process would have
     * to learn anew, or in how far SRTP has got; that of a call that has just been resumed is, too.
     * Said once until the next save. May be NULL. */
    void (*changed)(void *owner, uint64_t call);
};

/* A WebRTC port: a UDP socket of the worker that no single call owns, and that answers plain STUN
 * too. The worker takes `fd`. */
struct relay_shared_socket {
    int fd;
    struct address local;
    struct address advertised; /* its IP as the world knows it; family NONE: that of `local` */
    uint8_t tos;               /* set on the descriptor */
};

struct relay_config {
    const char *software_id; /* in STUN responses; empty: none */
    uint32_t timeout_s, silent_timeout_s, offer_timeout_s;
    uint16_t dtls_mtu;
    bool mos_without_rtt; /* `mos = LQ` */
    const char *srtp_engine;
    struct mailbox *control; /* of the control thread; borrowed */
    struct relay_listener listener;
};

/* Counters of one worker, read from any thread. */
struct relay_counters;
const struct relay_counters *relay_counters(const struct relay *relay);

/*
 * Makes the relay of one worker that is not started yet. Takes the descriptors of `shared`, also
 * when it fails. Returns 0 or a negative errno (-EINVAL: no such srtp_engine). When the worker
 * stops, all sockets are closed; each lease is told to the listener's mailbox.
 */
NODISCARD int relay_open(struct relay **out, struct worker *worker,
    const struct relay_config *config, const struct relay_shared_socket *shared,
    size_t shared_count);

/* Frees it; its worker has stopped. Accepts NULL. */
void relay_close(struct relay *relay);

/* The worker, for its counters of packets and drops. */
const struct worker *relay_worker(const struct relay *relay);

/* Applies a plan: opens, changes and closes what differs. An empty plan ends the call's media. */
void relay_post_update(struct relay *relay, struct relay_update *update);

enum relay_save {
    RELAY_SAVE_COPY,    /* the call goes on: what is saved is soon stale */
    RELAY_SAVE_AND_END, /* with it the call's media ends, without a farewell to its parties */
};

/* Asks for all that another process needs to go on with the call. Returns -ENOMEM or 0. */
NODISCARD int relay_post_save(
    struct relay *relay, uint64_t call, uint64_t token, enum relay_save how);

/* Asks for a snapshot; a call not known gives one with `found` false. Returns -ENOMEM or 0. */
NODISCARD int relay_post_query(struct relay *relay, uint64_t call, uint64_t token);

#endif
