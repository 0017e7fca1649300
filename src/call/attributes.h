/* SPDX-License-Identifier: Apache-2.0 */
/* call/attributes.h - which attributes of the sender the receiver gets as they are. */
#ifndef CALL_ATTRIBUTES_H
#define CALL_ATTRIBUTES_H

#include "call/work.h"

/*
 * Whether SDP toward `receiver` is freed of what only a browser understands: the sender is one, the
 * receiver speaks plain RTP (`plain-sdp`). So an INVITE over UDP stays below the MTU.
 */
bool attributes_are_plain(
    const struct work *w, const struct side *sender, const struct side *receiver);

enum attributes_level { ATTRIBUTES_SESSION, ATTRIBUTES_RTP, ATTRIBUTES_RAW };

/* Whether an attribute is copied. Those that are not are written anew (ng-protocol 3.3), or are
 * left out as `plain`. */
bool attributes_pass(const struct sdp_attr *attr, enum attributes_level level, bool plain);

/* Whether an a=extmap line reaches the receiver. */
bool attributes_extmap_passes(const struct work *w, struct text value, bool plain);

/* Whether no header extension is agreed on with the receiver, so that none may be sent. */
bool attributes_no_extensions(const struct work *w, bool plain);

#endif
