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

#include "relay/demux.h"
#include "relay/learning.h"
#include "relay/port.h"
#include "relay/state.h"

struct call_media;
struct dtls_association;
struct dtls_leg;
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
    uint8_t index;        /* 0 or 1 */
    uint8_t local;        /* the local address to send from, without ICE */
    bool consent_expired; /* and that is why there is no pair */

    struct learning learning;       /* without ICE */
    struct route selected;          /* with ICE; socket NULL: no pair, or no consent */
    struct rtpsec_session *rx, *tx; /* with SDES only component 0 has them, for both */

    struct dtls_association *dtls;
    struct dtls_leg *dtls_leg; /* of dtls_path.c, together with `dtls` */
};

/* Several streams ride on one transport (BUNDLE). */
struct bundle {
    struct demux demux;
    struct stream *streams[PLAN_MAX_STREAMS]; /* by member of the demux */
};

struct transport {
    struct list link; /* in the call's list */
    struct relay *relay;
    struct call_media *call;
    struct ice_agent *ice; /* NULL: without ICE */
    struct stream *stream; /* the first that rides on it; NULL: none */
    struct bundle *bundle; /* NULL: there is no other */
    bool is_raw;           /* the single stream is no RTP */
    uint8_t port_room;     /* of `ports`; never less than one, never shrinks */
    uint8_t tuple_count;
    struct port *(*ports)[2];      /* by local address and component; NULL: none */
    struct port *first_port[1][2]; /* room for the one address that most have */
    struct plan_transport plan;    /* points into that of the call */
    struct component components[2];

    uint64_t ice_active_ms; /* the last check answered */
    struct list tuples;     /* 5-tuples on shared ports, the oldest first */
    uint64_t told;          /* bit n: drop reason n has been logged */
};

/* Returns a new transport of `call`, in its list, that does nothing yet; NULL: out of memory. */
NODISCARD struct transport *transport_new(struct call_media *call, uint32_t id);

/* Brings it to what the plan says; the call has all leases that the plan names. A new one goes on
 * with `resume`; NULL: there is nothing to go on with. */
void transport_apply(struct transport *t, const struct plan_transport *plan,
    const struct relay_resume *resume, uint64_t now_ms);

void transport_free(struct transport *t);

/* On a shared port, packets from `remote` are for this transport, because SDP says so: for a peer
 * that sends no checks. */
void transport_bind_signalled(struct transport *t, const struct address *remote, uint8_t index);

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
