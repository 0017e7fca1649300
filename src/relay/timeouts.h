/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay/timeouts.h - when a call has been silent for too long (ng-protocol 5.2).
 *
 * A call ends only when every stream of it has been silent for longer than the timeout that holds
 * for it now. Pure.
 */
#ifndef RELAY_TIMEOUTS_H
#define RELAY_TIMEOUTS_H

#include "mediaferry/bytes.h"
#include "plan/plan.h"

/* In seconds; 0 never ends anything. */
struct timeout_rules {
    uint32_t media_s, silent_s, offer_s;
};

struct timeout_stream {
    enum plan_timeout timeout;
    uint64_t active_ms; /* the last packet, or when this timeout began to hold */
};

/* Whether all `count` streams are silent; `out` then says which timeout it was: that of the most
 * lively kind of stream. False without streams. */
NODISCARD bool timeouts_ended(const struct timeout_rules *rules,
    const struct timeout_stream *streams, size_t count, uint64_t now_ms, enum plan_timeout *out);

#endif
