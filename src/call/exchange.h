/* SPDX-License-Identifier: Apache-2.0 */
/* call/exchange.h - the commands that carry SDP, and what they have in common. */
#ifndef CALL_EXCHANGE_H
#define CALL_EXCHANGE_H

#include "call/work.h"

NODISCARD enum call_status exchange_offer(struct work *w);
NODISCARD enum call_status exchange_answer(struct work *w);
/* A trickle fragment (RFC 8840) from the sender of an offer or answer: more candidates. */
NODISCARD enum call_status exchange_fragment(struct work *w);

/* Reads the SDP of the command into w->sdp and keeps its text in the arena. `*is_ours` is set when
 * it carries our `loop-protect` mark: then there is nothing to do. */
NODISCARD enum call_status exchange_parse(struct work *w, struct text *kept, bool *is_ours);

/* The answer to SDP with our mark: itself, and nothing changes. Another leg of ours is in between.
 */
enum call_status exchange_return_ours(struct work *w);

/* The flags that hold for the sender of the message from now on (ng-protocol 2.2). */
void exchange_note_flags(struct work *w);

/* A copy of what holds, or of what was offered last, or an empty side, to work on. */
struct side *exchange_begin_side(struct work *w, const struct party *p, uint32_t section);

/* The transports of both parties: a new learning window opens. */
void exchange_signalled(const struct work *w);

/* Trickled candidates that came before the SDP of the party `tag` did. */
void exchange_queued_fragments(struct work *w, const struct party *p, struct text tag);

#endif
