/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/scene.h - a relay in the simulated world, one call's plan that tests edit and apply, and a
 * listener that writes down what it is told.
 */
#ifndef SIM_SCENE_H
#define SIM_SCENE_H

#include "peers.h"
#include "relay/counters.h"
#include "relay/relay.h"

/* The relay's addresses: transport number n has the lease n with the ports 30000 + 2n and the next,
 * or uses a shared port. */
#define RELAY_IP "198.51.100.1"
#define ADVERTISED "203.0.113.1" /* as the world knows it */
#define SHARED RELAY_IP ":40000"
#define SHARED_6 "[2001:db8::1]:40000"

enum { SCENE_MAX = 16, SCENE_CALL = 7 };

/* What a transport and a stream of the plan point to, for tests to write into. */
struct scene_transport_parts {
    struct plan_local locals[PLAN_MAX_LOCALS];
    struct plan_ice ice;
    char local_ufrag[PLAN_UFRAG_SIZE], local_pwd[PLAN_PWD_SIZE];
    char remote_ufrag[PLAN_UFRAG_SIZE], remote_pwd[PLAN_PWD_SIZE];
    struct plan_candidate candidates[PLAN_MAX_CANDIDATES];
    struct plan_srtp srtp_rx, srtp_tx;
    struct plan_dtls dtls;
};

struct scene_stream_parts {
    uint32_t sinks[PLAN_MAX_SINKS];
    struct plan_payload payloads[PLAN_MAX_PAYLOADS];
    uint32_t ssrcs[PLAN_MAX_SSRCS];
};

struct scene {
    struct worker *worker;
    struct relay *relay;
    struct mailbox control;
    struct dtls_certificate *certificate;

    struct plan_transport transports[SCENE_MAX];
    struct plan_stream streams[SCENE_MAX];
    struct scene_transport_parts transport_parts[SCENE_MAX];
    struct scene_stream_parts stream_parts[SCENE_MAX];
    struct plan plan;
    struct relay_sockets sockets[SCENE_MAX]; /* new ones, for the next apply */
    size_t socket_count;

    unsigned closed[SCENE_MAX]; /* how often lease n was told closed */
    unsigned timeouts;
    enum plan_timeout why;
    unsigned snapshots;
    bool found;
    uint64_t token;
    struct relay_transport_state transport_states[SCENE_MAX];
    struct relay_stream_state stream_states[SCENE_MAX];

    unsigned changes; /* told by the relay */
    unsigned saves;
    struct relay_resume *saved;     /* a copy of the last answer; NULL: nothing was there */
    const struct plan *applied;     /* the last plan that was posted; a reference */
    struct relay_counters counters; /* of the relays that are gone */
};

/* With SIM_MOVES in the environment the call goes on in another relay whenever all is settled,
 * which nobody should notice (sim/moves.h); scene_stays() is for those who would. */
void scene_stays(void);

/* Opens a relay with both shared ports. timeout 60, silent-timeout 3600,
 * offer-timeout 300 s. */
void scene_open(struct scene *s);
void scene_close(struct scene *s);

/* The two halves of them that are about the relay: the world stays. */
void scene_open_relay(struct scene *s);
void scene_close_relay(struct scene *s);

/* The relay's fingerprint. */
const struct dtls_fingerprint *scene_fingerprint(const struct scene *s);

/* A new transport in the plan, plain RTP with two leased ports; `remote` may be NULL. */
struct plan_transport *scene_leased(struct scene *s, uint32_t id, const char *remote);

/* One on the shared ports with ICE and DTLS: the ufrag is "relayN", N the id. */
struct plan_transport *scene_webrtc(struct scene *s, uint32_t id);

/* Writes a browser's side into the plan: ufrag, password and fingerprint. */
void scene_know_browser(struct plan_transport *t, const struct browser *b);

/* Points a browser at a transport. */
void scene_point_browser(struct browser *b, const struct plan_transport *t);

/* A new stream, PCMU, that sends and receives. */
struct plan_stream *scene_stream(struct scene *s, uint32_t id, uint32_t transport);

/* `from`'s packets go to `to`. */
void scene_sink(struct plan_stream *from, const struct plan_stream *to);
void scene_connect(struct plan_stream *a, struct plan_stream *b);

/* Posts the plan with the new sockets and settles. */
void scene_apply(struct scene *s);

/* Posts the plan again that was posted last; takes `resume`. */
void scene_apply_resume(struct scene *s, struct relay_resume *resume);

/* Ends the call; with scene_leave() without a farewell. */
void scene_end_call(struct scene *s);
void scene_leave(struct scene *s);

/* Asks for a snapshot; its states are found in the scene by stream or transport id. */
void scene_query(struct scene *s);
const struct relay_stream_state *scene_stream_state(const struct scene *s, uint32_t id);
const struct relay_transport_state *scene_transport_state(const struct scene *s, uint32_t id);

/* Nothing got lost between the counters. */
void scene_check_sums(const struct scene *s);

#endif
