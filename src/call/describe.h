/* SPDX-License-Identifier: Apache-2.0 */
/* call/describe.h - what the m= section of a party says about its side. */
#ifndef CALL_DESCRIBE_H
#define CALL_DESCRIBE_H

#include "call/codecs.h"
#include "call/work.h"

/* Reads what must be known before the BUNDLE groups are: kind, port 0 and mid. */
void describe_outline(struct work *w, struct side *s, const struct sdp_media *media);

/* Reads the rest: addresses, direction, keys, ICE, rtcp-mux, SSRCs. */
void describe_side(struct work *w, struct side *s, const struct sdp_media *media);

/* Remembers the payload types that the party may send, and the first codec. */
void describe_payloads(struct work *w, struct side *s, const struct codecs *list);

#endif
