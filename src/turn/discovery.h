/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/discovery.h - the Binding service of the TURN server, with the discovery of the behaviour
 * of NATs (RFC 5780) when two addresses with two ports each are configured.
 *
 * Pure: says what to send, from where and to where.
 */
#ifndef TURN_DISCOVERY_H
#define TURN_DISCOVERY_H

#include "mediaferry/stun.h"
#include "turn/settings.h"

/* Where the answer goes; `from` is one of the four addresses of discovery, or as given. */
struct binding_route {
    struct address from;
    struct address to;
};

/*
 * Answers the Binding request `m`, received at `server` from `client`, into the empty `reply`.
 * `is_datagram`: over UDP without DTLS, where an answer can take another way than its request.
 * With `discovery` off its attributes are unknown (420). A padded answer is no longer than its
 * request, so that nobody gains by a forged source. `route` is written unless nothing is answered.
 */
NODISCARD enum stun_answer discovery_answer(const struct turn_discovery *discovery,
    const struct stun_message *m, const struct address *client, const struct address *server,
    bool is_datagram, struct writer *reply, struct binding_route *route);

#endif
