/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/transport.h - what packets of a call travel on: sockets, remote addresses, ICE, DTLS and
 * SRTP keys, for RTP and (when it is not muxed) RTCP.
 *
 * Owned by its call. It borrows the ports: leased ones belong to the call, shared ones to the
 * relay. One or, under BUNDLE, several streams ride on it.
 */
#ifndef RELAY_TRANSPORT_H
#define RELAY_TRANSPORT_H

#include "base/timers.h"
#include "relay/demux.h"
#include "relay/learning.h"
#include "relay/port.h"
#include "relay/state.h"

struct call_media;
struct dtls_association;
struct ice_agent;
struct rtpsec_session;
struct stream;

/* Where a packet leaves, and to whom. */
struct route {
    struct packet_socket *socket;
    struct address remote;
};

/* One of the two: RTP, with RTCP when muxed; or RTCP. */
struct component {
    struct transport *transport;
    uint8_t index; /* 0 or 1 */

    struct learning learning; /* without ICE */
    uint8_t local;            /* the local address to send from, without ICE */
    struct route selected;    /* with ICE; socket NULL: no pair, or no consent */
    bool consent_expired;     /* and that is why there is none */

    struct dtls_association *dtls;
    struct timer dtls_timer;
    struct address dtls_peer; /* where its handshake came from; family NONE: none yet */
    uint8_t dtls_local;       /* and to which local address */
    uint64_t dtls_begun_ms;
    uint64_t dtls_verified_ms; /* 0: not, or OpenSSL's state has been given back */

    struct rtpsec_session *rx, *tx; /* with SDES only component 0 has them, for both */
};

/* A local ufrag by which checks on a shared port find their transport. */
struct ufrag_entry {
    struct map_node node;
    struct transport *transport;
    char ufrag[PLAN_UFRAG_SIZE];
};

struct transport {
    struct list link; /* in the call's list */
    struct relay *relay;
    struct call_media *call;
    struct plan_transport plan; /* points into that of the call */

    struct port *ports[PLAN_MAX_LOCALS][2]; /* by local address and component; NULL: none */
    struct component components[2];

    struct ice_agent *ice; /* NULL: without ICE */
    struct timer ice_timer;
    struct ufrag_entry ufrags[2]; /* of this generation, and the one to fall back to */
    struct log_limit ice_lines;   /* about selected pairs */
    uint64_t ice_active_ms;       /* the last check answered */
    struct list tuples;           /* 5-tuples on shared ports, the oldest first */
    unsigned tuple_count;

    struct demux demux;
    struct stream *streams[PLAN_MAX_STREAMS]; /* by member of the demux */
    uint64_t told;                            /* bit n: drop reason n has been logged */
};

/* Returns a new transport of `call`, in its list, that does nothing yet; NULL: out of memory. */
NODISCARD struct transport *transport_new(struct call_media *call, uint32_t id);

/* Brings it to what the plan says; the call has all leases that the plan names. */
void transport_apply(struct transport *t, const struct plan_transport *plan, uint64_t now_ms);

void transport_free(struct transport *t);

/* On a shared port, packets from `remote` are for this transport, because SDP says so: for a peer
 * that sends no checks. */
void transport_bind_signalled(struct transport *t, const struct address *remote, uint8_t index);

/* The single stream that is not RTP, if it carries one. */
bool transport_is_raw(const struct transport *t);

/* Where a component's packets go now; DROP_NONE, or why they cannot go. */
NODISCARD enum drop_reason component_route(const struct component *c, struct route *out);

/* A packet from `source` may pass as far as anyone can tell, to the local address number `local`.
 * Without ICE: judges the source and learns from it. DROP_NONE, or DROP_SOURCE_REFUSED. */
enum drop_reason component_learn(struct component *c, const struct address *source, uint8_t local,
    bool authentic, uint64_t now_ms);

/* The component whose SRTP sessions serve `c`. */
struct component *component_keys(struct component *c);

/* The component that carries RTCP to the party. */
struct component *transport_rtcp(struct transport *t);

/* A packet for or from the transport is dropped: counted by its verdict, and told once a reason. */
void transport_drop(struct transport *t, struct packet *packet, enum drop_reason reason);

#endif
