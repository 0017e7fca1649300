/* SPDX-License-Identifier: Apache-2.0 */
/* call/origin.h - o= and s= toward a party, and the `replace` family (ng-protocol 3.4). */
#ifndef CALL_ORIGIN_H
#define CALL_ORIGIN_H

#include "call/work.h"

/* s= for the receiver. */
struct text origin_name(struct work *w);

/* Writes v= and o= for the receiver; `changed`: the rest of the SDP differs from the last one. */
void origin_write(struct work *w, struct writer *out, bool changed);

#endif
