/* SPDX-License-Identifier: Apache-2.0 */
/* call/formats.h - the codecs of one section in the SDP that goes to the receiver. */
#ifndef CALL_FORMATS_H
#define CALL_FORMATS_H

#include "call/codecs.h"
#include "call/work.h"

/*
 * Works out the list of an RTP section for the receiver and notes what both parties may send.
 * `offered` is our own SDP that the answerer answers (NULL for an offer).
 */
void formats_exchange(
    struct work *w, uint32_t section, const struct sdp *offered, struct codecs *out);

#endif
