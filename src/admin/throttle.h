/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin/throttle.h - how often a source may fail to present the right token.
 *
 * A table of fixed size: sources that fall together share a bucket. IPv6 counts by /64.
 */
#ifndef ADMIN_THROTTLE_H
#define ADMIN_THROTTLE_H

#include "base/token_bucket.h"
#include "mediaferry/address.h"

enum { THROTTLE_BUCKETS = 256, THROTTLE_BURST = 10, THROTTLE_PER_SECOND = 1 };

struct admin_throttle {
    uint64_t seed;
    struct token_bucket buckets[THROTTLE_BUCKETS];
};

void admin_throttle_init(struct admin_throttle *throttle);

/* Whether the source may try: its token is not even looked at otherwise. */
bool admin_throttle_may_try(
    struct admin_throttle *throttle, const struct address *source, uint64_t now_ms);

/* It has tried, and failed. */
void admin_throttle_failed(
    struct admin_throttle *throttle, const struct address *source, uint64_t now_ms);

#endif
