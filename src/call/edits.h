/* SPDX-License-Identifier: Apache-2.0 */
/* call/edits.h - `sdp-attr`: attributes added, removed and substituted in the written SDP. */
#ifndef CALL_EDITS_H
#define CALL_EDITS_H

#include "call/work.h"

/* Copies the SDP `from` into `out`, edited; additions come at the end of their part. */
void edits_apply(const struct work *w, struct text from, struct writer *out);

#endif
