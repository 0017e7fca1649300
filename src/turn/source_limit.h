/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/source_limit.h - how many replies a source that has proven nothing may cause.
 *
 * Against reflection: whoever forges a source shall not make us flood it. Three limits hold at
 * once, of the endpoint (so that one wild client does not starve those behind the same NAT), of the
 * address (an IPv6 /64) and of its network (/24, /48). For datagrams only: a TCP or DTLS peer has
 * shown that it is there.
 *
 * Many clients may share one address, so only replies that lead to nothing count: a source that
 * comes back with a nonce of ours gets its reply back by source_limit_proven(). Those whose
 * request is dropped send it again (RFC 8489, section 6.2.1), seven times in 31.5 s.
 *
 * Fixed memory (256 KiB), shared by the workers without locks. Sources whose reply is paid off
 * leave no trace; when a flood of sources fills the table, some share a bucket.
 */
#ifndef TURN_SOURCE_LIMIT_H
#define TURN_SOURCE_LIMIT_H

#include "mediaferry/address.h"

struct source_limit;

/* NULL: out of memory. */
NODISCARD struct source_limit *source_limit_new(void);
void source_limit_free(struct source_limit *limit); /* accepts NULL */

/* Whether a reply may be sent to `source` now; it is then counted. `per_second`: replies to one
 * address, and as many at once; 0: no limit. */
NODISCARD bool source_limit_admit(
    struct source_limit *limit, uint32_t per_second, const struct address *source, uint64_t now_ms);

/* `source` has returned a valid nonce: one reply to it was no forgery. */
void source_limit_proven(
    struct source_limit *limit, uint32_t per_second, const struct address *source, uint64_t now_ms);

#endif
