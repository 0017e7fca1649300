/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/source_limit.h - how many replies a source that has proven nothing may cause.
 *
 * Against reflection: whoever forges a source shall not make us flood it. Limits hold at once: of
 * the endpoint, so that one wild client does not starve the others behind its NAT; of the address
 * (an IPv6 /64); of its network (/24, /48); and of all together, so that a flood from everywhere
 * leaves time for those who are served. For datagrams only: who speaks TCP, TLS or DTLS has shown
 * that he is there.
 *
 * Many clients may share one address, so only what leads to nothing counts: the reply to a source
 * that comes back with a nonce of ours is given back by source_limit_proven(). What then is refused
 * comes again: clients send a request up to seven times in 31.5 s (RFC 8489, section 6.2.1).
 *
 * The memory is fixed, whatever comes (160 KiB). A source whose replies are paid off leaves no
 * trace; only when a flood of sources has filled the table do some share a bucket. Any thread may
 * call, several may share one limit; there are no locks.
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
