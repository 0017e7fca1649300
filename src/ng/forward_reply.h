/* SPDX-License-Identifier: Apache-2.0 */
/* ng/forward_reply.h - what another node has replied to a request that was forwarded to it. */
#ifndef NG_FORWARD_REPLY_H
#define NG_FORWARD_REPLY_H

#include "mediaferry/ng.h"

/* What a node says of a call that it does not have. */
#define NG_UNKNOWN_CALL_ID "Unknown call-id"

enum ng_reply_kind {
    NG_REPLY_OK,
    NG_REPLY_LOAD_LIMIT,
    NG_REPLY_ERROR,
    NG_REPLY_UNKNOWN, /* an error, too: the node does not have the call */
    NG_REPLY_INVALID, /* no dictionary, a result that is not known, or out of memory */
};

/*
 * Reads a bencoded reply: moves its entries but for `result` and `error-reason` into `out`, a
 * dictionary of the arena; `*reason` becomes that of an error, terminated. Nothing is put when it
 * is invalid. The texts of `out` borrow `document`.
 */
NODISCARD enum ng_reply_kind ng_forward_reply_read(
    struct bytes document, struct ng_arena *arena, struct ng_value *out, const char **reason);

#endif
