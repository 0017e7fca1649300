/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/encode.h - a reply as bytes, never larger than a datagram.
 *
 * Statistics of a large call may not fit: then parts of them are left out, the bulkiest first, and
 * `warning` says so, since a reply that never arrives makes the proxy ask again and again.
 */
#ifndef NG_ENCODE_H
#define NG_ENCODE_H

#include "mediaferry/ng.h"

/* Writes `cookie`, a space and the dictionary. Sets `*truncated` when parts were left out; the
 * writer fails when even that does not help. */
void ng_encode(struct writer *w, struct bytes cookie, bool is_json, struct ng_arena *arena,
    struct ng_value *reply, bool *truncated);

#endif
