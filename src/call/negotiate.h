/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/negotiate.h - rtcp-mux, ICE, DTLS and SDES between us and one party.
 *
 * Each comes in the same steps: *read* takes what the party's SDP says, *offer* decides what our
 * SDP offers a party, *answer* what our SDP answers it. They work on the link of a pending side,
 * which is a copy of what held before; so old and new can be compared.
 */
#ifndef CALL_NEGOTIATE_H
#define CALL_NEGOTIATE_H

#include "call/work.h"

/* The first attribute of a kind: the section's, else the session's. */
NODISCARD bool negotiate_attr(const struct sdp *sdp, const struct sdp_media *media,
    enum sdp_attr_kind kind, struct sdp_attr *out);

/* rtcp-mux (RFC 5761, ng-protocol 3.6) */
static inline bool mux_is_sure(const struct link *l)
{
    return l->mux && (l->mux_settled || l->mux_required);
}

void mux_offer(const struct work *w, struct side *sender, struct side *receiver);
void mux_answer(struct side *offerer, struct side *answerer);
/* The shared port has no room for RTCP of its own. */
void mux_on_transport(struct link *l, const struct transport *t);

/* ICE (RFC 8445, 8839), lite on our side */
void ice_read(struct work *w, struct ice_state *ice, const struct sdp_media *media);
void ice_offer(const struct work *w, const struct side *sender, struct side *receiver);
void ice_new_credentials(const struct work *w, struct ice_state *ice);
/* Adds the a=candidate lines that can be used to those known. */
void ice_add_candidates(struct arena *a, struct ice_state *ice, struct text lines);

/* Whether the party is sure to speak ICE: then the shared port will do. */
static inline bool side_is_webrtc(const struct side *s)
{
    return s->link.ice.used &&
           (s->link.ice.theirs || (sdp_protocol_bits(s->protocol) & SDP_DTLS) != 0);
}

/* DTLS (RFC 5763, 8842) and SDES (RFC 4568, 8643) */
void dtls_read(struct work *w, struct dtls_state *dtls, const struct sdp_media *media);
/* Takes what the answer says about our actpass. */
void dtls_accept(struct dtls_state *dtls);
/* Decides our role in the answer to an offer. */
void dtls_answer(struct dtls_state *dtls);
void dtls_new_id(const struct work *w, struct dtls_state *dtls);

/* What will hold for the sender of an offer, as far as it can be told. */
void security_expect(struct side *offerer);
/* What to offer the receiver: sets its security, DTLS and a=crypto lines. */
void security_offer(struct work *w, const struct sdp_media *source, struct side *receiver);
/* What the receiver of our offer took; `media` is of its answer. */
void security_accept(struct work *w, const struct sdp_media *media, struct side *answerer);
/* What to answer the offerer, whose own section is `offer`. False: there is no key exchange that
 * both sides can do. */
NODISCARD bool security_answer(struct work *w, const struct sdp_media *offer, struct side *offerer);

/* BUNDLE (RFC 9143) */
/* Groups of the sender's offer that we accept. */
void bundle_read_offer(struct work *w);
/* Groups that we offer to the receiver. */
void bundle_offer(struct work *w);
/* Groups that the answerer took. */
void bundle_read_answer(struct work *w);
/* Under BUNDLE the group keeps the transport that any of its members has (RFC 9143, 7.5), and what
 * is ours of the link: a tagged section without a transport takes both. */
void bundle_join_transport(const struct party *p, struct side *lead);
/* Rejected sections leave the groups of the offerer, who gets the answer. */
void bundle_answer(struct party *offerer);

#endif
