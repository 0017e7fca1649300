/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/pipeline.h - a batch of packets on its way through the relay:
 *
 *     admit --> unprotect --> place --> fan out --> protect --> send
 *       |
 *       +--> slow lane (STUN, DTLS), when all that has left
 *
 * Each stage takes the whole batch before the next one begins (fan out, protect and send together,
 * when one packet becomes several). Packets stay in their order. Nothing is allocated, nothing is
 * copied, save for a second sink.
 */
#ifndef RELAY_PIPELINE_H
#define RELAY_PIPELINE_H

#include "relay/state.h"

/* Returns new working memory; NULL: out of memory. */
NODISCARD struct round *pipeline_round_new(void);
void pipeline_round_free(struct round *round);

/* Takes the packets of one batch through. What is not sent has a drop verdict, or waits in the slow
 * lane, for which the worker is asked to call again. */
void pipeline_run(struct relay *relay, struct packet_batch *batch, uint64_t now_ms);

void pipeline_slow_init(struct relay *relay);

/* STUN and DTLS, as much as one turn allows; asks for another one when some is left. */
void pipeline_slow_turn(struct relay *relay);

/* The socket is about to be closed: what waits in the slow lane is dropped. */
void pipeline_slow_forget(struct relay *relay, const struct packet_socket *socket);

#endif
